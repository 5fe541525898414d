//! `export`: ranked lists for many queries.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, ValueEnum};

use super::query::{NamedQuestion, SearchArgs, for_each_result};
use crate::cli::Outcome;
use crate::cli::input::read_list;
use crate::cli::output::{check_folder, deliver};
use crate::cli::progress::{self, Progress};
use crate::cli::session::Session;
use crate::dataset::pictures_below;
use crate::local_path::path_text;
use crate::picture::looks_like_picture;
use crate::report::{ListFormat, ListWriter};

#[derive(Debug, Args)]
pub(in crate::cli) struct ExportArgs {
    /// A picture, a folder of pictures, or a file of paths and URLs, one a line
    #[arg(long, value_name = "PATH")]
    queries: PathBuf,
    #[command(flatten)]
    search: SearchArgs,
    /// What to write
    #[arg(long)]
    format: ExportFormat,
    /// Where to write it; - for stdout
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ExportFormat {
    /// One row a result
    Csv,
    /// One array of what `query --format json` prints
    Json,
    /// One line a query
    Jsonl,
    /// One self-contained page of pictures with scores
    Html,
}

impl From<ExportFormat> for ListFormat {
    fn from(format: ExportFormat) -> Self {
        match format {
            ExportFormat::Csv => Self::Csv,
            ExportFormat::Json => Self::Json,
            ExportFormat::Jsonl => Self::Jsonl,
            ExportFormat::Html => Self::Html,
        }
    }
}

pub(in crate::cli) fn run(session: &Session, args: ExportArgs) -> anyhow::Result<Outcome> {
    let queries: Vec<String> = if args.queries.is_dir() {
        let paths = pictures_below(&args.queries);
        paths.iter().map(|path| path_text(path)).collect()
    } else if is_picture(&args.queries)? {
        vec![path_text(&args.queries)]
    } else {
        let list = read_list(&args.queries)?;
        list.into_iter().map(|(_, name)| name).collect()
    };
    if args.output != Path::new("-") {
        check_folder(&args.output)?;
    }
    anyhow::ensure!(
        !queries.is_empty(),
        "there are no queries in {}",
        args.queries.display()
    );
    let bar = Progress::new("querying", queries.len() as u64);
    let head = args
        .search
        .head
        .as_deref()
        .unwrap_or(&session.config.query.head);
    let mut lists = ListWriter::new(args.format.into(), head)?;
    let total = queries.len();
    let previews = args.format == ExportFormat::Html;
    let questions: Vec<NamedQuestion> = queries.into_iter().map(NamedQuestion::one).collect();
    let outcome = for_each_result(session, &questions, &args.search, previews, &mut |result| {
        lists.add(result)?;
        let done = lists.count();
        bar.set(done as u64, || format!("{done}/{total} queries"));
        Ok(())
    })?;
    drop(bar);
    if outcome == Outcome::Interrupted {
        progress::note("interrupted; nothing was written");
        return Ok(outcome);
    }
    let count = lists.count();
    deliver(&args.output, &lists.finish()?, count)?;
    Ok(outcome)
}

/// Bytes by which a picture is told from a list.
const BEGINNING: u64 = 1024;

/// Whether a file is a picture and no list: by its name, or by bytes that no text has.
fn is_picture(path: &Path) -> anyhow::Result<bool> {
    if looks_like_picture(path) {
        return Ok(true);
    }
    let context = || path_text(path);
    // A list may come through a pipe, from which nothing is read that is then missing.
    if !std::fs::metadata(path).with_context(context)?.is_file() {
        return Ok(false);
    }
    let mut beginning = Vec::new();
    let file = std::fs::File::open(path).with_context(context)?;
    let mut file = file.take(BEGINNING);
    file.read_to_end(&mut beginning).with_context(context)?;
    Ok(beginning.contains(&0))
}
