use serde::{Deserialize, Serialize};

use super::signal::Signal;
use crate::activation::{Layout, channel_statistics, embedding, inner_product_f32, layer_distance};
use crate::network::{Descriptor, Embedding};
use crate::picture::PerceptualHash;

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
    /// Measures many pictures' blocks.
    pub fn fit<'a>(layout: &Layout, blocks: impl Iterator<Item = &'a [u8]> + Clone) -> Self {
        let layers = layout.layers().len();
        let (mut means, mut stds) = (Vec::new(), Vec::new());
        let mut row = Vec::new();
        for layer in 0..layers {
            let width = 2 * layout.layers()[layer].channels;
            let (mut sums, mut squares) = (vec![0f64; width], vec![0f64; width]);
            let mut count = 0f64;
            for block in blocks.clone() {
                channel_statistics(layout, block, layer, &mut row);
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

    /// A layer's channel means and spreads, scaled; each at unit length.
    fn scaled(&self, layout: &Layout, block: &[u8], layer: usize, out: &mut Vec<f32>) {
        channel_statistics(layout, block, layer, out);
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

/// What all pictures of a collection have in common; empty for none.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CollectionMean {
    /// Mean of the embeddings.
    pub embedding: Vec<f32>,
    /// Mean of the descriptors.
    pub descriptor: Vec<f32>,
}

impl CollectionMean {
    /// Of fewer pictures a mean says nothing, and none is taken off.
    pub const FEWEST: u64 = 20;

    /// The means over some pictures; empty of fewer than [`Self::FEWEST`].
    pub fn of<'a>(pictures: impl Iterator<Item = (&'a Embedding, &'a Descriptor)>) -> Self {
        let (mut count, mut centre) = (0u64, Self::default());
        let add = |sums: &mut Vec<f32>, values: &[f32]| {
            sums.resize(values.len(), 0.0);
            sums.iter_mut().zip(values).for_each(|(s, v)| *s += v);
        };
        for (embedding, descriptor) in pictures {
            count += 1;
            add(&mut centre.embedding, embedding.values());
            add(&mut centre.descriptor, descriptor.values());
        }
        if count < Self::FEWEST {
            return Self::default();
        }
        for sums in [&mut centre.embedding, &mut centre.descriptor] {
            sums.iter_mut().for_each(|sum| *sum /= count as f32);
        }
        centre
    }
}

/// A picture as the second stage sees it.
#[derive(Debug, Clone, Copy)]
pub struct Features<'a> {
    /// Its activations.
    pub block: &'a [u8],
    /// Its descriptor.
    pub descriptor: &'a Descriptor,
    /// Its perceptual hash.
    pub hash: PerceptualHash,
}

/// One side of many comparisons, worked out once.
#[derive(Debug, Clone)]
pub struct Prepared<'a> {
    block: &'a [u8],
    hash: PerceptualHash,
    /// Each layer's scaled channel statistics.
    statistics: Vec<Vec<f32>>,
    embedding: Embedding,
    centred: Embedding,
    descriptor: Descriptor,
}

impl Prepared<'_> {
    /// Its activations.
    pub fn block(&self) -> &[u8] {
        self.block
    }
}

/// What was measured of a pair.
#[derive(Debug, Clone)]
pub struct Measured {
    /// Cosine of the embeddings as they are.
    pub cosine: f32,
    /// The mean squared error of each layer; empty if not all were measured.
    pub mses: Vec<f32>,
    /// Every signal, by [`Signal::index`]; 0 where it was not measured.
    pub values: Vec<f32>,
}

/// Below these, differences are the storing's own noise.
const LEAST_MSE: f32 = 1e-5;
const LEAST_NORMALISED: f32 = 1e-3;
/// Hashes that differ in more bits have nothing in common: half of 64 is chance.
const MOST_BITS: u32 = 20;

