//! What lists tell of their candidates, measured on stores that were drawn.

use rayon::prelude::*;

use super::example::Example;
use super::nearest::nearest_to;
use super::stores::{DrawnStore, Kinds};
use crate::head::{ListContext, ListRule, Measure, NeighbourGraph, OfPair, ReferenceSet, Scorer};
use crate::network::Descriptor;

/// Rows of features with their answers and how much each counts.
#[derive(Debug, Default)]
pub(super) struct ListRows {
    pub(super) features: Vec<Vec<f32>>,
    pub(super) same: Vec<bool>,
    /// Not in sum 1 yet.
    pub(super) weights: Vec<f32>,
    /// The domain of the query.
    pub(super) domains: Vec<usize>,
    /// Which list a row is of.
    pub(super) lists: Vec<usize>,
    /// How many pictures the store has.
    pub(super) stores: Vec<usize>,
    /// The query and the candidate, by number.
    pub(super) pairs: Vec<(usize, usize)>,
}

/// Candidates of a list that are compared with each other, as in a search.
const CONTEXT: usize = 400;
/// The best of a list are all learned from; of those behind them every so many-th, which counts
/// less, so that scores further down are not made up.
const BEST: usize = 10;
const BEHIND: [usize; 4] = [14, 22, 40, 80];
const WEIGHT_BEHIND: f32 = 0.25;
/// A query with many right ones in a store that is not small is as most queries are.
const MANY_RIGHT: usize = 8;
const NOT_SMALL: usize = 80;
const WEIGHT_MANY: f32 = 4.0;

/// What lists are measured with.
pub(super) struct Lists<'a> {
    pub(super) pictures: &'a [Example<'a>],
    pub(super) descriptors: &'a [Descriptor],
    pub(super) kinds: Kinds<'a>,
    pub(super) measure: &'a Measure<'a>,
    pub(super) pair: &'a Scorer,
    pub(super) references: &'a ReferenceSet,
    pub(super) rule: ListRule,
}

impl Lists<'_> {
    /// The rows of all queries of all stores.
    pub(super) fn rows(&self, stores: &[DrawnStore]) -> ListRows {
        let queries: Vec<(&DrawnStore, usize)> = stores
            .iter()
            .flat_map(|store| store.queries.iter().map(move |query| (store, *query)))
            .collect();
        let lists: Vec<ListRows> = queries
            .par_iter()
            .map(|(store, query)| self.list(&store.stored, *query))
            .collect();
        let mut all = ListRows::default();
        for list in lists {
            all.add(list);
        }
        all
    }

    fn list(&self, stored: &[usize], query: usize) -> ListRows {
        let own = &self.descriptors[query];
        let inside: Vec<Descriptor> = stored
            .iter()
            .map(|&i| self.descriptors[i].clone())
            .collect();
        let near: Vec<usize> = nearest_to(&inside, own, CONTEXT)
            .into_iter()
            .map(|place| stored[place])
            .collect();
        let around = near.iter().map(|&i| &self.descriptors[i]);
        let all = std::iter::once(own).chain(around);
        let context = ListContext::new(NeighbourGraph::new(all), stored.len(), self.rule);
        let ranked = context.ranked();
        let learned: Vec<usize> = (0..BEST.min(ranked.len()))
            .chain(BEHIND.into_iter().filter(|rank| *rank < ranked.len()))
            .collect();
        let asked = &self.pictures[query];
        let prepared = self.measure.prepare(&asked.features);
        let last = learned.last().map_or(0, |last| last + 1);
        let pairs: Vec<OfPair> = (0..last)
            .map(|rank| {
                if !learned.contains(&rank) {
                    return OfPair {
                        embedding: 0.0,
                        pair: 0.0,
                        background: 0.0,
                    };
                }
                let other = near[ranked[rank]];
                let picture = &self.pictures[other];
                let measured = self.measure.measure(&prepared, &picture.features);
                OfPair {
                    embedding: asked.embedding.cosine(picture.embedding),
                    pair: self.pair.log_odds(&measured.values),
                    background: self.references.nearness(&self.descriptors[other]),
                }
            })
            .collect();
        let of_query = self.references.nearness(own);
        let rows = context.rows(&ranked, &pairs, of_query);
        let right = stored
            .iter()
            .filter(|i| self.kinds.same(query, **i))
            .count();
        let weight = match right >= MANY_RIGHT && stored.len() >= NOT_SMALL {
            true => WEIGHT_MANY,
            false => 1.0,
        };
        let mut list = ListRows::default();
        for rank in learned {
            list.features.push(rows[rank].clone());
            list.same.push(self.kinds.same(query, near[ranked[rank]]));
            let behind = if rank < BEST { 1.0 } else { WEIGHT_BEHIND };
            list.weights.push(weight * behind);
            list.domains.push(self.kinds.domains[query]);
            list.lists.push(0);
            list.stores.push(stored.len());
            list.pairs.push((query, near[ranked[rank]]));
        }
        list
    }
}

impl ListRows {
    /// Adds rows, of lists of their own.
    pub(super) fn add(&mut self, other: Self) {
        let next = self.lists.last().map_or(0, |last| last + 1);
        self.lists
            .extend(other.lists.iter().map(|list| next + list));
        self.features.extend(other.features);
        self.same.extend(other.same);
        self.weights.extend(other.weights);
        self.domains.extend(other.domains);
        self.stores.extend(other.stores);
        self.pairs.extend(other.pairs);
    }

    /// The weights of the rows, all domains counting the same, in sum 1.
    pub(super) fn balanced(&self) -> Vec<f32> {
        let domains = self.domains.iter().max().map_or(0, |last| last + 1);
        let mut counts = vec![0f32; domains];
        self.domains
            .iter()
            .for_each(|&domain| counts[domain] += 1.0);
        let each = self.weights.iter().zip(&self.domains);
        let weights: Vec<f32> = each.map(|(w, &domain)| w / counts[domain]).collect();
        let sum: f32 = weights.iter().sum();
        weights.into_iter().map(|weight| weight / sum).collect()
    }

    /// The rows of each list that users see.
    pub(super) fn shown(&self) -> Vec<Vec<usize>> {
        let mut lists: Vec<Vec<usize>> = Vec::new();
        for (row, &list) in self.lists.iter().enumerate() {
            if list == lists.len() {
                lists.push(Vec::new());
            }
            if let Some(shown) = lists.last_mut().filter(|shown| shown.len() < BEST) {
                shown.push(row);
            }
        }
        lists
    }
}
