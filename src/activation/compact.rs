//! The codec that keeps a hundredth: sketches, and what a head reads besides.

use std::ops::Range;

use super::codec::{Codec, Layer, LayerDistance, Measurement, Quantity, mean_over};
use super::count_sketch::{CountSketch, SKETCH, Stored};
use super::half_bytes;
use super::moments::Moments;
use super::shape::LayerShape;
use super::signed_bytes;

/// Per layer two count sketches, the channels' means as signed bytes and their spreads as half bytes.
///
/// The squared difference of two pictures is that of their channels' means, which are kept, and that
/// of what is left of the values without them, whose inner product is estimated from sketches; the
/// normalised distance is estimated from sketches of the channel vectors at unit length.
#[derive(Debug)]
pub(super) struct Compact;

/// Where what is kept of a layer stands: the sketch of the values without their channels' means,
/// that of the unit vectors, means, spreads.
const UNITS: usize = SKETCH;
const MEANS: usize = 2 * SKETCH;

impl Compact {
    fn spreads(shape: &LayerShape) -> usize {
        MEANS + signed_bytes::len(shape.channels)
    }
}

impl Codec for Compact {
    fn measures(&self, quantity: Quantity) -> Measurement {
        match quantity {
            Quantity::Mse | Quantity::Normalised | Quantity::Statistics => Measurement::Estimated,
            Quantity::Values => Measurement::Absent,
        }
    }

    fn keeps_beside(&self, _quantity: Quantity) -> bool {
        false
    }

    fn layer_len(&self, shape: &LayerShape) -> usize {
        Self::spreads(shape) + half_bytes::len(shape.channels)
    }

    fn encode(&self, shape: &LayerShape, values: &[f32], stored: &mut [u8]) {
        let moments = Moments::of_planes(shape, values);
        let statistics = moments.statistics();
        let (means, spreads) = statistics.split_at(shape.channels);
        let (mut rest, mut units) = (CountSketch::new(), CountSketch::new());
        let planes = values.chunks_exact(shape.positions).zip(means).enumerate();
        for (channel, (plane, mean)) in planes {
            let first = channel * shape.positions;
            rest.add(first, plane.iter().map(|value| value - mean));
            let at_unit_length = plane.iter().zip(moments.inverse_norms());
            units.add(
                first,
                at_unit_length.map(|(value, inverse)| value * inverse),
            );
        }
        rest.write(&mut stored[..UNITS]);
        units.write(&mut stored[UNITS..MEANS]);
        let behind = Self::spreads(shape);
        signed_bytes::write(means, &mut stored[MEANS..behind]);
        half_bytes::write(spreads, &mut stored[behind..]);
    }

    fn mse(&self, a: Layer<'_>, b: Layer<'_>) -> f32 {
        let of_means = signed_bytes::squared_difference(means(a), means(b));
        let rest = squared_difference(a.stored, b.stored, 0..UNITS);
        mean_over(a.shape, of_means * a.shape.positions as f64 + rest)
    }

    fn distance(&self, a: Layer<'_>, b: Layer<'_>) -> LayerDistance {
        let units = squared_difference(a.stored, b.stored, UNITS..MEANS);
        let normalised = units / a.shape.positions as f64;
        LayerDistance {
            mse: self.mse(a, b),
            normalised: Some(normalised.clamp(0.0, 4.0) as f32),
        }
    }

    fn statistics(&self, layer: Layer<'_>, out: &mut Vec<f32>) {
        out.clear();
        let behind = Self::spreads(layer.shape);
        signed_bytes::read(means(layer), out);
        half_bytes::read(&layer.stored[behind..], layer.shape.channels, out);
    }

    fn embedding_len(&self, dimensions: usize) -> usize {
        signed_bytes::len(dimensions)
    }

    fn write_embedding(&self, embedding: &[f32], bytes: &mut [u8]) {
        signed_bytes::write(embedding, bytes);
    }

    fn read_embedding(&self, bytes: &[u8], out: &mut Vec<f32>) {
        signed_bytes::read(bytes, out);
    }
}

fn means(layer: Layer<'_>) -> &[u8] {
    &layer.stored[MEANS..Compact::spreads(layer.shape)]
}

/// Of what two layers have sketches of.
fn squared_difference(a: &[u8], b: &[u8], sketch: Range<usize>) -> f64 {
    let (a, b) = (Stored::read(&a[sketch.clone()]), Stored::read(&b[sketch]));
    (a.squared() + b.squared() - 2.0 * a.inner_product(b)).max(0.0)
}

#[cfg(test)]
mod tests {
    use crate::activation::{Activations, Encoding, LayerShape, Layout, Quantity, encode};

