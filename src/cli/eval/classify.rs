//! `eval classify`: evidence from labelled pictures, against plain neighbours and a probe.

use std::path::PathBuf;

use clap::Args;

use super::figures::FiguresArgs;
use super::over_draws;
use crate::classify::ClassifyOptions;
use crate::cli::Outcome;
use crate::cli::follow::follow;
use crate::cli::input::{at_least, some};
use crate::cli::session::Session;
use crate::evaluation::{ClassifyEvaluation, ClassifyEvaluationOptions, ClassifyRow, Estimate};
use crate::plural::{counted, counted_as};
use crate::report::{Column, Table, TextLines, interval_plot};

#[derive(Debug, Args)]
pub(in crate::cli) struct EvalClassifyArgs {
    /// Folder with one folder of pictures per class
    dir: PathBuf,
    /// Random draws of labelled pictures and of classes left out
    #[arg(long, default_value_t = 10, value_parser = some())]
    draws: usize,
    /// Labelled pictures per class; the rest is asked about
    #[arg(long, default_value_t = 20, value_parser = at_least(2))]
    train_per_class: usize,
    /// Classes left out, whose pictures should be called unknown
    #[arg(long, value_name = "N", default_value_t = 1)]
    unknown_classes: usize,
    /// Labelled pictures that give evidence on each picture
    #[arg(long, value_name = "K", default_value_t = ClassifyOptions::default().neighbours, value_parser = some())]
    neighbours: usize,
    /// Seed of the draws
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    figures: FiguresArgs,
}

pub(super) fn run(session: &Session, args: EvalClassifyArgs) -> anyhow::Result<Outcome> {
    args.figures.check()?;
    let options = ClassifyEvaluationOptions {
        draws: args.draws,
        train_per_class: args.train_per_class,
        unknown_classes: args.unknown_classes,
        seed: args.seed,
        classify: ClassifyOptions {
            neighbours: args.neighbours,
        },
    };
    let extraction = session.extraction()?;
    let evaluation = follow(session, |watch| {
        extraction.evaluate_classify(&args.dir, &options, watch)
    });
    args.figures.give("Classes", evaluation?, table, drawings)
}

fn table(evaluation: &ClassifyEvaluation) -> TextLines {
    let mut text = TextLines::default();
    text.push(format!(
        "{} of {}, {} left out, {} labelled a class, {}; mean +- standard deviation (95 % interval of the mean)",
        counted(evaluation.pictures, "picture"),
        counted_as(evaluation.classes, "class", "classes"),
        evaluation.unknown_classes,
        evaluation.train_per_class,
        counted(evaluation.draws, "draw"),
    ));
    let baseline = figure(Some(evaluation.baseline));
    text.push(format!("always the commonest class: accuracy {baseline}"));
    text.push("");
    let mut rows = Table::new([
        Column::left(12),
        Column::left(30),
        Column::left(30),
        Column::left(0),
    ]);
    rows.row(["method", "accuracy", "unknown: AUC", "found at 5 %"]);
    for row in &evaluation.rows {
        rows.row([
            row.method.to_string(),
            figure(Some(row.accuracy)),
            figure(row.unknown_auc),
            figure(row.unknown_found_at_5),
        ]);
    }
    text.push_table(rows);
    for rule in evaluation.rows.iter().filter_map(|row| row.rule.as_ref()) {
        text.push("");
        text.push(format!(
            "as `simdex classify` answers: {} of the known called unknown, {} of the other answers right, {} of the unknown found",
            figure(Some(rule.wrongly_unknown)),
            figure(Some(rule.accuracy_of_answered)),
            figure(rule.unknown_found)
        ));
    }
    text
}

fn figure(estimate: Option<Estimate>) -> String {
    estimate.as_ref().map_or_else(|| "-".to_owned(), over_draws)
}

fn drawings(evaluation: &ClassifyEvaluation) -> Vec<String> {
    let plot = |title: &str, of: fn(&ClassifyRow) -> Option<Estimate>| {
        let rows = evaluation.rows.iter();
        let rows = rows.filter_map(|row| Some((row.method.to_owned(), of(row)?)));
        interval_plot(title, &rows.collect::<Vec<_>>())
    };
    vec![
        plot("accuracy", |row| Some(row.accuracy)),
        plot("unknown: AUC", |row| row.unknown_auc),
        plot("unknown: found at 5 %", |row| row.unknown_found_at_5),
    ]
}
