//! What the index compares.

use crate::activation::{inner_product_f32, squared_length};

/// What the index compares: layers, pooled and projected to a few numbers in which pictures of one
/// kind lie together; at unit length.
///
/// ```
/// use simdex::network::Descriptor;
///
/// let a = Descriptor::normalized(vec![3.0, 4.0]);
/// let b = Descriptor::normalized(vec![4.0, 3.0]);
/// assert!((a.cosine(&b) - 0.96).abs() < 1e-6);
/// assert_eq!(Descriptor::from_bytes(&a.to_bytes(), 2), Some(a));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Descriptor(Vec<f32>);

impl Descriptor {
    /// Scales `values` to unit length; all zeros stay zeros.
    pub fn normalized(mut values: Vec<f32>) -> Self {
        unit(&mut values);
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

    /// Without a collection's mean: what all its pictures have in common says nothing about any
    /// two of them. An empty mean changes nothing.
    #[must_use]
    pub fn minus_mean(&self, mean: &[f32]) -> Self {
        if mean.is_empty() {
            return self.clone();
        }
        Self::normalized(self.0.iter().zip(mean).map(|(v, m)| v - m).collect())
    }

    /// Little-endian f32, as stored.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|v| v.to_le_bytes()).collect()
    }

    /// Reads what [`Self::to_bytes`] wrote; `None` if there are not `dimensions` numbers.
    pub fn from_bytes(bytes: &[u8], dimensions: usize) -> Option<Self> {
        let (values, rest) = bytes.as_chunks();
        (rest.is_empty() && values.len() == dimensions)
            .then(|| Self(values.iter().map(|v| f32::from_le_bytes(*v)).collect()))
    }
}

/// Scales to unit length; all zeros stay zeros.
pub(super) fn unit(values: &mut [f32]) {
    let norm = squared_length(values).sqrt();
    if norm > 0.0 {
        let scale = (1.0 / norm) as f32;
        values.iter_mut().for_each(|value| *value *= scale);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_is_taken_off() {
        let a = Descriptor::normalized(vec![1.0, 0.2]);
        let b = Descriptor::normalized(vec![1.0, -0.2]);
        assert!(a.cosine(&b) > 0.9);
        let mean = [a.values()[0], 0.0];
        assert!(a.minus_mean(&mean).cosine(&b.minus_mean(&mean)) < -0.9);
        assert_eq!(a.minus_mean(&[]), a);
    }
}
