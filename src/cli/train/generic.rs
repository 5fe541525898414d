//! `train --generic`: the projection and the head that simdex ships.

use std::path::Path;

use anyhow::Context;

use super::TrainArgs;
use super::features::{Edited, Pictures};
use crate::cli::export::{check_folder, replace};
use crate::cli::session::Session;
use crate::cli::{Outcome, output, progress};
use crate::edit::Edit;
use crate::head::training::{Example, GenericSet, Half, fit_projection, train_generic};
use crate::head::{CollectionMean, Features, labelled_files};
use crate::ingest::extract;
use crate::network::{Descriptor, Network, pooled};

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
    progress::note("fitting the projections ...");
    let pool = |block: &[u8]| {
        pooled(network.manifest(), &layout, block)
            .context("the manifest does not say how the last layer is normalised")
    };
    let all = set
        .pictures
        .iter()
        .map(|picture| pool(&picture.block))
        .collect::<anyhow::Result<Vec<_>>>()?;
    // Classes by turns; each half is described by what was learned on the other.
    let labels = &set.labels;
    let of_half = |half: usize| (0..labels.len()).filter(move |i| labels[*i] % 2 == half);
    let mut described: Vec<Option<Descriptor>> = vec![None; all.len()];
    for half in 0..2 {
        let other: Vec<usize> = of_half(1 - half).collect();
        let rows: Vec<Vec<f32>> = other.iter().map(|&i| all[i].clone()).collect();
        let classes: Vec<usize> = other.iter().map(|&i| labels[i]).collect();
        let projection = fit_projection(network.id(), &rows, &classes);
        for i in of_half(half) {
            described[i] = Some(projection.apply(all[i].clone()));
        }
    }
    let projection = fit_projection(network.id(), &all, labels);
    let finals: Vec<Descriptor> = all.into_iter().map(|row| projection.apply(row)).collect();
    let copied = edited
        .iter()
        .map(|copy| Ok(projection.apply(pool(&copy.features.block)?)))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let network = network.with_projection_of(projection.clone());
    let example = |i: usize, descriptor| Example {
        subject: Features {
            descriptor,
            ..set.pictures[i].features()
        },
        embedding: &set.pictures[i].embedding,
        id: set.pictures[i].id,
    };
    let half = |half: usize| Half {
        pictures: of_half(half)
            .filter_map(|i| Some(example(i, described[i].as_ref()?)))
            .collect(),
        labels: of_half(half).map(|i| labels[i]).collect(),
    };
    let originals: Vec<Example<'_>> = finals
        .iter()
        .enumerate()
        .map(|(i, d)| example(i, d))
        .collect();
    let edited_examples: Vec<_> = edited
        .iter()
        .zip(&copied)
        .map(|(copy, descriptor)| {
            let mut edited = Edited::example(copy);
            edited.example.subject.descriptor = descriptor;
            edited
        })
        .collect();
    progress::note("comparing pictures ...");
    let head = train_generic(
        &GenericSet {
            network: &network,
            layout: &layout,
            halves: [half(0), half(1)],
            originals: &originals,
            edited: &edited_examples,
            classes: &set.classes,
            centre: CollectionMean::of(
                originals
                    .iter()
                    .map(|e| (e.embedding, e.subject.descriptor)),
            ),
            seed: args.seed,
        },
        &|_| (),
    );
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
