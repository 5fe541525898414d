//! A picture's activations, and what they tell about it and about another picture.

use super::codec::{Layer, LayerDistance, Measurement, Quantity};
use super::dot::inner_product_f32;
use super::layout::Layout;
use super::parts::Parts;

/// The activations of one picture, as they are stored: a block of bytes with its layout.
///
/// Two of one layout can be compared, also where that has a sketch and no more than it is kept of one
/// of them:
///
/// ```
/// use simdex::activation::{Activations, Encoding, LayerShape, Layout, encode};
///
/// // One layer of two channels and two positions, and an embedding of two numbers.
/// let shape = LayerShape { name: "conv".into(), channels: 2, positions: 2, width: 2 };
/// let layout = Layout::new(Encoding::F32, vec![shape], 2);
/// let block = |values: [f32; 4]| {
///     let mut block = Vec::new();
///     encode(&layout, &[&values], &[0.6, 0.8], &mut block);
///     block
/// };
/// let (a, b) = (block([1.0, 2.0, 3.0, 4.0]), block([1.0, 2.0, 3.0, 6.0]));
/// let (a, b) = (Activations::new(&layout, &a), Activations::new(&layout, &b));
/// // One of four values is off by 2: a mean squared error of 4 / 4.
/// assert_eq!(a.mses(b), [1.0]);
/// assert_eq!(a.mses(a), [0.0]);
/// assert_eq!(a.embedding(), [0.6, 0.8]);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Activations<'a> {
    layout: &'a Layout,
    bytes: &'a [u8],
}

impl<'a> Activations<'a> {
    /// The activations in a block, or of a layout with a sketch that sketch alone, which its length
    /// tells. That is not checked here: blocks come from a store that has checked them, or fresh from
    /// [`super::encode`].
    pub fn new(layout: &'a Layout, bytes: &'a [u8]) -> Self {
        let sketch = layout.sketch();
        let sketch = sketch.filter(|sketch| sketch.block_len() == bytes.len());
        Self {
            layout: sketch.unwrap_or(layout),
            bytes,
        }
    }

    /// The sketch of the picture, where one is kept beside all else.
    pub fn sketch(self) -> Option<Self> {
        let (layout, range) = self.layout.sketch_range()?;
        let bytes = &self.bytes[range];
        Some(Self { layout, bytes })
    }

    /// Two pictures by what is kept of both: of one of which more is kept than of the other, its
    /// sketch.
    #[must_use]
    pub fn in_common(self, other: Self) -> (Self, Self) {
        match (self.layout.keeps_values(), other.layout.keeps_values()) {
            (true, false) => (self.sketch().unwrap_or(self), other),
            (false, true) => (self, other.sketch().unwrap_or(other)),
            _ => (self, other),
        }
    }

    /// How well two pictures can be told apart: as well as the one can of which less is kept.
    pub fn compares(self, other: Self) -> Measurement {
        let (a, _) = self.in_common(other);
        a.measures(Quantity::Mse)
    }

