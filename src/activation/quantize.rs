use half::f16;
use half::slice::HalfFloatSliceExt;

use super::dot::inner_product;
use super::layout::{Encoding, HEADER, Layout};
use super::summary::summarise;
use super::widened::widened;

/// Appends one picture's block to `block`.
///
/// `layers` are the network's outputs in the layout's order, channels first
/// (C x H x W, as ONNX gives them).
///
/// # Panics
/// If the number of layers or of values is not the layout's: the caller pairs the
/// network with its own layout.
pub fn encode(layout: &Layout, layers: &[&[f32]], embedding: &[f32], block: &mut Vec<u8>) {
    assert_eq!(layers.len(), layout.layers().len());
    let start = block.len();
    block.resize(start + layout.block_len(), 0);
    for (i, values) in layers.iter().enumerate() {
        let shape = &layout.layers()[i];
        assert_eq!(values.len(), shape.values(), "{}", shape.name);
        let bytes = &mut block[start..][layout.range(i)];
        let (header, stored) = bytes.split_at_mut(HEADER);
        let (scale, squares) = match layout.encoding() {
            Encoding::Int8 => {
                let scale = int8(values, shape.channels, stored);
                (scale, inner_product(stored, stored) as u64)
            }
            Encoding::F16 => {
                let mut last = vec![0.0; values.len()];
                channels_last(values, shape.channels, &mut last);
                let mut halves = vec![f16::ZERO; last.len()];
                halves.convert_from_f32_slice(&last);
                for (bytes, value) in stored.chunks_exact_mut(2).zip(&halves) {
                    bytes.copy_from_slice(&value.to_le_bytes());
                }
                (1.0, 0)
            }
            Encoding::F32 => {
                let mut last = vec![0.0; values.len()];
                channels_last(values, shape.channels, &mut last);
                for (bytes, value) in stored.chunks_exact_mut(4).zip(&last) {
                    bytes.copy_from_slice(&value.to_le_bytes());
                }
                (1.0, 0)
            }
        };
        header[..4].copy_from_slice(&f32::to_le_bytes(scale));
        header[8..16].copy_from_slice(&u64::to_le_bytes(squares));
    }
    summarise(layout, embedding, &mut block[start..]);
}

/// Positions transposed at a time, so that a tile of all channels stays in the L1 cache.
const TILE: usize = 64;
/// Channels written at a time.
const GROUP: usize = 8;

fn channels_last(values: &[f32], channels: usize, out: &mut [f32]) {
    let positions = values.len() / channels;
    for start in (0..positions).step_by(TILE) {
        let end = (start + TILE).min(positions);
        for (channel, plane) in values.chunks_exact(positions).enumerate() {
            for (position, &value) in plane[start..end].iter().enumerate() {
                out[(start + position) * channels + channel] = value;
            }
        }
    }
}

widened! {
    /// Rounds to -127..=127 and transposes; returns the scale that a stored byte is worth.
    fn int8(values: &[f32], channels: usize, out: &mut [u8]) -> f32 = round_and_transpose
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
    use crate::activation::LayerShape;

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
        let layout = Layout::new(Encoding::Int8, vec![shape], 0);
        let mut block = Vec::new();
        encode(
            &layout,
            &[&[1.0, 2.0, 3.0, -4.0, -5.0, -127.0]],
            &[],
            &mut block,
        );
        let stored: Vec<i8> = block[HEADER..HEADER + 6].iter().map(|&b| b as i8).collect();
        assert_eq!(stored, [1, -4, 2, -5, 3, -127]);
        assert_eq!(block.len(), layout.block_len());
    }
}
