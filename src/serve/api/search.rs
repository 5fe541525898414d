//! `search`: what is like some pictures.

use std::time::Instant;

use axum::Json;
use axum::extract::{Request, State as Shared};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::form::{Form, Upload};
use super::head::head;
use crate::app::{Asked, Crop, Example, NamedPicture, Question, Web};
use crate::search::QueryResult;
use crate::serve::problem::{Problem, Refused};
use crate::serve::state::State;

/// What a search is asked for, beside the pictures that a form brings as files: `image` or
/// `positive` for those that results should be like, `negative` for those that they should not.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct SearchRequest {
    /// How much, of what kind.
    #[serde(flatten)]
    pub asked: Asked,
    /// Results that are passed over, to ask for a long list page by page; with `limit` at most 100,000.
    /// Their ranks go on counting.
    pub offset: usize,
    /// `fused`, `mse18` or `embedding`; a head file comes as the file `head`, and this is what
    /// messages call it.
    pub head: Option<String>,
    /// Stored pictures, by their ids, and URLs of pictures that results should be like.
    pub positive: Vec<String>,
    /// The same, of what they should not be like.
    pub negative: Vec<String>,
    /// What the answer calls the query.
    pub name: Option<String>,
    /// What messages call the files, in their order, where that is not their file name.
    pub names: Vec<String>,
    /// Whether the answer is to have previews.
    pub previews: bool,
    /// The part of the one picture wanted that is meant: x,y,width,height in shares of it. Of a stored
    /// picture the preview is looked at.
    #[serde(rename = "box")]
    #[schema(value_type = Option<String>)]
    pub part: Option<Crop>,
}

/// The same as a form.
#[derive(Serialize, ToSchema)]
#[allow(dead_code, reason = "it only describes the form")]
pub(super) struct SearchForm {
    /// A picture that results should be like; may be there several times, also as `positive`.
    #[schema(format = Binary, content_media_type = "application/octet-stream")]
    image: String,
    /// A picture that results should not be like; may be there several times.
    #[schema(format = Binary, content_media_type = "application/octet-stream")]
    negative: Option<String>,
    /// A head file.
    #[schema(format = Binary, content_media_type = "application/octet-stream")]
    head: Option<String>,
    /// The other fields.
    #[serde(flatten)]
    asked: Asked,
}

/// The answer to a search: what `query --format json` prints.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct SearchAnswer {
    /// The ranked list.
    #[serde(flatten)]
    pub result: QueryResult,
    /// Small JPEGs, if they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previews: Option<Previews>,
}

/// Small JPEGs of a query and its results, as base64.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Previews {
    /// The query's.
    pub query: String,
    /// The query picture's width and height.
    pub size: (u32, u32),
    /// The results', in their order; empty where there is none.
    pub results: Vec<String>,
}

impl SearchAnswer {
    pub(super) fn new(mut result: QueryResult, previews: bool) -> Self {
        let text = |jpeg: &[u8]| STANDARD.encode(jpeg);
        let previews = previews.then(|| Previews {
            query: text(&result.thumbnail),
            size: result.size,
            results: result
                .results
                .iter()
                .map(|entry| text(&entry.thumbnail))
                .collect(),
        });
        result.thumbnail = Vec::new();
        Self { result, previews }
    }

    /// The list, with its previews where they belong.
    pub fn into_result(self) -> QueryResult {
        let mut result = self.result;
        // What is no base64 is no preview.
        let jpeg = |text: &String| STANDARD.decode(text).unwrap_or_default();
        if let Some(previews) = self.previews {
            result.thumbnail = jpeg(&previews.query);
            result.size = previews.size;
            for (entry, preview) in result.results.iter_mut().zip(&previews.results) {
                entry.thumbnail = jpeg(preview);
            }
        }
        result
    }
}

/// Finds what is like some pictures
#[utoipa::path(
    post,
    path = "/search",
    tag = "search",
    request_body(content((SearchRequest = "application/json"), (SearchForm = "multipart/form-data"))),
    responses(
        (status = 200, description = "The ranked list", body = SearchAnswer),
        Refused
    )
)]
pub(super) async fn search(
    Shared(state): Shared<State>,
    request: Request,
) -> Result<Json<SearchAnswer>, Problem> {
    let started = Instant::now();
    let mut form = Form::read(&state, request).await?;
    let asked: SearchRequest = form.request()?;
    let head_file = form.take_head();
    name_uploads(&mut form.uploads, &asked.names);
    let mut question = Question {
        wanted: examples(&state, &asked.positive).await?,
        unwanted: examples(&state, &asked.negative).await?,
        part: asked.part,
        ..Question::default()
    };
    let mut names = asked.positive.clone();
    for upload in std::mem::take(&mut form.uploads) {
        let picture = NamedPicture {
            name: upload.name,
            bytes: upload.bytes,
        };
        match upload.field.as_str() {
            "image" | "positive" => {
                names.push(picture.name.clone());
                question.wanted.push(picture.into());
            }
            "negative" => question.unwanted.push(picture.into()),
            field => return Err(Problem::bad(format!("there is no file `{field}`"))),
        }
    }
    if question.wanted.is_empty() {
        return Err(Problem::bad(
            "there is nothing to search for: send a picture as the file `image`, or name ids or URLs \
             as `positive`",
        ));
    }
    question.name = asked.name.unwrap_or_else(|| names.join(" + "));
    let collection = state.collection.clone();
    question.reading_took = started.elapsed();
    let answer = state.searched(move |until| {
        question.until = Some(until);
        // Room for the bytes is kept until they are done with.
        let _form = form;
        let head = head(&collection, asked.head.as_deref(), head_file)?;
        let mut options = asked.asked.options(collection.config(), &head)?;
        options.k = last_rank(options.k, asked.offset)?;
        let mut result = collection.search(&question, &head, &options)?;
        let passed_over = asked.offset.min(result.results.len());
        result.results.drain(..passed_over);
        Ok::<_, Problem>(SearchAnswer::new(result, asked.previews))
    });
    Ok(Json(answer.await??))
}

/// The longest list.
const MOST_RESULTS: usize = 100_000;

/// The rank of the last result wanted.
fn last_rank(limit: usize, offset: usize) -> Result<usize, Problem> {
    let last = offset
        .checked_add(limit)
        .filter(|last| *last <= MOST_RESULTS);
    last.ok_or_else(|| {
        Problem::bad(format!(
            "offset {offset} and limit {limit} go beyond {MOST_RESULTS} results: ask for fewer"
        ))
    })
}

/// Calls files what the client calls them.
pub(super) fn name_uploads(uploads: &mut [Upload], names: &[String]) {
    for (upload, name) in uploads.iter_mut().zip(names) {
        upload.name.clone_from(name);
    }
}

/// A picture that is named by its URL.
pub(in crate::serve) async fn given(state: &State, url: &str) -> Result<NamedPicture, Problem> {
    match Web::is_url(url) {
        true => Ok(state.web()?.fetch(url).await?),
        false => Err(Problem::bad(format!(
            "`{url}` is neither the id of a picture, 64 hexadecimal digits, nor a URL"
        ))),
    }
}

/// The pictures that names mean: ids, and URLs, which are fetched as a crawl would. Never paths.
pub(super) async fn examples(state: &State, names: &[String]) -> Result<Vec<Example>, Problem> {
    let mut examples = Vec::new();
    for name in names {
        examples.push(match name.parse() {
            Ok(id) => Example::Stored(id),
            Err(_) => given(state, name).await?.into(),
        });
    }
    Ok(examples)
}
