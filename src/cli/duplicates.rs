use std::path::{Path, PathBuf};

use clap::Args;

use super::export::{ExportFormat, check_folder, write_results};
use super::input::host_argument;
use super::session::Session;
use super::{Outcome, output};
use crate::head::Mode;
use crate::search::{QueryResult, SearchError, SearchOptions, Searcher};

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
    let mut groups = Vec::new();
    searcher.duplicates(|group| -> Result<(), SearchError> {
        groups.push(group);
        Ok(())
    })?;
    match args.format {
        Some(format) => {
            let head = args.head.as_deref().unwrap_or(&session.config.query.head);
            write_results(&groups, head, format, &args.output)?;
        }
        None => output::write(text(&groups).as_bytes())?,
    }
    Ok(Outcome::Done)
}

fn text(groups: &[QueryResult]) -> String {
    let mut text = String::new();
    for group in groups {
        for entry in &group.results {
            let size = format!("{}x{}", entry.width, entry.height);
            text += &format!("{:.3}  {size:<9}  {}\n", entry.cosine, entry.place());
        }
        text.push('\n');
    }
    let pictures: usize = groups.iter().map(|group| group.results.len()).sum();
    text += &format!(
        "{} groups of near-copies, {pictures} pictures\n",
        groups.len()
    );
    text
}
