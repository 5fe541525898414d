//! A scan of every descriptor: exact, and faster than a graph over a few thousand.

use rayon::prelude::*;

use super::{Candidate, Vectors, best};
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
    pub(super) fn is_empty(&self) -> bool {
        self.sequences.is_empty()
    }

    pub(super) fn contains(&self, sequence: Sequence) -> bool {
        self.sequences.binary_search(&sequence).is_ok()
    }
}

impl Vectors for Exact {
    fn nearest(
        &self,
        query: &Descriptor,
        count: usize,
        accept: &dyn Fn(Sequence) -> bool,
    ) -> Vec<Candidate> {
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

    fn insert(&mut self, points: &[(Sequence, Descriptor)]) {
        for (sequence, descriptor) in points {
            self.sequences.push(*sequence);
            self.values.extend_from_slice(descriptor.values());
        }
    }

    fn finds(&self, sequence: Sequence, _: &Descriptor) -> bool {
        self.contains(sequence)
    }

    fn sequences(&self) -> &[Sequence] {
        &self.sequences
    }
}
