//! `train --kind mse18`: the report's head.

use anyhow::Context;

use super::TrainArgs;
use super::features::Pictures;
use crate::activation::Activations;
use crate::cli::export::replace;
use crate::cli::session::Session;
use crate::cli::{Format, Outcome, output, progress};
use crate::network::Network;
use crate::training::mse18::{TrainError, TrainOptions, TrainingSet, train, training_curve};

pub(super) fn run(
    session: &Session,
    args: &TrainArgs,
    network: &Network,
    set: &Pictures,
) -> anyhow::Result<Outcome> {
    let curve = args.output.with_extension("svg");
    anyhow::ensure!(
        curve != args.output,
        "the curve is written as .svg; name the head otherwise"
    );
    let layout = network.layout(session.config.store.activations);
    let pictures = set.pictures.iter();
    let pictures = pictures.map(|p| Activations::new(&layout, &p.block));
    let pictures: Vec<_> = pictures.collect();
    let options = TrainOptions {
        epochs: args.epochs.max(1),
        max_pairs: args.max_pairs.max(2),
        seed: args.seed,
        ..TrainOptions::default()
    };
    let total = options.epochs;
    let training_set = TrainingSet {
        pictures: &pictures,
        labels: &set.labels,
        classes: &set.classes,
    };
    let head = train(
        network.id(),
        &training_set,
        &options,
        &session.shutdown,
        &mut |number, epoch| {
            let validation = epoch
                .validation_accuracy
                .map_or("-".to_owned(), |accuracy| format!("{accuracy:.3}"));
            progress::note(&format!(
                "epoch {number:>3}/{total}  loss {:.4}  train {:.3}  validation {validation}",
                epoch.loss, epoch.train_accuracy
            ));
        },
    );
    let head = match head {
        Err(TrainError::Interrupted) => return Ok(Outcome::Interrupted),
        head => head?,
    };
    replace(&args.output, head.to_json().as_bytes())?;
    replace(&curve, training_curve(head.training()).as_bytes())?;
    let training = head.training();
    let last = training
        .epochs
        .last()
        .context("there was at least one epoch")?;
    if args.format == Format::Json {
        output::json(&serde_json::json!({
            "head": args.output.display().to_string(),
            "curve": curve.display().to_string(),
            "classes": training.classes.len(),
            "train_pictures": training.train_pictures,
            "validation_pictures": training.validation_pictures,
            "train_pairs": training.train_pairs,
            "validation_pairs": training.validation_pairs,
            "train_accuracy": last.train_accuracy,
            "validation_accuracy": last.validation_accuracy,
        }))?;
    } else {
        output::line(&format!(
            "{}: {} pairs of {} pictures, balanced accuracy {:.3}; validation on {} pairs of {} other pictures {}; curve in {}",
            args.output.display(),
            training.train_pairs,
            training.train_pictures,
            last.train_accuracy,
            training.validation_pairs,
            training.validation_pictures,
            last.validation_accuracy
                .map_or("-".to_owned(), |accuracy| format!("{accuracy:.3}")),
            curve.display()
        ))?;
    }
    Ok(set.outcome())
}
