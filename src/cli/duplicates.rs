use std::path::{Path, PathBuf};

use clap::Args;

use super::export::{ExportFormat, check_folder, replace};
use super::input::host_argument;
use super::session::Session;
use super::{Outcome, output, progress};
use crate::head::Mode;
use crate::search::{
    QueryResult, SearchOptions, Searcher, write_csv_header, write_csv_rows, write_html,
};

#[derive(Debug, Args)]
pub(super) struct DuplicatesArgs {
    /// Only pictures seen on this host
    #[arg(long, value_name = "H", value_parser = host_argument)]
    host: Option<String>,
    /// Ranking of the copies: fused, mse18, embedding or a file made by `simdex train`
    #[arg(long, value_name = "NAME|FILE")]
    head: Option<String>,
    /// What to write, as of `export`; without it a list for people
    #[arg(long)]
    format: Option<ExportFormat>,
    /// Where to write it; - for stdout
    #[arg(
        short,
        long,
        value_name = "FILE",
        default_value = "-",
        requires = "format"
    )]
    output: PathBuf,
}

pub(super) fn run(session: &Session, args: DuplicatesArgs) -> anyhow::Result<Outcome> {
    if args.output != Path::new("-") {
        check_folder(&args.output)?;
    }
    let network = session.network()?;
    let ranking = session.ranking(args.head.as_deref(), &network)?;
    let store = session.existing_store(&network)?;
    let index = session.index(&store)?;
    let options = SearchOptions {
        k: usize::MAX,
        candidates: usize::MAX,
        host: args.host.clone(),
        min_score: 0.0,
        all_copies: true,
        mode: Mode::Copy,
        explain: false,
    };
    let searcher = Searcher::new(&store, &index, &ranking, &options)?;
    let head = args.head.as_deref().unwrap_or(&session.config.query.head);
    let mut list = List::new(args.format, head)?;
    let to_stdout = args.output == Path::new("-");
    searcher.duplicates(|group| -> anyhow::Result<()> {
        list.add(group)?;
        if to_stdout {
            output::write(&std::mem::take(&mut list.bytes))?;
        }
        Ok(())
    })?;
    let (groups, bytes) = list.finish()?;
    if to_stdout {
        output::write(&bytes)?;
    } else {
        replace(&args.output, &bytes)?;
        progress::note(&format!(
            "{} written to {}",
            counted(groups, "list"),
            args.output.display()
        ));
    }
    Ok(Outcome::Done)
}

/// The groups as they come, written; only a page of pictures needs all of them at once.
struct List<'a> {
    format: Option<ExportFormat>,
    head: &'a str,
    /// What is to be written.
    bytes: Vec<u8>,
    groups: usize,
    pictures: usize,
    /// Of a page of pictures.
    kept: Vec<QueryResult>,
}

impl<'a> List<'a> {
    fn new(format: Option<ExportFormat>, head: &'a str) -> anyhow::Result<Self> {
        let mut bytes = Vec::new();
        match format {
            Some(ExportFormat::Csv) => write_csv_header(&mut bytes)?,
            Some(ExportFormat::Json) => bytes.push(b'['),
            Some(ExportFormat::Jsonl | ExportFormat::Html) | None => {}
        }
        Ok(Self {
            format,
            head,
            bytes,
            groups: 0,
            pictures: 0,
            kept: Vec::new(),
        })
    }

    fn add(&mut self, group: QueryResult) -> anyhow::Result<()> {
        self.pictures += group.results.len();
        match self.format {
            Some(ExportFormat::Csv) => write_csv_rows(&group, &mut self.bytes)?,
            Some(ExportFormat::Html) => self.kept.push(group),
            Some(ExportFormat::Json) => {
                if self.groups > 0 {
                    self.bytes.push(b',');
                }
                serde_json::to_writer(&mut self.bytes, &group)?;
            }
            Some(ExportFormat::Jsonl) => {
                serde_json::to_writer(&mut self.bytes, &group)?;
                self.bytes.push(b'\n');
            }
            None => self.bytes.extend(text(&group).as_bytes()),
        }
        self.groups += 1;
        Ok(())
    }

    /// How many groups there were, and what is left to be written.
    fn finish(mut self) -> anyhow::Result<(usize, Vec<u8>)> {
        match self.format {
            Some(ExportFormat::Csv | ExportFormat::Jsonl) => {}
            Some(ExportFormat::Html) => write_html(&self.kept, self.head, &mut self.bytes)?,
            Some(ExportFormat::Json) => self.bytes.extend(b"]\n"),
            None => {
                let (groups, pictures) = (self.groups, self.pictures);
                let (groups, pictures) = (counted(groups, "group"), counted(pictures, "picture"));
                let text = format!("{groups} of near-copies, {pictures}\n");
                self.bytes.extend(text.as_bytes());
            }
        }
        Ok((self.groups, self.bytes))
    }
}

fn text(group: &QueryResult) -> String {
    let mut text = String::new();
    for entry in &group.results {
        let size = format!("{}x{}", entry.width, entry.height);
        text += &format!("{:.3}  {size:<9}  {}\n", entry.cosine, entry.place());
    }
    text.push('\n');
    text
}

/// "1 group", "2 groups".
fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
