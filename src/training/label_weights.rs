//! How much the user's labels count in lists, learned on pictures that did not teach them.

use super::example::{Example, mean_of};
use super::list_rows::Lists;
use super::stores::{DrawnStore, Kinds};
use crate::head::{Fused, LabelWeights, LabelledCandidate, Mode};
use crate::network::Descriptor;

/// The user's labelled pictures.
pub(super) struct LabelledSet<'a> {
    pub(super) descriptors: &'a [&'a Descriptor],
    /// The class of each, an index into `classes`.
    pub(super) labels: &'a [usize],
    pub(super) classes: &'a [String],
    /// Some of them, by number, with their activations.
    pub(super) sample: &'a [(usize, Example<'a>)],
}

/// Every picture is asked for once, by labels that all but its fold taught.
const FOLDS: usize = 4;
/// Fewer queries tell nothing.
const FEWEST: usize = 20;

/// The weights by which scores of lists are shares of right results on held-out folds; those of
/// before if there are too few pictures.
pub(super) fn label_weights(base: &Fused, set: &LabelledSet<'_>) -> LabelWeights {
    let Some(calibration) = base.calibration(Mode::SameSubject) else {
        return LabelWeights::default();
    };
    let folds = folds(set);
    let examples: Vec<Example<'_>> = set.sample.iter().map(|(_, example)| *example).collect();
    let labels: Vec<usize> = set.sample.iter().map(|(i, _)| set.labels[*i]).collect();
    let descriptors: Vec<Descriptor> = examples
        .iter()
        .map(|example| example.features.descriptor.clone())
        .collect();
    let mean = mean_of(&examples);
    let measure = base.measure(&mean);
    let lists = Lists {
        pictures: &examples,
        descriptors: &descriptors,
        kinds: Kinds {
            domains: &vec![0; examples.len()],
            labels: &labels,
            names: &labels,
        },
        measure: &measure,
        pair: &base.scorers(Mode::SameSubject).pair,
        references: calibration.references(),
        rule: calibration.rule(),
    };
    let (mut candidates, mut queries) = (Vec::new(), 0);
    for fold in 0..FOLDS {
        let (taught, of_taught): (Vec<&Descriptor>, Vec<usize>) = (0..set.labels.len())
            .filter(|i| folds[*i] != fold)
            .map(|i| (set.descriptors[i], set.labels[i]))
            .unzip();
        let asked: Vec<usize> = (0..examples.len())
            .filter(|at| folds[set.sample[*at].0] == fold)
            // There must be something to find.
            .filter(|at| labels.iter().filter(|label| **label == labels[*at]).count() > 1)
            .collect();
        if asked.is_empty() {
            continue;
        }
        queries += asked.len();
        let probe = base.probe_of(&taught, &of_taught, set.classes);
        let told: Vec<_> = descriptors.iter().map(|d| probe.probabilities(d)).collect();
        let stores: Vec<DrawnStore> = asked
            .into_iter()
            .map(|query| DrawnStore {
                stored: (0..examples.len()).filter(|i| *i != query).collect(),
                queries: vec![query],
            })
            .collect();
        let rows = lists.rows(&stores);
        for (row, &(query, other)) in rows.pairs.iter().enumerate() {
            candidates.push(LabelledCandidate {
                list: calibration.log_odds(&rows.features[row]),
                agreement: told[query].agreement(&told[other]),
                known: told[query].known_both(&told[other]),
                same: rows.same[row],
                // A query counts as one, whatever its list's length.
                weight: 0.1,
            });
        }
    }
    match queries < FEWEST {
        true => LabelWeights::default(),
        false => LabelWeights::fit(&candidates, queries),
    }
}

/// The fold of each picture: those of a class are spread over all.
fn folds(set: &LabelledSet<'_>) -> Vec<usize> {
    let mut next = vec![0; set.classes.len()];
    let mut fold = |label: usize| {
        next[label] += 1;
        (next[label] - 1) % FOLDS
    };
    set.labels.iter().map(|&label| fold(label)).collect()
}
