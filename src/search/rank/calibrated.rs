//! Ranking by what a list tells of its candidates, with scores that are probabilities.

use rayon::prelude::*;

use super::candidates::Candidates;
use super::ranker::{CONTEXT, Ranker};
use super::scored::{Scored, sort};
use crate::head::{
    Calibration, CollectionMean, Features, Fused, ListContext, ListRule, NeighbourGraph, OfPair,
    sigmoid,
};
use crate::index::near_duplicates::are_near_copies;
use crate::network::Descriptor;

/// Results that are put in the order of their probabilities; those behind them keep theirs.
const SORTED: usize = 10;
/// Nothing but a near-copy scores higher than this.
const MOST: f32 = 0.99;
/// Hashes of near-copies differ in no more bits, and their descriptors are as near.
const COPY_BITS: u32 = 7;
const COPY_COSINE: f32 = 0.9;

impl Ranker<'_> {
    /// The candidates of a pool as a list: best first, each with the probability that it is right.
    /// Near-copies of the query come before all others, and are left out of what the list tells:
    /// that a picture is there twice says nothing about a third.
    pub(super) fn by_list(
        &self,
        head: &Fused,
        calibration: &Calibration,
        query: &Features<'_>,
        pool: &(impl Candidates + ?Sized),
    ) -> Vec<Scored> {
        let (copies, others): (Vec<usize>, Vec<usize>) =
            (0..pool.len()).partition(|&i| is_near_copy(query, pool, i));
        let near = &others[..others.len().min(CONTEXT)];
        let of_near = near.iter().map(|&i| pool.known(i).descriptor);
        let all = std::iter::once(query.descriptor).chain(of_near);
        let graph = NeighbourGraph::new(all);
        let rule = calibration.rule();
        let pictures = match rule {
            // If they are fewer than are compared, they are all that can be found: the rest of the
            // collection are copies of them, or of other hosts.
            ListRule::BySize if near.len() < CONTEXT => near.len(),
            ListRule::BySize | ListRule::AnySize => self.pictures,
        };
        let context = ListContext::new(graph, pictures, rule);
        let mut ranked = context.ranked();

        let no_mean = CollectionMean::default();
        let measure = head.measure_pairs(self.mode, &no_mean);
        let prepared = measure.prepare(query);
        let measured = |(candidate, picture): &(usize, Features<'_>)| {
            let measured = measure.measure(&prepared, picture);
            Scored::of_measured(*candidate, measured, 0)
        };
        let rescored = ranked.len().min(self.rescored);
        let best: Vec<usize> = ranked[..rescored]
            .iter()
            .map(|&place| near[place])
            .collect();
        let read = pool.read(&best);
        // What cannot be read is not listed.
        let mut readable = read.iter().map(|(candidate, _)| *candidate).peekable();
        let mut best = best.iter();
        ranked.retain(|_| {
            let candidate = best.next();
            candidate.is_none() || readable.next_if(|read| Some(read) == candidate).is_some()
        });
        let mut scored: Vec<Scored> = read.par_iter().map(measured).collect();
        let is_plain = |picture: &Features<'_>| calibration.is_plain(picture.activations);
        let is_query_plain = is_plain(query);
        let are_plain = read
            .par_iter()
            .map(|(_, picture)| is_query_plain || is_plain(picture));
        let are_plain: Vec<bool> = are_plain.collect();
        let of_scored = scored.iter().map(|e| pool.known(e.candidate).descriptor);
        let of_scored: Vec<&Descriptor> = of_scored.collect();
        let references = calibration.references();
        let backgrounds = references.nearness_of_each(&of_scored);
        let pairs = scored.iter().zip(backgrounds);
        let pairs = pairs.map(|(entry, background)| OfPair {
            embedding: entry.cosine,
            pair: head.pair_odds(&entry.values),
            background,
        });
        let pairs: Vec<OfPair> = pairs.collect();
        let of_query = references.nearness(query.descriptor);
        let rows = context.rows(&ranked, &pairs, of_query);
        let class = |descriptor| head.class_probabilities(self.mode, descriptor);
        let own = class(query.descriptor);
        let labels = |candidate: usize, list: f32| {
            let other = class(pool.known(candidate).descriptor);
            let both = own.as_ref().zip(other.as_ref());
            both.map_or(0.0, |(own, other)| own.odds_in_list(other, list))
        };
        let mut ceilings = Vec::with_capacity(scored.len());
        for ((entry, row), is_one_plain) in scored.iter_mut().zip(rows).zip(are_plain) {
            let list = calibration.log_odds(&row);
            entry.labels = labels(entry.candidate, list);
            entry.pairs = head.taught_by_pairs(&entry.values);
            let odds = list + entry.labels + entry.pairs;
            let ceiling = Calibration::ceiling(is_one_plain);
            ceilings.push(ceiling.min(MOST));
            entry.score = sigmoid(odds).min(ceiling).min(MOST);
            entry.in_list = true;
            entry.features = row;
        }
        let taught = scored.iter().any(|e| e.labels != 0.0 || e.pairs != 0.0);
        if taught {
            sort(&mut scored);
        } else if rule.sorts(pictures) {
            let first = SORTED.min(scored.len());
            sort(&mut scored[..first]);
        } else {
            let scores: Vec<f32> = scored.iter().map(|entry| entry.score).collect();
            let together = falling(&scores).into_iter().zip(ceilings);
            for (entry, (score, ceiling)) in scored.iter_mut().zip(together) {
                entry.score = score.min(ceiling);
            }
        }
        // What is listed later is never said to be likelier.
        let mut least = MOST;
        for entry in &mut scored {
            least = least.min(entry.score);
            entry.score = least;
        }
        // Nothing is known of what lies outside but how near it is.
        let outside = &others[near.len()..];
        let outside = &outside[..outside.len().min(self.rescored - rescored)];
        for mut entry in pool.read(outside).iter().map(measured) {
            entry.score = least * entry.cosine.clamp(0.0, 1.0);
            scored.push(entry);
        }
        let mut first: Vec<Scored> = pool.read(&copies).iter().map(measured).collect();
        for entry in &mut first {
            // From .99 on, by how near.
            entry.score = MOST + (1.0 - MOST) * 0.9 * entry.cosine.clamp(0.0, 1.0);
            entry.labels = labels(entry.candidate, 0.0);
            entry.pairs = head.taught_by_pairs(&entry.values);
        }
        sort(&mut first);
        first.extend(scored);
        first
    }
}

