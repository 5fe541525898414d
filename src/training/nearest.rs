//! Which pictures are near a picture, and which are too near to learn from.

use crate::network::{Descriptor, Embedding};

/// Whether two untouched pictures are so near that one may well be a copy of the other.
/// Collections have such pairs, and nobody can say which of the two a copy was made from.
pub fn are_twins(a: &Embedding, b: &Embedding) -> bool {
    const COSINE: f32 = 0.95;
    a.cosine(b) >= COSINE
}

/// The pictures nearest to a descriptor, nearest first.
pub fn nearest_to(descriptors: &[Descriptor], query: &Descriptor, count: usize) -> Vec<usize> {
    let cosines: Vec<f32> = descriptors.iter().map(|d| d.cosine(query)).collect();
    let mut order: Vec<usize> = (0..descriptors.len()).collect();
    order.sort_by(|a, b| cosines[*b].total_cmp(&cosines[*a]).then(a.cmp(b)));
    order.truncate(count);
    order
}
