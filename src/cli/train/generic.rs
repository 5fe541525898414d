//! `train --generic`: the projection and the head that simdex ships.

use std::path::Path;

use anyhow::Context;

use super::TrainArgs;
use super::features::Pictures;
use crate::cli::export::{check_folder, replace};
use crate::cli::session::Session;
use crate::cli::{Outcome, output, progress};
use crate::dataset::labelled_files;
use crate::edit::Edit;
use crate::ingest::extract;
use crate::network::Network;
use crate::training::{EditedExample, Generic, GenericSet, train_generic};

/// Every so many-th picture is edited to learn from.
const EDITED: usize = 4;

pub(super) fn run(
    session: &Session,
    args: &TrainArgs,
    dir: &Path,
    network: Network,
) -> anyhow::Result<Outcome> {
    let projection_file = args.projection.as_deref().context("clap asks for it")?;
    check_folder(projection_file)?;
    let layout = network.layout(session.config.store.activations);
    let set: Pictures = Pictures::load(session, &network, &layout, &labelled_files(dir)?)?;
    let copies: Vec<_> = (0..set.pictures.len())
        .step_by(EDITED)
        .flat_map(|i| Edit::ALL.map(|edit| (i, edit)))
        .collect();
    let limits = session.config.picture.limits();
    let edited = set.edited(session, &network, &copies, args.seed, &|copy, extractor| {
        extract(copy, &limits, extractor, &layout)
    })?;
    if session.shutdown.requested() {
        return Ok(Outcome::Interrupted);
    }
    let examples: Vec<EditedExample<'_>> = edited.iter().map(|e| e.example(&layout)).collect();
    let Generic { projection, head } = train_generic(
        network,
        &GenericSet {
            pictures: &set.examples(&layout),
            labels: &set.labels,
            classes: &set.classes,
            edited: &examples,
            seed: args.seed,
        },
        &progress::note,
    )?;
    replace(projection_file, &projection.to_bytes())?;
    replace(&args.output, head.to_json(&layout).as_bytes())?;
    output::line(&format!(
        "{} and {}: {} pictures, {} copies, {} pairs",
        projection_file.display(),
        args.output.display(),
        set.pictures.len(),
        edited.len(),
        head.training().pairs
    ))?;
    Ok(set.outcome())
}
