//! The index as a search sees it.

use std::collections::HashSet;
use std::sync::Arc;

use super::exact::Exact;
use super::graph::Graph;
use super::near_duplicates::NearDuplicates;
use super::{Candidate, Vectors, best};
use crate::network::Descriptor;
use crate::store::Sequence;

/// The stored pictures at one moment: it never changes. A later one comes from the
/// [`IndexWriter`](super::IndexWriter).
pub struct Index {
    pub(super) points: Points,
    /// Pictures in the store.
    pub(super) count: usize,
    /// The originals among them, which alone are searched; the graph may hold others:
    /// removed ones, and such as became copies.
    pub(super) live: Arc<HashSet<Sequence>>,
    pub(super) near_duplicates: Arc<NearDuplicates>,
    /// Originals that were copies when the graph was built.
    pub(super) promoted: Exact,
}

#[derive(Clone)]
pub(super) enum Points {
    Exact(Exact),
    Graph(Box<Graph>),
}

impl Points {
    pub(super) fn vectors(&self) -> &dyn Vectors {
        match self {
            Self::Exact(exact) => exact,
            Self::Graph(graph) => graph.as_ref(),
        }
    }

    pub(super) fn vectors_mut(&mut self) -> &mut dyn Vectors {
        match self {
            Self::Exact(exact) => exact,
            Self::Graph(graph) => graph.as_mut(),
        }
    }
}

impl Index {
    /// The near-copies among the pictures.
    pub fn near_duplicates(&self) -> &NearDuplicates {
        &self.near_duplicates
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
        let accepted = |original: Sequence| self.shown(original, accept);
        let live = |sequence| self.live.contains(&sequence) && accepted(sequence).is_some();
        let mut candidates = self.points.vectors().nearest(query, count, &live);
        if !self.promoted.is_empty() {
            candidates.extend(self.promoted.nearest(query, count, &live));
            candidates = best(candidates, count);
        }
        for candidate in &mut candidates {
            candidate.sequence = accepted(candidate.sequence).unwrap_or(candidate.sequence);
        }
        candidates
    }

    /// Which of an original and its copies comes for all of them: itself, or the first that
    /// `accept` lets through.
    pub(super) fn shown(
        &self,
        original: Sequence,
        accept: &dyn Fn(Sequence) -> bool,
    ) -> Option<Sequence> {
        let copies = self.near_duplicates.group(original).iter().copied();
        std::iter::once(original).chain(copies).find(|s| accept(*s))
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
        self.count
    }

    /// Whether there is nothing to find.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether a graph is in use, rather than a scan of every descriptor.
    pub fn is_graph(&self) -> bool {
        matches!(self.points, Points::Graph(_))
    }

    /// Points of removed pictures and of copies that are still in the graph.
    pub fn tombstones(&self) -> usize {
        match &self.points {
            Points::Exact(_) => 0,
            Points::Graph(graph) => tombstones(graph, &self.live),
        }
    }

    /// Whether a stored picture finds itself: at rank 1, or at a distance no greater. A copy
    /// is found by its original.
    pub fn finds(&self, sequence: Sequence, descriptor: &Descriptor) -> bool {
        if !self.near_duplicates.is_original(sequence) {
            let original = self.near_duplicates.original(sequence);
            return self.live.contains(&original);
        }
        self.promoted.contains(sequence) || self.points.vectors().finds(sequence, descriptor)
    }
}

/// Points of a graph that are no live original.
pub(super) fn tombstones(graph: &Graph, live: &HashSet<Sequence>) -> usize {
    let points = graph.sequences().iter();
    points.filter(|sequence| !live.contains(sequence)).count()
}
