//! What a block holds besides its layers: derived from the stored values once, so that
//! comparing two pictures reads it instead of computing it 200 times a query.

use half::f16;
use half::slice::HalfFloatSliceExt;

use super::dot::inner_product_f32;
use super::layout::{Encoding, HEADER, Layout};
use super::widened::widened;

/// Positions summed in 32 bits before widening to f64.
const STEP: usize = 512;

/// Fills in everything behind the layers of `block`: per position the inverse length of
/// its channel vector (in stored units, so that scales cancel), per channel the mean and
/// the spread (standard deviation) over the positions, and the embedding.
///
/// # Panics
/// If the block is shorter than the layout's.
pub fn summarise(layout: &Layout, embedding: &[f32], block: &mut [u8]) {
    for i in 0..layout.layers().len() {
        let channels = layout.layers()[i].channels;
        let (layers, rest) = block.split_at_mut(layout.layers_len());
        let layer = &layers[layout.range(i)];
        let scale = match layout.encoding() {
            Encoding::Int8 => f32::from_le_bytes([layer[0], layer[1], layer[2], layer[3]]),
            Encoding::F16 | Encoding::F32 => 1.0,
        };
        let mut moments = Moments::new(channels, layout.layers()[i].positions);
        moments.add(layout.encoding(), &layer[HEADER..]);
        let behind = |range: std::ops::Range<usize>| {
            range.start - layout.layers_len()..range.end - layout.layers_len()
        };
        put(&moments.inverse_norms, &mut rest[behind(layout.norms(i))]);
        put(
            &moments.statistics(scale),
            &mut rest[behind(layout.statistics(i))],
        );
    }
    let (stored, _) = block[layout.embedding()].as_chunks_mut();
    for (bytes, value) in stored.iter_mut().zip(embedding) {
        *bytes = value.to_le_bytes();
    }
}

/// The means of a layer's channels, then their spreads.
pub fn channel_statistics(layout: &Layout, block: &[u8], layer: usize, out: &mut Vec<f32>) {
    halves(&block[layout.statistics(layer)], out);
}

/// How much a layer varies from place to place: the mean squared difference of its values
/// from their channel's mean. Against it an MSE can be called small or large: plain
/// pictures are all near each other.
pub fn layer_spread(layout: &Layout, block: &[u8], layer: usize) -> f32 {
    let mut statistics = Vec::new();
    channel_statistics(layout, block, layer, &mut statistics);
    let spreads = &statistics[statistics.len() / 2..];
    inner_product_f32(spreads, spreads) / spreads.len() as f32
}

/// The embedding in a block.
pub fn embedding(layout: &Layout, block: &[u8]) -> Vec<f32> {
    let mut values = Vec::new();
    decode(Encoding::F32, &block[layout.embedding()], &mut values);
    values
}

/// One layer's values in their own units, positions x channels.
pub fn layer_values(layout: &Layout, block: &[u8], layer: usize) -> Vec<f32> {
    let bytes = &block[layout.range(layer)];
    let mut values = Vec::new();
    decode(layout.encoding(), &bytes[HEADER..], &mut values);
    if layout.encoding() == Encoding::Int8 {
        let scale = f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        values.iter_mut().for_each(|value| *value *= scale);
    }
    values
}

/// Stored values as numbers, in stored units.
pub(super) fn decode(encoding: Encoding, bytes: &[u8], out: &mut Vec<f32>) {
    match encoding {
        Encoding::Int8 => {
            out.clear();
            out.extend(bytes.iter().map(|&byte| f32::from(byte as i8)));
        }
        Encoding::F16 => halves(bytes, out),
        Encoding::F32 => {
            out.clear();
            out.extend(bytes.as_chunks().0.iter().map(|v| f32::from_le_bytes(*v)));
        }
    }
}

/// Reads f16 values.
pub(super) fn halves(bytes: &[u8], out: &mut Vec<f32>) {
    const CHUNK: usize = 256;
    let (values, _) = bytes.as_chunks::<2>();
    out.resize(values.len(), 0.0);
    let mut chunk = [f16::ZERO; CHUNK];
    for (values, out) in values.chunks(CHUNK).zip(out.chunks_mut(CHUNK)) {
        for (half, bytes) in chunk.iter_mut().zip(values) {
            *half = f16::from_le_bytes(*bytes);
        }
        chunk[..out.len()].convert_to_f32_slice(out);
    }
}

fn put(values: &[f32], bytes: &mut [u8]) {
    let mut halves = vec![f16::ZERO; values.len()];
    halves.convert_from_f32_slice(values);
    for (bytes, half) in bytes.as_chunks_mut().0.iter_mut().zip(&halves) {
        *bytes = half.to_le_bytes();
    }
}