/// Layers of which something is to be measured: what no judge weighs is not read.
#[derive(Debug, Clone)]
pub struct Needs {
    distances: Vec<bool>,
    statistics: Vec<bool>,
}

impl Needs {
    /// Everything of `layers` layers.
    pub fn all(layers: usize) -> Self {
        Self {
            distances: vec![true; layers],
            statistics: vec![true; layers],
        }
    }

    /// What some signals need.
    pub fn of(layers: usize, signals: impl Iterator<Item = Signal>) -> Self {
        let mut needs = Self {
            distances: vec![false; layers],
            statistics: vec![false; layers],
        };
        for signal in signals {
            match signal {
                Signal::Mse(l) | Signal::Normalised(l) => needs.distances[l] = true,
                Signal::Means(l) | Signal::Spreads(l) => needs.statistics[l] = true,
                _ => {}
            }
        }
        needs
    }
}

/// Measures pairs of pictures of one collection.
#[derive(Debug, Clone)]
pub struct Measure<'a> {
    /// How blocks are laid out.
    pub layout: &'a Layout,
    /// How channel statistics are scaled.
    pub scaler: &'a ChannelScaler,
    /// What the pictures have in common.
    pub centre: &'a CollectionMean,
    /// What is measured.
    pub needs: Needs,
}

impl Measure<'_> {
    /// Prepares one side.
    pub fn prepare<'b>(&self, picture: &Features<'b>) -> Prepared<'b> {
        let block = picture.block;
        let layers = self.layout.layers().len();
        let statistics = (0..layers).map(|layer| {
            let mut row = Vec::new();
            if self.needs.statistics[layer] {
                self.scaler.scaled(self.layout, block, layer, &mut row);
            }
            row
        });
        let embedding = Embedding::normalized(&embedding(self.layout, block));
        Prepared {
            block,
            hash: picture.hash,
            statistics: statistics.collect(),
            centred: embedding.from_centre(&self.centre.embedding),
            embedding,
            descriptor: picture.descriptor.from_centre(&self.centre.descriptor),
        }
    }

    /// Measures everything that a pair alone tells.
    pub fn measure(&self, a: &Prepared<'_>, picture: &Features<'_>) -> Measured {
        self.between(a, &self.prepare(picture))
    }

    /// Measures two prepared pictures.
    pub fn between(&self, a: &Prepared<'_>, b: &Prepared<'_>) -> Measured {
        let layers = self.layout.layers().len();
        let mut values = vec![0.0; Signal::Hash.index(layers) + 1];
        let mut set = |signal: Signal, value: f32| values[signal.index(layers)] = value;
        let mut mses = Vec::new();
        for l in 0..layers {
            if self.needs.distances[l] {
                let distance = layer_distance(self.layout, a.block, b.block, l);
                mses.push(distance.mse);
                set(Signal::Mse(l), (distance.mse + LEAST_MSE).ln());
                let normalised = (distance.normalised + LEAST_NORMALISED).ln();
                set(Signal::Normalised(l), normalised);
            }
            if !self.needs.statistics[l] {
                continue;
            }
            let (a, b) = (&a.statistics[l], &b.statistics[l]);
            let half = a.len() / 2;
            let cosine =
                |part: std::ops::Range<usize>| inner_product_f32(&a[part.clone()], &b[part]);
            set(Signal::Means(l), 1.0 - cosine(0..half));
            set(Signal::Spreads(l), 1.0 - cosine(half..2 * half));
        }
        set(Signal::Embedding, 1.0 - a.centred.cosine(&b.centred));
        let bits = a.hash.distance(b.hash).min(MOST_BITS);
        set(Signal::Hash, bits as f32 / MOST_BITS as f32);
        set(Signal::Descriptor, 1.0 - a.descriptor.cosine(&b.descriptor));
        Measured {
            cosine: a.embedding.cosine(&b.embedding),
            mses: if mses.len() == layers {
                mses
            } else {
                Vec::new()
            },
            values,
        }
    }
}
