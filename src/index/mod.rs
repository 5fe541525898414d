//! The index over descriptors: derived data, rebuilt from the store whenever it is in doubt.
//!
//! Few pictures are compared one by one; from `[index] exact_below` on an HNSW graph
//! prunes. Either way a search gives the same kind of candidates.

mod exact;
mod graph;
pub mod near_duplicates;
mod snapshot;

use std::collections::HashSet;

pub use graph::GraphOptions;
pub use snapshot::SnapshotInfo;

use crate::config::IndexConfig;
use crate::index::near_duplicates::{NearDuplicates, NearDuplicatesError};
use crate::network::Descriptor;
use crate::store::{Sequence, Store, StoreError};
use exact::Exact;
use graph::Graph;

/// A picture that the index proposes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// Its place in the store's order.
    pub sequence: Sequence,
    /// Cosine of its descriptor with the query's.
    pub cosine: f32,
}

/// An index that covers the whole store at the time it was opened.
pub struct Index {
    kind: Kind,
    /// Pictures in the store.
    count: usize,
    /// The originals among them, which alone are searched; the graph may hold others:
    /// removed ones, and such as became copies.
    live: HashSet<Sequence>,
    copies: NearDuplicates,
    /// Originals that were copies when the graph was built.
    promoted: Exact,
}

enum Kind {
    Exact(Exact),
    Graph(Box<Graph>),
}

