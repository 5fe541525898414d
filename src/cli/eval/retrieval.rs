//! `eval retrieval`: ranked lists against folders.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use clap::Args;

use super::with_interval;
use crate::cli::progress::Progress;
use crate::cli::session::Session;
use crate::cli::train::features::Pictures;
use crate::cli::{Format, Outcome, output};
use crate::dataset::{Labelled, labelled_files};
use crate::evaluation::{RetrievalEvaluation, Trial, evaluate_retrieval};
use crate::head::Ranking;

#[derive(Debug, Args)]
pub(in crate::cli) struct RetrievalArgs {
    /// Folder with one folder of pictures per class
    dir: PathBuf,
    /// Another head to measure, besides embedding, mse18 and fused
    #[arg(long, value_name = "FILE")]
    head: Option<String>,
    /// Candidates that are re-scored [default: `[query] candidates` of the configuration]
    #[arg(long, value_name = "N")]
    candidates: Option<usize>,
    /// Most pictures of each class
    #[arg(long, value_name = "N", default_value_t = usize::MAX, hide_default_value = true)]
    per_class: usize,
    /// Classes that the heads were trained on too, by their names
    #[arg(long)]
    trained_classes: bool,
    /// Seed of the resampling
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How to print the table
    #[arg(long, default_value = "text")]
    format: Format,
}

pub(super) fn run(session: &Session, args: RetrievalArgs) -> anyhow::Result<Outcome> {
    let network = session.network()?;
    let layout = network.layout(session.config.store.activations);
    let mut names = vec!["embedding", "mse18", "fused"];
    names.extend(args.head.as_deref());
    let rankings = names
        .iter()
        .map(|name| Ranking::named(name, &network))
        .collect::<Result<Vec<_>, _>>()?;
    let mut labelled = labelled_files(&args.dir)?;
    let left_out = match args.trained_classes {
        true => Vec::new(),
        false => leave_out(&mut labelled, &trained_classes(&rankings)),
    };
    anyhow::ensure!(
        labelled.classes.len() > 1,
        "the heads were trained on classes of these names; `--trained-classes` measures them all the same"
    );
    keep_first(&mut labelled, args.per_class);
    let set: Pictures = Pictures::load(session, &network, &layout, &labelled)?;
    if session.shutdown.requested() {
        return Ok(Outcome::Interrupted);
    }
    set.ensure_classes(2)?;
    let counts = set.counts();
    let total: usize = counts.iter().filter(|count| **count > 1).sum();
    anyhow::ensure!(
        total > 0,
        "there is nothing to find: no class has two usable pictures"
    );
    let bar = Progress::new("queries", total as u64);
    let done = AtomicU64::new(0);
    let pairs: Vec<(&str, &Ranking)> = names.iter().copied().zip(&rankings).collect();
    let trial = Trial {
        layout: &layout,
        pictures: &set.pictures,
        seed: args.seed,
        shutdown: &session.shutdown,
        progress: &|| {
            let done = 1 + done.fetch_add(1, Ordering::Relaxed);
            bar.set(done, || format!("{done}/{total} queries"));
        },
    };
    let candidates = args.candidates.unwrap_or(session.config.query.candidates);
    let evaluation = evaluate_retrieval(&trial, candidates, &pairs, &set.labels);
    drop(bar);
    let Some(evaluation) = evaluation else {
        return Ok(Outcome::Interrupted);
    };
    let evaluation = RetrievalEvaluation {
        classes: set.classes.clone(),
        left_out,
        ..evaluation
    };
    match args.format {
        Format::Json => output::json(&evaluation)?,
        Format::Text => output::write(table(&evaluation).as_bytes())?,
    }
    Ok(set.outcome())
}

fn trained_classes(rankings: &[Ranking]) -> Vec<String> {
    let classes = rankings.iter().flat_map(|ranking| match ranking {
        Ranking::Embedding => &[],
        Ranking::Mse18(head) => head.training().classes.as_slice(),
        Ranking::Fused(head) => head.training().classes.as_slice(),
    });
    classes.cloned().collect()
}

/// Drops classes by name; says which.
fn leave_out(labelled: &mut Labelled, trained: &[String]) -> Vec<String> {
    let mut places = Vec::new();
    let (mut kept, mut dropped) = (Vec::new(), Vec::new());
    for class in labelled.classes.drain(..) {
        let known = trained.contains(&class);
        places.push((!known).then_some(kept.len()));
        if known {
            dropped.push(class);
        } else {
            kept.push(class);
        }
    }
    labelled.classes = kept;
    labelled.files = std::mem::take(&mut labelled.files)
        .into_iter()
        .filter_map(|(path, class)| Some((path, places[class]?)))
        .collect();
    dropped
}

fn keep_first(labelled: &mut Labelled, most: usize) {
    let mut counts = vec![0; labelled.classes.len()];
    labelled.files.retain(|(_, class)| {
        counts[*class] += 1;
        counts[*class] <= most
    });
}

fn table(evaluation: &RetrievalEvaluation) -> String {
    let mut text = format!(
        "{} pictures of {} classes, each a query; {} candidates re-scored; mean (95 % interval)\n",
        evaluation.pictures,
        evaluation.classes.len(),
        evaluation.candidates,
    );
    let alone = evaluation.pictures - evaluation.queries;
    if alone > 0 {
        text += &format!("but {alone}, alone in their class: nothing is there to be found\n");
    }
    if !evaluation.left_out.is_empty() {
        text += &format!(
            "left out, since heads were trained on them: {}\n",
            evaluation.left_out.join(", ")
        );
    }
    text += &format!(
        "candidate recall {}; had the full embedding chosen them {}\n{:<18} {:<22} {:<22} {:<22} recall@100\n",
        with_interval(&evaluation.candidate_recall),
        with_interval(&evaluation.embedding_candidate_recall),
        "ranking",
        "mAP",
        "first hit",
        "recall@10",
    );
    for row in &evaluation.rows {
        text += &format!(
            "{:<18} {:<22} {:<22} {:<22} {}\n",
            row.head,
            with_interval(&row.map),
            with_interval(&row.first_hit),
            with_interval(&row.recall_10),
            with_interval(&row.recall_100)
        );
    }
    text + &super::seen(&evaluation.seen, evaluation.pictures)
}
