//! `query`, and the flags and the loop that it shares with `export`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use clap::{Args, ValueEnum};

use crate::app::{
    Asked, Collection, Crop, Example, Moment, NamedPicture, Question, ScoreThreshold,
};
use crate::cli::input::{PictureReader, head, host_argument, name, some};
use crate::cli::opened::Opened;
use crate::cli::screen::pictures::{Pictures, PicturesArgs};
use crate::cli::session::Session;
use crate::cli::{Format, Outcome, is_interrupted, output, progress};
use crate::crawl::with_causes;
use crate::head::{Mode, Ranking};
use crate::plural::counted_as;
use crate::report::{entry_text, result_head, result_text};
use crate::search::{QueryResult, SearchOptions};
use crate::serve::Connection;
use crate::serve::api::SearchRequest;

type Count = clap::builder::RangedU64ValueParser<usize>;

/// Headings of `--help`.
const QUESTION: &str = "What is asked";
const WHICH: &str = "Which pictures";
const RANKING: &str = "Ranking";

/// The flags that `query` and `export` share.
#[derive(Debug, Args)]
pub(in crate::cli) struct SearchArgs {
    /// Results per query
    #[arg(short, value_name = "N", value_parser = Count::new().range(1..=100_000), help_heading = RANKING)]
    k: Option<usize>,
    /// Candidates that the index hands to the head
    #[arg(long, value_name = "N", value_parser = some(), help_heading = RANKING)]
    candidates: Option<usize>,
    /// Ranking: fused, mse18, embedding or a file made by `simdex train`
    #[arg(long, value_name = "NAME|FILE", value_parser = head(), help_heading = RANKING)]
    pub(in crate::cli) head: Option<String>,
    /// What "alike" means to the fused head
    #[arg(long, value_enum, default_value_t, help_heading = RANKING)]
    mode: ModeArg,
    /// Only pictures seen on this host
    #[arg(long, value_name = "H", value_parser = host_argument, help_heading = WHICH)]
    host: Option<String>,
    /// Only pictures that are at least so wide, in pixels
    #[arg(long, value_name = "W", help_heading = WHICH)]
    min_width: Option<u32>,
    /// Only pictures that are at least so high, in pixels
    #[arg(long, value_name = "H", help_heading = WHICH)]
    min_height: Option<u32>,
    /// Only pictures stored from then on: a day such as 2026-11-26 (UTC), or a time such as
    /// 2026-11-26T21:00:00Z
    #[arg(long, value_name = "TIME", help_heading = WHICH)]
    since: Option<Moment>,
    /// Only pictures stored before then
    #[arg(long, value_name = "TIME", help_heading = WHICH)]
    until: Option<Moment>,
    /// Only pictures of which pages say all of these words: in alternative text, titles or captions
    #[arg(long, value_name = "WORDS", help_heading = WHICH)]
    text: Option<String>,
    /// Only results of at least this score: a number from 0 to 1, or `p90` or `p99`, from
    /// where on 90 or 99 of 100 results were right in the head's training
    #[arg(long, value_name = "S", default_value = "0", help_heading = WHICH)]
    min_score: ScoreThreshold,
    /// Say which parts of the pictures match, and show the numbers behind the words
    #[arg(long, help_heading = "Output")]
    explain: bool,
    /// List near-copies one by one; otherwise one stands for all
    #[arg(long, help_heading = "Output")]
    all_copies: bool,
}

/// What "alike" means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(in crate::cli) enum ModeArg {
    /// The same kind of thing, however it looks
    #[default]
    SameSubject,
    /// The same colours, textures and patterns, whatever is shown
    LookAlike,
    /// One made from the other: cut, resized, mirrored, turned, recompressed
    Copy,
}

impl From<ModeArg> for Mode {
    fn from(mode: ModeArg) -> Self {
        match mode {
            ModeArg::SameSubject => Self::SameSubject,
            ModeArg::LookAlike => Self::LookAlike,
            ModeArg::Copy => Self::Copy,
        }
    }
}

impl SearchArgs {
    /// The first flag that was given and says something of results, not of pictures.
    pub(super) fn of_results(&self) -> Option<&'static str> {
        let given = [
            ("-k", self.k.is_some()),
            ("--candidates", self.candidates.is_some()),
            ("--head", self.head.is_some()),
            ("--mode", self.mode != ModeArg::default()),
            ("--min-score", self.min_score != ScoreThreshold::default()),
            ("--explain", self.explain),
            ("--all-copies", self.all_copies),
        ];
        let mut given = given.into_iter().filter(|(_, is_given)| *is_given);
        given.next().map(|(flag, _)| flag)
    }

    /// What is asked for; the configuration says what the flags do not.
    pub(in crate::cli) fn asked(&self, session: &Session) -> Asked {
        let config = &session.config.query;
        Asked {
            limit: Some(self.k.unwrap_or(config.k)),
            candidates: Some(self.candidates.unwrap_or(config.candidates)),
            host: self.host.clone(),
            min_width: self.min_width,
            min_height: self.min_height,
            since: self.since,
            until: self.until,
            text: self.text.clone(),
            score_threshold: self.min_score,
            mode: self.mode.into(),
            explain: self.explain,
            all_copies: self.all_copies,
        }
    }
}

