//! `eval copies`: are edited copies found?

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use clap::Args;

use crate::cli::input::pictures_below;
use crate::cli::progress::Progress;
use crate::cli::session::Session;
use crate::cli::train::features::Pictures;
use crate::cli::{Format, Outcome, output};
use crate::edit::Edit;
use crate::evaluation::{CopiesEvaluation, EditedQuery, Trial, evaluate_copies};
use crate::head::{Labelled, Mode, Ranking};
use crate::ingest::{FeatureError, extract_each, extract_views, read_file};
use crate::network::Extractor;
use crate::picture::{View, decode};

#[derive(Debug, Args)]
pub(in crate::cli) struct CopiesArgs {
    /// Folder of pictures
    dir: PathBuf,
    /// The head whose copy mode is measured
    #[arg(long, value_name = "NAME|FILE", default_value = "fused")]
    head: String,
    /// Pictures that are edited, spread over all; every one is searched
    #[arg(long, value_name = "N", default_value_t = 100)]
    queries: usize,
    /// Candidates that are re-scored [default: `[query] candidates` of the configuration]
    #[arg(long, value_name = "N")]
    candidates: Option<usize>,
    /// Seed of the edits
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How to print the table
    #[arg(long, default_value = "text")]
    format: Format,
}

pub(super) fn run(session: &Session, args: CopiesArgs) -> anyhow::Result<Outcome> {
    let network = session.network()?;
    let layout = network.layout(session.config.store.activations);
    let names = [
        ("embedding", Mode::SameSubject),
        ("mse18", Mode::SameSubject),
        (args.head.as_str(), Mode::Copy),
    ];
    let rankings = names
        .iter()
        .map(|(name, _)| Ranking::named(name, &network))
        .collect::<Result<Vec<_>, _>>()?;
    let files = pictures_below(&args.dir);
    anyhow::ensure!(
        files.len() >= 2,
        "there are fewer than two pictures below {}",
        args.dir.display()
    );
    let labelled = Labelled {
        classes: Vec::new(),
        files: files.into_iter().map(|path| (path, 0)).collect(),
    };
    let set = Pictures::load(session, &network, &layout, &labelled)?;
    let step = (set.pictures.len() / args.queries.max(1)).max(1);
    let wanted: Vec<(usize, Edit)> = (0..set.pictures.len())
        .step_by(step)
        .take(args.queries.max(1))
        .flat_map(|i| Edit::ALL.map(|edit| (i, edit)))
        .collect();
    let candidates = args.candidates.unwrap_or(session.config.query.candidates);
    let limits = session.config.picture.limits();
    let total = wanted.len();
    let bar = Progress::new("copies", total as u64);
    let done = AtomicU64::new(0);
    let engine = session.engine()?;
    let shutdown = &session.shutdown;
    let make = |i: usize, extractor: &mut Extractor| {
        let (original, edit) = wanted[i];
        let bytes = read_file(&set.paths[original], &limits)?;
        let decoded = decode(&bytes, &limits)?;
        let copy = edit
            .jpeg(&decoded.rgb, args.seed.wrapping_add(original as u64))
            .map_err(|error| FeatureError::Read(std::io::Error::other(error)))?;
        let views = extract_views(&copy, &limits, extractor, &layout, &View::ALL)?;
        Ok::<_, FeatureError>(EditedQuery {
            original,
            edit,
            views,
        })
    };
    let progress = || {
        let done = 1 + done.fetch_add(1, Ordering::Relaxed);
        bar.set(done, || format!("features of {done}/{total} copies"));
    };
    let made = extract_each(total, &engine, &network, shutdown, &progress, &make)?;
    drop(bar);
    let queries = made.into_iter().collect::<Result<Vec<_>, _>>()?;
    if shutdown.requested() {
        return Ok(Outcome::Interrupted);
    }
    let bar = Progress::new("queries", total as u64);
    let done = AtomicU64::new(0);
    let modes: Vec<_> = names
        .iter()
        .zip(&rankings)
        .map(|((name, mode), ranking)| (*name, ranking, *mode))
        .collect();
    let trial = Trial {
        layout: &layout,
        pictures: &set.pictures,
        candidates,
        seed: args.seed,
        shutdown,
        progress: &|| {
            let done = 1 + done.fetch_add(1, Ordering::Relaxed);
            bar.set(done, || format!("{done}/{total} queries"));
        },
    };
    let evaluation = evaluate_copies(&trial, &modes, &queries);
    drop(bar);
    let Some(evaluation) = evaluation else {
        return Ok(Outcome::Interrupted);
    };
    match args.format {
        Format::Json => output::json(&evaluation)?,
        Format::Text => output::write(table(&evaluation).as_bytes())?,
    }
    Ok(set.outcome())
}

fn table(evaluation: &CopiesEvaluation) -> String {
    let mut text = format!(
        "{} untouched pictures; {} candidates re-scored; share found first (95 % interval)\n{:<12} {:>7} {:>10}",
        evaluation.pictures, evaluation.candidates, "edit", "queries", "candidate",
    );
    for (name, _) in &evaluation.micro_ap {
        text += &format!("  {name:<21}");
    }
    text.push('\n');
    for row in &evaluation.rows {
        text += &format!(
            "{:<12} {:>7} {:>10.3}",
            row.edit, row.queries, row.candidate_recall
        );
        for (_, spread) in &row.recall_1 {
            let [low, high] = spread.interval;
            let cell = format!("{:.3} ({low:.3}-{high:.3})", spread.mean);
            text += &format!("  {cell:<21}");
        }
        text.push('\n');
    }
    text += &format!("{:<31}", "micro-AP");
    for (_, ap) in &evaluation.micro_ap {
        text += &format!("  {ap:<21.3}");
    }
    let score = |threshold: Option<f32>| {
        threshold.map_or("-".to_owned(), |threshold| format!("{threshold:.3}"))
    };
    text += &format!(
        "\nat random {:.4}; scores of the last from which on 90 % and 99 % are right: {} and {}\n",
        evaluation.random_recall_1,
        score(evaluation.thresholds.precision_90),
        score(evaluation.thresholds.precision_99),
    );
    if let Some(shipped) = evaluation.at_shipped_99 {
        text += &format!(
            "at the head's own 99 % threshold, {:.3}: precision {:.4}, recall {:.3}\n",
            shipped.threshold, shipped.precision, shipped.recall
        );
    }
    text
}