/// The index cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// NearDuplicates cannot be grouped.
    #[error(transparent)]
    NearDuplicates(#[from] NearDuplicatesError),
    /// A snapshot cannot be written.
    #[error("the index cannot be saved in {path}: {source}")]
    Save {
        /// The folder.
        path: std::path::PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// What opening did, for progress bars: pictures grouped or inserted so far, and in all.
pub type Progress<'a> = &'a (dyn Fn(usize, usize) + Sync);

/// A graph in which more than this share of the points was removed is built anew.
const MAX_TOMBSTONES: f64 = 0.2;
/// And so is one beside which more than this many originals are scanned.
const MAX_PROMOTED: usize = 1_000;

impl Index {
    /// Loads the last snapshot and inserts what came later; builds everything where there
    /// is no usable snapshot. Saves a new snapshot when the graph has changed.
    ///
    /// # Errors
    /// If the store fails or the snapshot cannot be written.
    pub fn open(
        store: &Store,
        config: &IndexConfig,
        progress: Progress<'_>,
    ) -> Result<Self, IndexError> {
        let mut live = store
            .pictures()
            .map(|entry| Ok(entry?.0))
            .collect::<Result<HashSet<_>, StoreError>>()?;
        let count = live.len();
        let copies = NearDuplicates::open(store, &live, progress)?;
        live.retain(|sequence| copies.is_original(*sequence));
        if count < config.exact_below {
            let mut exact = Exact::default();
            for entry in store.descriptors(Sequence(0)) {
                let (sequence, descriptor) = entry?;
                if live.contains(&sequence) {
                    exact.insert(sequence, &descriptor);
                }
            }
            return Ok(Self {
                kind: Kind::Exact(exact),
                count,
                live,
                copies,
                promoted: Exact::default(),
            });
        }
        let options = GraphOptions::new(config, live.len());
        let loaded = snapshot::load(store, options).filter(|loaded| {
            let dead = loaded.sequences().filter(|s| !live.contains(s)).count();
            let promoted = missing(loaded, &live).count();
            let acceptable = dead as f64 <= loaded.len() as f64 * MAX_TOMBSTONES
                && promoted <= MAX_PROMOTED;
            if !acceptable {
                tracing::info!(
                    dead,
                    promoted,
                    "too many pictures of the index were removed or are no copies any more; building it anew"
                );
            }
            acceptable
        });
        let mut graph = loaded.unwrap_or_else(|| Graph::new(options));
        let inserted = graph.catch_up(store, &live, progress)?;
        tracing::debug!(inserted, points = graph.len(), "the graph is up to date");
        if inserted > 0 {
            if inserted * 5 >= graph.len() {
                // Later inserts may have cut earlier points off.
                graph.audit(store, &live)?;
            }
            snapshot::save(&graph, store).map_err(|source| IndexError::Save {
                path: store.index_dir().unwrap_or_default(),
                source,
            })?;
        }
        let mut promoted = Exact::default();
        let mut missing: Vec<Sequence> = missing(&graph, &live).collect();
        missing.sort_unstable();
        for sequence in missing {
            if let Some((found, descriptor)) = store.descriptors(sequence).next().transpose()?
                && found == sequence
            {
                promoted.insert(sequence, &descriptor);
            }
        }
        Ok(Self {
            kind: Kind::Graph(Box::new(graph)),
            count,
            live,
            copies,
            promoted,
        })
    }

    /// The near-copies among the pictures.
    pub fn copies(&self) -> &NearDuplicates {
        &self.copies
    }

    /// The `count` pictures nearest to `query` that `accept` lets through, best first.
    ///
    /// With a filter that refuses much, the graph is asked for more and more; when even
    /// that gives too few, the caller gets what there is. Of a group of copies only one
    /// comes: the original, or the first that `accept` lets through.
    pub fn search(
        &self,
        query: &Descriptor,
        count: usize,
        accept: &dyn Fn(Sequence) -> bool,
    ) -> Vec<Candidate> {
        let accepted = |original: Sequence| {
            let copies = self.copies.group(original).iter().copied();
            std::iter::once(original).chain(copies).find(|s| accept(*s))
        };
        let live = |sequence| self.live.contains(&sequence) && accepted(sequence).is_some();
        let mut candidates = match &self.kind {
            Kind::Exact(exact) => exact.search(query, count, &live),
            Kind::Graph(graph) => graph.search(query, count, &live),
        };
        if !self.promoted.is_empty() {
            candidates.extend(self.promoted.search(query, count, &live));
            candidates = best(candidates, count);
        }
        for candidate in &mut candidates {
            candidate.sequence = accepted(candidate.sequence).unwrap_or(candidate.sequence);
        }
        candidates
    }

    /// Pictures covered.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is nothing to find.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether a graph is in use, rather than a scan of every descriptor.
    pub fn is_graph(&self) -> bool {
        matches!(self.kind, Kind::Graph(_))
    }

    /// Points of removed pictures and of copies that are still in the graph.
    pub fn tombstones(&self) -> usize {
        match &self.kind {
            Kind::Exact(_) => 0,
            Kind::Graph(graph) => graph.sequences().filter(|s| !self.live.contains(s)).count(),
        }
    }

    /// Whether a stored picture finds itself: at rank 1, or at a distance no greater. A copy
    /// is found by its original.
    pub fn finds(&self, sequence: Sequence, descriptor: &Descriptor) -> bool {
        if !self.copies.is_original(sequence) {
            return self.live.contains(&self.copies.original(sequence));
        }
        if self.promoted.contains(sequence) {
            return true;
        }
        match &self.kind {
            Kind::Exact(exact) => exact.contains(sequence),
            Kind::Graph(graph) => graph.finds(sequence, descriptor),
        }
    }
}

/// What is known of the saved index without loading it.
pub fn snapshot_info(store: &Store) -> Option<SnapshotInfo> {
    snapshot::info(&store.index_dir()?)
}

/// Originals that a graph should have, and does not: those that have come later apart.
fn missing(graph: &Graph, live: &HashSet<Sequence>) -> impl Iterator<Item = Sequence> {
    let points: HashSet<Sequence> = graph.sequences().collect();
    let last = graph.sequences().max();
    live.iter()
        .copied()
        .filter(move |sequence| Some(*sequence) <= last && !points.contains(sequence))
}

/// Keeps the best `count` of many candidates, best first; ties in the order of storing.
fn best(mut candidates: Vec<Candidate>, count: usize) -> Vec<Candidate> {
    let order = |a: &Candidate, b: &Candidate| {
        b.cosine
            .total_cmp(&a.cosine)
            .then(a.sequence.cmp(&b.sequence))
    };
    if candidates.len() > count && count > 0 {
        candidates.select_nth_unstable_by(count - 1, order);
    }
    candidates.truncate(count);
    candidates.sort_unstable_by(order);
    candidates
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn best_are_sorted_and_ties_stable() {
        let candidate = |n, cosine| Candidate {
            sequence: Sequence(n),
            cosine,
        };
        let all = vec![
            candidate(3, 0.5),
            candidate(1, 0.9),
            candidate(2, 0.5),
            candidate(4, 0.1),
        ];
        let best = best(all, 3);
        assert_eq!(
            best.iter().map(|c| c.sequence.0).collect::<Vec<_>>(),
            [1, 2, 3]
        );
    }
}
