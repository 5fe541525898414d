//! The tools of `mcp`: what they take, and what they answer.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::{Asked, Example, Question};
use crate::cli::input::PictureReader;
use crate::cli::opened::Opened;
use crate::cli::session::Session;
use crate::head::Mode;
use crate::picture::PictureId;
use crate::report::comparison_text;
use crate::search::{Comparison, QueryResult};
use crate::serve::api::{CompareRequest, SearchRequest};

/// Results of a search, unless more are asked for.
const RESULTS: usize = 5;
/// More previews are more than an assistant looks at.
const MOST_RESULTS: usize = 20;

/// What the tools work on. The store is opened for each call, unless another process has it open: an
/// assistant stays for days, and nobody is to wait for it.
pub(super) struct Tools<'a> {
    session: &'a Session,
    reader: PictureReader<'a>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FindSimilar {
    picture: String,
    limit: Option<usize>,
    #[serde(default)]
    mode: Mode,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Compare {
    a: String,
    b: String,
    #[serde(default)]
    mode: Mode,
}

/// What an assistant is told of the tools.
pub(super) fn described() -> Value {
    let picture = |of: &str| {
        json!({
            "type": "string",
            "description": format!("{of}: the path of a file, a URL, or the id of a stored picture"),
        })
    };
    let mode = json!({
        "type": "string",
        "enum": Mode::ALL.map(Mode::name),
        "description": "What alike means: same-subject (the same kind of thing, the default), \
                        look-alike (the same colours and textures), or copy (made from one another)",
    });
    json!([
        {
            "name": "find_similar",
            "description": "Finds the stored pictures that are like one, with their scores (0 to 1), \
                            why they are alike, where they were seen, and small previews",
            "inputSchema": {
                "type": "object",
                "properties": {
                    "picture": picture("The picture"),
                    "limit": {"type": "integer", "minimum": 1, "maximum": MOST_RESULTS,
                              "description": format!("How many; {RESULTS} unless told")},
                    "mode": mode,
                },
                "required": ["picture"],
                "additionalProperties": false,
            },
        },
        {
            "name": "compare",
            "description": "Compares two pictures: one similarity from 0 to 1, and what they have in \
                            common",
            "inputSchema": {
                "type": "object",
                "properties": {
                    "a": picture("The first picture"),
                    "b": picture("The second picture"),
                    "mode": mode,
                },
                "required": ["a", "b"],
                "additionalProperties": false,
            },
        },
        {
            "name": "status",
            "description": "Counts what is stored: pictures, pages, hosts",
            "inputSchema": {"type": "object", "properties": {}, "additionalProperties": false},
        },
    ])
}

impl<'a> Tools<'a> {
    pub(super) fn new(session: &'a Session) -> Self {
        Self {
            session,
            reader: PictureReader::new(&session.config),
        }
    }

    /// What a tool answers, as blocks of content; `None` if there is no such tool.
    pub(super) fn call(&mut self, name: &str, asked: &Value) -> Option<anyhow::Result<Vec<Value>>> {
        Some(match name {
            "find_similar" => parsed(asked).and_then(|asked| self.find_similar(asked)),
            "compare" => parsed(asked).and_then(|asked| self.compare(asked)),
            "status" => self.status(),
            _ => return None,
        })
    }

    fn find_similar(&mut self, asked: FindSimilar) -> anyhow::Result<Vec<Value>> {
        let limit = asked.limit.unwrap_or(RESULTS).clamp(1, MOST_RESULTS);
        let wanted = self.example(&asked.picture)?;
        let config = &self.session.config;
        let options = Asked {
            limit: Some(limit),
            candidates: Some(config.query.candidates),
            mode: asked.mode,
            ..Asked::default()
        };
        let session = self.session;
        let result = match session.opened(Session::collection_to_read)? {
            Opened::Here(collection) => {
                let head = session.head(None)?;
                let options = options.options(&session.config, &head)?;
                let question = Question {
                    name: asked.picture,
                    wanted: vec![wanted],
                    ..Question::default()
                };
                collection.search(&question, &head, &options)?
            }
            Opened::There(connection) => {
                let (head, text) = session.head_to_send(None)?;
                let (ids, given) = match wanted {
                    Example::Stored(id) => (vec![id.to_string()], Vec::new()),
                    Example::Given(picture) => (Vec::new(), vec![picture]),
                };
                let asked = SearchRequest {
                    asked: options,
                    head: Some(head),
                    positive: ids,
                    name: Some(asked.picture),
                    previews: true,
                    ..SearchRequest::default()
                };
                connection.search(&asked, &given, &[], text.as_deref())?
            }
        };
        Ok(of_result(&result))
    }

    fn compare(&mut self, asked: Compare) -> anyhow::Result<Vec<Value>> {
        let (a, b) = (self.example(&asked.a)?, self.example(&asked.b)?);
        let session = self.session;
        let comparison: Comparison = match (session.owner()?, &a, &b) {
            (Some(connection), ..) => {
                let (head, text) = session.head_to_send(None)?;
                let asked = CompareRequest {
                    head: Some(head),
                    mode: asked.mode,
                    ..CompareRequest::default()
                };
                connection.compare(&asked, &a, &b, text.as_deref())?
            }
            // That needs no store.
            (None, Example::Given(a), Example::Given(b)) => {
                let head = session.head(None)?;
                session.extraction()?.compare(a, b, &head, asked.mode)?
            }
            (None, ..) => {
                let head = session.head(None)?;
                let collection = session.alone(Session::collection_to_read)?;
                collection.compare(&a, &b, &head, asked.mode)?
            }
        };
        let lines = comparison_text(&comparison);
        Ok(vec![text(&lines.to_string()), structured(&comparison)?])
    }

    fn status(&mut self) -> anyhow::Result<Vec<Value>> {
        let status = match self.session.opened(Session::collection_to_read)? {
            Opened::Here(collection) => collection.status()?,
            Opened::There(connection) => connection.status()?,
        };
        Ok(vec![structured(&status)?])
    }

    fn example(&mut self, name: &str) -> anyhow::Result<Example> {
        Ok(match name.parse::<PictureId>() {
            Ok(id) => Example::Stored(id),
            Err(_) => self.reader.read(name)?.into(),
        })
    }
}

fn parsed<T: for<'de> Deserialize<'de>>(asked: &Value) -> anyhow::Result<T> {
    Ok(T::deserialize(asked)?)
}

fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

fn structured(value: &impl serde::Serialize) -> anyhow::Result<Value> {
    Ok(text(&serde_json::to_string(value)?))
}

/// The list in words, then each result's preview under its line.
fn of_result(result: &QueryResult) -> Vec<Value> {
    if result.results.is_empty() {
        return vec![text("there is nothing like it in the store")];
    }
    let mut content = Vec::new();
    for entry in &result.results {
        let why = entry.explanation.as_ref().map(|it| it.words.as_str());
        let mut line = format!(
            "{}. score {:.3}: {}",
            entry.rank,
            entry.score,
            entry.place()
        );
        if let Some(page) = entry.pages.first() {
            line += &format!(" on {} ({})", page.url, page.title);
        }
        line += &format!("\nid {}, {}x{} pixels", entry.id, entry.width, entry.height);
        if let Some(why) = why {
            line += &format!("\n{why}");
        }
        content.push(text(&line));
        if !entry.thumbnail.is_empty() {
            content.push(json!({
                "type": "image",
                "data": STANDARD.encode(&entry.thumbnail),
                "mimeType": "image/jpeg",
            }));
        }
    }
    content
}
