//! `eval copies`: are edited copies found?

use std::path::PathBuf;

use clap::Args;

use super::{print_tables, with_interval};
use crate::app::CopiesOptions;
use crate::cli::follow::follow;
use crate::cli::input::{head, some};
use crate::cli::session::Session;
use crate::cli::{Format, Outcome};
use crate::evaluation::CopiesEvaluation;
use crate::report::TextLines;

#[derive(Debug, Args)]
pub(in crate::cli) struct CopiesArgs {
    /// Folder of pictures
    dir: PathBuf,
    /// The head whose copy mode is measured
    #[arg(long, value_name = "NAME|FILE", value_parser = head(), default_value = "fused")]
    head: String,
    /// Pictures that are edited, estimate over all; every one is searched
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = some())]
    queries: usize,
    /// Candidates that are re-scored [default: `[query] candidates` of the configuration]
    #[arg(long, value_name = "N", value_parser = some())]
    candidates: Option<usize>,
    /// Seed of the edits
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How to print the table
    #[arg(long, default_value = "text")]
    format: Format,
}

pub(super) fn run(session: &Session, args: CopiesArgs) -> anyhow::Result<Outcome> {
    let candidates = args.candidates.unwrap_or(session.config.query.candidates);
    let options = CopiesOptions {
        dir: args.dir,
        head: args.head,
        queries: args.queries,
        candidates,
        seed: args.seed,
    };
    let extraction = session.extraction()?;
    let evaluation = follow(session, |watch| extraction.evaluate_copies(&options, watch));
    print_tables(args.format, evaluation?, table)
}

fn table(evaluation: &CopiesEvaluation) -> TextLines {
    let mut text = TextLines::default();
    text.push(format!(
        "{} untouched pictures; {} candidates re-scored; share found first (95 % interval)",
        evaluation.pictures, evaluation.candidates,
    ));
    let names = evaluation.micro_ap.iter();
    let names: String = names.map(|(name, _)| format!("  {name:<21}")).collect();
    text.push(format!(
        "{:<12} {:>7}  {:<17}{names}",
        "edit", "queries", "among candidates",
    ));
    for row in &evaluation.rows {
        let candidates = row.candidate_recall.iter();
        let candidates: Vec<String> = candidates.map(|(_, x)| format!("{x:.3}")).collect();
        let recall = row.recall_1.iter();
        let recall: String = recall
            .map(|(_, estimate)| format!("  {:<21}", with_interval(estimate)))
            .collect();
        text.push(format!(
            "{:<12} {:>7}  {:<17}{recall}",
            row.edit,
            row.queries,
            candidates.join("/")
        ));
    }
    let ap = evaluation.micro_ap.iter();
    let ap: String = ap.map(|(_, ap)| format!("  {ap:<21.3}")).collect();
    text.push(format!("{:<39}{ap}", "micro-AP"));
    let score = |threshold: Option<f32>| {
        threshold.map_or("-".to_owned(), |threshold| format!("{threshold:.3}"))
    };
    text.push(format!(
        "at random {:.4}; scores of the last from which on 90 % and 99 % are right: {} and {}",
        evaluation.random_recall_1,
        score(evaluation.thresholds.precision_90),
        score(evaluation.thresholds.precision_99),
    ));
    if let Some(shipped) = evaluation.at_shipped_99 {
        text.push(format!(
            "at the head's own 99 % threshold, {:.3}: precision {:.4}, recall {:.3}",
            shipped.threshold, shipped.precision, shipped.recall
        ));
    }
    text.extend(super::seen(&evaluation.seen, evaluation.pictures));
    text
}
