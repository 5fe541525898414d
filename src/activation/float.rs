//! The codecs that keep floating-point numbers: half and single precision.

use std::fmt;
use std::marker::PhantomData;

use half::f16;
use half::slice::HalfFloatSliceExt;

use super::codec::{Codec, Layer, LayerDistance, Measurement, Quantity, mean_over};
use super::dot::inner_product_f32;
use super::half_floats;
use super::header::{HEADER, write_header};
use super::moments::Moments;
use super::shape::LayerShape;
use super::transpose::channels_last;

/// A number as it is stored.
pub(super) trait Number: fmt::Debug + Sync {
    /// Bytes of one number.
    const WIDTH: usize;

    /// Reads values.
    fn read(bytes: &[u8], out: &mut Vec<f32>);

    /// Writes values.
    fn write(values: &[f32], bytes: &mut [u8]);

    /// The sum of squared differences.
    fn squared_difference(a: &[u8], b: &[u8]) -> f64;
}

/// Keeps each value as one number, channels last.
#[derive(Debug)]
pub(super) struct Floats<N>(PhantomData<N>);

impl<N> Floats<N> {
    pub(super) const NEW: Self = Self(PhantomData);
}

impl<N: Number> Codec for Floats<N> {
    fn measures(&self, _quantity: Quantity) -> Measurement {
        Measurement::Exact
    }

    fn layer_len(&self, shape: &LayerShape) -> usize {
        HEADER + shape.values() * N::WIDTH
    }

    fn encode(&self, shape: &LayerShape, values: &[f32], stored: &mut [u8]) {
        let mut last = vec![0.0; values.len()];
        channels_last(values, shape.channels, &mut last);
        N::write(&last, &mut stored[HEADER..]);
        write_header(stored, 1.0, 0);
    }

    fn mse(&self, a: Layer<'_>, b: Layer<'_>) -> f32 {
        let sum = N::squared_difference(&a.stored[HEADER..], &b.stored[HEADER..]);
        mean_over(a.shape, sum)
    }

    fn distance(&self, a: Layer<'_>, b: Layer<'_>) -> LayerDistance {
        let channels = a.shape.channels;
        let [mut left, mut right, mut a_norms, mut b_norms] = [const { Vec::new() }; 4];
        N::read(&a.stored[HEADER..], &mut left);
        N::read(&b.stored[HEADER..], &mut right);
        half_floats::read(a.norms, &mut a_norms);
        half_floats::read(b.norms, &mut b_norms);
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
        LayerDistance::of_sums(a.shape, sum, cosines)
    }

    fn values(&self, layer: Layer<'_>) -> Option<Vec<f32>> {
        let mut values = Vec::new();
        N::read(&layer.stored[HEADER..], &mut values);
        Some(values)
    }

    fn moments(&self, shape: &LayerShape, stored: &[u8]) -> Option<Moments> {
        let mut moments = Moments::new(shape, 1.0);
        let mut rows = Vec::new();
        for chunk in stored[HEADER..].chunks(Moments::STEP * shape.channels * N::WIDTH) {
            N::read(chunk, &mut rows);
            moments.add_floats(&rows);
        }
        Some(moments)
    }
}

/// Values summed in f32 before widening to f64.
const STEP: usize = 1024;

impl Number for f32 {
    const WIDTH: usize = size_of::<f32>();

    fn read(bytes: &[u8], out: &mut Vec<f32>) {
        out.clear();
        out.extend(bytes.as_chunks().0.iter().map(|v| f32::from_le_bytes(*v)));
    }

    fn write(values: &[f32], bytes: &mut [u8]) {
        for (bytes, value) in bytes.as_chunks_mut().0.iter_mut().zip(values) {
            *bytes = value.to_le_bytes();
        }
    }

    fn squared_difference(a: &[u8], b: &[u8]) -> f64 {
        let read = |bytes: &[u8; 4]| f32::from_le_bytes(*bytes);
        let (a, b) = (a.as_chunks().0, b.as_chunks().0);
        a.chunks(STEP)
            .zip(b.chunks(STEP))
            .map(|(a, b)| squared_difference(a.iter().map(read), b.iter().map(read)))
            .sum()
    }
}

impl Number for f16 {
    const WIDTH: usize = half_floats::HALF;

    fn read(bytes: &[u8], out: &mut Vec<f32>) {
        half_floats::read(bytes, out);
    }

    fn write(values: &[f32], bytes: &mut [u8]) {
        half_floats::write(values, bytes);
    }

    fn squared_difference(a: &[u8], b: &[u8]) -> f64 {
        let (a, b) = (a.as_chunks().0, b.as_chunks().0);
        a.chunks(STEP)
            .zip(b.chunks(STEP))
            .map(|(a, b)| {
                let (a, b) = (widen(a), widen(b));
                squared_difference(a.into_iter(), b.into_iter())
            })
            .sum()
    }
}

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
