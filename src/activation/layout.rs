//! Where everything stands in a picture's block.

use std::ops::Range;
use std::sync::Arc;

use super::codec::{Codec, Measurement, Quantity};
use super::encoding::Encoding;
use super::half_floats::HALF;
use super::parts::PartsCodec;
use super::shape::LayerShape;

/// Where everything stands in a picture's block: the layers, then what is derived from
/// them once so that a comparison need not ([`super::summarise`]), then the embedding.
///
/// ```
/// use simdex::activation::{Encoding, LayerShape, Layout};
///
/// let shape = LayerShape { name: "conv".into(), channels: 4, positions: 9, width: 3 };
/// let bytes = Layout::new(Encoding::Int8, vec![shape.clone()], 2);
/// let floats = Layout::new(Encoding::F32, vec![shape], 2);
/// // A header of 16 bytes and 36 values, padded; norms, means and spreads follow.
/// assert_eq!(bytes.layers_len(), 64);
/// assert!(bytes.block_len() < floats.block_len());
/// ```
#[derive(Debug, Clone)]
pub struct Layout {
    codec: &'static dyn Codec,
    layers: Vec<LayerShape>,
    /// Each layer's header and values, without the padding.
    stored: Vec<Range<usize>>,
    /// End of the layers.
    layers_len: usize,
    /// Each layer's inverse norms, an f16 a position.
    norms: Vec<Range<usize>>,
    /// Each layer's channel means, an f16 a channel, and spreads behind them.
    statistics: Vec<Range<usize>>,
    /// The embedding.
    embedding: Range<usize>,
    /// What parts look like, where values are not kept.
    parts: Option<(Arc<PartsCodec>, Range<usize>)>,
    /// What else is kept of the picture: a block of its own, of a codec that keeps less.
    sketch: Option<(Arc<Layout>, Range<usize>)>,
}

const ALIGNMENT: usize = 16;

impl Layout {
    /// Lays out `layers` one behind the other, and an embedding of `dimensions` numbers.
    pub fn new(encoding: Encoding, layers: Vec<LayerShape>, dimensions: usize) -> Self {
        Self::of_codec(encoding.codec(), layers, dimensions)
    }

    /// The same for any codec. Only what it measures gets a place.
    pub(crate) fn of_codec(
        codec: &'static dyn Codec,
        layers: Vec<LayerShape>,
        dimensions: usize,
    ) -> Self {
        let mut end = 0usize;
        let mut place = |bytes: usize| {
            let start = end;
            end = (end + bytes).next_multiple_of(ALIGNMENT);
            start..start + bytes
        };
        let kept = |quantity: Quantity, values: usize| match codec.keeps_beside(quantity) {
            true => values * HALF,
            false => 0,
        };
        let stored = layers.iter().map(|l| place(codec.layer_len(l))).collect();
        let layers_len = place(0).start;
        let norms = layers
            .iter()
            .map(|l| place(kept(Quantity::Normalised, l.positions)))
            .collect();
        let statistics = layers
            .iter()
            .map(|l| place(kept(Quantity::Statistics, 2 * l.channels)))
            .collect();
        let embedding = place(codec.embedding_len(dimensions));
        Self {
            codec,
            layers,
            stored,
            layers_len,
            norms,
            statistics,
            embedding,
            parts: None,
            sketch: None,
        }
    }

    /// What writes the layers and measures them.
    pub(super) fn codec(&self) -> &'static dyn Codec {
        self.codec
    }

    /// The same, which keeps besides what the parts of a picture look like.
    #[must_use]
    pub fn with_parts(self, codec: PartsCodec) -> Self {
        let start = self.block_len();
        let shape = &self.layers[codec.layer()];
        let range = start..start + codec.len(shape);
        Self {
            parts: Some((Arc::new(codec), range)),
            ..self
        }
    }

    /// The same, which keeps behind it what another layout of the same layers keeps, to compare
    /// the picture with those of which no more is kept.
    ///
    /// # Panics
    /// If the layers are others.
    #[must_use]
    pub fn with_sketch(self, sketch: Self) -> Self {
        assert_eq!(self.layers, sketch.layers, "a sketch is of the same layers");
        let start = self.block_len();
        let range = start..start + sketch.block_len();
        Self {
            sketch: Some((Arc::new(sketch), range)),
            ..self
        }
    }

    /// How a picture is laid out of which no more than the sketch is kept, if there is one.
    pub fn sketch(&self) -> Option<&Self> {
        self.sketch.as_ref().map(|(sketch, _)| &**sketch)
    }

    /// Whether a picture's values are kept place by place.
    pub fn keeps_values(&self) -> bool {
        self.codec.measures(Quantity::Values) != Measurement::Absent
    }

    /// Whether the values of all pictures are kept that are laid out so.
    pub fn keeps_all_values(&self) -> bool {
        self.keeps_values() && self.sketch.is_none()
    }

    /// The layers in order.
    pub fn layers(&self) -> &[LayerShape] {
        &self.layers
    }

    /// Bytes of one picture's block.
    pub fn block_len(&self) -> usize {
        let sketch = self.sketch.as_ref().map(|(_, range)| range.end);
        sketch.unwrap_or_else(|| self.own_len())
    }

    /// The same without the sketch.
    pub(super) fn own_len(&self) -> usize {
        let parts = self.parts.as_ref().map(|(_, range)| range.end);
        parts
            .unwrap_or(self.embedding.end)
            .next_multiple_of(ALIGNMENT)
    }

    /// Bytes of the layers alone, without what is derived from them.
    pub fn layers_len(&self) -> usize {
        self.layers_len
    }

    /// The bytes of layer `i`: header and values, without the padding.
    pub(super) fn range(&self, i: usize) -> Range<usize> {
        self.stored[i].clone()
    }

    /// The bytes of layer `i`'s inverse norms.
    pub(super) fn norms(&self, i: usize) -> Range<usize> {
        self.norms[i].clone()
    }

    /// The bytes of layer `i`'s channel means and spreads.
    pub(super) fn statistics(&self, i: usize) -> Range<usize> {
        self.statistics[i].clone()
    }

    /// What keeps the parts, and its bytes.
    pub(super) fn parts(&self) -> Option<(&PartsCodec, Range<usize>)> {
        let parts = self.parts.as_ref();
        parts.map(|(codec, range)| (&**codec, range.clone()))
    }

    /// How the sketch is laid out, and its bytes.
    pub(super) fn sketch_range(&self) -> Option<(&Self, Range<usize>)> {
        let sketch = self.sketch.as_ref();
        sketch.map(|(sketch, range)| (&**sketch, range.clone()))
    }

    /// The bytes of the embedding.
    pub(super) fn embedding(&self) -> Range<usize> {
        self.embedding.clone()
    }
}
