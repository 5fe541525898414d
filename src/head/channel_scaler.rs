//! How the statistics of channels are scaled, so that all count the same.

use serde::{Deserialize, Serialize};

use crate::activation::{Activations, Layout, inner_product_f32};

/// Mean and standard deviation of every channel's mean and spread over many pictures,
/// layer by layer: means first, then spreads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChannelScaler {
    /// Means over the pictures.
    pub mean: Vec<Vec<f32>>,
    /// Standard deviations over the pictures.
    pub std: Vec<Vec<f32>>,
}

impl ChannelScaler {
    /// Measures many pictures of one layout.
    pub fn fit<'a>(
        layout: &Layout,
        pictures: impl Iterator<Item = Activations<'a>> + Clone,
    ) -> Self {
        let layers = layout.layers().len();
        let (mut means, mut stds) = (Vec::new(), Vec::new());
        let mut row = Vec::new();
        for layer in 0..layers {
            let width = 2 * layout.layers()[layer].channels;
            let (mut sums, mut squares) = (vec![0f64; width], vec![0f64; width]);
            let mut count = 0f64;
            for picture in pictures.clone() {
                picture.channel_statistics(layer, &mut row);
                count += 1.0;
                for (i, value) in row.iter().enumerate() {
                    sums[i] += f64::from(*value);
                    squares[i] += f64::from(*value).powi(2);
                }
            }
            let count = count.max(1.0);
            let mean: Vec<f64> = sums.iter().map(|sum| sum / count).collect();
            let std = squares.iter().zip(&mean);
            let std = std.map(|(s, m)| (s / count - m * m).max(0.0).sqrt());
            // A channel that never moves says nothing.
            stds.push(std.map(|s| rounded(s.max(1e-4))).collect());
            means.push(mean.iter().map(|&m| rounded(m)).collect());
        }
        Self {
            mean: means,
            std: stds,
        }
    }

    /// A layer's channel means and spreads, scaled; each at unit length. Nothing where the
    /// codec keeps none.
    pub(super) fn scaled(&self, picture: Activations<'_>, layer: usize, out: &mut Vec<f32>) {
        picture.channel_statistics(layer, out);
        let scales = self.mean[layer].iter().zip(&self.std[layer]);
        for (value, (mean, std)) in out.iter_mut().zip(scales) {
            *value = (*value - mean) / std;
        }
        let half = out.len() / 2;
        for part in [0..half, half..2 * half] {
            let part = &mut out[part];
            let norm = inner_product_f32(part, part).sqrt().max(1e-6);
            part.iter_mut().for_each(|value| *value /= norm);
        }
    }
}

/// Five significant digits are more than the f16 that it scales.
fn rounded(value: f64) -> f32 {
    format!("{value:.4e}").parse().unwrap_or(value as f32)
}
