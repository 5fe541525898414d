//! Teaching a head from the user's own pictures: from labels, from pairs, or from the pictures
//! alone.

use super::example::{EditedExample, Example, mean_of};
use super::label_weights::{LabelledSet, label_weights};
use super::lists::copies;
use crate::head::{FROM_EDITS, Fused, FusedTraining, Mode, Signal};
use crate::network::Descriptor;
use crate::picture::PictureId;

/// Teaches `base` the user's classes, by the descriptors of labelled pictures. With a `sample` of
/// them, by number, that have their activations, too, it learns how much that counts in lists.
pub fn train_on_labels(
    base: &Fused,
    pictures: &[(PictureId, &Descriptor)],
    labels: &[usize],
    classes: &[String],
    sample: &[(usize, Example<'_>)],
) -> Fused {
    let training = FusedTraining {
        from: "labels".to_owned(),
        classes: classes.to_vec(),
        pictures: pictures.len(),
        ..base.training().clone()
    };
    let training = training.having_seen(pictures.iter().map(|(id, _)| *id));
    let descriptors: Vec<&Descriptor> = pictures.iter().map(|(_, d)| *d).collect();
    let probe = base.probe_of(&descriptors, labels, classes);
    let labelled = LabelledSet {
        descriptors: &descriptors,
        labels,
        classes,
        sample,
    };
    let weights = label_weights(base, &labelled);
    base.taught(probe.weighed(weights), training)
}

/// Teaches `base` which pairs the user finds the same in the sense of a mode.
pub fn train_on_pairs(
    base: &Fused,
    pictures: &[Example<'_>],
    answers: &[(usize, usize, bool)],
    mode: Mode,
) -> Fused {
    let mean = mean_of(pictures);
    let measure = base.measure(&mean);
    let rows: Vec<Vec<f32>> = answers
        .iter()
        .map(|&(i, j, _)| {
            let (a, b) = (&pictures[i], &pictures[j]);
            let prepared = measure.prepare(&a.features);
            measure.measure(&prepared, &b.features).values
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
    base.refitted(&[mode], &unmeasured, &rows, &same, training)
}

/// Teaches `base` the user's kind of pictures from copies of them: two pictures made from
/// one are the same, others are not.
pub fn train_on_copies(
    base: &Fused,
    pictures: &[Example<'_>],
    edited: &[EditedExample<'_>],
    progress: &(dyn Fn(usize) + Sync),
) -> Fused {
    let mean = mean_of(pictures);
    let measure = base.measure(&mean);
    let kept: Vec<_> = edited
        .iter()
        .map(|copy| (copy.original, copy.example))
        .collect();
    let rows = copies(&measure, pictures, &kept, progress);
    let training = FusedTraining {
        from: FROM_EDITS.to_owned(),
        classes: Vec::new(),
        pictures: pictures.len(),
        pairs: rows.same.len(),
        ..base.training().clone()
    };
    let training = training.having_seen(pictures.iter().map(|picture| picture.id));
    // Other pictures of the same kind count as different here, so `same-subject` learns
    // nothing.
    base.refitted(
        &[Mode::LookAlike, Mode::Copy],
        &[Signal::Neighbourhood],
        &rows.values,
        &rows.same,
        training,
    )
}
