//! The index as a search sees it.

use std::sync::Arc;

use rayon::prelude::*;

use super::exact::Exact;
use super::frozen::Frozen;
use super::near_duplicates::NearDuplicates;
use super::{Accept, Candidate, Vectors, best};
use crate::network::Descriptor;
use crate::store::Sequence;

/// The stored pictures at one moment: it never changes. A later one comes from the
/// [`IndexWriter`](super::IndexWriter).
#[derive(Clone)]
pub struct Index {
    /// Graphs of most of the originals. They hold others, too: removed ones, and such as became
    /// copies.
    pub(super) frozen: Vec<Arc<Frozen>>,
    /// All other originals: those that came later, or were copies when the graphs were built.
    pub(super) newest: Exact,
    pub(super) near_duplicates: NearDuplicates,
}

impl Index {
    /// The near-copies among the pictures.
    pub fn near_duplicates(&self) -> &NearDuplicates {
        &self.near_duplicates
    }

    /// Everything that is searched.
    fn parts(&self) -> Vec<&dyn Vectors> {
        let frozen = self.frozen.iter().map(|frozen| &**frozen as &dyn Vectors);
        frozen.chain([&self.newest as &dyn Vectors]).collect()
    }

    /// The `count` pictures nearest to `query` that `accept` lets through, best first.
    ///
    /// With a filter that refuses much, graphs are followed further and further; when even
    /// that gives too few, the caller gets what there is. Of a group of copies only one
    /// comes: the original, or the first that `accept` lets through.
    pub fn search(&self, query: &Descriptor, count: usize, accept: Accept<'_>) -> Vec<Candidate> {
        let has = |sequence| {
            let is_original = self.near_duplicates.has_original(sequence);
            is_original && self.shown(sequence, accept).is_some()
        };
        let parts = self.parts().into_par_iter();
        let candidates = parts.flat_map_iter(|part| part.nearest(query, count, &has));
        let mut candidates = best(candidates.collect(), count);
        for candidate in &mut candidates {
            let shown = self.shown(candidate.sequence, accept);
            candidate.sequence = shown.unwrap_or(candidate.sequence);
        }
        candidates
    }

    /// Which of an original and its copies comes for all of them: itself, or the first that
    /// `accept` lets through.
    pub(super) fn shown(&self, original: Sequence, accept: Accept<'_>) -> Option<Sequence> {
        if accept(original) {
            return Some(original);
        }
        let copies = self.near_duplicates.group(original);
        copies.into_iter().find(|copy| accept(*copy))
    }

    /// Whether a picture is covered.
    pub fn contains(&self, sequence: Sequence) -> bool {
        self.near_duplicates.contains(sequence)
    }

    /// How many of the pictures covered were stored before `end`.
    pub fn stored_before(&self, end: Sequence) -> u64 {
        self.near_duplicates.stored_before(end)
    }

    /// Pictures covered.
    pub fn len(&self) -> usize {
        self.near_duplicates.len()
    }

    /// Whether there is nothing to find.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a graph is in use, rather than a scan of every descriptor.
    pub fn is_graph(&self) -> bool {
        !self.frozen.is_empty()
    }

    /// Whether a stored picture finds itself: at rank 1, or at a distance no greater. A copy
    /// is found by its original.
    pub fn finds(&self, sequence: Sequence, descriptor: &Descriptor) -> bool {
        let original = self.near_duplicates.original(sequence);
        match original == sequence {
            true => self
                .parts()
                .iter()
                .any(|part| part.finds(sequence, descriptor)),
            false => self.near_duplicates.has_original(original),
        }
    }
}
