//! `eval retrieval`: ranked lists against folders.

use std::path::PathBuf;

use clap::Args;

use super::figures::FiguresArgs;
use super::with_interval;
use crate::app::RetrievalOptions;
use crate::cli::Outcome;
use crate::cli::follow::follow;
use crate::cli::input::{head, some};
use crate::cli::session::Session;
use crate::evaluation::{Estimate, RetrievalEvaluation, RetrievalRow};
use crate::plural::{counted, counted_as};
use crate::report::{Column, Table, TextLines, interval_plot};

#[derive(Debug, Args)]
pub(in crate::cli) struct RetrievalArgs {
    /// Folder with one folder of pictures per class
    dir: PathBuf,
    /// Another head to measure, besides embedding, mse18 and fused
    #[arg(long, value_name = "FILE", value_parser = head())]
    head: Option<String>,
    /// Candidates that are re-scored [default: `[query] candidates` of the configuration]
    #[arg(long, value_name = "N", value_parser = some())]
    candidates: Option<usize>,
    /// Most pictures of each class
    #[arg(long, value_name = "N", value_parser = some())]
    per_class: Option<usize>,
    /// Classes that the heads were trained on too, by their names
    #[arg(long)]
    trained_classes: bool,
    /// Seed of the resampling
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    figures: FiguresArgs,
}

pub(super) fn run(session: &Session, args: RetrievalArgs) -> anyhow::Result<Outcome> {
    args.figures.check()?;
    let candidates = args.candidates.unwrap_or(session.config.query.candidates);
    let options = RetrievalOptions {
        dir: args.dir,
        head: args.head,
        candidates,
        per_class: args.per_class.unwrap_or(usize::MAX),
        trained_classes: args.trained_classes,
        seed: args.seed,
    };
    let extraction = session.extraction()?;
    let evaluation = follow(session, |watch| {
        extraction.evaluate_retrieval(&options, watch)
    });
    args.figures
        .give("Ranked lists", evaluation?, table, drawings)
}

fn table(evaluation: &RetrievalEvaluation) -> TextLines {
    let mut text = TextLines::default();
    text.push(format!(
        "{} of {}, each a query; {} re-scored; mean (95 % interval)",
        counted(evaluation.pictures, "picture"),
        counted_as(evaluation.classes.len(), "class", "classes"),
        counted(evaluation.candidates, "candidate"),
    ));
    let alone = evaluation.pictures - evaluation.queries;
    if alone > 0 {
        text.push(format!(
            "but {alone}, alone in their class: nothing is there to be found"
        ));
    }
    if !evaluation.left_out.is_empty() {
        text.push(format!(
            "left out, since heads were trained on them: {}",
            evaluation.left_out.join(", ")
        ));
    }
    text.push(format!(
        "candidate recall {}; had the full embedding chosen them {}",
        with_interval(&evaluation.candidate_recall),
        with_interval(&evaluation.embedding_candidate_recall),
    ));
    let widths = [18, 22, 22, 22, 0];
    let mut rows = Table::new(widths.map(|width| Column::left(width).after(1)));
    rows.row(["ranking", "mAP", "first hit", "recall@10", "recall@100"]);
    for row in &evaluation.rows {
        rows.row([
            row.head.to_string(),
            with_interval(&row.map),
            with_interval(&row.first_hit),
            with_interval(&row.recall_10),
            with_interval(&row.recall_100),
        ]);
    }
    text.push_table(rows);
    text.extend(super::seen(&evaluation.seen, evaluation.pictures));
    text
}

fn drawings(evaluation: &RetrievalEvaluation) -> Vec<String> {
    let plot = |title: &str, of: fn(&RetrievalRow) -> Estimate| {
        let rows = evaluation
            .rows
            .iter()
            .map(|row| (row.head.clone(), of(row)));
        interval_plot(title, &rows.collect::<Vec<_>>())
    };
    vec![
        plot("mAP", |row| row.map),
        plot("first hit", |row| row.first_hit),
        plot("recall@10", |row| row.recall_10),
    ]
}
