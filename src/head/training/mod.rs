//! Teaching the fused head: the shipped one from many classes and from edits, the user's
//! from labels, from pairs, or from nothing but pictures.

mod lists;
mod projection;

pub use lists::{Example, are_twins, nearest_to, thresholds};
pub use projection::fit_projection;

use std::collections::BTreeSet;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::probe::spread;
use super::{
    ChannelScaler, CollectionMean, Fused, FusedTraining, Judges, Measure, Mode, Needs, Scorer,
    Signal, Thresholds, sigmoid,
};
use crate::activation::Layout;
use crate::edit::Edit;
use crate::network::{Descriptor, Network};
use crate::picture::PictureId;
use lists::{Rows, centre, copies, lists, pairs};

/// Factor of half the squared weights of the judges.
const REGULARISATION: f64 = 1e-3;
/// Most pairs of one kind that a pair judge learns from.
const PAIRS: usize = 20_000;

/// A copy to learn from.
#[derive(Debug, Clone, Copy)]
pub struct EditedExample<'a> {
    /// The picture that it was made from, by number.
    pub original: usize,
    /// What was done.
    pub edit: Edit,
    /// The copy.
    pub example: Example<'a>,
}

/// Edits of which a copy still looks like its original to `look-alike`: its colours and
/// textures are left, whatever became of its layout.
const KEEPS_LOOK: [Edit; 7] = [
    Edit::Crop60,
    Edit::Crop25,
    Edit::SmallJpeg,
    Edit::Rotate10,
    Edit::Rotate90,
    Edit::Mirror,
    Edit::Noise,
];

/// Edits that views of the query undo, so that no judge need forgive them.
const UNDONE_BY_VIEWS: [Edit; 2] = [Edit::Mirror, Edit::Rotate90];

/// What the generic head learns from.
#[derive(Debug)]
pub struct GenericSet<'a> {
    /// The network with the projection that is to be shipped.
    pub network: &'a Network,
    /// How blocks are laid out.
    pub layout: &'a Layout,
    /// Labelled pictures; their descriptors come from projections that were trained on
    /// the other half of the classes, so that the head does not trust them too much.
    pub halves: [Half<'a>; 2],
    /// NearDuplicates of the first half's pictures, described by the shipped projection, and those
    /// pictures likewise.
    pub originals: &'a [Example<'a>],
    /// The copies.
    pub edited: &'a [EditedExample<'a>],
    /// Names of all classes.
    pub classes: &'a [String],
    /// CollectionMean of all pictures by the shipped projection.
    pub centre: CollectionMean,
    /// Seed of everything random.
    pub seed: u64,
}

/// Half of the classes.
#[derive(Debug)]
pub struct Half<'a> {
    /// Its pictures.
    pub pictures: Vec<Example<'a>>,
    /// Their classes.
    pub labels: Vec<usize>,
}

/// Trains the head that is shipped.
pub fn train_generic(set: &GenericSet<'_>, progress: &(dyn Fn(usize) + Sync)) -> Fused {
    let layout = set.layout;
    let layers = layout.layers().len();
    let blocks = set.halves.iter().flat_map(|half| &half.pictures);
    let scaler = ChannelScaler::fit(layout, blocks.map(|picture| picture.subject.block));
    let mut rng = ChaCha8Rng::seed_from_u64(set.seed);
    let (mut in_lists, mut alone) = (Rows::default(), Rows::default());
    for half in &set.halves {
        let centre = centre(&half.pictures);
        let measure = Measure {
            layout,
            scaler: &scaler,
            centre: &centre,
            needs: Needs::all(layers),
        };
        let same = |i: usize, j: usize| half.labels[i] == half.labels[j];
        in_lists.extend(lists(&measure, &half.pictures, &same, progress));
        alone.extend(pairs(&measure, &half.pictures, &same, PAIRS, &mut rng));
    }
    let measure = Measure {
        layout,
        scaler: &scaler,
        centre: &set.centre,
        needs: Needs::all(layers),
    };
    let chosen = |keep: &dyn Fn(Edit) -> bool| {
        let kept = set.edited.iter().filter(|copy| keep(copy.edit));
        let kept: Vec<_> = kept.map(|copy| (copy.original, copy.example)).collect();
        copies(&measure, set.originals, &kept, progress)
    };
    let copied = chosen(&|edit| !UNDONE_BY_VIEWS.contains(&edit));
    let looked = chosen(&|edit| KEEPS_LOOK.contains(&edit));
    let judges = [
        judges(Mode::SameSubject, layers, &alone, &in_lists),
        judges(Mode::LookAlike, layers, &looked, &looked),
        judges(Mode::Copy, layers, &copied, &copied),
    ];
    let training = FusedTraining {
        from: "labels and edits".to_owned(),
        classes: set.classes.to_vec(),
        pictures: set.halves.iter().map(|half| half.pictures.len()).sum(),
        pairs: in_lists.same.len() + alone.same.len() + copied.same.len() + looked.same.len(),
        seed: set.seed,
        base_rate: 0.5,
        seen: BTreeSet::new(),
    };
    let training = training.having_seen(set.originals.iter().map(|e| e.id));
    let descriptors = set.originals.iter().map(|e| e.subject.descriptor);
    Fused::new(
        set.network,
        scaler,
        set.centre.clone(),
        spread(&set.centre.descriptor, descriptors),
        judges,
        training,
    )
}

