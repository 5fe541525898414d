//! `eval pairs`: the report's protocol.

use std::path::PathBuf;

use clap::Args;

use super::figures::FiguresArgs;
use super::over_draws;
use crate::cli::Outcome;
use crate::cli::follow::follow;
use crate::cli::input::{at_least, some};
use crate::cli::session::Session;
use crate::evaluation::{Estimate, Figures, PairsEvaluation, PairsOptions};
use crate::plural::{counted, counted_as};
use crate::report::{Column, Table, TextLines, interval_plot};

#[derive(Debug, Args)]
pub(in crate::cli) struct PairsArgs {
    /// Folder with one folder of pictures per class
    dir: PathBuf,
    /// Random draws of training and test pictures
    #[arg(long, default_value_t = 10, value_parser = some())]
    draws: usize,
    /// Pictures per class to train on
    #[arg(long, default_value_t = 20, value_parser = at_least(2))]
    train_per_class: usize,
    /// Pictures per class of the small test
    #[arg(long, default_value_t = 4, value_parser = at_least(2))]
    test_per_class: usize,
    /// Seed of the draws
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Epochs of training
    #[arg(long, default_value_t = 400, value_parser = some())]
    epochs: usize,
    #[command(flatten)]
    figures: FiguresArgs,
}

pub(super) fn run(session: &Session, args: PairsArgs) -> anyhow::Result<Outcome> {
    args.figures.check()?;
    let options = PairsOptions {
        draws: args.draws,
        train_per_class: args.train_per_class,
        test_per_class: args.test_per_class,
        epochs: args.epochs,
    };
    let extraction = session.extraction()?;
    let evaluation = follow(session, |watch| {
        extraction.evaluate_pairs(&args.dir, &options, args.seed, watch)
    });
    args.figures
        .give("Pairs, as in the report", evaluation?, table, drawings)
}

fn table(evaluation: &PairsEvaluation) -> TextLines {
    let mut text = TextLines::default();
    text.push(format!(
        "{} of {}, {}, split by picture; mean +- standard deviation (95 % interval of the mean)",
        counted(evaluation.pictures, "picture"),
        counted_as(evaluation.classes.len(), "class", "classes"),
        counted(evaluation.draws, "draw"),
    ));
    let widths = [10, 24, 30, 30, 30, 0];
    let mut rows = Table::new(widths.map(|width| Column::left(width).after(1)));
    rows.row([
        "head",
        "pairs",
        "accuracy",
        "balanced",
        "AUC",
        "always \"different\"",
    ]);
    for row in &evaluation.rows {
        let few = format!("{} (report's test)", evaluation.few_pairs);
        let held = format!("{} (all held out)", evaluation.held_out_pairs);
        rows.row(cells(row.head, few, &row.few_pairs));
        rows.row(cells("", held, &row.held_out_pairs));
    }
    text.push_table(rows);
    text.push(format!(
        "The report gives its own head {:.3} on 66 pairs of three classes; by its own split, \
         which lets the validation see",
        evaluation.report_accuracy,
    ));
    text.push(format!(
        "training pictures, {:.3}. So split, mse18 gets {} here.",
        evaluation.report_leaky_accuracy,
        over_draws(&evaluation.leaky_split_accuracy),
    ));
    text.push(format!(
        "fused is as shipped; train was taught the labels of {} a class.",
        counted(evaluation.train_per_class, "picture"),
    ));
    text.extend(super::seen(&evaluation.seen, evaluation.pictures));
    text
}

fn cells(head: &str, pairs: String, figures: &Figures) -> [String; 6] {
    [
        head.to_owned(),
        pairs,
        over_draws(&figures.accuracy),
        over_draws(&figures.balanced_accuracy),
        over_draws(&figures.auc),
        format!("{:.3}", figures.baseline.mean),
    ]
}

fn drawings(evaluation: &PairsEvaluation) -> Vec<String> {
    let plot = |title: &str, of: fn(&Figures) -> Estimate| {
        let rows = evaluation.rows.iter();
        let rows = rows.map(|row| (row.head.to_owned(), of(&row.held_out_pairs)));
        interval_plot(title, &rows.collect::<Vec<_>>())
    };
    vec![
        plot("accuracy on all held out", |figures| figures.accuracy),
        plot("balanced accuracy on all held out", |figures| {
            figures.balanced_accuracy
        }),
        plot("AUC on all held out", |figures| figures.auc),
    ]
}