/// The falling values nearest to some (isotonic regression, by pooling adjacent violators): where
/// they rise, all get their mean.
fn falling(values: &[f32]) -> Vec<f32> {
    // Sums and counts.
    let mut blocks: Vec<(f32, usize)> = Vec::new();
    let mean = |(sum, count): (f32, usize)| sum / count as f32;
    for &value in values {
        let mut last = (value, 1);
        while let Some(before) = blocks.pop_if(|before| mean(*before) < mean(last)) {
            last = (before.0 + last.0, before.1 + last.1);
        }
        blocks.push(last);
    }
    let each = blocks.into_iter();
    each.flat_map(|block| std::iter::repeat_n(mean(block), block.1))
        .collect()
}

/// Whether a candidate shows the very picture of the query.
fn is_near_copy(query: &Features<'_>, pool: &(impl Candidates + ?Sized), candidate: usize) -> bool {
    let known = pool.known(candidate);
    query.hash.distance(known.hash) <= COPY_BITS
        && query.descriptor.cosine(known.descriptor) >= COPY_COSINE
        && pool
            .features(candidate)
            .is_some_and(|candidate| are_near_copies(query.activations, candidate.activations))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_rises_is_averaged() {
        assert_eq!(falling(&[0.9, 0.5, 0.25]), [0.9, 0.5, 0.25]);
        assert_eq!(falling(&[0.25, 0.5, 0.75, 0.1]), [0.5, 0.5, 0.5, 0.1]);
        // What was averaged may still be below what comes later.
        assert_eq!(falling(&[0.5, 0.25, 0.375, 0.875]), [0.5; 4]);
        assert!(falling(&[]).is_empty());
    }
}