    use super::*;

    /// Something like a layer: each channel has a level, and blots that go over many positions.
    fn layer(seed: u32, channels: usize, side: usize) -> Vec<f32> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 24) as f32
        };
        let mut values = Vec::new();
        for channel in 0..channels {
            let level = (channel as f32).sin() + 0.3 * next();
            let (x0, y0, width) = (
                next() * side as f32,
                next() * side as f32,
                1.0 + 6.0 * next(),
            );
            for at in 0..side * side {
                let (dx, dy) = ((at % side) as f32 - x0, (at / side) as f32 - y0);
                let blot = (-(dx * dx + dy * dy) / (width * width)).exp();
                values.push(level + 2.0 * blot + 0.3 * next());
            }
        }
        values
    }

    #[test]
    fn a_hundredth_of_the_bytes_tells_distances_within_a_sixth() {
        let shape = |name: &str, channels, side: usize| LayerShape {
            name: name.into(),
            channels,
            positions: side * side,
            width: side,
        };
        let shapes = vec![shape("early", 32, 56), shape("late", 320, 7)];
        let [full, compact] = [Encoding::F32, Encoding::Compact]
            .map(|encoding| Layout::new(encoding, shapes.clone(), 64));
        let block = |layout: &Layout, seed| {
            let mut block = Vec::new();
            let layers = [layer(seed, 32, 56), layer(seed + 1, 320, 7)];
            let layers = layers.each_ref().map(Vec::as_slice);
            encode(layout, &layers, &layer(seed, 1, 8), &mut block);
            block
        };
        let mut errors = [[0f64; 2]; 2];
        const PAIRS: u32 = 40;
        for n in 0..PAIRS {
            let blocks =
                [&full, &compact].map(|layout| [block(layout, 4 * n), block(layout, 4 * n + 2)]);
            let distances =
                [(&full, &blocks[0]), (&compact, &blocks[1])].map(|(layout, blocks)| {
                    let [a, b] = blocks
                        .each_ref()
                        .map(|block| Activations::new(layout, block));
                    [0, 1].map(|l| a.layer_distance(b, l))
                });
            for l in 0..2 {
                let [exact, estimated] = [0, 1].map(|i| distances[i][l]);
                let off = |estimated: f32, exact: f32| f64::from(estimated / exact - 1.0).powi(2);
                errors[l][0] += off(estimated.mse, exact.mse);
                errors[l][1] += off(estimated.normalised.unwrap(), exact.normalised.unwrap());
            }
        }
        for squares in errors.iter().flatten() {
            let rms = (squares / f64::from(PAIRS)).sqrt();
            assert!(rms < 1.0 / 6.0, "{errors:?}");
        }
        assert!(compact.block_len() * 100 < full.block_len());
    }

    #[test]
    fn what_is_kept_comes_back_and_the_same_is_at_zero() {
        let shape = LayerShape {
            name: "layer".into(),
            channels: 8,
            positions: 81,
            width: 9,
        };
        let [full, compact] = [Encoding::F32, Encoding::Compact]
            .map(|encoding| Layout::new(encoding, vec![shape.clone()], 3));
        let [exact, kept] = [&full, &compact].map(|layout| {
            let mut block = Vec::new();
            encode(layout, &[&layer(5, 8, 9)], &[0.6, 0.0, 0.8], &mut block);
            block
        });
        let (exact, kept) = (
            Activations::new(&full, &exact),
            Activations::new(&compact, &kept),
        );
        assert_eq!(kept.mses(kept), [0.0]);
        assert!(kept.layer_distance(kept, 0).normalised.unwrap() < 1e-4);
        assert_eq!(
            (kept.layer_values(0), kept.measures(Quantity::Mse)),
            (None, Measurement::Estimated)
        );
        let near = |a: f32, b: f32| assert!((a - b).abs() < 0.02, "{a} {b}");
        let [mut a, mut b] = [Vec::new(), Vec::new()];
        exact.channel_statistics(0, &mut a);
        kept.channel_statistics(0, &mut b);
        assert_eq!(a.len(), b.len());
        let (means, spreads) = (0..8, 8..16);
        means.for_each(|i| near(a[i], b[i]));
        spreads.for_each(|i| assert!((a[i] - b[i]).abs() < 0.1, "{} {}", a[i], b[i]));
        exact
            .embedding()
            .iter()
            .zip(kept.embedding())
            .for_each(|(a, b)| near(*a, b));
        let (exact, kept) = (
            exact.layer_spread(0).unwrap(),
            kept.layer_spread(0).unwrap(),
        );
        assert!((kept / exact - 1.0).abs() < 0.1, "{exact} {kept}");
    }
}
