//! The index over descriptors: derived data, rebuilt from the store whenever it is in doubt.
//!
//! ```text
//! IndexWriter ── one per store, takes in what was stored and removed since
//!      └─> Index ── what a search sees: never changes, shared by threads
//!            ├─ Vectors: Exact (the newest pictures, or all of few) and Frozen (a graph in a file,
//!            │           built by hnsw_rs)
//!            └─ NearDuplicates: one picture stands for its copies
//! Looks ── how the same pictures look, for `look-alike`; made when it is asked for first
//! ```

mod building;
#[cfg(test)]
mod conformance;
pub(crate) mod derived_file;
mod exact;
mod frozen;
mod gathering;
mod graph;
mod looks;
mod narrowing;
pub mod near_duplicates;
mod snapshot;
mod vectors;
mod view;
mod writer;

#[cfg(test)]
pub(crate) use crate::config::IndexConfig;
pub use gathering::Gathering;
pub use looks::Looks;
pub use snapshot::{SnapshotInfo, snapshot_info};
pub use vectors::Vectors;
pub use view::Index;
pub use writer::IndexWriter;

use crate::store::{Sequence, StoreError};

/// A picture that the index proposes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// Its place in the store's order.
    pub sequence: Sequence,
    /// Cosine of its descriptor with the query's.
    pub cosine: f32,
}

/// Which pictures may be found.
pub type Accept<'a> = &'a (dyn Fn(Sequence) -> bool + Sync);

/// The index cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It was not to go on.
    #[error("interrupted while the index was made; run it again, and it goes on from there")]
    Interrupted,
    /// A graph cannot be built.
    #[error("a graph cannot be built: {0}")]
    Build(#[source] std::io::Error),
    /// A part of the index cannot be written.
    #[error("the {what} cannot be saved in {}: {source}", path.display())]
    Save {
        /// The part.
        what: &'static str,
        /// The folder.
        path: std::path::PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// What follows where the index cannot be saved, for the user.
const LATER: &str = "the index is not saved: the next command has to make it anew";

/// Is told of what opening does: pictures grouped or inserted so far, and in all. Says whether to go on.
pub type Progress<'a> = &'a (dyn Fn(usize, usize) -> bool + Sync);

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
