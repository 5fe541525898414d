use half::f16;

use super::layout::{Encoding, HEADER, Layout};

/// How much one layer of a picture varies from place to place: the mean squared difference
/// of its values from their channel's mean. Against it an MSE can be called small or large:
/// plain pictures are all near each other.
///
/// # Panics
/// If the block is shorter than the layout's: blocks come from a store that checked them.
pub fn layer_spread(layout: &Layout, block: &[u8], layer: usize) -> f32 {
    let bytes = &block[layout.range(layer)];
    let (header, values) = bytes.split_at(HEADER);
    let channels = layout.layers()[layer].channels;
    let (mut sums, mut squares) = (vec![0f64; channels], 0f64);
    let mut add = |i: usize, value: f64| {
        sums[i % channels] += value;
        squares += value * value;
    };
    match layout.encoding() {
        Encoding::Int8 => {
            let scale = f32::from_le_bytes([header[0], header[1], header[2], header[3]]);
            for (i, byte) in values.iter().enumerate() {
                add(i, f64::from(*byte as i8) * f64::from(scale));
            }
        }
        Encoding::F16 => {
            for (i, bytes) in values.as_chunks().0.iter().enumerate() {
                add(i, f16::from_le_bytes(*bytes).to_f64());
            }
        }
        Encoding::F32 => {
            for (i, bytes) in values.as_chunks().0.iter().enumerate() {
                add(i, f64::from(f32::from_le_bytes(*bytes)));
            }
        }
    }
    let positions = layout.layers()[layer].positions as f64;
    let of_means = sums.iter().map(|sum| sum * sum / positions).sum::<f64>();
    ((squares - of_means).max(0.0) / (positions * channels as f64)) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::activation::{LayerShape, encode};

    #[test]
    fn only_what_differs_from_place_to_place_counts() {
        for encoding in [Encoding::Int8, Encoding::F16, Encoding::F32] {
            let shape = LayerShape {
                name: "layer".into(),
                channels: 2,
                positions: 2,
            };
            let layout = Layout::new(encoding, vec![shape]);
            let mut block = Vec::new();
            // Channel 0 is 1 and 3, so 1 from its mean twice; channel 1 is -3 and -3.
            encode(&layout, &[&[1.0, 3.0, -3.0, -3.0]], &mut block);
            let spread = layer_spread(&layout, &block, 0);
            assert!((spread - 0.5).abs() < 0.02, "{encoding:?} {spread}");
        }
    }
}
