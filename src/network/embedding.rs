//! The network's pooled output.

use crate::activation::{inner_product_f32, squared_length};

/// The network's pooled output at unit length: the inner product of two is their cosine.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedding(Vec<f32>);

impl Embedding {
    /// Scales `values` to unit length; all zeros stay zeros.
    pub fn normalized(values: &[f32]) -> Self {
        Self::of(values.to_vec())
    }

    /// The same, in place.
    pub fn of(mut values: Vec<f32>) -> Self {
        let norm = squared_length(&values).sqrt();
        let scale = if norm > 0.0 { 1.0 / norm } else { 0.0 };
        for value in &mut values {
            *value = (f64::from(*value) * scale) as f32;
        }
        Self(values)
    }

    /// The numbers.
    pub fn values(&self) -> &[f32] {
        &self.0
    }

    /// Cosine similarity, -1 to 1.
    pub fn cosine(&self, other: &Self) -> f32 {
        inner_product_f32(&self.0, &other.0).clamp(-1.0, 1.0)
    }

    /// Without the mean over a collection; an empty mean changes nothing.
    #[must_use]
    pub fn minus_mean(&self, mean: &[f32]) -> Self {
        if mean.is_empty() {
            return self.clone();
        }
        Self::of(self.0.iter().zip(mean).map(|(v, m)| v - m).collect())
    }

    /// Little-endian f32, as stored.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect()
    }

    /// Reads what [`Self::to_bytes`] wrote; `None` if there are not `dimensions` numbers.
    pub fn from_bytes(bytes: &[u8], dimensions: usize) -> Option<Self> {
        let (values, rest) = bytes.as_chunks();
        (rest.is_empty() && values.len() == dimensions).then(|| {
            Self(
                values
                    .iter()
                    .map(|value| f32::from_le_bytes(*value))
                    .collect(),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unit_length_and_back() {
        let embedding = Embedding::normalized(&[3.0, 0.0, 4.0]);
        assert!((embedding.cosine(&embedding) - 1.0).abs() < 1e-6);
        let bytes = embedding.to_bytes();
        assert_eq!(Embedding::from_bytes(&bytes, 3), Some(embedding));
        assert_eq!(Embedding::from_bytes(&bytes, 4), None);
        assert_eq!(Embedding::from_bytes(&bytes[1..], 3), None);
    }

    #[test]
    fn nothing_is_similar_to_zeros() {
        let zeros = Embedding::normalized(&[0.0; 4]);
        assert_eq!(zeros.cosine(&Embedding::normalized(&[1.0; 4])), 0.0);
    }
}
