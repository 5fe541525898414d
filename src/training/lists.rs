//! Measured pairs, as they come up in ranked lists and at random.

use rand::seq::index::sample;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::example::Example;
use super::nearest::{are_twins, nearest_to};
use crate::head::{Grid, Measure, Prepared, Signal, neighbourhoods};
use crate::network::Descriptor;

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

/// Every picture as a query among the others: its candidates, with their neighbourhoods.
pub(super) fn lists(
    measure: &Measure<'_>,
    pictures: &[Example<'_>],
    same: &(dyn Fn(usize, usize) -> bool + Sync),
    progress: &(dyn Fn(usize) + Sync),
) -> Rows {
    let centred: Vec<Descriptor> = pictures
        .iter()
        .map(|p| p.features.descriptor.minus_mean(&measure.mean.descriptor))
        .collect();
    let layers = measure.layers();
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
            let prepared = measure.prepare(&pictures[query].features);
            let mut wrong = 0;
            let mut rows = Vec::new();
            for (&other, common) in order.iter().zip(common) {
                let answer = same(query, other);
                wrong += usize::from(!answer);
                if !answer && wrong > WRONG {
                    continue;
                }
                let picture = &pictures[other];
                let measured = measure.measure(&prepared, &picture.features);
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

/// All same pairs and as many different ones, drawn at random; at most `most` of each.
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
            let prepared = measure.prepare(&a.features);
            measure.measure(&prepared, &b.features).values
        })
        .collect();
    Rows {
        values,
        same: answers,
    }
}

/// Edited copies as queries among the pictures that they were made from: each with the right
/// picture and the nearest wrong ones, and where their parts match.
pub(super) fn copies(
    measure: &Measure<'_>,
    pictures: &[Example<'_>],
    edited: &[(usize, Example<'_>)],
    progress: &(dyn Fn(usize) + Sync),
) -> Rows {
    const NEAREST: usize = 20;
    let descriptors: Vec<Descriptor> = pictures
        .iter()
        .map(|p| p.features.descriptor.clone())
        .collect();
    let layers = measure.layers();
    let grid = |picture: &Example<'_>| Grid::of(measure.scaler, picture.features.activations);
    let grids: Vec<Option<Grid>> = pictures.par_iter().map(grid).collect();
    let pairs: Vec<Vec<_>> = edited
        .par_iter()
        .map(|(original, copy)| {
            let prepared: Prepared<'_> = measure.prepare(&copy.features);
            let own = grid(copy);
            let mut order = nearest_to(&descriptors, copy.features.descriptor, NEAREST);
            if !order.contains(original) {
                order.push(*original);
            }
            let own_embedding = pictures[*original].embedding;
            order.retain(|i| i == original || !are_twins(own_embedding, pictures[*i].embedding));
            let rows = order.into_iter().map(|i| {
                let picture = &pictures[i];
                let measured = measure.measure(&prepared, &picture.features);
                let mut values = measured.values;
                values[Signal::Local.index(layers)] = own
                    .as_ref()
                    .zip(grids[i].as_ref())
                    .map_or(f32::NAN, |(own, other)| own.align(other).agreement);
                (values, i == *original)
            });
            let rows = rows.collect();
            progress(1);
            rows
        })
        .collect();
    Rows::of(pairs.into_iter().flatten().collect())
}

fn nearest(descriptors: &[Descriptor], own: usize, count: usize) -> Vec<usize> {
    let mut order = nearest_to(descriptors, &descriptors[own], count + 1);
    order.retain(|i| *i != own);
    order.truncate(count);
    order
}