#[derive(Debug, Args)]
pub(in crate::cli) struct QueryArgs {
    /// Picture files or URLs
    #[arg(required = true, value_name = "IMAGE|URL", value_parser = name())]
    queries: Vec<String>,
    /// One list for all the pictures together, instead of one each
    #[arg(long, help_heading = QUESTION)]
    together: bool,
    /// Pictures that results should not be like; implies --together
    #[arg(long, value_name = "IMAGE|URL", value_parser = name(), help_heading = QUESTION)]
    not: Vec<String>,
    /// Only the part of each picture in this box: x,y,width,height in shares of it, such as
    /// 0.5,0,0.5,1 for its right half
    #[arg(long = "box", value_name = "X,Y,W,H", conflicts_with_all = ["together", "not"], help_heading = QUESTION)]
    part: Option<Crop>,
    #[command(flatten)]
    search: SearchArgs,
    /// How to print the results; json is one object a line, one line a query
    #[arg(long, default_value = "text", help_heading = "Output")]
    format: Format,
    #[command(flatten)]
    pictures: PicturesArgs,
}

pub(in crate::cli) fn run(session: &Session, args: QueryArgs) -> anyhow::Result<Outcome> {
    let format = args.format;
    let questions = if args.together || !args.not.is_empty() {
        vec![NamedQuestion {
            name: args.queries.join(" + "),
            wanted: args.queries,
            unwanted: args.not,
            part: None,
        }]
    } else {
        let one = |name| NamedQuestion {
            part: args.part,
            ..NamedQuestion::one(name)
        };
        args.queries.into_iter().map(one).collect()
    };
    let pictures = args.pictures.shown().filter(|_| format == Format::Text);
    let explain = args.search.explain;
    let mut found = 0;
    let mut each = |result: QueryResult| {
        found += result.results.len();
        match format {
            Format::Json => output::json(&result),
            Format::Text => print_list(pictures, &result, explain),
        }
    };
    let outcome = for_each_result(
        session,
        &questions,
        &args.search,
        pictures.is_some(),
        &mut each,
    )?;
    if found > 0 && format == Format::Text && outcome != Outcome::Interrupted {
        hint(session, explain);
    }
    Ok(outcome)
}

/// Prints a list, with small pictures beside its results if they are shown.
pub(in crate::cli) fn print_list(
    pictures: Option<Pictures>,
    result: &QueryResult,
    explain: bool,
) -> anyhow::Result<()> {
    let Some(pictures) = pictures else {
        return output::text(&result_text(result, explain));
    };
    output::text(&result_head(result))?;
    result.results.iter().try_for_each(|entry| {
        let lines = entry_text(entry, explain);
        output::pictures(&pictures.preview_beside(&entry.thumbnail, &lines))
    })
}

fn hint(session: &Session, is_explained: bool) {
    let explain = (!is_explained).then(|| "`--explain` says which parts match".to_owned());
    let serve = session.is_alone().then(|| {
        let serve = session.command("serve");
        format!("{serve} shows the pictures in a browser")
    });
    let hints: Vec<String> = explain.into_iter().chain(serve).collect();
    if !hints.is_empty() {
        progress::hint(&format!("next: {}", hints.join(", ")));
    }
}

/// What is asked for, by names of files and URLs.
pub(in crate::cli) struct NamedQuestion {
    name: String,
    wanted: Vec<String>,
    unwanted: Vec<String>,
    part: Option<Crop>,
}

impl NamedQuestion {
    /// Pictures like one.
    pub(in crate::cli) fn one(name: String) -> Self {
        Self {
            wanted: vec![name.clone()],
            unwanted: Vec::new(),
            part: None,
            name,
        }
    }

    /// Reads and fetches its pictures.
    pub(in crate::cli) fn read(&self, reader: &mut PictureReader<'_>) -> anyhow::Result<Question> {
        let started = Instant::now();
        let (wanted, unwanted) = self.pictures(reader)?;
        Ok(Question {
            name: self.name.clone(),
            wanted: wanted.into_iter().map(Example::from).collect(),
            unwanted: unwanted.into_iter().map(Example::from).collect(),
            part: self.part,
            reading_took: started.elapsed(),
            until: None,
        })
    }

