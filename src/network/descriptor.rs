use super::Manifest;
use crate::activation::{Layout, inner_product_f32, layer_values};

/// What the index compares: the last layer, rectified and pooled, projected to a few
/// numbers in which pictures of one kind lie together; at unit length.
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

    /// Seen from `centre`, a collection's mean: what all its pictures have in common says
    /// nothing about any two of them.
    #[must_use]
    pub fn from_centre(&self, centre: &[f32]) -> Self {
        if centre.is_empty() {
            return self.clone();
        }
        Self::normalized(self.0.iter().zip(centre).map(|(v, c)| v - c).collect())
    }

    /// Little-endian f32, as stored.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|v| v.to_le_bytes()).collect()
    }

    /// Reads what [`Self::to_bytes`] wrote; `None` if it has not `dimensions` numbers.
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

/// Estimate of the window over the positions, in positions: what a picture shows stands in
/// its middle more often than at its edges.
const SIGMA: f32 = 1.5;

/// The last layer of a block, normalised and rectified as before the embedding, pooled
/// twice: the mean of each channel under a Gaussian window, then its standard deviation
/// over the positions; each half at unit length. `None` where the manifest does not say
/// how the layer is normalised.
pub fn pooled(manifest: &Manifest, layout: &Layout, block: &[u8]) -> Option<Vec<f32>> {
    let (scale, shift) = (&manifest.embedding.scale, &manifest.embedding.shift);
    let last = layout.layers().len().checked_sub(1)?;
    let shape = &layout.layers()[last];
    if scale.len() != shape.channels {
        return None;
    }
    let values = layer_values(layout, block, last);
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
    fn a_centre_is_taken_off() {
        let a = Descriptor::normalized(vec![1.0, 0.2]);
        let b = Descriptor::normalized(vec![1.0, -0.2]);
        assert!(a.cosine(&b) > 0.9);
        let centre = [a.values()[0], 0.0];
        assert!(a.from_centre(&centre).cosine(&b.from_centre(&centre)) < -0.9);
        assert_eq!(a.from_centre(&[]), a);
    }

    #[test]
    fn the_window_is_highest_in_the_middle() {
        let window = window(49, 7);
        assert!((window.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        assert!(window[24] > window[0] * 10.0 && (window[0] - window[48]).abs() < 1e-7);
    }
}
