//! What the index compares.

use super::Manifest;
use crate::activation::{Activations, inner_product_f32};

/// What the index compares: the last layer, rectified and pooled, projected to a few
/// numbers in which pictures of one kind lie together; at unit length.
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
    let norm = values
        .iter()
        .map(|v| f64::from(*v).powi(2))
        .sum::<f64>()
        .sqrt();
    if norm > 0.0 {
        let scale = (1.0 / norm) as f32;
        values.iter_mut().for_each(|value| *value *= scale);
    }
}

/// Width of the window over the positions, in positions: what a picture shows is more often in
/// its middle than at its edges.
const SIGMA: f32 = 1.5;

/// The last layer of a picture, normalised and rectified as before the embedding, pooled
/// twice: the mean of each channel under a Gaussian window, then its standard deviation
/// over the positions; each half at unit length. `None` where the manifest does not say
/// how the layer is normalised, or the codec does not keep its values.
pub fn pooled(manifest: &Manifest, activations: Activations<'_>) -> Option<Vec<f32>> {
    let (scale, shift) = (&manifest.embedding.scale, &manifest.embedding.shift);
    let last = activations.layer_count().checked_sub(1)?;
    let shape = &activations.layout().layers()[last];
    if scale.len() != shape.channels {
        return None;
    }
    let values = activations.layer_values(last)?;
    let window = window(shape.positions, shape.width);
    let channels = shape.channels;
    let mut middle = vec![0f32; channels];
    let mut sums = vec![0f32; channels];
    let mut squares = vec![0f32; channels];
    for (row, weight) in values.chunks_exact(channels).zip(&window) {
        for c in 0..channels {
            let value = (row[c] * scale[c] + shift[c]).clamp(0.0, 6.0);
            middle[c] += weight * value;
            sums[c] += value;
            squares[c] += value * value;
        }
    }
    let count = shape.positions as f32;
    let mut spread: Vec<f32> = sums
        .iter()
        .zip(&squares)
        .map(|(sum, square)| (square / count - (sum / count).powi(2)).max(0.0).sqrt())
        .collect();
    unit(&mut middle);
    unit(&mut spread);
    middle.extend(spread);
    Some(middle)
}

/// A Gaussian over a grid of positions; sums to 1.
fn window(positions: usize, width: usize) -> Vec<f32> {
    let height = positions / width;
    let off = |at: usize, side: usize| at as f32 - (side as f32 - 1.0) / 2.0;
    let weights: Vec<f32> = (0..positions)
        .map(|p| {
            let (dx, dy) = (off(p % width, width), off(p / width, height));
            (-(dx * dx + dy * dy) / (2.0 * SIGMA * SIGMA)).exp()
        })
        .collect();
    let sum: f32 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / sum).collect()
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

    #[test]
    fn the_window_is_highest_in_the_middle() {
        let window = window(49, 7);
        assert!((window.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        assert!(window[24] > window[0] * 10.0 && (window[0] - window[48]).abs() < 1e-7);
    }
}
