//! `eval looks`: is what looks alike found, and do people agree?

use std::path::PathBuf;

use clap::Args;

use super::{print_tables, with_interval};
use crate::app::LooksOptions;
use crate::cli::follow::follow;
use crate::cli::input::{head, some};
use crate::cli::session::Session;
use crate::cli::{Format, Outcome};
use crate::evaluation::LooksEvaluation;
use crate::report::TextLines;

#[derive(Debug, Args)]
pub(in crate::cli) struct LooksArgs {
    /// Folder of pictures
    dir: PathBuf,
    /// People's judgements, too: a CSV file of ref, a, b, share of votes for a, votes; paths from its folder
    #[arg(long, value_name = "CSV")]
    triplets: Option<PathBuf>,
    /// The head whose modes are measured
    #[arg(long, value_name = "NAME|FILE", value_parser = head(), default_value = "fused")]
    head: String,
    /// Most pictures that are stored, spread over all
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = some())]
    pictures: usize,
    /// Pictures that are edited, spread over those
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = some())]
    queries: usize,
    /// Candidates that are re-scored [default: `[query] candidates` of the configuration]
    #[arg(long, value_name = "N", value_parser = some())]
    candidates: Option<usize>,
    /// Seed of the edits
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How to print the tables
    #[arg(long, default_value = "text")]
    format: Format,
}

pub(super) fn run(session: &Session, args: LooksArgs) -> anyhow::Result<Outcome> {
    let candidates = args.candidates.unwrap_or(session.config.query.candidates);
    let options = LooksOptions {
        dir: args.dir,
        triplets: args.triplets,
        head: args.head,
        pictures: args.pictures,
        queries: args.queries,
        candidates,
        seed: args.seed,
    };
    let extraction = session.extraction()?;
    let evaluation = follow(session, |watch| extraction.evaluate_looks(&options, watch));
    print_tables(args.format, evaluation?, tables)
}

fn tables(evaluation: &LooksEvaluation) -> TextLines {
    let mut text = TextLines::default();
    text.push(format!(
        "{} pictures and {} edits that break a look are stored; {} edits of {} of the pictures that keep it are searched (95 % interval)",
        evaluation.pictures, evaluation.broken, evaluation.queries, evaluation.sources
    ));
    let candidates = format!("among {}", evaluation.candidates);
    text.push(format!(
        "{:<13}  {:<21}  {candidates:<21}  {:<21}  people",
        "ranking", "among the first 10", "kept before broken",
    ));
    for row in &evaluation.rows {
        let people = row.people.as_ref();
        text.push(format!(
            "{:<13}  {:<21}  {:<21}  {:<21}  {}",
            row.ranking,
            with_interval(&row.first_10),
            with_interval(&row.among_candidates),
            with_interval(&row.kept_first),
            people.map_or("-".to_owned(), with_interval),
        ));
    }
    if let Some(ceiling) = evaluation.ceiling {
        text.push(format!(
            "people: share of votes agreed with, of {} judgements of {} pictures; at most {ceiling:.3}",
            evaluation.triplets, evaluation.judged
        ));
    }
    for (keeps, title) in [
        (true, "keeps the look: among the first 10"),
        (false, "breaks it: comes after the picture"),
    ] {
        let rows: Vec<_> = evaluation
            .edits
            .iter()
            .filter(|row| row.keeps == keeps)
            .collect();
        let names = evaluation
            .rows
            .iter()
            .map(|row| format!("  {:<12}", row.ranking));
        text.push(format!("{title:<36}{}", names.collect::<String>()));
        for row in rows {
            let shares = row
                .shares
                .iter()
                .map(|(_, share)| format!("  {share:<12.3}"));
            text.push(format!("{:<36}{}", row.edit, shares.collect::<String>()));
        }
    }
    text.extend(super::seen(&evaluation.seen, evaluation.pictures));
    text
}
