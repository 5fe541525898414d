use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use super::export::{check_folder, replace};
use super::progress::{self, Problems, Progress};
use super::session::Session;
use super::{Format, Outcome, output};
use crate::activation::Layout;
use crate::head::{
    Labelled, TrainError, TrainOptions, TrainingSet, labelled_files, train, training_curve,
};
use crate::ingest::extract_all;
use crate::network::Network;
use crate::store::NewPicture;

#[derive(Debug, Args)]
pub(super) struct TrainArgs {
    /// Folder with one folder of pictures per class
    dir: PathBuf,
    /// Where to write the head; the curve goes beside it as .svg
    #[arg(short, long, value_name = "HEAD")]
    output: PathBuf,
    /// Passes over the pairs
    #[arg(long, default_value_t = TrainOptions::default().epochs)]
    epochs: usize,
    /// Most pairs trained on; of more, a sample is drawn
    #[arg(long, default_value_t = TrainOptions::default().max_pairs)]
    max_pairs: usize,
    /// Seed of the split, the weights and the dropout
    #[arg(long, default_value_t = TrainOptions::default().seed)]
    seed: u64,
    /// How to print the result
    #[arg(long, default_value = "text")]
    format: Format,
}

pub(super) fn run(session: &Session, args: TrainArgs) -> anyhow::Result<Outcome> {
    let curve = args.output.with_extension("svg");
    anyhow::ensure!(
        curve != args.output,
        "the curve is written as .svg; name the head otherwise"
    );
    check_folder(&args.output)?;
    let network = session.network()?;
    let layout = network.layout(session.config.store.activations);
    let mut labelled = labelled_files(&args.dir)?;
    let (pictures, labels, failed) = labelled_features(session, &network, &layout, &mut labelled)?;
    if session.shutdown.requested() {
        return Ok(Outcome::Interrupted);
    }
    let blocks: Vec<&[u8]> = pictures
        .iter()
        .map(|picture| picture.block.as_slice())
        .collect();
    let options = TrainOptions {
        epochs: args.epochs.max(1),
        max_pairs: args.max_pairs.max(2),
        seed: args.seed,
        ..TrainOptions::default()
    };
    let total = options.epochs;
    let set = TrainingSet {
        layout: &layout,
        blocks: &blocks,
        labels: &labels,
        classes: &labelled.classes,
    };
    let head = train(
        network.id(),
        &set,
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
    Ok(if failed {
        Outcome::SomeFailed
    } else {
        Outcome::Done
    })
}

/// Features of labelled pictures; those that fail are listed and left out, also of `labelled`.
pub(super) fn labelled_features(
    session: &Session,
    network: &Network,
    layout: &Layout,
    labelled: &mut Labelled,
) -> anyhow::Result<(Vec<NewPicture>, Vec<usize>, bool)> {
    let engine = session.engine()?;
    let paths: Vec<PathBuf> = labelled
        .files
        .iter()
        .map(|(path, _)| path.clone())
        .collect();
    let bar = Progress::new("features", paths.len() as u64);
    let done = std::sync::atomic::AtomicU64::new(0);
    let limits = session.config.picture.limits();
    let features = extract_all(
        &paths,
        &limits,
        &engine,
        network,
        layout,
        &session.shutdown,
        &|| {
            let done = 1 + done.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            bar.set(done, || {
                format!("features of {done}/{} pictures", paths.len())
            });
        },
    )?;
    drop(bar);
    let mut problems = Problems::new();
    let (mut pictures, mut used, mut failed) = (Vec::new(), Vec::new(), false);
    for (result, file) in features.into_iter().zip(labelled.files.drain(..)) {
        match result {
            Ok(picture) => {
                pictures.push(picture);
                used.push(file);
            }
            Err(error) => {
                failed = true;
                problems.add(&file.0.display().to_string(), &error.to_string());
            }
        }
    }
    problems.finish();
    labelled.files = used;
    let labels = labelled.files.iter().map(|(_, label)| *label).collect();
    Ok((pictures, labels, failed))
}
