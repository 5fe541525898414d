//! `eval copies`: are edited copies found?

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use clap::Args;

use super::with_interval;
use crate::cli::progress::Progress;
use crate::cli::session::Session;
use crate::cli::train::features::Pictures;
use crate::cli::{Format, Outcome, output};
use crate::dataset::{Labelled, pictures_below};
use crate::edit::Edit;
use crate::evaluation::{CopiesEvaluation, EditedQuery, Trial, evaluate_copies};
use crate::head::{Mode, Ranking};
use crate::ingest::extract_views;
use crate::picture::View;

#[derive(Debug, Args)]
pub(in crate::cli) struct CopiesArgs {
    /// Folder of pictures
    dir: PathBuf,
    /// The head whose copy mode is measured
    #[arg(long, value_name = "NAME|FILE", default_value = "fused")]
    head: String,
    /// Pictures that are edited, estimate over all; every one is searched
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
    let labelled = Labelled::unlabelled(files);
    let set: Pictures = Pictures::load(session, &network, &layout, &labelled)?;
    if session.shutdown.requested() {
        return Ok(Outcome::Interrupted);
    }
    anyhow::ensure!(
        set.pictures.len() >= 2,
        "fewer than two pictures below {} can be used",
        args.dir.display()
    );
    let step = (set.pictures.len() / args.queries.max(1)).max(1);
    let wanted: Vec<(usize, Edit)> = (0..set.pictures.len())
        .step_by(step)
        .take(args.queries.max(1))
        .flat_map(|i| Edit::ALL.map(|edit| (i, edit)))
        .collect();
    let candidates = args.candidates.unwrap_or(session.config.query.candidates);
    let limits = session.config.picture.limits();
    let edited = set.edited(session, &network, &wanted, args.seed, &|copy, extractor| {
        extract_views(copy, &limits, extractor, &layout, &View::ALL)
    })?;
    if session.shutdown.requested() {
        return Ok(Outcome::Interrupted);
    }
    let queries: Vec<EditedQuery> = edited
        .into_iter()
        .map(|copy| EditedQuery {
            original: copy.original,
            edit: copy.edit,
            views: copy.features,
        })
        .collect();
    anyhow::ensure!(!queries.is_empty(), "no edited copy can be used");
    let total = queries.len();
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
        seed: args.seed,
        shutdown: &session.shutdown,
        progress: &|| {
            let done = 1 + done.fetch_add(1, Ordering::Relaxed);
            bar.set(done, || format!("{done}/{total} queries"));
        },
    };
    let evaluation = evaluate_copies(&trial, candidates, &modes, &queries);
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
        "{} untouched pictures; {} candidates re-scored; share found first (95 % interval)\n{:<12} {:>7}  {:<17}",
        evaluation.pictures, evaluation.candidates, "edit", "queries", "among candidates",
    );
    for (name, _) in &evaluation.micro_ap {
        text += &format!("  {name:<21}");
    }
    text.push('\n');
    for row in &evaluation.rows {
        let candidates = row.candidate_recall.iter();
        let candidates: Vec<String> = candidates.map(|(_, x)| format!("{x:.3}")).collect();
        text += &format!(
            "{:<12} {:>7}  {:<17}",
            row.edit,
            row.queries,
            candidates.join("/")
        );
        for (_, estimate) in &row.recall_1 {
            text += &format!("  {:<21}", with_interval(estimate));
        }
        text.push('\n');
    }
    text += &format!("{:<39}", "micro-AP");
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
    text + &super::seen(&evaluation.seen, evaluation.pictures)
}
