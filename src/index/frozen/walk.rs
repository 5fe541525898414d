//! A search along the links of a frozen graph (Malkov and Yashunin 2016, algorithms 2 and 5).

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use super::file::GraphFile;
use crate::index::Accept;
use crate::network::Quantised;

/// A point and how near it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Found {
    pub(super) cosine: f32,
    pub(super) point: u32,
}

impl Eq for Found {}

impl Ord for Found {
    /// The nearer is the greater; of equally near ones the one stored first.
    fn cmp(&self, other: &Self) -> Ordering {
        let by_cosine = self.cosine.total_cmp(&other.cosine);
        by_cosine.then(other.point.cmp(&self.point))
    }
}

impl PartialOrd for Found {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The points nearest to `query` that `accept` lets through, `ef` at most, in no order.
pub(super) fn nearest(
    graph: &GraphFile,
    query: &Quantised,
    ef: usize,
    accept: Accept<'_>,
) -> Vec<Found> {
    let near = |point: u32| Found {
        cosine: cosine(graph, query, point),
        point,
    };
    let mut entry = near(graph.entry());
    for layer in (1..=graph.top()).rev() {
        while let Some(nearer) = graph
            .links(layer, entry.point)
            .map(near)
            .max()
            .filter(|n| *n > entry)
        {
            entry = nearer;
        }
    }
    let mut seen = Seen::new(graph.len());
    seen.is_new(entry.point);
    let mut to_visit = BinaryHeap::from([entry]);
    // The farthest on top.
    let mut found: BinaryHeap<Reverse<Found>> = BinaryHeap::with_capacity(ef + 1);
    if accept(graph.sequence(entry.point)) {
        found.push(Reverse(entry));
    }
    let mut new = Vec::with_capacity(64);
    while let Some(nearest) = to_visit.pop() {
        let is_full = found.len() >= ef;
        if is_full && found.peek().is_some_and(|farthest| nearest < farthest.0) {
            break;
        }
        new.clear();
        new.extend(
            graph
                .links(0, nearest.point)
                .filter(|point| seen.is_new(*point)),
        );
        new.iter().for_each(|point| graph.prefetch(*point));
        // Most likely where it goes on.
        if let Some(next) = to_visit.peek() {
            graph.prefetch_links(next.point);
        }
        for other in new.iter().copied().map(near) {
            let is_full = found.len() >= ef;
            if is_full && found.peek().is_some_and(|farthest| other < farthest.0) {
                continue;
            }
            to_visit.push(other);
            if accept(graph.sequence(other.point)) {
                found.push(Reverse(other));
                if found.len() > ef {
                    found.pop();
                }
            }
        }
    }
    found.into_iter().map(|Reverse(found)| found).collect()
}

/// The cosine of a point with a vector.
pub(super) fn cosine(graph: &GraphFile, query: &Quantised, point: u32) -> f32 {
    let (bytes, inverse_norm) = graph.vector(point);
    query.cosine_of(bytes, inverse_norm)
}

/// Points that were seen.
struct Seen(Vec<u64>);

impl Seen {
    fn new(points: usize) -> Self {
        Self(vec![0; points.div_ceil(64)])
    }

    /// Whether it is seen for the first time.
    fn is_new(&mut self, point: u32) -> bool {
        let word = &mut self.0[point as usize / 64];
        let bit = 1 << (point % 64);
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }
}
