//! The index over descriptors: derived data, rebuilt from the store whenever it is in doubt.
//!
//! Few pictures are compared one by one; from `[index] exact_below` on an HNSW graph
//! prunes. Either way a search gives the same kind of candidates.

mod exact;
mod graph;
mod snapshot;

use std::collections::HashSet;

pub use graph::GraphOptions;
pub use snapshot::SnapshotInfo;

use crate::config::IndexConfig;
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
    /// Pictures that are in the store; the graph may hold removed ones.
    live: HashSet<Sequence>,
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
    /// A snapshot cannot be written.
    #[error("the index cannot be saved in {path}: {source}")]
    Save {
        /// The folder.
        path: std::path::PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// What opening did, for progress bars: pictures inserted so far, and in all.
pub type Progress<'a> = &'a (dyn Fn(usize, usize) + Sync);

/// A graph in which more than this share of the points was removed is built anew.
const MAX_TOMBSTONES: f64 = 0.2;

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
        let live = store
            .pictures()
            .map(|entry| Ok(entry?.0))
            .collect::<Result<HashSet<_>, StoreError>>()?;
        if live.len() < config.exact_below {
            let mut exact = Exact::default();
            for entry in store.descriptors(Sequence(0)) {
                let (sequence, descriptor) = entry?;
                if live.contains(&sequence) {
                    exact.insert(sequence, &descriptor);
                }
            }
            return Ok(Self {
                kind: Kind::Exact(exact),
                live,
            });
        }
        let options = GraphOptions::new(config, live.len());
        let loaded = snapshot::load(store, options).filter(|loaded| {
            let dead = loaded.sequences().filter(|s| !live.contains(s)).count();
            let acceptable = dead as f64 <= loaded.len() as f64 * MAX_TOMBSTONES;
            if !acceptable {
                tracing::info!(
                    dead,
                    "too many removed pictures in the index; building it anew"
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
                path: store.index_dir(),
                source,
            })?;
        }
        Ok(Self {
            kind: Kind::Graph(Box::new(graph)),
            live,
        })
    }

    /// The `count` pictures nearest to `query` that `accept` lets through, best first.
    ///
    /// With a filter that refuses much, the graph is asked for more and more; when even
    /// that gives too few, the caller gets what there is.
    pub fn search(
        &self,
        query: &Descriptor,
        count: usize,
        accept: &dyn Fn(Sequence) -> bool,
    ) -> Vec<Candidate> {
        let accept = |sequence| self.live.contains(&sequence) && accept(sequence);
        match &self.kind {
            Kind::Exact(exact) => exact.search(query, count, &accept),
            Kind::Graph(graph) => graph.search(query, count, &accept),
        }
    }

    /// Pictures covered.
    pub fn len(&self) -> usize {
        self.live.len()
    }

    /// Whether there is nothing to find.
    pub fn is_empty(&self) -> bool {
        self.live.is_empty()
    }

    /// Whether a graph is in use, rather than a scan of every descriptor.
    pub fn is_graph(&self) -> bool {
        matches!(self.kind, Kind::Graph(_))
    }

    /// Points of removed pictures that are still in the graph.
    pub fn tombstones(&self) -> usize {
        match &self.kind {
            Kind::Exact(_) => 0,
            Kind::Graph(graph) => graph.sequences().filter(|s| !self.live.contains(s)).count(),
        }
    }

    /// Whether a stored picture finds itself: at rank 1, or at a distance no greater.
    pub fn finds(&self, sequence: Sequence, descriptor: &Descriptor) -> bool {
        match &self.kind {
            Kind::Exact(exact) => exact.contains(sequence),
            Kind::Graph(graph) => graph.finds(sequence, descriptor),
        }
    }
}

/// What is known of the saved index without loading it.
pub fn snapshot_info(store: &Store) -> Option<SnapshotInfo> {
    snapshot::info(&store.index_dir())
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
