//! What a codec is: how the activations of a layer become bytes, and what can be measured of
//! those bytes.
//!
//! To store activations in another way, add another [`Codec`] and give it a name in `Encoding`.
//! Heads only ask for measurements, so they need no change.

use std::fmt;

use super::half_floats;
use super::moments::Moments;
use super::shape::LayerShape;

/// What can be measured of activations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Quantity {
    /// The mean squared error of a layer between two pictures.
    Mse,
    /// The channel-normalised distance of a layer between two pictures.
    Normalised,
    /// The means and spreads of a layer's channels.
    Statistics,
    /// The values of a layer, place by place.
    Values,
}

/// How well a codec measures something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Measurement {
    /// From every value of the layer, as it is stored.
    Exact,
    /// From less than that.
    Estimated,
    /// Not at all.
    Absent,
}

/// How far apart one layer of two pictures is.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct LayerDistance {
    /// The mean squared error of the activations (the report's "Mean Squared Difference": the
    /// squared differences' mean over all values of the layer).
    pub mse: f32,
    /// The mean over the positions of the squared distance of the channel vectors at unit
    /// length, 0 to 4: the form of LPIPS (Zhang et al. 2018) before its learned weights.
    /// `None` where the codec does not tell it.
    pub normalised: Option<f32>,
}

impl LayerDistance {
    /// Both distances, from the sum of squared differences and the sum of the cosines.
    pub(super) fn of_sums(shape: &LayerShape, squared: f64, cosines: f32) -> Self {
        let normalised = 2.0 - 2.0 * cosines / shape.positions as f32;
        Self {
            mse: mean_over(shape, squared),
            normalised: Some(normalised.clamp(0.0, 4.0)),
        }
    }
}

/// The mean over all values of a layer.
pub(super) fn mean_over(shape: &LayerShape, sum: f64) -> f32 {
    (sum / shape.values() as f64) as f32
}

/// One layer of a picture's block.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layer<'a> {
    /// Its shape.
    pub(crate) shape: &'a LayerShape,
    /// What [`Codec::encode`] wrote.
    pub(crate) stored: &'a [u8],
    /// The inverse length of each position's channel vector, f16; empty where the codec does
    /// not tell the normalised distance.
    pub(crate) norms: &'a [u8],
    /// The means of the channels, then their spreads, f16; empty where the codec keeps them with the
    /// layer, or not at all.
    pub(crate) statistics: &'a [u8],
}

/// A way to store the activations of a layer. Its functions work on whole layers, so that
/// finding the right one costs nothing beside the work.
pub(crate) trait Codec: fmt::Debug + Sync {
    /// What can be measured of its bytes. The mean squared error can always be measured, if
    /// only roughly: the report's head needs nothing else.
    fn measures(&self, quantity: Quantity) -> Measurement;

    /// Whether something is derived from the stored layers and kept behind them, as f16.
    fn keeps_beside(&self, quantity: Quantity) -> bool {
        self.measures(quantity) != Measurement::Absent
    }

    /// Bytes of a layer.
    fn layer_len(&self, shape: &LayerShape) -> usize;

    /// Writes a layer; `values` are channels first (C x H x W), as ONNX gives them.
    fn encode(&self, shape: &LayerShape, values: &[f32], stored: &mut [u8]);

    /// The mean squared error between two pictures.
    fn mse(&self, a: Layer<'_>, b: Layer<'_>) -> f32;

    /// All distances between two pictures, from one reading of their bytes.
    fn distance(&self, a: Layer<'_>, b: Layer<'_>) -> LayerDistance {
        LayerDistance {
            mse: self.mse(a, b),
            normalised: None,
        }
    }

    /// The values in their own units, positions x channels; `None` where there are none.
    fn values(&self, _layer: Layer<'_>) -> Option<Vec<f32>> {
        None
    }

    /// The means of a layer's channels, then their spreads; nothing where there are none.
    fn statistics(&self, layer: Layer<'_>, out: &mut Vec<f32>) {
        half_floats::read(layer.statistics, out);
    }

    /// Bytes of an embedding.
    fn embedding_len(&self, dimensions: usize) -> usize {
        dimensions * size_of::<f32>()
    }

    /// Writes the embedding.
    fn write_embedding(&self, embedding: &[f32], bytes: &mut [u8]) {
        for (bytes, value) in bytes.as_chunks_mut().0.iter_mut().zip(embedding) {
            *bytes = value.to_le_bytes();
        }
    }

    /// Reads the embedding.
    fn read_embedding(&self, bytes: &[u8], out: &mut Vec<f32>) {
        out.clear();
        out.extend(
            bytes
                .as_chunks()
                .0
                .iter()
                .map(|bytes| f32::from_le_bytes(*bytes)),
        );
    }

    /// Sums over a layer's positions, for what is stored behind the layers; `None` where
    /// nothing is.
    fn moments(&self, _shape: &LayerShape, _stored: &[u8]) -> Option<Moments> {
        None
    }
}
