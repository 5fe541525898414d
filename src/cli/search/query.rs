//! `query`, and the flags and the loop that it shares with `export`.

use std::collections::BTreeSet;
use std::str::FromStr;
use std::time::Instant;

use anyhow::Context;
use clap::{Args, ValueEnum};

use crate::app::Question;
use crate::cli::input::{PictureReader, head, host_argument, name, some};
use crate::cli::session::Session;
use crate::cli::{Format, Outcome, output, progress};
use crate::crawl::with_causes;
use crate::head::{Mode, Ranking, Thresholds};
use crate::report::result_text;
use crate::search::{QueryResult, SearchOptions};

type Count = clap::builder::RangedU64ValueParser<usize>;

/// The flags that `query` and `export` share.
#[derive(Debug, Args)]
pub(in crate::cli) struct SearchArgs {
    /// Results per query
    #[arg(short, value_name = "N", value_parser = Count::new().range(1..=100_000))]
    k: Option<usize>,
    /// Candidates that the index hands to the head
    #[arg(long, value_name = "N", value_parser = some())]
    candidates: Option<usize>,
    /// Ranking: fused, mse18, embedding or a file made by `simdex train`
    #[arg(long, value_name = "NAME|FILE", value_parser = head())]
    pub(in crate::cli) head: Option<String>,
    /// What "alike" means to the fused head
    #[arg(long, value_enum, default_value_t)]
    mode: ModeArg,
    /// Only pictures seen on this host
    #[arg(long, value_name = "H", value_parser = host_argument)]
    host: Option<String>,
    /// Only results of at least this score: a number from 0 to 1, or `p90` or `p99`, from
    /// where on 90 or 99 of 100 results were right in the head's training
    #[arg(long, value_name = "S", default_value = "0")]
    min_score: MinScore,
    /// Say which parts of the pictures match, and show the numbers behind the words
    #[arg(long)]
    explain: bool,
    /// List near-copies one by one; otherwise one stands for all
    #[arg(long)]
    all_copies: bool,
}

/// From which score on results are shown.
#[derive(Debug, Clone, Copy, PartialEq)]
enum MinScore {
    Score(f32),
    Precision90,
    Precision99,
}

impl FromStr for MinScore {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "p90" => Ok(Self::Precision90),
            "p99" => Ok(Self::Precision99),
            _ => match text.parse() {
                Ok(score) if (0.0..=1.0).contains(&score) => Ok(Self::Score(score)),
                _ => Err("it takes a number from 0 to 1, p90 or p99".to_owned()),
            },
        }
    }
}

impl MinScore {
    /// The score that it stands for, with this head in this mode.
    fn of(self, ranking: &Ranking, mode: Mode) -> anyhow::Result<f32> {
        let thresholds = match ranking {
            Ranking::Fused(head) => head.thresholds(mode),
            Ranking::Mse18(_) | Ranking::Embedding => Thresholds::default(),
        };
        match self {
            Self::Score(score) => Some(score),
            Self::Precision90 => thresholds.precision_90,
            Self::Precision99 => thresholds.precision_99,
        }
        .context("this head has no such threshold; give a number for --min-score")
    }
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
    pub(in crate::cli) fn options(
        &self,
        session: &Session,
        ranking: &Ranking,
    ) -> anyhow::Result<SearchOptions> {
        let mut config = session.config.clone();
        config.query.k = self.k.unwrap_or(config.query.k);
        config.query.candidates = self.candidates.unwrap_or(config.query.candidates);
        config.check()?;
        Ok(SearchOptions {
            k: config.query.k,
            candidates: config.query.candidates,
            host: self.host.clone(),
            min_score: self.min_score.of(ranking, self.mode.into())?,
            mode: self.mode.into(),
            explain: self.explain,
            all_copies: self.all_copies,
            alone: false,
        })
    }
}

#[derive(Debug, Args)]
pub(in crate::cli) struct QueryArgs {
    /// Picture files or URLs
    #[arg(required = true, value_name = "IMAGE|URL", value_parser = name())]
    queries: Vec<String>,
    /// One list for all the pictures together, instead of one each
    #[arg(long)]
    together: bool,
    /// Pictures that results should not be like; implies --together
    #[arg(long, value_name = "IMAGE|URL", value_parser = name())]
    not: Vec<String>,
    #[command(flatten)]
    search: SearchArgs,
    /// How to print the results; json is one object a line, one line a query
    #[arg(long, default_value = "text")]
    format: Format,
}

pub(in crate::cli) fn run(session: &Session, args: QueryArgs) -> anyhow::Result<Outcome> {
    let format = args.format;
    let questions = if args.together || !args.not.is_empty() {
        vec![NamedQuestion {
            name: args.queries.join(" + "),
            wanted: args.queries,
            unwanted: args.not,
        }]
    } else {
        args.queries.into_iter().map(NamedQuestion::one).collect()
    };
    for_each_result(
        session,
        &questions,
        &args.search,
        &mut |result| match format {
            Format::Json => output::json(&result),
            Format::Text => output::text(&result_text(&result, args.search.explain)),
        },
    )
}

/// What is asked for, by names of files and URLs.
pub(in crate::cli) struct NamedQuestion {
    name: String,
    wanted: Vec<String>,
    unwanted: Vec<String>,
}

impl NamedQuestion {
    /// Pictures like one.
    pub(in crate::cli) fn one(name: String) -> Self {
        Self {
            wanted: vec![name.clone()],
            unwanted: Vec::new(),
            name,
        }
    }

    /// Reads and fetches its pictures.
    pub(in crate::cli) fn read(&self, reader: &mut PictureReader<'_>) -> anyhow::Result<Question> {
        let started = Instant::now();
        Ok(Question {
            name: self.name.clone(),
            wanted: reader.read_all(&self.wanted)?,
            unwanted: reader.read_all(&self.unwanted)?,
            reading_took: started.elapsed(),
        })
    }
}

/// Says that stored pictures are damaged, also with --quiet.
pub(in crate::cli) fn tell_unread(unread: &BTreeSet<String>) {
    if let Some(first) = unread.first() {
        let others = match unread.len() {
            1 => String::new(),
            count => format!(" and {} others", count - 1),
        };
        progress::line(&format!(
            "some stored pictures could not be read and are left out, or have no preview: \
             {first}{others}; `simdex verify` says what is wrong, `simdex verify --repair` takes \
             damaged ones out, then `simdex add` or `simdex crawl` stores them anew"
        ));
    }
}

/// Answers queries one by one. A query that fails is listed and the rest goes on; if all
/// fail, so does the command.
pub(in crate::cli) fn for_each_result(
    session: &Session,
    questions: &[NamedQuestion],
    args: &SearchArgs,
    each: &mut dyn FnMut(QueryResult) -> anyhow::Result<()>,
) -> anyhow::Result<Outcome> {
    let head = session.head(args.head.as_deref())?;
    let options = args.options(session, &head)?;
    let collection = session.collection_to_read()?;
    session.extraction()?.warm_up()?;
    if collection.view()?.index.is_empty() {
        progress::note("the store has no pictures yet");
    }
    let mut reader = PictureReader::new(&session.config);
    let mut failed = 0;
    let mut unread = BTreeSet::new();
    for question in questions {
        if session.shutdown.requested() {
            return Ok(Outcome::Interrupted);
        }
        let answer = question
            .read(&mut reader)
            .and_then(|question| Ok(collection.search(&question, &head, &options)?));
        match answer {
            Ok(result) => {
                unread.extend(result.unread.iter().cloned());
                each(result)?;
            }
            Err(error) if questions.len() == 1 => return Err(error),
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
