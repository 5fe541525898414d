use half::f16;
use half::slice::HalfFloatSliceExt;

use super::dot::{inner_product, inner_product_f32};
use super::layout::{Encoding, HEADER, Layout};
use super::rows::products;
use super::summary::{decode, halves};

/// The mean squared error of every layer between two pictures' blocks, in the layout's
/// order (the report's "Mean Squared Difference": the squared differences' mean over all
/// values of the layer).
///
/// int8 needs one integer inner product a layer: with scales s, t and the sums of squares
/// in the headers, sum (s a - t b)^2 = s^2 A - 2 s t (a . b) + t^2 B, exact in integers.
/// Rounding to steps of s and t adds s^2 / 12 + t^2 / 12 to each squared difference on
/// average (the variance of a uniform error), which is taken off again; what remains is
/// the rounding's own scatter.
///
/// # Panics
/// If a block is shorter than the layout's: blocks come from a store that checked them.
pub fn layer_mses(layout: &Layout, a: &[u8], b: &[u8]) -> Vec<f32> {
    (0..layout.layers().len())
        .map(|i| {
            let (a, b) = (&a[layout.range(i)], &b[layout.range(i)]);
            let sum = match layout.encoding() {
                Encoding::Int8 => int8(a, b, layout.layers()[i].values()),
                Encoding::F16 => f16_values(&a[HEADER..], &b[HEADER..]),
                Encoding::F32 => f32_values(&a[HEADER..], &b[HEADER..]),
            };
            (sum / layout.layers()[i].values() as f64) as f32
        })
        .collect()
}

/// How far apart one layer of two pictures is.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct LayerDistance {
    /// The mean squared error of the activations, as [`layer_mses`] gives it.
    pub mse: f32,
    /// The mean over the positions of the squared distance of the channel vectors at unit
    /// length, 0 to 4: the form of LPIPS (Zhang et al. 2018) before its learned weights.
    pub normalised: f32,
}

/// The channel-normalised distance of one layer.
///
/// # Panics
/// If a block is shorter than the layout's.
pub fn layer_normalised(layout: &Layout, a: &[u8], b: &[u8], layer: usize) -> f32 {
    layer_distance(layout, a, b, layer).normalised
}

/// Both distances of one layer, from one reading of the two blocks.
///
/// # Panics
/// If a block is shorter than the layout's.
pub fn layer_distance(layout: &Layout, a: &[u8], b: &[u8], i: usize) -> LayerDistance {
    let shape = &layout.layers()[i];
    let norms = (&a[layout.norms(i)], &b[layout.norms(i)]);
    let (a, b) = (&a[layout.range(i)], &b[layout.range(i)]);
    let (sum, cosines) = match layout.encoding() {
        Encoding::Int8 => {
            let (a_bytes, b_bytes) = (&a[HEADER..], &b[HEADER..]);
            let (product, cosines) = products(a_bytes, b_bytes, shape.channels, norms.0, norms.1);
            (int8_sum(a, b, product, shape.values()), cosines)
        }
        encoding => wide(
            encoding,
            [&a[HEADER..], &b[HEADER..]],
            norms,
            shape.channels,
        ),
    };
    LayerDistance {
        mse: (sum / shape.values() as f64) as f32,
        normalised: (2.0 - 2.0 * cosines / shape.positions as f32).clamp(0.0, 4.0),
    }
}

/// Squared differences and position-wise cosines of values that are not bytes.
fn wide(
    encoding: Encoding,
    [a, b]: [&[u8]; 2],
    norms: (&[u8], &[u8]),
    channels: usize,
) -> (f64, f32) {
    let [mut left, mut right, mut a_norms, mut b_norms] = [const { Vec::new() }; 4];
    decode(encoding, a, &mut left);
    decode(encoding, b, &mut right);
    halves(norms.0, &mut a_norms);
    halves(norms.1, &mut b_norms);
    let rows = left
        .chunks_exact(channels)
        .zip(right.chunks_exact(channels));
    let cosines = rows
        .zip(a_norms.iter().zip(&b_norms))
        .map(|((a, b), (a_norm, b_norm))| inner_product_f32(a, b) * a_norm * b_norm)
        .sum();
    let sum = left
        .chunks(STEP)
        .zip(right.chunks(STEP))
        .map(|(a, b)| squared_difference(a.iter().copied(), b.iter().copied()))
        .sum();
    (sum, cosines)
}

fn int8(a: &[u8], b: &[u8], values: usize) -> f64 {
    let product = inner_product(&a[HEADER..], &b[HEADER..]);
    int8_sum(a, b, product, values)
}

/// The sum of squared differences, from the inner product and the headers.
fn int8_sum(a: &[u8], b: &[u8], product: i64, values: usize) -> f64 {
    let (s, a_squares) = header(a);
    let (t, b_squares) = header(b);
    let rounding = values as f64 * (s * s + t * t) / 12.0;
    (s * s * a_squares - 2.0 * s * t * product as f64 + t * t * b_squares - rounding).max(0.0)
}

fn header(layer: &[u8]) -> (f64, f64) {
    let scale = f32::from_le_bytes([layer[0], layer[1], layer[2], layer[3]]);
    let mut squares = [0; 8];
    squares.copy_from_slice(&layer[8..16]);
    (f64::from(scale), u64::from_le_bytes(squares) as f64)
}

fn f32_values(a: &[u8], b: &[u8]) -> f64 {
    let read = |bytes: &[u8; 4]| f32::from_le_bytes(*bytes);
    let (a, b) = (a.as_chunks().0, b.as_chunks().0);
    a.chunks(STEP)
        .zip(b.chunks(STEP))
        .map(|(a, b)| squared_difference(a.iter().map(read), b.iter().map(read)))
        .sum()
}

fn f16_values(a: &[u8], b: &[u8]) -> f64 {
    let (a, b) = (a.as_chunks().0, b.as_chunks().0);
    a.chunks(STEP)
        .zip(b.chunks(STEP))
        .map(|(a, b)| {
            let (a, b) = (widen(a), widen(b));
            squared_difference(a.into_iter(), b.into_iter())
        })
        .sum()
}

/// Values summed in f32 before widening to f64.
const STEP: usize = 1024;

fn widen(bytes: &[[u8; 2]]) -> [f32; STEP] {
    let mut halves = [f16::ZERO; STEP];
    for (half, bytes) in halves.iter_mut().zip(bytes) {
        *half = f16::from_le_bytes(*bytes);
    }
    let mut values = [0.0; STEP];
    halves.convert_to_f32_slice(&mut values);
    values
}

fn squared_difference(a: impl Iterator<Item = f32>, b: impl Iterator<Item = f32>) -> f64 {
    let mut lanes = [0f32; 16];
    for (i, (a, b)) in a.zip(b).enumerate() {
        lanes[i % 16] += (a - b) * (a - b);
    }
    lanes.iter().map(|&sum| f64::from(sum)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::activation::{LayerShape, encode};

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
        let mses = layer_mses(&layout, &left, &right);
        let distances = [0, 1].map(|i| layer_distance(&layout, &left, &right, i));
        for ((distance, mse), (a, b)) in distances.iter().zip(&mses).zip(a.iter().zip(b)) {
            assert!(
                (distance.mse - mse).abs() <= mse * 1e-5,
                "{distance:?} {mse}"
            );
            let channels = if a.len() == 147 { 3 } else { 32 };
            let plain = normalised(a, b, channels);
            assert!(
                (distance.normalised - plain).abs() < 6e-3,
                "{distance:?} {plain}"
            );
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
}