    /// Its pictures, those wanted and those not.
    fn pictures(
        &self,
        reader: &mut PictureReader<'_>,
    ) -> anyhow::Result<(Vec<NamedPicture>, Vec<NamedPicture>)> {
        Ok((
            reader.read_all(&self.wanted)?,
            reader.read_all(&self.unwanted)?,
        ))
    }
}

/// What answers queries.
enum Answering {
    Here {
        collection: Collection,
        head: Arc<Ranking>,
        options: SearchOptions,
    },
    There {
        connection: Box<Connection>,
        asked: Box<SearchRequest>,
        head: Option<Vec<u8>>,
    },
}

impl Answering {
    /// Opens the store with all that answers the first query at once.
    fn new(session: &Session, args: &SearchArgs, previews: bool) -> anyhow::Result<Self> {
        let asked = args.asked(session);
        let name = args.head.as_deref();
        // What is wrong with the flags is said before anything is opened.
        let (head_name, head_text) = session.head_to_send(name)?;
        let (answering, is_empty) = match session.opened(Session::collection_to_read)? {
            Opened::There(connection) => {
                let is_empty = connection.owner().pictures == 0;
                let asked = SearchRequest {
                    asked,
                    head: Some(head_name),
                    previews,
                    ..SearchRequest::default()
                };
                let there = Self::There {
                    connection,
                    asked: Box::new(asked),
                    head: head_text,
                };
                (there, is_empty)
            }
            Opened::Here(collection) => {
                let head = session.head(name)?;
                let options = asked.options(&session.config, &head)?;
                session.extraction()?.warm_up()?;
                let is_empty = collection.is_empty()?;
                let here = Self::Here {
                    collection,
                    head,
                    options,
                };
                (here, is_empty)
            }
        };
        if is_empty {
            progress::note(&format!(
                "the store has no pictures yet: {} or {} fills it",
                session.command("add FOLDER"),
                session.command("crawl URL")
            ));
        }
        Ok(answering)
    }

    fn answer(
        &self,
        question: &NamedQuestion,
        reader: &mut PictureReader<'_>,
    ) -> anyhow::Result<QueryResult> {
        match self {
            Self::Here {
                collection,
                head,
                options,
            } => {
                let question = question.read(reader)?;
                Ok(collection.search(&question, head, options)?)
            }
            Self::There {
                connection,
                asked,
                head,
            } => {
                let asked = SearchRequest {
                    name: Some(question.name.clone()),
                    part: question.part,
                    ..(**asked).clone()
                };
                let (wanted, unwanted) = question.pictures(reader)?;
                Ok(connection.search(&asked, &wanted, &unwanted, head.as_deref())?)
            }
        }
    }
}

/// Says that stored pictures are damaged, also with --quiet.
pub(in crate::cli) fn tell_unread(unread: &BTreeSet<String>) {
    if let Some(first) = unread.first() {
        let others = match unread.len() {
            1 => String::new(),
            count => format!(" and {}", counted_as(count - 1, "other", "others")),
        };
        progress::line(&format!(
            "some stored pictures could not be read and are left out, or have no preview: \
             {first}{others}; `simdex verify` says what is wrong, `simdex verify --repair` takes \
             damaged ones out, then `simdex add` or `simdex crawl` stores them anew"
        ));
    }
}

/// Answers queries one by one, with previews where results are to be seen. A query that fails is listed and the rest goes on; if all
/// fail, so does the command.
pub(in crate::cli) fn for_each_result(
    session: &Session,
    questions: &[NamedQuestion],
    args: &SearchArgs,
    previews: bool,
    each: &mut dyn FnMut(QueryResult) -> anyhow::Result<()>,
) -> anyhow::Result<Outcome> {
    let answering = Answering::new(session, args, previews)?;
    let mut reader = PictureReader::new(&session.config);
    let mut failed = 0;
    let mut unread = BTreeSet::new();
    for question in questions {
        if session.shutdown.requested() {
            return Ok(Outcome::Interrupted);
        }
        match answering.answer(question, &mut reader) {
            Ok(result) => {
                unread.extend(result.unread.iter().cloned());
                each(result)?;
            }
            Err(error) if questions.len() == 1 || is_interrupted(&error) => return Err(error),
            Err(error) => {
                failed += 1;
                progress::line(&with_causes(error.as_ref()));
            }
        }
    }
    anyhow::ensure!(failed < questions.len(), "no query could be used");
    tell_unread(&unread);
    Ok(if failed > 0 || !unread.is_empty() {
        Outcome::SomeFailed
    } else {
        Outcome::Done
    })
}
