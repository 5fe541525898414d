//! `export`: ranked lists for many queries, or the files of pictures.

use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, ValueEnum};

use super::export_files::{self, Files};
use super::query::{NamedQuestion, SearchArgs, for_each_result};
use crate::cli::Outcome;
use crate::cli::dataset::{DatasetArgs, FILES};
use crate::cli::input::read_list;
use crate::cli::output::{check_folder, deliver};
use crate::cli::progress::{self, Progress};
use crate::cli::session::Session;
use crate::dataset::pictures_below;
use crate::local_path::path_text;
use crate::picture::looks_like_picture;
use crate::plural::counted_as;
use crate::report::{ListFormat, ListWriter};

#[derive(Debug, Args)]
pub(in crate::cli) struct ExportArgs {
    /// A picture, a folder of pictures, or a file of paths and URLs, one a line
    #[arg(
        long,
        value_name = "PATH",
        required_unless_present = "dataset",
        help_heading = "What is asked"
    )]
    queries: Option<PathBuf>,
    #[command(flatten)]
    search: SearchArgs,
    /// What to write
    // What needs --files is not asked for where --files cannot be.
    #[arg(
        long,
        required_unless_present = "dataset",
        conflicts_with_all = ["dataset", "DatasetArgs", "from", "one_of_each"],
        help_heading = "Output"
    )]
    format: Option<ExportFormat>,
    /// Where to write it; - for stdout
    #[arg(
        short,
        long,
        value_name = "FILE",
        required_unless_present = "dataset",
        conflicts_with = "dataset",
        help_heading = "Output"
    )]
    output: Option<PathBuf>,
    /// Copy the pictures themselves into this folder, with a manifest: those of the lists, or all;
    /// again, it adds what is new
    #[arg(long = "files", id = "dataset", value_name = "DIR", help_heading = FILES)]
    files: Option<PathBuf>,
    /// With --files: take what the store has no file of from this folder of `crawl --save`
    #[arg(long, value_name = "DIR", requires = "dataset", help_heading = FILES)]
    from: Vec<PathBuf>,
    /// With --files: of near-copies only the largest
    #[arg(long, requires = "dataset", help_heading = FILES)]
    one_of_each: bool,
    #[command(flatten)]
    dataset: DatasetArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ExportFormat {
    /// One row a result
    Csv,
    /// The same columns as Parquet
    Parquet,
    /// The same columns as a workbook for Excel and its like
    Xlsx,
    /// One array of what `query --format json` prints
    Json,
    /// One line a query
    Jsonl,
    /// One line a result, as trec_eval reads it
    Trec,
    /// One self-contained page of pictures with scores
    Html,
    /// A contact sheet: one picture of small pictures with scores
    Png,
}

impl From<ExportFormat> for ListFormat {
    fn from(format: ExportFormat) -> Self {
        match format {
            ExportFormat::Csv => Self::Csv,
            ExportFormat::Parquet => Self::Parquet,
            ExportFormat::Xlsx => Self::Xlsx,
            ExportFormat::Json => Self::Json,
            ExportFormat::Jsonl => Self::Jsonl,
            ExportFormat::Trec => Self::Trec,
            ExportFormat::Html => Self::Html,
            ExportFormat::Png => Self::Png,
        }
    }
}

pub(in crate::cli) fn run(session: &Session, args: ExportArgs) -> anyhow::Result<Outcome> {
    let questions = args.queries.as_deref().map(questions).transpose()?;
    if let Some(to) = &args.files {
        let files = Files {
            to,
            dataset: &args.dataset,
            from: &args.from,
            one_of_each: args.one_of_each,
            questions,
            search: &args.search,
        };
        return export_files::run(session, files);
    }
    let (Some(questions), Some(format), Some(output)) = (questions, args.format, &args.output)
    else {
        unreachable!("they are required without --files")
    };
    let format = ListFormat::from(format);
    if output != Path::new("-") {
        check_folder(output)?;
    } else {
        anyhow::ensure!(
            format.is_text() || !std::io::stdout().is_terminal(),
            "that is no text: write it into a file with -o FILE"
        );
    }
    let bar = Progress::new("querying", questions.len() as u64);
    let head = args
        .search
        .head
        .as_deref()
        .unwrap_or(&session.config.query.head);
    let mut lists = ListWriter::new(format, head)?;
    let total = questions.len();
    let previews = format.has_previews();
    let outcome = for_each_result(session, &questions, &args.search, previews, &mut |result| {
        lists.add(result)?;
        let done = lists.count();
        bar.set(done as u64, || {
            format!("{done}/{}", counted_as(total, "query", "queries"))
        });
        Ok(())
    })?;
    drop(bar);
    if outcome == Outcome::Interrupted {
        progress::note("interrupted; nothing was written");
        return Ok(outcome);
    }
    let count = lists.count();
    deliver(output, &lists.finish()?, count)?;
    Ok(outcome)
}

/// The queries that a picture, a folder or a list names.
fn questions(named: &Path) -> anyhow::Result<Vec<NamedQuestion>> {
    let queries: Vec<String> = if named.is_dir() {
        let paths = pictures_below(named);
        paths.iter().map(|path| path_text(path)).collect()
    } else if is_picture(named)? {
        vec![path_text(named)]
    } else {
        let list = read_list(named)?;
        list.into_iter().map(|(_, name)| name).collect()
    };
    anyhow::ensure!(
        !queries.is_empty(),
        "there are no queries in {}",
        named.display()
    );
    Ok(queries.into_iter().map(NamedQuestion::one).collect())
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
