//! `eval domains`: are lists good and scores honest on every kind of picture?

use std::path::PathBuf;

use clap::Args;

use super::figures::FiguresArgs;
use super::{MEASURED, OUTPUT};
use crate::app::DomainsOptions;
use crate::cli::follow::follow;
use crate::cli::input::{head, some};
use crate::cli::session::Session;
use crate::cli::{Outcome, output};
use crate::report::{domains_diagrams, domains_svg, domains_text};

#[derive(Debug, Args)]
pub(in crate::cli) struct DomainsArgs {
    /// Folder of domains, each with one folder of pictures per class
    dir: PathBuf,
    /// Heads to measure, besides embedding; may be given several times
    #[arg(long, value_name = "NAME|FILE", value_parser = head(), default_value = "fused", help_heading = MEASURED)]
    head: Vec<String>,
    /// Pictures below this folder are queries without an answer [default: a tenth of the classes
    /// is not stored]
    #[arg(long, value_name = "DIR", help_heading = MEASURED)]
    background: Option<PathBuf>,
    /// Queries of each class, or a third of a small one; they are not stored
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = some(), help_heading = MEASURED)]
    queries: usize,
    /// Sizes of small stores that are asked, too, drawn from all pictures
    #[arg(long, value_name = "N,N", value_delimiter = ',', default_value = "25,100,500", value_parser = some(), help_heading = MEASURED)]
    sizes: Vec<usize>,
    /// Candidates that are re-scored [default: `[query] candidates` of the configuration]
    #[arg(long, value_name = "N", value_parser = some(), help_heading = MEASURED)]
    candidates: Option<usize>,
    /// Seed of everything random
    #[arg(long, default_value_t = 1, help_heading = MEASURED)]
    seed: u64,
    /// Write the reliability diagrams of the mixed store as SVG
    #[arg(long, value_name = "FILE", help_heading = OUTPUT)]
    svg: Option<PathBuf>,
    #[command(flatten)]
    figures: FiguresArgs,
}

pub(super) fn run(session: &Session, args: DomainsArgs) -> anyhow::Result<Outcome> {
    args.figures.check()?;
    if let Some(file) = &args.svg {
        output::check_folder(file)?;
    }
    let candidates = args.candidates.unwrap_or(session.config.query.candidates);
    let options = DomainsOptions {
        dir: args.dir,
        heads: args.head,
        background: args.background,
        queries: args.queries,
        sizes: args.sizes,
        candidates,
        seed: args.seed,
    };
    let extraction = session.extraction()?;
    let evaluation = follow(session, |watch| {
        extraction.evaluate_domains(&options, watch)
    });
    let found = evaluation?;
    if let (Some(file), Some((evaluation, _))) = (&args.svg, &found) {
        output::replace(file, domains_svg(evaluation).as_bytes())?;
    }
    args.figures.give(
        "Scores on many domains",
        found,
        domains_text,
        domains_diagrams,
    )
}