    /// How they are laid out.
    pub fn layout(self) -> &'a Layout {
        self.layout
    }

    pub(super) fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// How many layers there are.
    pub fn layer_count(self) -> usize {
        self.layout.layers().len()
    }

    /// How well something can be measured from them.
    pub fn measures(self, quantity: Quantity) -> Measurement {
        self.layout.codec().measures(quantity)
    }

    /// The mean squared error of every layer between two pictures of one layout, in the
    /// layout's order, by what is kept of both.
    ///
    /// # Panics
    /// If a block is shorter than the layout's.
    pub fn mses(self, other: Self) -> Vec<f32> {
        let (a, b) = self.in_common(other);
        let codec = a.layout.codec();
        (0..a.layer_count())
            .map(|i| codec.mse(a.layer(i), b.layer(i)))
            .collect()
    }

    /// How far apart one layer of two pictures of one layout is, from one reading of the two
    /// blocks, by what is kept of both.
    ///
    /// # Panics
    /// If a block is shorter than the layout's.
    pub fn layer_distance(self, other: Self, layer: usize) -> LayerDistance {
        let (a, b) = self.in_common(other);
        a.layout.codec().distance(a.layer(layer), b.layer(layer))
    }

    /// The means of a layer's channels, then their spreads; nothing where the codec keeps none.
    pub fn channel_statistics(self, layer: usize, out: &mut Vec<f32>) {
        self.layout.codec().statistics(self.layer(layer), out);
    }

    /// How much a layer varies from place to place: the mean squared difference of its values
    /// from their channel's mean. It tells whether an MSE is small or large: plain pictures are
    /// all near each other. `None` where the codec keeps no statistics.
    pub fn layer_spread(self, layer: usize) -> Option<f32> {
        let mut statistics = Vec::new();
        self.channel_statistics(layer, &mut statistics);
        let spreads = &statistics[statistics.len() / 2..];
        (!spreads.is_empty()).then(|| inner_product_f32(spreads, spreads) / spreads.len() as f32)
    }

    /// One layer's values in their own units, positions x channels; `None` where the codec
    /// does not keep them.
    pub fn layer_values(self, layer: usize) -> Option<Vec<f32>> {
        self.layout.codec().values(self.layer(layer))
    }

    /// What the parts of the picture look like, position by position; `None` where its values are
    /// kept, or nothing of it.
    pub fn parts(self) -> Option<Parts> {
        let (parts, range) = self.layout.parts()?;
        Some(parts.read(&self.bytes[range]))
    }

    /// The embedding.
    pub fn embedding(self) -> Vec<f32> {
        let mut values = Vec::new();
        let bytes = &self.bytes[self.layout.embedding()];
        self.layout.codec().read_embedding(bytes, &mut values);
        values
    }

    fn layer(self, i: usize) -> Layer<'a> {
        Layer {
            shape: &self.layout.layers()[i],
            stored: &self.bytes[self.layout.range(i)],
            norms: &self.bytes[self.layout.norms(i)],
            statistics: &self.bytes[self.layout.statistics(i)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::activation::{Encoding, LayerShape, encode};

    fn values(len: usize, seed: u32) -> Vec<f32> {
        let mut state = seed;
        (0..len)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as f32 / (1 << 23) as f32 - 1.0
            })
            .collect()
    }

    fn mses(encoding: Encoding, a: &[&[f32]; 2], b: &[&[f32]; 2]) -> Vec<f32> {
        let shape = |name: &str, channels, positions| LayerShape {
            name: name.into(),
            channels,
            positions,
            width: positions,
        };
        let shapes = vec![shape("wide", 32, 400), shape("odd", 3, 49)];
        let layout = Layout::new(encoding, shapes, 0);
        let [mut left, mut right] = [Vec::new(), Vec::new()];
        encode(&layout, a, &[], &mut left);
        encode(&layout, b, &[], &mut right);
        let (left, right) = (
            Activations::new(&layout, &left),
            Activations::new(&layout, &right),
        );
        let mses = left.mses(right);
        let distances = [0, 1].map(|i| left.layer_distance(right, i));
        for ((distance, mse), (a, b)) in distances.iter().zip(&mses).zip(a.iter().zip(b)) {
            assert!(
                (distance.mse - mse).abs() <= mse * 1e-5,
                "{distance:?} {mse}"
            );
            let channels = if a.len() == 147 { 3 } else { 32 };
            let plain = normalised(a, b, channels);
            let normalised = distance.normalised.unwrap();
            assert!((normalised - plain).abs() < 6e-3, "{distance:?} {plain}");
        }
        mses
    }

    /// The normalised distance as it is defined; values are channels first.
    fn normalised(a: &[f32], b: &[f32], channels: usize) -> f32 {
        let positions = a.len() / channels;
        let vector = |values: &[f32], p: usize| {
            let v: Vec<f32> = (0..channels).map(|c| values[c * positions + p]).collect();
            let norm = v.iter().map(|v| v * v).sum::<f32>().sqrt();
            v.into_iter().map(move |v| v / norm).collect::<Vec<_>>()
        };
        let distance = |p| {
            let pairs = vector(a, p).into_iter().zip(vector(b, p));
            pairs.map(|(a, b)| (a - b) * (a - b)).sum::<f32>()
        };
        (0..positions).map(distance).sum::<f32>() / positions as f32
    }

    #[test]
    fn every_encoding_gives_the_plain_mse() {
        let (a, b) = (
            (values(12_800, 1), values(147, 2)),
            (values(12_800, 3), values(147, 4)),
        );
        let plain = |a: &[f32], b: &[f32]| {
            let sum: f32 = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum();
            sum / a.len() as f32
        };
        let expected = [plain(&a.0, &b.0), plain(&a.1, &b.1)];
        for (encoding, tolerance) in [
            (Encoding::F32, 1e-5),
            (Encoding::F16, 1e-3),
            (Encoding::Int8, 2e-3),
        ] {
            let got = mses(encoding, &[&a.0, &a.1], &[&b.0, &b.1]);
            for (got, expected) in got.iter().zip(expected) {
                let error = (got - expected).abs() / expected;
                assert!(error < tolerance, "{encoding:?}: {got} for {expected}");
            }
        }
    }

    #[test]
    fn a_picture_is_at_zero_from_itself() {
        let (a, b) = (values(12_800, 1), values(147, 2));
        for encoding in [Encoding::Int8, Encoding::F16, Encoding::F32] {
            assert_eq!(mses(encoding, &[&a, &b], &[&a, &b]), [0.0, 0.0]);
        }
    }

    #[test]
    fn a_block_keeps_statistics_and_the_embedding() {
        let shape = LayerShape {
            name: "layer".into(),
            channels: 2,
            positions: 2,
            width: 2,
        };
        for encoding in [Encoding::Int8, Encoding::F16, Encoding::F32] {
            let layout = Layout::new(encoding, vec![shape.clone()], 3);
            let embedding = [0.6, 0.0, 0.8];
            let mut block = Vec::new();
            // Channel 0 is 1 and 3, channel 1 is -2 and -2.
            encode(&layout, &[&[1.0, 3.0, -2.0, -2.0]], &embedding, &mut block);
            assert_eq!(block.len(), layout.block_len());
            let activations = Activations::new(&layout, &block);
            let mut statistics = Vec::new();
            activations.channel_statistics(0, &mut statistics);
            for (got, expected) in statistics.iter().zip([2.0, -2.0, 1.0, 0.0]) {
                assert!((got - expected).abs() < 0.02, "{encoding:?} {statistics:?}");
            }
            // The mean of 1 and 0, squared.
            let spread = activations.layer_spread(0).unwrap();
            assert!((spread - 0.5).abs() < 0.02, "{encoding:?} {spread}");
            assert_eq!(activations.embedding(), embedding);
            let values = activations.layer_values(0).unwrap();
            for (got, expected) in values.iter().zip([1.0, -2.0, 3.0, -2.0]) {
                assert!((got - expected).abs() < 0.02, "{encoding:?} {values:?}");
            }
        }
    }
}