widened! {
    /// Adds up rows of bytes, by channel, and notes the inverse length of each row.
    fn add_rows(rows: &[u8], sums: &mut [i32], squares: &mut [i32], inverse_norms: &mut Vec<f32>) =
        add_row_by_row
}

#[inline(always)]
fn add_row_by_row(
    rows: &[u8],
    sums: &mut [i32],
    squares: &mut [i32],
    inverse_norms: &mut Vec<f32>,
) {
    for row in rows.chunks_exact(sums.len()) {
        let mut length = 0;
        for ((&byte, sum), square) in row.iter().zip(&mut *sums).zip(&mut *squares) {
            let value = i32::from(byte as i8);
            *sum += value;
            *square += value * value;
            length += value * value;
        }
        let norm = (length as f32).sqrt();
        inverse_norms.push(if norm > 0.0 { 1.0 / norm } else { 0.0 });
    }
}

fn add_to<T: Copy + Into<f64>>(totals: &mut [f64], parts: &[T]) {
    for (total, &part) in totals.iter_mut().zip(parts) {
        *total += part.into();
    }
}

/// Sums over the positions of one layer.
struct Moments {
    channels: usize,
    positions: usize,
    sums: Vec<f64>,
    squares: Vec<f64>,
    inverse_norms: Vec<f32>,
}

impl Moments {
    fn new(channels: usize, positions: usize) -> Self {
        Self {
            channels,
            positions,
            sums: vec![0.0; channels],
            squares: vec![0.0; channels],
            inverse_norms: Vec::with_capacity(positions),
        }
    }

    fn add(&mut self, encoding: Encoding, values: &[u8]) {
        match encoding {
            Encoding::Int8 => self.add_bytes(values),
            Encoding::F16 | Encoding::F32 => self.add_floats(encoding, values),
        }
    }

    fn add_bytes(&mut self, values: &[u8]) {
        let (mut sums, mut squares) = (vec![0i32; self.channels], vec![0i32; self.channels]);
        for rows in values.chunks(STEP * self.channels) {
            sums.fill(0);
            squares.fill(0);
            add_rows(rows, &mut sums, &mut squares, &mut self.inverse_norms);
            add_to(&mut self.sums, &sums);
            add_to(&mut self.squares, &squares);
        }
    }

    fn add_floats(&mut self, encoding: Encoding, values: &[u8]) {
        let (mut sums, mut squares) = (vec![0f32; self.channels], vec![0f32; self.channels]);
        let mut rows = Vec::new();
        for chunk in values.chunks(STEP * self.channels * encoding.width()) {
            decode(encoding, chunk, &mut rows);
            sums.fill(0.0);
            squares.fill(0.0);
            for row in rows.chunks_exact(self.channels) {
                for ((value, sum), square) in row.iter().zip(&mut sums).zip(&mut squares) {
                    *sum += value;
                    *square += value * value;
                }
                let norm = inner_product_f32(row, row).sqrt();
                let inverse = if norm > 0.0 { 1.0 / norm } else { 0.0 };
                self.inverse_norms.push(inverse);
            }
            add_to(&mut self.sums, &sums);
            add_to(&mut self.squares, &squares);
        }
    }

    fn statistics(&self, scale: f32) -> Vec<f32> {
        let (scale, count) = (f64::from(scale), self.positions as f64);
        let means = self.sums.iter().map(|sum| (sum / count * scale) as f32);
        let spreads = self.sums.iter().zip(&self.squares).map(|(sum, square)| {
            let variance = square / count - (sum / count).powi(2);
            (variance.max(0.0).sqrt() * scale) as f32
        });
        means.chain(spreads).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::activation::{LayerShape, encode};

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
            let mut statistics = Vec::new();
            channel_statistics(&layout, &block, 0, &mut statistics);
            for (got, expected) in statistics.iter().zip([2.0, -2.0, 1.0, 0.0]) {
                assert!((got - expected).abs() < 0.02, "{encoding:?} {statistics:?}");
            }
            // The mean of 1 and 0, squared.
            let spread = layer_spread(&layout, &block, 0);
            assert!((spread - 0.5).abs() < 0.02, "{encoding:?} {spread}");
            assert_eq!(super::embedding(&layout, &block), embedding);
            let values = layer_values(&layout, &block, 0);
            for (got, expected) in values.iter().zip([1.0, -2.0, 3.0, -2.0]) {
                assert!((got - expected).abs() < 0.02, "{encoding:?} {values:?}");
            }
        }
    }
}
