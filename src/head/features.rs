//! A picture as the second stage sees it.

use crate::activation::Activations;
use crate::network::{Descriptor, Embedding, LookDescriptor};
use crate::picture::PerceptualHash;

/// A picture as the second stage sees it.
#[derive(Debug, Clone, Copy)]
pub struct Features<'a> {
    /// Its activations.
    pub activations: Activations<'a>,
    /// Its descriptor.
    pub descriptor: &'a Descriptor,
    /// How it looks, if that is known.
    pub look: Option<&'a LookDescriptor>,
    /// Its perceptual hash.
    pub hash: PerceptualHash,
}

/// One side of many comparisons, worked out once.
#[derive(Debug, Clone)]
pub struct Prepared<'a> {
    pub(super) activations: Activations<'a>,
    pub(super) hash: PerceptualHash,
    /// Each layer's scaled channel statistics.
    pub(super) statistics: LayerRows,
    /// As it is.
    pub(super) embedding: Embedding,
    /// Without what all pictures have in common.
    pub(super) centred_embedding: Embedding,
    /// The same of the descriptor.
    pub(super) centred_descriptor: Descriptor,
    /// What is compared with pictures of which no more than a sketch is kept, where more is of this one.
    pub(super) sketch: Option<Box<Self>>,
}

/// Some numbers of each layer, in one piece of memory: hundreds of pictures are prepared for a search.
#[derive(Debug, Clone, Default)]
pub(super) struct LayerRows {
    values: Vec<f32>,
    /// Where each layer's end.
    ends: Vec<usize>,
}

impl LayerRows {
    /// Adds the next layer's.
    pub(super) fn push(&mut self, row: &[f32]) {
        self.values.extend_from_slice(row);
        self.ends.push(self.values.len());
    }

    /// Layers so far.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Those of a layer.
    pub(super) fn row(&self, layer: usize) -> &[f32] {
        let begin = layer.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.values[begin..self.ends[layer]]
    }
}

impl<'a> Prepared<'a> {
    /// What of it is compared with a picture of such activations.
    pub(super) fn beside(&self, other: Activations<'_>) -> &Self {
        let sketch = self.sketch.as_deref();
        sketch
            .filter(|_| !other.layout().keeps_values())
            .unwrap_or(self)
    }

    /// Its activations.
    pub fn activations(&self) -> Activations<'a> {
        self.activations
    }
}
