//! Learning on some domains what is tried on others (cross-fitting): the shipped head must know how
//! well descriptors do on pictures that no projection has seen.

use rand::SeedableRng;
use rand::seq::index::sample_weighted;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::example::{Example, mean_of, redescribed};
use super::folds::folds;
use super::generic_set::{GenericError, GenericSet};
use super::list_rows::{ListRows, Lists};
use super::lists::{Rows, fit_pair, pairs};
use super::projection::{fit_projection, pools};
use super::stores::{DrawnStore, Kinds, draw, draw_sample, draw_small};
use crate::activation::{Activations, Encoding};
use crate::head::{ChannelScaler, CollectionMean, ListRule, Measure, Needs, ReferenceSet};
use crate::network::{Descriptor, Network, Pool, Projection, pooled};

/// Pairs of one class that a scorer learns from, all folds together.
const PAIRS: usize = 20_000;
/// Stores drawn for each fold: of whole classes, plain samples, and small ones.
const STORES: usize = 200;
const SAMPLES: usize = 100;
const SMALL: usize = 200;
/// Pictures of all kinds that others are held against.
const REFERENCES: usize = 500;

/// The pictures, pooled, and what is learned on all of them alike.
pub(super) struct CrossFitting<'a> {
    network: &'a Network,
    set: &'a GenericSet<'a>,
    /// The name of each picture's class, as a number.
    names: Vec<usize>,
    /// How much each picture counts: all domains nearly the same.
    weights: Vec<f32>,
    pools: Vec<Pool>,
    pooled: Vec<Vec<Vec<f32>>>,
    scaler: ChannelScaler,
}

/// Some domains, as what was learned on the others sees them.
pub(super) struct Fold {
    /// Its pictures, by number.
    pictures: Vec<usize>,
    /// All others.
    others: Vec<usize>,
    /// Every picture of the set.
    descriptors: Vec<Descriptor>,
    /// Pairs of its pictures.
    pub(super) pairs: Rows,
}

impl<'a> CrossFitting<'a> {
    pub(super) fn new(network: &'a Network, set: &'a GenericSet<'a>) -> Result<Self, GenericError> {
        // Layers are the same in every encoding.
        let layout = network.layout(Encoding::default());
        let pools = pools(layout.layers().len());
        let of_each = set.pictures.par_iter();
        let pooled = of_each.map(|p| pool(network, &pools, p.features.activations));
        let activations = set.pictures.iter().map(|p| p.features.activations);
        Ok(Self {
            names: numbered(set),
            weights: weights(set.domains),
            pooled: pooled.collect::<Result<_, _>>()?,
            scaler: ChannelScaler::fit(&layout, activations),
            pools,
            network,
            set,
        })
    }