fn judges(mode: Mode, layers: usize, alone: &Rows, in_lists: &Rows) -> Judges {
    let fit = |signals: Vec<_>, rows: &Rows| {
        Scorer::fit(layers, &signals, &rows.values, &rows.same, REGULARISATION)
    };
    let list = fit(Judges::list_signals(mode, layers), in_lists);
    Judges {
        pair: fit(Judges::pair_signals(mode, layers), alone),
        thresholds: thresholds_of(&list, in_lists),
        list,
    }
}

fn thresholds_of(judge: &Scorer, rows: &Rows) -> Thresholds {
    let score = |values: &Vec<f32>| sigmoid(judge.log_odds(values));
    let scored: Vec<_> = rows
        .values
        .iter()
        .map(score)
        .zip(rows.same.iter().copied())
        .collect();
    thresholds(&scored)
}

/// Teaches `base` the user's classes, by the descriptors of labelled pictures.
pub fn train_on_labels(
    base: &Fused,
    pictures: &[(PictureId, &Descriptor)],
    labels: &[usize],
    classes: &[String],
) -> Fused {
    let training = FusedTraining {
        from: "labels".to_owned(),
        classes: classes.to_vec(),
        pictures: pictures.len(),
        ..base.training().clone()
    };
    let training = training.having_seen(pictures.iter().map(|(id, _)| *id));
    let descriptors: Vec<&Descriptor> = pictures.iter().map(|(_, d)| *d).collect();
    base.taught(base.probe_of(&descriptors, labels, classes), training)
}

/// Teaches `base` which pairs the user finds the same.
pub fn train_on_pairs_of(
    base: &Fused,
    layout: &Layout,
    pictures: &[Example<'_>],
    answers: &[(usize, usize, bool)],
) -> Fused {
    let centre = centre(pictures);
    let measure = base.measure(layout, &centre);
    let rows: Vec<Vec<f32>> = answers
        .iter()
        .map(|&(i, j, _)| {
            let (a, b) = (&pictures[i], &pictures[j]);
            let prepared = measure.prepare(&a.subject);
            measure.measure(&prepared, &b.subject).values
        })
        .collect();
    let same: Vec<bool> = answers.iter().map(|(_, _, same)| *same).collect();
    let training = FusedTraining {
        from: "pairs".to_owned(),
        classes: Vec::new(),
        pictures: pictures.len(),
        pairs: rows.len(),
        ..base.training().clone()
    };
    let training = training.having_seen(pictures.iter().map(|picture| picture.id));
    let unmeasured = [Signal::Neighbourhood, Signal::Local];
    base.refitted(&[Mode::SameSubject], &unmeasured, &rows, &same, training)
}

/// Teaches `base` the user's kind of pictures from copies of them: two pictures made from
/// one are the same, others are not.
pub fn train_on_copies(
    base: &Fused,
    layout: &Layout,
    pictures: &[Example<'_>],
    edited: &[EditedExample<'_>],
    progress: &(dyn Fn(usize) + Sync),
) -> Fused {
    let centre = centre(pictures);
    let measure = base.measure(layout, &centre);
    let kept: Vec<_> = edited
        .iter()
        .map(|copy| (copy.original, copy.example))
        .collect();
    let rows = copies(&measure, pictures, &kept, progress);
    let training = FusedTraining {
        from: "edits".to_owned(),
        classes: Vec::new(),
        pictures: pictures.len(),
        pairs: rows.same.len(),
        ..base.training().clone()
    };
    let training = training.having_seen(pictures.iter().map(|picture| picture.id));
    // Other photos of the same kind are not the same here, so `same-subject` learns nothing.
    base.refitted(
        &[Mode::LookAlike, Mode::Copy],
        &[Signal::Neighbourhood],
        &rows.values,
        &rows.same,
        training,
    )
}
