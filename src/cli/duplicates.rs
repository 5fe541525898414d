use std::path::{Path, PathBuf};

use clap::Args;

use super::export::{ExportFormat, check_folder};
use super::input::host_argument;
use super::lists::{Lists, counted, deliver};
use super::session::Session;
use super::{Outcome, output};
use crate::head::Mode;
use crate::search::{QueryResult, SearchOptions, Searcher};

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
    let mut lists = args
        .format
        .map(|format| Lists::new(format, head))
        .transpose()?;
    let (mut plain, mut groups, mut pictures) = (Vec::new(), 0, 0);
    let to_stdout = args.output == Path::new("-");
    searcher.duplicates(|group| -> anyhow::Result<()> {
        groups += 1;
        pictures += group.results.len();
        let bytes = match &mut lists {
            Some(lists) => {
                lists.add(group)?;
                &mut lists.bytes
            }
            None => {
                plain.extend(text(&group).as_bytes());
                &mut plain
            }
        };
        if to_stdout {
            output::write(&std::mem::take(bytes))?;
        }
        Ok(())
    })?;
    let bytes = match lists {
        Some(lists) => lists.finish()?,
        None => {
            let (groups, pictures) = (counted(groups, "group"), counted(pictures, "picture"));
            plain.extend(format!("{groups} of near-copies, {pictures}\n").as_bytes());
            plain
        }
    };
    deliver(&args.output, &bytes, groups)?;
    Ok(Outcome::Done)
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
