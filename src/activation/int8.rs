//! The codec that keeps one signed byte a value.

use super::codec::{Codec, Layer, LayerDistance, Measurement, Quantity, mean_over};
use super::dot::inner_product;
use super::header::{HEADER, read_header, write_header};
use super::moments::Moments;
use super::rows::products;
use super::shape::LayerShape;
use super::transpose::TILE;
use super::widened::widened;

/// One signed byte a value, with one scale for each picture and layer.
///
/// The MSE needs one integer inner product a layer: with scales s, t and the sums of squares
/// in the headers, sum (s a - t b)^2 = s^2 A - 2 s t (a . b) + t^2 B, exact in integers.
/// Rounding to steps of s and t adds s^2 / 12 + t^2 / 12 to each squared difference on
/// average (the variance of a uniform error), which is taken off again; what remains is
/// the rounding's own scatter.
#[derive(Debug)]
pub(super) struct Int8;

impl Codec for Int8 {
    fn measures(&self, _quantity: Quantity) -> Measurement {
        Measurement::Exact
    }

    fn layer_len(&self, shape: &LayerShape) -> usize {
        HEADER + shape.values()
    }

    fn encode(&self, shape: &LayerShape, values: &[f32], stored: &mut [u8]) {
        let bytes = &mut stored[HEADER..];
        let scale = round(values, shape.channels, bytes);
        let squares = inner_product(bytes, bytes) as u64;
        write_header(stored, scale, squares);
    }

    fn mse(&self, a: Layer<'_>, b: Layer<'_>) -> f32 {
        let product = inner_product(&a.stored[HEADER..], &b.stored[HEADER..]);
        mean_over(a.shape, squared_difference(a, b, product))
    }

    fn distance(&self, a: Layer<'_>, b: Layer<'_>) -> LayerDistance {
        let (a_bytes, b_bytes) = (&a.stored[HEADER..], &b.stored[HEADER..]);
        let (product, cosines) = products(a_bytes, b_bytes, a.shape.channels, a.norms, b.norms);
        LayerDistance::of_sums(a.shape, squared_difference(a, b, product), cosines)
    }

    fn values(&self, layer: Layer<'_>) -> Option<Vec<f32>> {
        let (scale, _) = read_header(layer.stored);
        let bytes = layer.stored[HEADER..].iter();
        Some(bytes.map(|&byte| f32::from(byte as i8) * scale).collect())
    }

    fn moments(&self, shape: &LayerShape, stored: &[u8]) -> Option<Moments> {
        let (scale, _) = read_header(stored);
        let mut moments = Moments::new(shape, scale);
        moments.add_bytes(&stored[HEADER..]);
        Some(moments)
    }
}

/// The sum of squared differences, from the inner product and the headers.
fn squared_difference(a: Layer<'_>, b: Layer<'_>, product: i64) -> f64 {
    let header = |layer: Layer<'_>| {
        let (scale, squares) = read_header(layer.stored);
        (f64::from(scale), squares as f64)
    };
    let ((s, a_squares), (t, b_squares)) = (header(a), header(b));
    let rounding = a.shape.values() as f64 * (s * s + t * t) / 12.0;
    (s * s * a_squares - 2.0 * s * t * product as f64 + t * t * b_squares - rounding).max(0.0)
}

/// Channels written at a time.
const GROUP: usize = 8;

widened! {
    /// Rounds to -127..=127 and transposes; returns the scale that a stored byte is worth.
    fn round(values: &[f32], channels: usize, out: &mut [u8]) -> f32 = round_and_transpose
}

#[inline(always)]
fn round_and_transpose(values: &[f32], channels: usize, out: &mut [u8]) -> f32 {
    // Sixteen maxima side by side: a single one is a chain of dependent comparisons.
    let (quads, rest) = values.as_chunks::<16>();
    let mut lanes = [0f32; 16];
    for quad in quads {
        for (lane, value) in lanes.iter_mut().zip(quad) {
            let value = value.abs();
            *lane = if value > *lane { value } else { *lane };
        }
    }
    let largest = rest
        .iter()
        .map(|value| value.abs())
        .chain(lanes)
        .fold(0f32, f32::max);
    if largest == 0.0 || !largest.is_finite() {
        // Constant zero, or a network gone wrong: zeros are at least comparable.
        return 0.0;
    }
    let inverse = 127.0 / largest;
    let positions = values.len() / channels;
    let mut tiles = [[0u8; TILE]; GROUP];
    for start in (0..positions).step_by(TILE) {
        let end = (start + TILE).min(positions);
        let out = &mut out[start * channels..end * channels];
        for (group, planes) in values.chunks(GROUP * positions).enumerate() {
            for (tile, plane) in tiles.iter_mut().zip(planes.chunks_exact(positions)) {
                for (byte, &value) in tile.iter_mut().zip(&plane[start..end]) {
                    *byte = round_to_byte(value * inverse);
                }
            }
            let first = group * GROUP;
            let width = GROUP.min(channels - first);
            for (i, row) in out.chunks_exact_mut(channels).enumerate() {
                let bytes = tiles.each_ref().map(|tile| tile[i]);
                match <&mut [u8; GROUP]>::try_from(&mut row[first..first + width]) {
                    Ok(row) => *row = bytes,
                    Err(_) => row[first..first + width].copy_from_slice(&bytes[..width]),
                }
            }
        }
    }
    largest / 127.0
}

/// Rounds to nearest, ties to even, by adding and reading back 1.5 * 2^23: the sum's low
/// mantissa bits are the integer. Unlike `round`, it vectorises on every x86-64.
#[inline]
fn round_to_byte(value: f32) -> u8 {
    const MAGIC: f32 = 12_582_912.0;
    (value + MAGIC).to_bits() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_to_nearest() {
        for (value, byte) in [(0.4, 0), (0.6, 1), (-0.6, -1), (127.0, 127), (-127.0, -127)] {
            assert_eq!(round_to_byte(value) as i8, byte, "{value}");
        }
    }

    #[test]
    fn channels_end_last() {
        let shape = LayerShape {
            name: "layer".into(),
            channels: 2,
            positions: 3,
            width: 3,
        };
        let mut layer = vec![0; Int8.layer_len(&shape)];
        Int8.encode(&shape, &[1.0, 2.0, 3.0, -4.0, -5.0, -127.0], &mut layer);
        let stored: Vec<i8> = layer[HEADER..].iter().map(|&b| b as i8).collect();
        assert_eq!(stored, [1, -4, 2, -5, 3, -127]);
    }
}
