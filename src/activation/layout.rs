use std::ops::Range;

use serde::{Deserialize, Serialize};

/// How activations are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// One signed byte a value with one scale per picture and layer: a quarter of f32;
    /// pairwise MSEs move by about 0.05 %.
    #[default]
    Int8,
    /// IEEE half precision.
    F16,
    /// As the network gave them.
    F32,
}

impl Encoding {
    /// Bytes per value.
    pub fn width(self) -> usize {
        match self {
            Self::Int8 => 1,
            Self::F16 => 2,
            Self::F32 => 4,
        }
    }

    /// The name used in `config.toml`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Int8 => "int8",
            Self::F16 => "f16",
            Self::F32 => "f32",
        }
    }
}

/// The shape of one layer's activations, from the network's manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerShape {
    /// The layer's name, as results print it.
    pub name: String,
    /// Channels.
    pub channels: usize,
    /// Positions: height times width.
    pub positions: usize,
}

impl LayerShape {
    /// Values in the layer.
    pub fn values(&self) -> usize {
        self.channels * self.positions
    }
}

/// Where each layer stands in a picture's block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    encoding: Encoding,
    layers: Vec<LayerShape>,
    /// Offset of each layer's header, then the block's length.
    offsets: Vec<usize>,
}

/// Bytes before a layer's values: scale (f32), padding, sum of squares (u64).
pub(super) const HEADER: usize = 16;
const ALIGNMENT: usize = 16;

impl Layout {
    /// Lays out `layers` one behind the other.
    pub fn new(encoding: Encoding, layers: Vec<LayerShape>) -> Self {
        let mut offsets = vec![0];
        let mut end = 0usize;
        for layer in &layers {
            end += HEADER + layer.values() * encoding.width();
            end = end.next_multiple_of(ALIGNMENT);
            offsets.push(end);
        }
        Self {
            encoding,
            layers,
            offsets,
        }
    }

    /// The encoding of every value.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// The layers in order.
    pub fn layers(&self) -> &[LayerShape] {
        &self.layers
    }

    /// Bytes of one picture's block.
    pub fn block_len(&self) -> usize {
        self.offsets[self.layers.len()]
    }

    /// The bytes of layer `i`: header and values, without the padding.
    pub(super) fn range(&self, i: usize) -> Range<usize> {
        let start = self.offsets[i];
        start..start + HEADER + self.layers[i].values() * self.encoding.width()
    }
}
