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
    /// Positions in a row.
    pub width: usize,
}

impl LayerShape {
    /// Values in the layer.
    pub fn values(&self) -> usize {
        self.channels * self.positions
    }
}

/// Where everything stands in a picture's block: the layers, then what is derived from
/// them once so that a comparison need not ([`super::summarise`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    encoding: Encoding,
    layers: Vec<LayerShape>,
    /// Offset of each layer's header, then the end of the layers.
    offsets: Vec<usize>,
    /// Offset of each layer's inverse norms, an f16 a position.
    norms: Vec<usize>,
    /// Offset of each layer's channel means, an f16 a channel, and spreads behind them.
    statistics: Vec<usize>,
    /// Offset of the embedding, f32.
    embedding: usize,
    dimensions: usize,
}

/// Bytes before a layer's values: scale (f32), padding, sum of squares (u64).
pub(super) const HEADER: usize = 16;
const ALIGNMENT: usize = 16;
/// Bytes of an f16.
const HALF: usize = 2;

impl Layout {
    /// Lays out `layers` one behind the other, and an embedding of `dimensions` numbers.
    pub fn new(encoding: Encoding, layers: Vec<LayerShape>, dimensions: usize) -> Self {
        let mut end = 0usize;
        let mut place = |bytes: usize| {
            let start = end;
            end = (end + bytes).next_multiple_of(ALIGNMENT);
            start
        };
        let mut offsets: Vec<usize> = layers
            .iter()
            .map(|layer| place(HEADER + layer.values() * encoding.width()))
            .collect();
        offsets.push(place(0));
        let norms = layers.iter().map(|l| place(l.positions * HALF)).collect();
        let statistics = layers.iter().map(|l| place(2 * l.channels * HALF));
        let statistics = statistics.collect();
        let embedding = place(dimensions * size_of::<f32>());
        Self {
            encoding,
            layers,
            offsets,
            norms,
            statistics,
            embedding,
            dimensions,
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
        (self.embedding + self.dimensions * size_of::<f32>()).next_multiple_of(ALIGNMENT)
    }

    /// Bytes of the layers alone, without what is derived from them.
    pub fn layers_len(&self) -> usize {
        self.offsets[self.layers.len()]
    }

    /// The bytes of layer `i`: header and values, without the padding.
    pub(super) fn range(&self, i: usize) -> Range<usize> {
        let start = self.offsets[i];
        start..start + HEADER + self.layers[i].values() * self.encoding.width()
    }

    /// The bytes of layer `i`'s inverse norms.
    pub(super) fn norms(&self, i: usize) -> Range<usize> {
        self.norms[i]..self.norms[i] + self.layers[i].positions * HALF
    }

    /// The bytes of layer `i`'s channel means and spreads.
    pub(super) fn statistics(&self, i: usize) -> Range<usize> {
        self.statistics[i]..self.statistics[i] + 2 * self.layers[i].channels * HALF
    }

    /// The bytes of the embedding.
    pub(super) fn embedding(&self) -> Range<usize> {
        self.embedding..self.embedding + self.dimensions * size_of::<f32>()
    }
}
