//! `export`: ranked lists for many queries.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, ValueEnum};

use super::input::{pictures_below, read_list};
use super::progress::{self, Progress};
use super::query::{NamedQuestion, SearchArgs, for_each_result};
use super::session::Session;
use super::{Outcome, output};
use crate::atomic_file::{AtomicFile, folder_of};
use crate::report::{ListFormat, ListWriter};

#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// A file of paths and URLs, one a line, or a folder of pictures
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
pub(super) enum ExportFormat {
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

pub(super) fn run(session: &Session, args: ExportArgs) -> anyhow::Result<Outcome> {
    let queries: Vec<String> = if args.queries.is_dir() {
        let paths = pictures_below(&args.queries);
        paths
            .iter()
            .map(|path| path.display().to_string())
            .collect()
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
    let questions: Vec<NamedQuestion> = queries.into_iter().map(NamedQuestion::one).collect();
    let outcome = for_each_result(session, &questions, &args.search, &mut |result| {
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

/// Fails before the long work, not after it, if a file cannot be written.
pub(super) fn check_folder(path: &Path) -> anyhow::Result<()> {
    tempfile::tempfile_in(folder_of(path))
        .map(drop)
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Writes a file in one step: a failed export leaves the old one as it was.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    AtomicFile::new(path)
        .shared()
        .write(bytes)
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Writes lists to a file in one step, or to stdout.
pub(super) fn deliver(path: &Path, bytes: &[u8], lists: usize) -> anyhow::Result<()> {
    if path == Path::new("-") {
        return output::write(bytes);
    }
    replace(path, bytes)?;
    let lists = counted(lists, "list");
    progress::note(&format!("{lists} written to {}", path.display()));
    Ok(())
}

/// "1 group", "2 groups".
pub(super) fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
