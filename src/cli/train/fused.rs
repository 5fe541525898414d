//! `train`: the user's labels, pairs or bare pictures, on top of the shipped head.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::TrainArgs;
use super::features::{Described, Pictures};
use crate::cli::export::replace;
use crate::cli::progress::Progress;
use crate::cli::session::Session;
use crate::cli::{Format, Outcome, output};
use crate::dataset::{Labelled, PairsFile, pictures_below};
use crate::edit::Edit;
use crate::head::Fused;
use crate::ingest::extract;
use crate::network::Network;
use crate::training::{train_on_copies, train_on_labels, train_on_pairs};

/// Edits of each picture that `--unlabelled` learns from.
const EDITS: usize = 4;
/// Most pictures whose copies are learned from.
const MOST: usize = 500;

pub(super) fn from_labels(
    session: &Session,
    args: &TrainArgs,
    network: &Network,
    set: &Pictures<Described>,
) -> anyhow::Result<Outcome> {
    if session.shutdown.requested() {
        return Ok(Outcome::Interrupted);
    }
    set.ensure_classes(2)?;
    let pictures: Vec<_> = set.pictures.iter().map(|p| (p.id, &p.descriptor)).collect();
    let head = train_on_labels(
        &Fused::builtin(network)?,
        &pictures,
        &set.labels,
        &set.classes,
    );
    finish(session, args, network, &head, set.outcome())
}

pub(super) fn from_pairs(
    session: &Session,
    args: &TrainArgs,
    csv: &Path,
    network: &Network,
) -> anyhow::Result<Outcome> {
    let PairsFile { paths, pairs } = PairsFile::read(csv)?;
    let layout = network.layout(session.config.store.activations);
    let labelled = Labelled::unlabelled(paths.clone());
    let set: Pictures = Pictures::load(session, network, &layout, &labelled)?;
    if session.shutdown.requested() {
        return Ok(Outcome::Interrupted);
    }
    // Pictures that failed were left out, and their pairs go with them.
    let places: HashMap<&PathBuf, usize> = set.paths.iter().zip(0..).collect();
    let place = |i: usize| places.get(&paths[i]).copied();
    let answers: Vec<_> = pairs
        .into_iter()
        .filter_map(|(i, j, same)| Some((place(i)?, place(j)?, same)))
        .collect();
    for kind in [true, false] {
        anyhow::ensure!(
            answers.iter().any(|(_, _, same)| *same == kind),
            "{} needs pairs that are the same and pairs that are not, of pictures that can be used; usable pairs: {}",
            csv.display(),
            answers.len()
        );
    }
    let head = train_on_pairs(&Fused::builtin(network)?, &set.examples(&layout), &answers);
    finish(session, args, network, &head, set.outcome())
}

pub(super) fn from_copies(
    session: &Session,
    args: &TrainArgs,
    dir: &Path,
    network: &Network,
) -> anyhow::Result<Outcome> {
    let mut paths = pictures_below(dir);
    anyhow::ensure!(
        paths.len() >= 2,
        "there are fewer than two pictures below {}",
        dir.display()
    );
    let step = paths.len().div_ceil(MOST);
    paths = paths.into_iter().step_by(step).collect();
    let layout = network.layout(session.config.store.activations);
    let set: Pictures = Pictures::load(session, network, &layout, &Labelled::unlabelled(paths))?;
    let copies: Vec<_> = (0..set.pictures.len())
        .flat_map(|i| (0..EDITS).map(move |n| (i, Edit::ALL[(i * EDITS + n) % Edit::ALL.len()])))
        .collect();
    let limits = session.config.picture.limits();
    let edited = set.edited(session, network, &copies, args.seed, &|copy, extractor| {
        extract(copy, &limits, extractor, &layout)
    })?;
    if session.shutdown.requested() {
        return Ok(Outcome::Interrupted);
    }
    let bar = Progress::new("learning", edited.len() as u64);
    let done = std::sync::atomic::AtomicU64::new(0);
    let head = train_on_copies(
        &Fused::builtin(network)?,
        &set.examples(&layout),
        &edited
            .iter()
            .map(|e| e.example(&layout))
            .collect::<Vec<_>>(),
        &|_| {
            let done = 1 + done.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            bar.set(done, || format!("compared {done}/{} copies", edited.len()));
        },
    );
    drop(bar);
    // Each copy gives one pair that is the same.
    anyhow::ensure!(
        !edited.is_empty() && head.training().pairs > edited.len(),
        "{} pictures below {} can be used; there must be two that are not copies of each other",
        set.pictures.len(),
        dir.display()
    );
    finish(session, args, network, &head, set.outcome())
}

fn finish(
    session: &Session,
    args: &TrainArgs,
    network: &Network,
    head: &Fused,
    outcome: Outcome,
) -> anyhow::Result<Outcome> {
    let layout = network.layout(session.config.store.activations);
    replace(&args.output, head.to_json(&layout).as_bytes())?;
    let training = head.training();
    if args.format == Format::Json {
        output::json(&serde_json::json!({
            "head": args.output.display().to_string(),
            "from": training.from,
            "classes": training.classes.len(),
            "train_pictures": training.pictures,
            "train_pairs": training.pairs,
        }))?;
    } else {
        output::line(&format!(
            "{}: learned from the {} of {} pictures",
            args.output.display(),
            training.from,
            training.pictures
        ))?;
    }
    Ok(outcome)
}
