//! What the parts of a picture look like, in few bytes: of one layer the channel vectors, position by
//! position.

use std::sync::LazyLock;

use super::dot::inner_product_f32;
use super::shape::LayerShape;

/// How a layer's channel vectors become a few bytes each: every channel less its mean, over its spread, and
/// then as the coding says.
#[derive(Debug, Clone, PartialEq)]
pub struct PartsCodec {
    layer: usize,
    mean: Vec<f32>,
    inverse_std: Vec<f32>,
    coding: Coding,
}

#[derive(Debug, Clone, PartialEq)]
enum Coding {
    /// Of each number whether it is near 0, above or below.
    Signs,
    /// Inner products with random signs (Achlioptas 2003), a row of them for each.
    Projections(Vec<Vec<f32>>),
}

/// Signs in a byte: 3^5 is 243.
const SIGNS: usize = 5;
/// Below so many times their root mean square numbers are near 0: what a quantiser of three levels does
/// that loses least of what is normally distributed (Max 1960).
const NEAR: f32 = 0.612;
/// Random projections of a position. The error of a cosine is one over their square root at most.
const PROJECTIONS: usize = 44;

impl PartsCodec {
    /// Of a layer by its place, with the mean and the spread of each of its channels over pictures of
    /// all kinds.
    pub fn new(layer: usize, mean: &[f32], std: &[f32]) -> Self {
        Self {
            layer,
            mean: mean.to_vec(),
            inverse_std: std.iter().map(|std| 1.0 / std.max(1e-6)).collect(),
            coding: Coding::Signs,
        }
    }

    /// The same as stores have it that were made before format 6.
    pub fn of_before(layer: usize, mean: &[f32], std: &[f32]) -> Self {
        let channels = mean.len();
        let sign = |number: usize, channel: usize| match random(
            (number * channels + channel) as u64,
        ) & 1
        {
            0 => 1.0,
            _ => -1.0,
        };
        let projection = |number| (0..channels).map(|channel| sign(number, channel)).collect();
        Self {
            coding: Coding::Projections((0..PROJECTIONS).map(projection).collect()),
            ..Self::new(layer, mean, std)
        }
    }

    /// The layer's place.
    pub(super) fn layer(&self) -> usize {
        self.layer
    }

    /// Bytes of a position.
    fn position_len(&self) -> usize {
        match self.coding {
            Coding::Signs => self.mean.len().div_ceil(SIGNS),
            Coding::Projections(_) => PROJECTIONS,
        }
    }

    /// Bytes of a picture.
    pub(super) fn len(&self, shape: &LayerShape) -> usize {
        shape.positions * self.position_len()
    }

    /// Writes the parts of a layer whose values are channels first.
    pub(super) fn write(&self, shape: &LayerShape, values: &[f32], bytes: &mut [u8]) {
        let mut vector = vec![0f32; shape.channels];
        let positions = bytes.chunks_exact_mut(self.position_len());
        for (position, bytes) in positions.enumerate() {
            let scaling = self.mean.iter().zip(&self.inverse_std).enumerate();
            for (value, (channel, (mean, inverse))) in vector.iter_mut().zip(scaling) {
                *value = (values[channel * shape.positions + position] - mean) * inverse;
            }
            match &self.coding {
                Coding::Signs => write_signs(&vector, bytes),
                Coding::Projections(signs) => write_projections(signs, &vector, bytes),
            }
        }
    }

    /// Reads them.
    pub(super) fn read(&self, bytes: &[u8]) -> Parts {
        let vector = |bytes: &[u8]| {
            let mut vector: Vec<f32> = match self.coding {
                Coding::Signs => {
                    let signs = bytes.iter().flat_map(|byte| SIGNS_OF[usize::from(*byte)]);
                    signs.take(self.mean.len()).collect()
                }
                Coding::Projections(_) => bytes.iter().map(|byte| f32::from(*byte as i8)).collect(),
            };
            let length = inner_product_f32(&vector, &vector).sqrt().max(1e-6);
            vector.iter_mut().for_each(|value| *value /= length);
            vector
        };
        let positions = bytes.chunks_exact(self.position_len());
        Parts {
            layer: self.layer,
            vectors: positions.map(vector).collect(),
            cosine: match self.coding {
                Coding::Signs => cosine_of_signs,
                Coding::Projections(_) => |product| product,
            },
        }
    }
}

