//! Measured pairs: at random, and of copies with what they were made from.

use std::collections::BTreeMap;

use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::example::Example;
use super::nearest::{are_twins, nearest_to};
use super::stores::Kinds;
use crate::head::{Grid, Measure, Mode, ModeScorers, Prepared, Scorer, Signal};
use crate::network::Descriptor;

/// Measured pairs with their answers.
#[derive(Debug, Default, Clone)]
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

/// Pairs of one class and of different ones, `count` of the first and twice as many of the others,
/// each domain in turn; every other wrong one is of the same domain, and so is hard to tell.
pub(super) fn pairs(
    measure: &Measure<'_>,
    pictures: &[Example<'_>],
    kinds: Kinds<'_>,
    chosen: &[usize],
    count: usize,
    rng: &mut ChaCha8Rng,
) -> Rows {
    let mut by_domain: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for &i in chosen {
        by_domain.entry(kinds.domains[i]).or_default().push(i);
    }
    let domains: Vec<&Vec<usize>> = by_domain.values().collect();
    let mut pairs = Vec::with_capacity(3 * count);
    for n in 0..count {
        let domain = domains[n % domains.len()];
        let Some(&a) = domain.choose(rng) else {
            continue;
        };
        let alike = domain
            .iter()
            .filter(|i| kinds.labels[**i] == kinds.labels[a]);
        let alike: Vec<usize> = alike.filter(|i| **i != a).copied().collect();
        pairs.extend(alike.choose(rng).map(|&b| (a, b)));
        for from in [domain.as_slice(), chosen] {
            // Most are of another class.
            let mut tries = (0..TRIES).filter_map(|_| from.choose(rng));
            pairs.extend(tries.find(|b| !kinds.same(a, **b)).map(|&b| (a, b)));
        }
    }
    measured(measure, pictures, pairs, &|a, b| kinds.same(a, b))
}

/// Factor of half the squared weights of the scorers.
pub(super) const REGULARISATION: f64 = 1e-3;
/// Draws after which a domain is taken to have one class only.
const TRIES: usize = 50;

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

/// The scorer of a pair alone that shows the same kind of thing or not.
pub(super) fn fit_pair(layers: usize, rows: &Rows) -> Scorer {
    let signals = ModeScorers::pair_signals(Mode::SameSubject, layers);
    Scorer::fit(layers, &signals, &rows.values, &rows.same, REGULARISATION)
}
