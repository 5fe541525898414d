//! What the parts of a picture look like, in few bytes: of one layer the channel vectors, position by
//! position, as random projections.

use super::dot::inner_product_f32;
use super::shape::LayerShape;

/// Numbers of a position. The error of a cosine is one over their square root at most, and less
/// the nearer two positions are.
const NUMBERS: usize = 44;

/// How a layer's channel vectors become a few numbers each: every channel less its mean, over its
/// spread, the vector at unit length, multiplied with random signs (Achlioptas 2003).
#[derive(Debug, Clone, PartialEq)]
pub struct PartsProjection {
    layer: usize,
    mean: Vec<f32>,
    inverse_std: Vec<f32>,
    /// A row of signs for each number.
    signs: Vec<Vec<f32>>,
}

impl PartsProjection {
    /// Of a layer by its place, with the mean and the spread of each of its channels over pictures of
    /// all kinds.
    pub fn new(layer: usize, mean: &[f32], std: &[f32]) -> Self {
        let channels = mean.len();
        let sign = |number: usize, channel: usize| match random(
            (number * channels + channel) as u64,
        ) & 1
        {
            0 => 1.0,
            _ => -1.0,
        };
        Self {
            layer,
            mean: mean.to_vec(),
            inverse_std: std.iter().map(|std| 1.0 / std.max(1e-6)).collect(),
            signs: (0..NUMBERS)
                .map(|number| (0..channels).map(|channel| sign(number, channel)).collect())
                .collect(),
        }
    }

    /// The layer's place.
    pub(super) fn layer(&self) -> usize {
        self.layer
    }

    /// Bytes of a picture.
    pub(super) fn len(shape: &LayerShape) -> usize {
        shape.positions * NUMBERS
    }

    /// Writes the parts of a layer whose values are channels first.
    pub(super) fn write(&self, shape: &LayerShape, values: &[f32], bytes: &mut [u8]) {
        let mut vector = vec![0f32; shape.channels];
        for (position, bytes) in bytes.chunks_exact_mut(NUMBERS).enumerate() {
            let scaling = self.mean.iter().zip(&self.inverse_std).enumerate();
            for (value, (channel, (mean, inverse))) in vector.iter_mut().zip(scaling) {
                *value = (values[channel * shape.positions + position] - mean) * inverse;
            }
            let numbers = self
                .signs
                .iter()
                .map(|signs| inner_product_f32(signs, &vector));
            let numbers: Vec<f32> = numbers.collect();
            let largest = numbers
                .iter()
                .fold(f32::MIN_POSITIVE, |most, n| most.max(n.abs()));
            for (byte, number) in bytes.iter_mut().zip(numbers) {
                *byte = (number / largest * 127.0).round() as i8 as u8;
            }
        }
    }

    /// Reads them: a vector at unit length for each position.
    pub(super) fn read(bytes: &[u8]) -> Vec<Vec<f32>> {
        let vector = |bytes: &[u8]| {
            let mut vector: Vec<f32> = bytes.iter().map(|byte| f32::from(*byte as i8)).collect();
            let length = inner_product_f32(&vector, &vector).sqrt().max(1e-6);
            vector.iter_mut().for_each(|value| *value /= length);
            vector
        };
        bytes.chunks_exact(NUMBERS).map(vector).collect()
    }
}

/// The finaliser of splitmix64 (Steele, Lea and Flood 2014): a number that looks random for each.
pub(super) fn random(index: u64) -> u64 {
    let mut bits = index.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cosines_of_parts_are_kept_roughly() {
        let shape = LayerShape {
            name: "layer".into(),
            channels: 320,
            positions: 49,
            width: 7,
        };
        let values = |seed: u64| -> Vec<f32> {
            let value =
                |i: usize| (random(seed << 32 | i as u64) >> 40) as f32 / (1u64 << 24) as f32;
            (0..shape.values()).map(value).collect()
        };
        let projection = PartsProjection::new(0, &vec![0.5; 320], &vec![0.3; 320]);
        let (a, other) = (values(1), values(2));
        let mixed: Vec<f32> = a
            .iter()
            .zip(&other)
            .map(|(a, b)| 0.8 * a + 0.2 * b)
            .collect();
        let parts = |values: &[f32]| {
            let mut bytes = vec![0; PartsProjection::len(&shape)];
            projection.write(&shape, values, &mut bytes);
            PartsProjection::read(&bytes)
        };
        let exact = |a: &[f32], b: &[f32], position: usize| {
            let vector = |values: &[f32]| -> Vec<f32> {
                let channels = values.chunks_exact(shape.positions);
                channels.map(|plane| plane[position] - 0.5).collect()
            };
            let (a, b) = (vector(a), vector(b));
            let length = |v: &[f32]| inner_product_f32(v, v).sqrt();
            inner_product_f32(&a, &b) / length(&a) / length(&b)
        };
        for b in [&a, &mixed, &other] {
            let (ours, theirs) = (parts(&a), parts(b));
            let mut mean = 0.0;
            for position in 0..49 {
                let kept = inner_product_f32(&ours[position], &theirs[position]);
                mean += (kept - exact(&a, b, position)) / 49.0;
            }
            assert!(mean.abs() < 0.06, "{mean}");
        }
    }
}
