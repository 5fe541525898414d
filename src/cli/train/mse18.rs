//! `train --kind mse18`: the report's head.

use std::path::Path;

use anyhow::Context;

use super::TrainArgs;
use crate::cli::follow::follow;
use crate::cli::output::{self, replace};
use crate::cli::session::Session;
use crate::cli::{Format, Outcome};
use crate::local_path::path_text;
use crate::plural::counted;
use crate::report::{TextLines, measurements_page, training_curve};
use crate::training::mse18::TrainOptions;

pub(super) fn run(session: &Session, args: &TrainArgs, dir: &Path) -> anyhow::Result<Outcome> {
    let curve = args.output.with_extension("svg");
    anyhow::ensure!(
        curve != args.output,
        "the curve is written as .svg; name the head otherwise"
    );
    let options = TrainOptions {
        epochs: args.epochs,
        max_pairs: args.max_pairs,
        seed: args.seed,
        ..TrainOptions::default()
    };
    let extraction = session.extraction()?;
    let head = follow(session, |watch| {
        extraction.train_mse18(dir, &options, watch)
    });
    let Some((head, outcome)) = head? else {
        return Ok(Outcome::Interrupted);
    };
    replace(&args.output, head.to_json().as_bytes())?;
    replace(&curve, training_curve(head.training()).as_bytes())?;
    let training = head.training();
    let last = training
        .epochs
        .last()
        .context("there was at least one epoch")?;
    let figures = format!(
        "{}: {} of {}, balanced accuracy {:.3}; validation on {} of {} {}; curve in {}",
        args.output.display(),
        counted(training.train_pairs, "pair"),
        counted(training.train_pictures, "picture"),
        last.train_accuracy,
        counted(training.validation_pairs, "pair"),
        counted(training.validation_pictures, "other picture"),
        last.validation_accuracy
            .map_or("-".to_owned(), |accuracy| format!("{accuracy:.3}")),
        curve.display()
    );
    if let Some(file) = &args.html {
        let drawing = training_curve(training);
        let page = measurements_page("A training", &TextLines::from_iter([&figures]), &[drawing]);
        replace(file, page.as_bytes())?;
    }
    if args.format == Format::Json {
        output::json(&serde_json::json!({
            "head": path_text(&args.output),
            "curve": path_text(&curve),
            "classes": training.classes.len(),
            "train_pictures": training.train_pictures,
            "validation_pictures": training.validation_pictures,
            "train_pairs": training.train_pairs,
            "validation_pairs": training.validation_pairs,
            "train_accuracy": last.train_accuracy,
            "validation_accuracy": last.validation_accuracy,
        }))?;
    } else {
        output::line(&figures)?;
    }
    Ok(outcome)
}