    fn kinds(&self) -> Kinds<'_> {
        Kinds {
            domains: self.set.domains,
            labels: self.set.labels,
            names: &self.names,
        }
    }

    /// Every part of the domains, with a projection that was learned on the others.
    pub(super) fn folds(&self) -> Vec<Fold> {
        let fold_of = folds(self.kinds());
        let last = fold_of.iter().copied().max().unwrap_or_default();
        let mut all = Vec::new();
        for number in 0..=last {
            let (pictures, others): (Vec<usize>, Vec<usize>) =
                (0..fold_of.len()).partition(|&i| fold_of[i] == number);
            let descriptors = self.described(&self.projection(&others));
            let mut fold = Fold {
                pairs: Rows::default(),
                pictures,
                others,
                descriptors,
            };
            fold.pairs = self.pairs(&fold, PAIRS / (last + 1), number);
            all.push(fold);
        }
        all
    }

    fn pairs(&self, fold: &Fold, count: usize, number: usize) -> Rows {
        let examples = self.examples(&fold.descriptors);
        let others: Vec<Example<'_>> = fold.others.iter().map(|&i| examples[i]).collect();
        let mean = mean_of(&others);
        let measure = self.measure(&mean);
        let mut rng = self.rng(number);
        pairs(
            &measure,
            &examples,
            self.kinds(),
            &fold.pictures,
            count,
            &mut rng,
        )
    }

    fn measure<'b>(&'b self, mean: &'b CollectionMean) -> Measure<'b> {
        Measure {
            scaler: &self.scaler,
            mean,
            needs: Needs::all(self.scaler.mean.len()),
        }
    }

    fn rng(&self, number: usize) -> ChaCha8Rng {
        let mut rng = ChaCha8Rng::seed_from_u64(self.set.seed);
        rng.set_stream(number as u64);
        rng
    }

    /// The rows of lists from stores of every fold's pictures, whose pairs are scored by what was
    /// learned on the other folds.
    pub(super) fn list_rows(&self, folds: &[Fold]) -> ListRows {
        let layers = self.scaler.mean.len();
        let mut all = ListRows::default();
        for (number, fold) in folds.iter().enumerate() {
            let mut known = Rows::default();
            let others = folds.iter().enumerate().filter(|(i, _)| *i != number);
            others.for_each(|(_, other)| known.extend(other.pairs.clone()));
            let pair = fit_pair(layers, &known);
            let examples = self.examples(&fold.descriptors);
            let of_others: Vec<Example<'_>> = fold.others.iter().map(|&i| examples[i]).collect();
            let mean = mean_of(&of_others);
            let measure = self.measure(&mean);
            let references = self.references_of(&fold.descriptors, &fold.others);
            let lists = Lists {
                pictures: &examples,
                descriptors: &fold.descriptors,
                kinds: self.kinds(),
                measure: &measure,
                pair: &pair,
                references: &references,
                rule: ListRule::BySize,
            };
            all.add(lists.rows(&self.stores(fold, number)));
        }
        all
    }

    fn stores(&self, fold: &Fold, number: usize) -> Vec<DrawnStore> {
        let mut rng = self.rng(100 + number);
        let kinds = self.kinds();
        let mut stores = Vec::new();
        for _ in 0..STORES {
            stores.extend(draw(kinds, &fold.pictures, &fold.others, &mut rng));
        }
        for _ in 0..SAMPLES {
            stores.extend(draw_sample(kinds, &fold.pictures, &mut rng));
        }
        for _ in 0..SMALL {
            stores.extend(draw_small(kinds, &fold.pictures, &mut rng));
        }
        stores
    }

    fn examples<'b>(&'b self, descriptors: &'b [Descriptor]) -> Vec<Example<'b>> {
        let pictures = self.set.pictures.iter().zip(descriptors);
        pictures.map(|(e, d)| redescribed(e, d)).collect()
    }

    /// The projection that is learned on some of the pictures.
    fn projection(&self, chosen: &[usize]) -> Projection {
        let pictures: Vec<&[Vec<f32>]> =
            chosen.iter().map(|&i| self.pooled[i].as_slice()).collect();
        let labels: Vec<usize> = chosen.iter().map(|&i| self.set.labels[i]).collect();
        let sum: f32 = chosen.iter().map(|&i| self.weights[i]).sum();
        let weights: Vec<f32> = chosen.iter().map(|&i| self.weights[i] / sum).collect();
        fit_projection(self.network.id(), &self.pools, &pictures, &labels, &weights)
    }

    /// The projection that is learned on all pictures.
    pub(super) fn projection_of_all(&self) -> Projection {
        let all: Vec<usize> = (0..self.pooled.len()).collect();
        self.projection(&all)
    }

    /// Every picture, by a projection.
    pub(super) fn described(&self, projection: &Projection) -> Vec<Descriptor> {
        let pooled = self.pooled.par_iter();
        pooled.map(|parts| projection.apply(parts)).collect()
    }

    /// Every edited copy, by a projection.
    pub(super) fn edited(&self, projection: &Projection) -> Result<Vec<Descriptor>, GenericError> {
        let copies = self.set.edited.par_iter();
        let describe = |activations| {
            let parts = pool(self.network, &self.pools, activations)?;
            Ok(projection.apply(&parts))
        };
        copies
            .map(|copy| describe(copy.example.features.activations))
            .collect()
    }

    /// Pictures of all kinds to hold others against.
    pub(super) fn references(&self, descriptors: &[Descriptor]) -> ReferenceSet {
        let all: Vec<usize> = (0..self.pooled.len()).collect();
        self.references_of(descriptors, &all)
    }

    fn references_of(&self, descriptors: &[Descriptor], among: &[usize]) -> ReferenceSet {
        let mut rng = self.rng(1_000);
        let domains = self.set.domains;
        let mut sizes = vec![0f32; domains.iter().max().map_or(0, |last| last + 1)];
        among.iter().for_each(|&i| sizes[domains[i]] += 1.0);
        // Of each domain as many.
        let weight = |at: usize| 1.0 / sizes[domains[among[at]]];
        let count = REFERENCES.min(among.len());
        let drawn = sample_weighted(&mut rng, among.len(), weight, count)
            .expect("all weights are positive and there are as many pictures");
        let drawn = drawn.into_iter().map(|at| descriptors[among[at]].clone());
        ReferenceSet::new(&drawn.collect::<Vec<_>>())
    }

    pub(super) fn into_scaler(self) -> ChannelScaler {
        self.scaler
    }
}

fn pool(
    network: &Network,
    pools: &[Pool],
    activations: Activations<'_>,
) -> Result<Vec<Vec<f32>>, GenericError> {
    pooled(pools, network.manifest(), activations).ok_or(GenericError::NotPooled)
}

/// The name of each picture's class, as a number.
fn numbered(set: &GenericSet<'_>) -> Vec<usize> {
    let first = |label: usize| {
        let name = &set.classes[label];
        set.classes
            .iter()
            .position(|other| other == name)
            .unwrap_or(label)
    };
    set.labels.iter().map(|&label| first(label)).collect()
}

/// A domain of n pictures counts as the square root of n: many pictures tell more, but not in
/// proportion.
fn weights(domains: &[usize]) -> Vec<f32> {
    let mut sizes = vec![0f32; domains.iter().max().map_or(0, |last| last + 1)];
    domains.iter().for_each(|&domain| sizes[domain] += 1.0);
    domains
        .iter()
        .map(|&domain| sizes[domain].powf(-0.5))
        .collect()
}
