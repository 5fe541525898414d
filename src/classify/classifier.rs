//! Labelled pictures that give evidence.

use rayon::prelude::*;

use super::evidence::Evidence;
use super::tune::{Case, Decay, tune};

/// How to classify.
#[derive(Debug, Clone, Copy)]
pub struct ClassifyOptions {
    /// Labelled pictures that give evidence on each picture.
    pub neighbours: usize,
}

impl Default for ClassifyOptions {
    fn default() -> Self {
        Self { neighbours: 8 }
    }
}

/// Labelled pictures, ready to give evidence.
#[derive(Debug, Clone)]
pub struct Classifier {
    labels: Vec<usize>,
    neighbours: usize,
    decay: Decay,
}

/// A labelled picture near the one asked about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbour {
    /// Which labelled picture.
    pub labelled: usize,
    /// Its class.
    pub class: usize,
    /// Its similarity, 1 for the same picture.
    pub similarity: f32,
    /// The mass that it gives to its class.
    pub support: f64,
}

/// What the labelled pictures say about one picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// All evidence, combined.
    pub evidence: Evidence,
    /// The pictures that gave it, nearest first.
    pub neighbours: Vec<Neighbour>,
}

/// Most labelled pictures that are asked about when the decays are tuned.
const TUNED_ON: usize = 1_000;

impl Classifier {
    /// Learns how fast each class's evidence weakens with the distance, from the labelled
    /// pictures themselves: each must be told by the others, and must be unknown when its
    /// own class is left out.
    ///
    /// `labels` are classes; `similarity` of two labelled pictures is at most 1.
    pub fn fit(
        labels: &[usize],
        options: &ClassifyOptions,
        similarity: &(dyn Fn(usize, usize) -> f32 + Sync),
    ) -> Self {
        let neighbours = options.neighbours.max(1);
        // Evenly spread over all, so over the classes too, which stand together.
        let step = labels.len().div_ceil(TUNED_ON).max(1);
        let cases: Vec<Case> = (0..labels.len())
            .into_par_iter()
            .step_by(step)
            .map(|i| {
                let others = |keep: &dyn Fn(usize) -> bool| {
                    let all = (0..labels.len()).filter(|j| *j != i && keep(labels[*j]));
                    let near = nearest(all.map(|j| (j, similarity(i, j))), neighbours);
                    near.into_iter()
                        .map(|(j, similarity)| (labels[j], Decay::distance(similarity)))
                        .collect()
                };
                Case {
                    class: labels[i],
                    told_by: others(&|_| true),
                    foreign_to: others(&|class| class != labels[i]),
                }
            })
            .collect();
        let classes = labels.iter().max().map_or(0, |last| last + 1);
        Self {
            labels: labels.to_vec(),
            neighbours,
            decay: tune(classes, &cases),
        }
    }

    /// Classifies a picture by its similarity to each labelled one.
    pub fn classify(&self, similarity: impl Fn(usize) -> f32) -> Verdict {
        let all = (0..self.labels.len()).map(|i| (i, similarity(i)));
        let neighbours: Vec<Neighbour> = nearest(all, self.neighbours)
            .into_iter()
            .map(|(labelled, similarity)| {
                let class = self.labels[labelled];
                Neighbour {
                    labelled,
                    class,
                    similarity,
                    support: self.decay.support(class, Decay::distance(similarity)),
                }
            })
            .collect();
        let pieces = neighbours.iter().map(|near| (near.class, near.support));
        Verdict {
            evidence: Evidence::combine(pieces),
            neighbours,
        }
    }
}

/// The `count` most similar, best first.
fn nearest(all: impl Iterator<Item = (usize, f32)>, count: usize) -> Vec<(usize, f32)> {
    let order = |a: &(usize, f32), b: &(usize, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
    let mut all: Vec<(usize, f32)> = all.collect();
    if all.len() > count {
        all.select_nth_unstable_by(count, order);
        all.truncate(count);
    }
    all.sort_unstable_by(order);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two classes on a line, around 0 and around 1.
    const PLACES: [f32; 8] = [0.0, 0.02, 0.03, 0.05, 1.0, 1.01, 1.03, 1.06];
    const LABELS: [usize; 8] = [0, 0, 0, 0, 1, 1, 1, 1];

    fn fitted(count: usize) -> Classifier {
        let options = ClassifyOptions { neighbours: count };
        Classifier::fit(&LABELS, &options, &|a, b| {
            1.0 - (PLACES[a] - PLACES[b]).abs()
        })
    }

    fn verdict(place: f32) -> Verdict {
        fitted(3).classify(|i| 1.0 - (PLACES[i] - place).abs())
    }

    #[test]
    fn near_pictures_are_told_and_far_ones_unknown() {
        for (place, class) in [(0.01, Some(0)), (1.02, Some(1)), (2.2, None), (9.0, None)] {
            let verdict = verdict(place);
            assert_eq!(verdict.evidence.class(), class, "{place}: {verdict:?}");
        }
        let supports: Vec<f64> = verdict(0.01).neighbours.iter().map(|n| n.support).collect();
        assert!(supports.len() == 3 && supports.is_sorted_by(|a, b| a >= b));
    }

    #[test]
    fn more_neighbours_than_pictures_are_no_problem() {
        let verdict = fitted(100).classify(|i| 1.0 - PLACES[i]);
        assert_eq!(verdict.neighbours.len(), 8);
        assert_eq!(verdict.evidence.class(), Some(0));
    }

    #[test]
    fn copies_of_one_picture_do_not_break_the_tuning() {
        let options = ClassifyOptions::default();
        let classifier = Classifier::fit(&[0, 0, 1, 1], &options, &|a, b| {
            if a / 2 == b / 2 { 1.0 } else { 0.2 }
        });
        let evidence = classifier.classify(|i| [1.0, 1.0, 0.2, 0.2][i]).evidence;
        assert_eq!(evidence.class(), Some(0));
        assert!(evidence.unknown().is_finite());
    }
}
