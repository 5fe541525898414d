//! A scan of every descriptor: exact, and faster than a graph over a few thousand.

use rayon::prelude::*;

use super::{Accept, Candidate, Vectors, best};
use crate::activation::inner_product_f32;
use crate::network::Descriptor;
use crate::store::Sequence;

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

    fn place(&self, sequence: Sequence) -> usize {
        match self.sequences.last().is_none_or(|last| *last < sequence) {
            true => self.len(),
            false => self.sequences.partition_point(|other| *other < sequence),
        }
    }
}

impl Vectors for Exact {
    fn nearest(&self, query: &Descriptor, count: usize, accept: Accept<'_>) -> Vec<Candidate> {
        let query = query.values();
        let cosines: Vec<f32> = self
            .values
            .par_chunks_exact(query.len().max(1))
            .with_min_len(256)
            .map(|values| inner_product_f32(query, values).clamp(-1.0, 1.0))
            .collect();
        let candidates = self
            .sequences
            .iter()
            .zip(cosines)
            .filter(|(sequence, _)| accept(**sequence))
            .map(|(&sequence, cosine)| Candidate { sequence, cosine })
            .collect();
        best(candidates, count)
    }

    fn finds(&self, sequence: Sequence, _: &Descriptor) -> bool {
        self.sequences.binary_search(&sequence).is_ok()
    }

    fn sequences(&self) -> Box<dyn DoubleEndedIterator<Item = Sequence> + '_> {
        Box::new(self.sequences.iter().copied())
    }
}
