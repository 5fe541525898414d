//! `eval copies`: are edited copies found?

use std::path::PathBuf;

use clap::Args;

use super::figures::FiguresArgs;
use super::with_interval;
use crate::app::CopiesOptions;
use crate::cli::Outcome;
use crate::cli::follow::follow;
use crate::cli::input::{head, some};
use crate::cli::session::Session;
use crate::evaluation::CopiesEvaluation;
use crate::plural::counted;
use crate::report::{Column, Table, TextLines, interval_plot};

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
    #[command(flatten)]
    figures: FiguresArgs,
}

pub(super) fn run(session: &Session, args: CopiesArgs) -> anyhow::Result<Outcome> {
    args.figures.check()?;
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
    args.figures
        .give("Edited copies", evaluation?, table, drawings)
}

fn table(evaluation: &CopiesEvaluation) -> TextLines {
    let mut text = TextLines::default();
    text.push(format!(
        "{}; {} re-scored; share found first (95 % interval)",
        counted(evaluation.pictures, "untouched picture"),
        counted(evaluation.candidates, "candidate"),
    ));
    let rankings = evaluation.micro_ap.iter();
    let mut rows = Table::new(
        [
            Column::left(12),
            Column::right(7).after(1),
            Column::left(17),
        ]
        .into_iter()
        .chain(rankings.map(|_| Column::left(21))),
    );
    let names = evaluation.micro_ap.iter().map(|(name, _)| name.to_string());
    rows.row(firsts(["edit", "queries", "among candidates"]).chain(names));
    for row in &evaluation.rows {
        let candidates = row.candidate_recall.iter();
        let candidates: Vec<String> = candidates.map(|(_, x)| format!("{x:.3}")).collect();
        let recall = row.recall_1.iter();
        let recall = recall.map(|(_, estimate)| with_interval(estimate));
        let (edit, queries) = (row.edit.to_string(), row.queries.to_string());
        rows.row(firsts([&edit, &queries, &candidates.join("/")]).chain(recall));
    }
    let ap = evaluation.micro_ap.iter();
    let ap = ap.map(|(_, ap)| format!("{ap:.3}"));
    rows.row(firsts(["micro-AP", "", ""]).chain(ap));
    text.push_table(rows);
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

/// The first cells of a row.
fn firsts(cells: [&str; 3]) -> impl Iterator<Item = String> {
    cells.map(str::to_owned).into_iter()
}

/// A drawing for each ranking.
fn drawings(evaluation: &CopiesEvaluation) -> Vec<String> {
    let of_ranking = |(number, (name, _)): (usize, &(String, f64))| {
        let rows = evaluation.rows.iter().filter_map(|row| {
            let (_, found) = row.recall_1.get(number)?;
            Some((row.edit.clone(), *found))
        });
        let rows: Vec<_> = rows.collect();
        interval_plot(&format!("share found first by {name}"), &rows)
    };
    let rankings = evaluation.micro_ap.iter().enumerate();
    rankings.map(of_ranking).collect()
}
