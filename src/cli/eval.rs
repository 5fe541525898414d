use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::eval_classify::{self, EvalClassifyArgs};
use super::progress::Progress;
use super::session::Session;
use super::train::labelled_features;
use super::{Format, Outcome, output};
use crate::evaluation::{Evaluation, EvaluationError, EvaluationOptions, Figures, evaluate};
use crate::head::{TrainError, labelled_files};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct EvalArgs {
    #[command(subcommand)]
    protocol: Option<Protocol>,
    /// The report's protocol on a folder with one folder of pictures per class
    #[arg(long, value_name = "DIR", required = true)]
    pairs: Option<PathBuf>,
    /// Random draws of training and test pictures
    #[arg(long, default_value_t = 10)]
    draws: usize,
    /// Pictures per class to train on
    #[arg(long, default_value_t = 20)]
    train_per_class: usize,
    /// Pictures per class of the small test
    #[arg(long, default_value_t = 4)]
    test_per_class: usize,
    /// Seed of the draws
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Epochs of training
    #[arg(long, default_value_t = 400)]
    epochs: usize,
    /// How to print the table
    #[arg(long, default_value = "text")]
    format: Format,
}

#[derive(Debug, Subcommand)]
enum Protocol {
    /// Measure `simdex classify` on a folder with one folder of pictures per class
    Classify(EvalClassifyArgs),
}

pub(super) fn run(session: &Session, args: EvalArgs) -> anyhow::Result<Outcome> {
    if let Some(Protocol::Classify(args)) = args.protocol {
        return eval_classify::run(session, args);
    }
    let network = session.network()?;
    let layout = network.layout(session.config.store.activations);
    // clap has seen to it where there is no subcommand.
    let mut labelled = labelled_files(&args.pairs.unwrap_or_default())?;
    let (pictures, labels, failed) = labelled_features(session, &network, &layout, &mut labelled)?;
    if session.shutdown.requested() {
        return Ok(Outcome::Interrupted);
    }
    let options = EvaluationOptions {
        draws: args.draws.max(1),
        train_per_class: args.train_per_class.max(2),
        test_per_class: args.test_per_class.max(2),
        seed: args.seed,
        epochs: args.epochs.max(1),
    };
    let bar = Progress::new("training", options.draws as u64);
    let done = std::sync::atomic::AtomicU64::new(0);
    let evaluation = evaluate(
        &layout,
        &pictures,
        &labels,
        &labelled,
        &options,
        &session.shutdown,
        &|| {
            let done = 1 + done.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            bar.set(done, || format!("{done}/{} draws", options.draws));
        },
    );
    drop(bar);
    let evaluation = match evaluation {
        Err(EvaluationError::Train(TrainError::Interrupted)) => return Ok(Outcome::Interrupted),
        evaluation => evaluation?,
    };
    match args.format {
        Format::Json => output::json(&evaluation)?,
        Format::Text => output::write(table(&evaluation).as_bytes())?,
    }
    Ok(if failed {
        Outcome::SomeFailed
    } else {
        Outcome::Done
    })
}

fn table(evaluation: &Evaluation) -> String {
    let mut text = format!(
        "{} pictures of {} classes, {} draws, split by picture; mean +- standard deviation\n\
         {:<10} {:<24} {:<18} {:<18} {:<18} always \"different\"\n",
        evaluation.pictures,
        evaluation.classes.len(),
        evaluation.draws,
        "head",
        "pairs",
        "accuracy",
        "balanced",
        "AUC",
    );
    for row in &evaluation.rows {
        let few = format!("{} (report's test)", evaluation.few_pairs);
        let held = format!("{} (all held out)", evaluation.held_out_pairs);
        text += &line(row.head, &few, &row.few_pairs);
        text += &line("", &held, &row.held_out_pairs);
    }
    text + &format!(
        "The report gives its own head {:.3} on 66 pairs of three classes.\n",
        evaluation.report_accuracy
    )
}

fn line(head: &str, pairs: &str, figures: &Figures) -> String {
    let cell =
        |spread: &crate::evaluation::Spread| format!("{:.3} +- {:.3}", spread.mean, spread.std);
    format!(
        "{head:<10} {pairs:<24} {:<18} {:<18} {:<18} {:.3}\n",
        cell(&figures.accuracy),
        cell(&figures.balanced_accuracy),
        cell(&figures.auc),
        figures.baseline.mean
    )
}