/// What the parts of a picture look like.
#[derive(Debug, Clone)]
pub struct Parts {
    /// The place of the layer.
    pub layer: usize,
    /// Of each position a vector at unit length.
    pub vectors: Vec<Vec<f32>>,
    /// The likeliest cosine of what two positions look like, by the inner product of their vectors.
    pub cosine: fn(f32) -> f32,
}

/// The correlation of two numbers that are normally distributed, by that of their signs: within .02 of what
/// integration gives.
fn cosine_of_signs(product: f32) -> f32 {
    let square = product * product;
    product * (1.22 - square * (0.02 + 0.2 * square))
}

/// The signs in a byte, the last first; a byte that none were written to has none.
static SIGNS_OF: LazyLock<[[f32; SIGNS]; 256]> = LazyLock::new(|| {
    std::array::from_fn(|byte| {
        let mut rest = byte;
        std::array::from_fn(|_| {
            let digit = rest % 3;
            rest /= 3;
            [0.0, 1.0, -1.0][digit]
        })
    })
});

fn write_signs(vector: &[f32], bytes: &mut [u8]) {
    let square = inner_product_f32(vector, vector) / vector.len() as f32;
    let near = NEAR * square.sqrt();
    let digit = |value: &f32| match value.abs() > near {
        false => 0,
        true => 1 + u8::from(*value < 0.0),
    };
    for (byte, values) in bytes.iter_mut().zip(vector.chunks(SIGNS)) {
        let digits = values.iter().rev().map(digit);
        *byte = digits.fold(0, |number, digit| number * 3 + digit);
    }
}

fn write_projections(signs: &[Vec<f32>], vector: &[f32], bytes: &mut [u8]) {
    let numbers = signs.iter().map(|signs| inner_product_f32(signs, vector));
    let numbers: Vec<f32> = numbers.collect();
    let largest = numbers
        .iter()
        .fold(f32::MIN_POSITIVE, |most, n| most.max(n.abs()));
    for (byte, number) in bytes.iter_mut().zip(numbers) {
        *byte = (number / largest * 127.0).round() as i8 as u8;
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
    fn cosines_of_parts_are_kept() {
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
        let (mean, std) = (vec![0.5; 320], vec![0.3; 320]);
        let codecs = [
            (PartsCodec::new(0, &mean, &std), 64, 0.07),
            (PartsCodec::of_before(0, &mean, &std), 44, 0.2),
        ];
        let (a, other) = (values(1), values(2));
        let mixed: Vec<f32> = a
            .iter()
            .zip(&other)
            .map(|(a, b)| 0.8 * a + 0.2 * b)
            .collect();
        let exact = |a: &[f32], b: &[f32], position: usize| {
            let vector = |values: &[f32]| -> Vec<f32> {
                let channels = values.chunks_exact(shape.positions);
                channels.map(|plane| plane[position] - 0.5).collect()
            };
            let (a, b) = (vector(a), vector(b));
            let length = |v: &[f32]| inner_product_f32(v, v).sqrt();
            inner_product_f32(&a, &b) / length(&a) / length(&b)
        };
        for (codec, bytes, most) in codecs {
            assert_eq!(codec.len(&shape), 49 * bytes);
            let parts = |values: &[f32]| {
                let mut bytes = vec![0; codec.len(&shape)];
                codec.write(&shape, values, &mut bytes);
                codec.read(&bytes)
            };
            for b in [&a, &mixed, &other] {
                let (ours, theirs) = (parts(&a), parts(b));
                let (mut mean, mut square) = (0.0, 0.0);
                for position in 0..49 {
                    let product =
                        inner_product_f32(&ours.vectors[position], &theirs.vectors[position]);
                    let error = (ours.cosine)(product) - exact(&a, b, position);
                    mean += error / 49.0;
                    square += error * error / 49.0;
                }
                assert!(mean.abs() < 0.06 && square.sqrt() < most, "{mean} {square}");
            }
        }
    }
}
