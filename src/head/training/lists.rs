//! What heads learn from: measured pairs, as they come up in ranked lists and at random.

use rand::seq::index::sample;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::head::{
    CollectionMean, Features, Grid, Measure, Prepared, Signal, Thresholds, neighbourhoods,
};
use crate::network::{Descriptor, Embedding};
use crate::picture::PictureId;

/// A picture to learn from.
#[derive(Debug, Clone, Copy)]
pub struct Example<'a> {
    /// What is measured of it.
    pub subject: Features<'a>,
    /// Its embedding.
    pub embedding: &'a Embedding,
    /// Its id.
    pub id: PictureId,
}

/// Measured pairs with their answers.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) values: Vec<Vec<f32>>,
    pub(super) same: Vec<bool>,
}

impl Rows {
    pub(super) fn extend(&mut self, other: Self) {
        self.values.extend(other.values);
        self.same.extend(other.same);
    }

    fn of(pairs: Vec<(Vec<f32>, bool)>) -> Self {
        let (values, same) = pairs.into_iter().unzip();
        Self { values, same }
    }
}

/// Candidates in a list, as a query has them by default.
const CANDIDATES: usize = 200;
/// Wrong candidates learned from in each list: the nearest of them.
const WRONG: usize = 60;

pub(super) fn centre(pictures: &[Example<'_>]) -> CollectionMean {
    CollectionMean::of(pictures.iter().map(|p| (p.embedding, p.subject.descriptor)))
}

/// Every picture as a query among the others: its candidates, with their neighbourhoods.
pub(super) fn lists(
    measure: &Measure<'_>,
    pictures: &[Example<'_>],
    same: &(dyn Fn(usize, usize) -> bool + Sync),
    progress: &(dyn Fn(usize) + Sync),
) -> Rows {
    let centred: Vec<Descriptor> = pictures
        .iter()
        .map(|p| p.subject.descriptor.from_centre(&measure.centre.descriptor))
        .collect();
    let layers = measure.layout.layers().len();
    let pairs: Vec<Vec<_>> = (0..pictures.len())
        .into_par_iter()
        .map(|query| {
            let order = nearest(&centred, query, CANDIDATES);
            let around: Vec<Descriptor> = [query]
                .iter()
                .chain(&order)
                .map(|&i| centred[i].clone())
                .collect();
            let common = neighbourhoods(&around);
            let prepared = measure.prepare(&pictures[query].subject);
            let mut wrong = 0;
            let mut rows = Vec::new();
            for (&other, common) in order.iter().zip(common) {
                let answer = same(query, other);
                wrong += usize::from(!answer);
                if !answer && wrong > WRONG {
                    continue;
                }
                let picture = &pictures[other];
                let measured = measure.measure(&prepared, &picture.subject);
                let mut values = measured.values;
                values[Signal::Neighbourhood.index(layers)] = common;
                rows.push((values, answer));
            }
            progress(1);
            rows
        })
        .collect();
    Rows::of(pairs.into_iter().flatten().collect())
}

/// All pairs of the same kind, and as many drawn ones that are not; at most `most` of each.
pub(super) fn pairs(
    measure: &Measure<'_>,
    pictures: &[Example<'_>],
    same: &dyn Fn(usize, usize) -> bool,
    most: usize,
    rng: &mut ChaCha8Rng,
) -> Rows {
    let all = (0..pictures.len()).flat_map(|i| (i + 1..pictures.len()).map(move |j| (i, j)));
    let (alike, other): (Vec<_>, Vec<_>) = all.partition(|&(i, j)| same(i, j));
    let mut draw = |from: Vec<(usize, usize)>, count: usize| -> Vec<(usize, usize)> {
        let chosen = sample(rng, from.len(), count.min(from.len()));
        chosen.into_iter().map(|i| from[i]).collect()
    };
    let alike = draw(alike, most);
    let other = draw(other, 2 * alike.len());
    measured(
        measure,
        pictures,
        alike.into_iter().chain(other).collect(),
        same,
    )
}

fn measured(
    measure: &Measure<'_>,
    pictures: &[Example<'_>],
    pairs: Vec<(usize, usize)>,
    same: &dyn Fn(usize, usize) -> bool,
) -> Rows {
    let answers: Vec<bool> = pairs.iter().map(|&(i, j)| same(i, j)).collect();
    let values = pairs
        .into_par_iter()
        .map(|(i, j)| {
            let (a, b) = (&pictures[i], &pictures[j]);
            let prepared = measure.prepare(&a.subject);
            measure.measure(&prepared, &b.subject).values
        })
        .collect();
    Rows {
        values,
        same: answers,
    }
}

/// Edited copies as queries among the pictures that they were made from: the right one and
/// the nearest wrong ones, with where their parts match.
pub(super) fn copies(
    measure: &Measure<'_>,
    pictures: &[Example<'_>],
    edited: &[(usize, Example<'_>)],
    progress: &(dyn Fn(usize) + Sync),
) -> Rows {
    const NEAREST: usize = 20;
    let descriptors: Vec<Descriptor> = pictures
        .iter()
        .map(|p| p.subject.descriptor.clone())
        .collect();
    let layers = measure.layout.layers().len();
    let grid = |block| Grid::of(measure.layout, measure.scaler, block);
    let grids: Vec<Grid> = pictures.par_iter().map(|p| grid(p.subject.block)).collect();
    let pairs: Vec<Vec<_>> = edited
        .par_iter()
        .map(|(original, copy)| {
            let prepared: Prepared<'_> = measure.prepare(&copy.subject);
            let own = grid(copy.subject.block);
            let mut order = nearest_to(&descriptors, copy.subject.descriptor, NEAREST);
            if !order.contains(original) {
                order.push(*original);
            }
            let own_embedding = pictures[*original].embedding;
            order.retain(|i| i == original || !are_twins(own_embedding, pictures[*i].embedding));
            let rows = order.into_iter().map(|i| {
                let picture = &pictures[i];
                let measured = measure.measure(&prepared, &picture.subject);
                let mut values = measured.values;
                values[Signal::Local.index(layers)] = own.align(&grids[i]).agreement;
                (values, i == *original)
            });
            let rows = rows.collect();
            progress(1);
            rows
        })
        .collect();
    Rows::of(pairs.into_iter().flatten().collect())
}

/// Whether two untouched pictures are so near that one may well be a copy of the other:
/// collections of photos have such pairs, and nobody can say which of the two a copy was
/// made from.
pub fn are_twins(a: &Embedding, b: &Embedding) -> bool {
    const COSINE: f32 = 0.95;
    a.cosine(b) >= COSINE
}

fn nearest(descriptors: &[Descriptor], own: usize, count: usize) -> Vec<usize> {
    let mut order = nearest_to(descriptors, &descriptors[own], count + 1);
    order.retain(|i| *i != own);
    order.truncate(count);
    order
}

/// The pictures nearest to a descriptor, nearest first.
pub fn nearest_to(descriptors: &[Descriptor], query: &Descriptor, count: usize) -> Vec<usize> {
    let cosines: Vec<f32> = descriptors.iter().map(|d| d.cosine(query)).collect();
    let mut order: Vec<usize> = (0..descriptors.len()).collect();
    order.sort_by(|a, b| cosines[*b].total_cmp(&cosines[*a]).then(a.cmp(b)));
    order.truncate(count);
    order
}

/// The lowest scores from which on 90 % and 99 % of the results are right.
pub fn thresholds(scored: &[(f32, bool)]) -> Thresholds {
    let mut sorted = scored.to_vec();
    sorted.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut right, mut thresholds) = (0usize, Thresholds::default());
    for (i, (score, same)) in sorted.iter().enumerate() {
        right += usize::from(*same);
        // Results of one score stand or fall together.
        if sorted.get(i + 1).is_some_and(|next| next.0 == *score) {
            continue;
        }
        let precision = right as f64 / (i + 1) as f64;
        if precision >= 0.9 {
            thresholds.precision_90 = Some(*score);
        }
        if precision >= 0.99 {
            thresholds.precision_99 = Some(*score);
        }
    }
    thresholds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_the_lowest_scores_of_a_precision() {
        // 99 right, a wrong one, ten right, five wrong ones.
        let mut scored: Vec<(f32, bool)> = (0..99).map(|i| (0.9 - i as f32 * 1e-3, true)).collect();
        scored.push((0.5, false));
        scored.extend((0..10).map(|i| (0.4 - i as f32 * 1e-3, true)));
        scored.extend((0..15).map(|i| (0.2 - i as f32 * 1e-3, false)));
        let found = thresholds(&scored);
        assert!((found.precision_99.unwrap() - 0.391).abs() < 1e-5);
        assert!((found.precision_90.unwrap() - 0.19).abs() < 2e-3);
        assert_eq!(thresholds(&[(0.5, false)]), Thresholds::default());
    }
}
