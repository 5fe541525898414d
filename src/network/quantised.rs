//! A vector as signed bytes.

use crate::activation::inner_product;

/// A vector of which only the direction counts, as signed bytes of which the largest is 127.
///
/// ```
/// use simdex::network::Quantised;
///
/// let a = Quantised::of(&[3.0, 4.0]);
/// let b = Quantised::of(&[4.0, 3.0]);
/// assert!((a.cosine(&b) - 0.96).abs() < 0.01);
/// assert_eq!(Quantised::from_bytes(a.bytes(), 2), Some(a));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Quantised {
    bytes: Vec<u8>,
    inverse_norm: f32,
}

impl Quantised {
    /// The nearest to these numbers.
    pub fn of(values: &[f32]) -> Self {
        let largest = values.iter().fold(0f32, |m, v| m.max(v.abs()));
        let scale = if largest > 0.0 { 127.0 / largest } else { 0.0 };
        let byte = |v: &f32| (v * scale).round() as i8 as u8;
        Self::of_bytes(values.iter().map(byte).collect())
    }

    fn of_bytes(bytes: Vec<u8>) -> Self {
        let inverse_norm = match inner_product(&bytes, &bytes) {
            0 => 0.0,
            square => 1.0 / (square as f32).sqrt(),
        };
        Self {
            bytes,
            inverse_norm,
        }
    }

    /// The signed bytes, as stored.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// One over their length as a vector; 0 if all are 0.
    pub fn inverse_norm(&self) -> f32 {
        self.inverse_norm
    }

    /// Reads what [`Self::bytes`] gave; `None` if there are not `dimensions` of them.
    pub fn from_bytes(bytes: &[u8], dimensions: usize) -> Option<Self> {
        (bytes.len() == dimensions).then(|| Self::of_bytes(bytes.to_vec()))
    }

    /// Cosine similarity, -1 to 1.
    pub fn cosine(&self, other: &Self) -> f32 {
        self.cosine_of(&other.bytes, other.inverse_norm)
    }

    /// The same with bytes that lie elsewhere.
    pub fn cosine_of(&self, bytes: &[u8], inverse_norm: f32) -> f32 {
        let product = inner_product(&self.bytes, bytes) as f32;
        (product * self.inverse_norm * inverse_norm).clamp(-1.0, 1.0)
    }
}
