//! What a projection reads of a picture: layers, pooled over their positions.

use serde::{Deserialize, Serialize};

use super::Manifest;
use super::descriptor::unit;
use crate::activation::Activations;

/// One way of pooling a layer to a number a channel.
///
/// Square roots keep one strong channel from drowning the others (Arandjelović and Zisserman
/// 2012, for SIFT).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pool {
    /// The last layer, normalised and rectified as before the embedding: the mean under a Gaussian
    /// window, since what a picture shows is more often in its middle; at unit length.
    Middle,
    /// The same layer's standard deviation over the positions, at unit length.
    Spread,
    /// The square root of the mean under the window.
    RootMiddle,
    /// The square root of the same layer's plain mean.
    RootMean,
    /// The square root of the standard deviation.
    RootSpread,
    /// The mean of the layer of this number, as it is.
    Mean(u16),
}

/// Width of the window over the positions, in positions.
const SIGMA: f32 = 1.5;

/// A picture, pooled in each of some ways. `None` where the manifest does not say how the last layer
/// is normalised, the codec does not keep what is asked for, or there is no such layer.
pub fn pooled(
    pools: &[Pool],
    manifest: &Manifest,
    activations: Activations<'_>,
) -> Option<Vec<Vec<f32>>> {
    let mut last = None;
    let mut all = Vec::with_capacity(pools.len());
    for pool in pools {
        if let Pool::Mean(layer) = pool {
            all.push(mean(activations, usize::from(*layer))?);
            continue;
        }
        if last.is_none() {
            last = Some(Rectified::of(manifest, activations)?);
        }
        let last = last.as_ref()?;
        let root = |values: &[f32]| values.iter().map(|v| v.max(0.0).sqrt()).collect();
        all.push(match pool {
            Pool::Middle => at_unit_length(&last.middle),
            Pool::Spread => at_unit_length(&last.spread),
            Pool::RootMiddle => root(&last.middle),
            Pool::RootMean => root(&last.mean),
            Pool::RootSpread => root(&last.spread),
            Pool::Mean(_) => unreachable!("dealt with above"),
        });
    }
    Some(all)
}

fn at_unit_length(values: &[f32]) -> Vec<f32> {
    let mut values = values.to_vec();
    unit(&mut values);
    values
}

/// A layer's channel means, as they are kept beside its values.
fn mean(activations: Activations<'_>, layer: usize) -> Option<Vec<f32>> {
    if layer >= activations.layer_count() {
        return None;
    }
    let mut statistics = Vec::new();
    activations.channel_statistics(layer, &mut statistics);
    statistics.truncate(statistics.len() / 2);
    (!statistics.is_empty()).then_some(statistics)
}

/// The last layer, normalised and rectified as before the embedding, and pooled.
struct Rectified {
    middle: Vec<f32>,
    mean: Vec<f32>,
    spread: Vec<f32>,
}

impl Rectified {
    fn of(manifest: &Manifest, activations: Activations<'_>) -> Option<Self> {
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
        let mean: Vec<f32> = sums.iter().map(|sum| sum / count).collect();
        let spread = mean.iter().zip(&squares);
        let spread = spread.map(|(mean, square)| (square / count - mean * mean).max(0.0).sqrt());
        Some(Self {
            spread: spread.collect(),
            middle,
            mean,
        })
    }
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
    use crate::activation::{Encoding, encode};
    use crate::network::Network;

    #[test]
    fn the_window_is_highest_in_the_middle() {
        let window = window(49, 7);
        assert!((window.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        assert!(window[24] > window[0] * 10.0 && (window[0] - window[48]).abs() < 1e-7);
    }

    #[test]
    fn each_pool_is_what_it_says() {
        let network = Network::builtin().unwrap();
        let layout = network.layout(Encoding::F32);
        // Layer 2 is 3 everywhere; the last layer is the same at all positions.
        let layers: Vec<Vec<f32>> = layout
            .layers()
            .iter()
            .enumerate()
            .map(|(i, shape)| vec![if i == 2 { 3.0 } else { 1.0 }; shape.values()])
            .collect();
        let layers: Vec<&[f32]> = layers.iter().map(Vec::as_slice).collect();
        let mut block = Vec::new();
        let embedding = vec![0.0; network.manifest().embedding.dimensions];
        encode(&layout, &layers, &embedding, &mut block);
        let activations = Activations::new(&layout, &block);
        let pools = [
            Pool::Middle,
            Pool::RootSpread,
            Pool::RootMiddle,
            Pool::RootMean,
            Pool::Mean(2),
        ];
        let all = pooled(&pools, network.manifest(), activations).unwrap();
        assert!(all[4].iter().all(|v| (v - 3.0).abs() < 1e-3));
        let length: f32 = all[0].iter().map(|v| v * v).sum();
        assert!((length - 1.0).abs() < 1e-4 && all[3].iter().any(|v| *v > 0.0));
        for (middle, mean) in all[2].iter().zip(&all[3]) {
            assert!((middle - mean).abs() < 1e-3, "{middle} {mean}");
        }
        let none = pooled(&[Pool::Mean(99)], network.manifest(), activations);
        assert!(none.is_none());
    }
}
