//! What the pictures of a collection have in common.

use serde::{Deserialize, Serialize};

use crate::network::{Descriptor, Embedding};

/// What all pictures of a collection have in common; empty if there is none.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CollectionMean {
    /// Mean of the embeddings.
    pub embedding: Vec<f32>,
    /// Mean of the descriptors.
    pub descriptor: Vec<f32>,
}

impl CollectionMean {
    /// The mean of fewer pictures says nothing, so nothing is subtracted.
    pub const FEWEST: u64 = 20;

    /// The means over some pictures; empty if they are fewer than [`Self::FEWEST`].
    pub fn of<'a>(pictures: impl Iterator<Item = (&'a Embedding, &'a Descriptor)>) -> Self {
        let (mut count, mut mean) = (0u64, Self::default());
        let add = |sums: &mut Vec<f32>, values: &[f32]| {
            sums.resize(values.len(), 0.0);
            sums.iter_mut().zip(values).for_each(|(s, v)| *s += v);
        };
        for (embedding, descriptor) in pictures {
            count += 1;
            add(&mut mean.embedding, embedding.values());
            add(&mut mean.descriptor, descriptor.values());
        }
        if count < Self::FEWEST {
            return Self::default();
        }
        for sums in [&mut mean.embedding, &mut mean.descriptor] {
            sums.iter_mut().for_each(|sum| *sum /= count as f32);
        }
        mean
    }
}
