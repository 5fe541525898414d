//! How far two pictures are apart, layer by layer, without any head.

use crate::activation::Activations;
use crate::network::Embedding;

/// How far two pictures are apart.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PairDistances {
    /// The mean squared error of each layer.
    pub mses: Vec<f32>,
    /// How far each layer is apart in its places: the channel-normalised distance. Not numbers
    /// where the codec does not tell it.
    pub places: Vec<f32>,
    /// How far each layer's channel means and spreads are apart, wherever in the picture they
    /// come from: their absolute differences, against what they add up to. Not numbers where
    /// there are none.
    pub looks: Vec<f32>,
    /// One less the cosine of the embeddings.
    pub embedding: f32,
}

impl PairDistances {
    /// Measures two pictures of one layout, by what is kept of both.
    pub fn of(a: Activations<'_>, b: Activations<'_>) -> Self {
        let (a, b) = a.in_common(b);
        let layers = a.layer_count();
        let mut found = Self::default();
        let [mut left, mut right] = [Vec::new(), Vec::new()];
        for layer in 0..layers {
            let distance = a.layer_distance(b, layer);
            found.mses.push(distance.mse);
            found.places.push(distance.normalised.unwrap_or(f32::NAN));
            left.clear();
            right.clear();
            a.channel_statistics(layer, &mut left);
            b.channel_statistics(layer, &mut right);
            found.looks.push(relative(&left, &right));
        }
        let of = |picture: Activations<'_>| Embedding::normalized(&picture.embedding());
        found.embedding = 1.0 - of(a).cosine(&of(b));
        found
    }
}

/// The sum of absolute differences against the sum of what differs, 0 to 1.
fn relative(a: &[f32], b: &[f32]) -> f32 {
    if a.is_empty() {
        return f32::NAN;
    }
    let (mut apart, mut together) = (0.0f32, 0.0f32);
    for (a, b) in a.iter().zip(b) {
        apart += (a - b).abs();
        together += a.abs() + b.abs();
    }
    // Two that are nothing at all are the same.
    if together > 0.0 {
        apart / together
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_are_as_far_apart_as_they_differ() {
        assert_eq!(relative(&[1.0, 2.0], &[1.0, 2.0]), 0.0);
        assert_eq!(relative(&[1.0, 0.0], &[0.0, 1.0]), 1.0);
        assert!((relative(&[3.0], &[1.0]) - 0.5).abs() < 1e-6);
        assert_eq!(relative(&[0.0], &[0.0]), 0.0);
        assert!(relative(&[], &[]).is_nan());
    }
}
