//! A scan of every descriptor: exact, and faster than a graph over a few thousand.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use rayon::prelude::*;

use super::{Accept, Candidate, Vectors};
use crate::network::{Descriptor, cosines_of};
use crate::store::Sequence;

/// Descriptors that a thread compares at once.
const AT_ONCE: usize = 256;

/// All descriptors in one array, compared one by one.
#[derive(Clone, Default)]
pub(super) struct Exact {
    sequences: Vec<Sequence>,
    values: Vec<f32>,
}

impl Exact {
    pub(super) fn len(&self) -> usize {
        self.sequences.len()
    }

    /// Adds pictures that are not there yet.
    pub(super) fn insert(&mut self, points: &[(Sequence, Descriptor)]) {
        for (sequence, descriptor) in points {
            let (at, values) = (self.place(*sequence), descriptor.values());
            self.sequences.insert(at, *sequence);
            let at = at * values.len();
            self.values.splice(at..at, values.iter().copied());
        }
    }

    /// Those that `keep` wants.
    pub(super) fn only(&self, keep: &dyn Fn(Sequence) -> bool) -> Self {
        let width = self.values.len() / self.len().max(1);
        let mut kept = Self::default();
        let points = self.sequences.iter();
        let points = points.zip(self.values.chunks_exact(width.max(1)));
        for (sequence, values) in points.filter(|(sequence, _)| keep(**sequence)) {
            kept.sequences.push(*sequence);
            kept.values.extend_from_slice(values);
        }
        kept
    }

    /// A picture's descriptor, if it is there.
    pub(super) fn descriptor(&self, sequence: Sequence) -> Option<Descriptor> {
        let at = self.sequences.binary_search(&sequence).ok()?;
        let width = self.values.len() / self.len();
        let values = self.values.get(at * width..(at + 1) * width)?;
        Some(Descriptor::normalized(values.to_vec()))
    }

    fn place(&self, sequence: Sequence) -> usize {
        match self.sequences.last().is_none_or(|last| *last < sequence) {
            true => self.len(),
            false => self.sequences.partition_point(|other| *other < sequence),
        }
    }
}

/// A candidate by its order: the nearest is the greatest, of equally near ones the one stored first.
#[derive(PartialEq)]
struct Near(Candidate);

impl Eq for Near {}

impl Ord for Near {
    fn cmp(&self, other: &Self) -> Ordering {
        let (it, other) = (&self.0, &other.0);
        let by_cosine = it.cosine.total_cmp(&other.cosine);
        by_cosine.then(other.sequence.cmp(&it.sequence))
    }
}

impl PartialOrd for Near {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Vectors for Exact {
    fn nearest(&self, query: &Descriptor, count: usize, accept: Accept<'_>) -> Vec<Candidate> {
        let query = query.values();
        let mut cosines = vec![0.0; self.len()];
        let some = self.values.par_chunks((AT_ONCE * query.len()).max(1));
        let some = cosines.par_chunks_mut(AT_ONCE).zip(some);
        some.for_each(|(cosines, values)| cosines_of([query], values, (cosines, AT_ONCE)));
        let candidates = self.sequences.iter().zip(cosines);
        let candidates = candidates.map(|(&sequence, cosine)| Near(Candidate { sequence, cosine }));
        // From the nearest on: what a filter asks of a picture may take longer than to compare it.
        let mut candidates: BinaryHeap<Near> = candidates.collect();
        let nearest = std::iter::from_fn(|| candidates.pop()).map(|near| near.0);
        let accepted = nearest.filter(|candidate| accept(candidate.sequence));
        accepted.take(count).collect()
    }

    fn finds(&self, sequence: Sequence, _: &Descriptor) -> bool {
        self.sequences.binary_search(&sequence).is_ok()
    }

    fn sequences(&self) -> Box<dyn DoubleEndedIterator<Item = Sequence> + '_> {
        Box::new(self.sequences.iter().copied())
    }
}
