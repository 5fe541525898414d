//! What is measured of a pair of pictures.

use super::channel_scaler::ChannelScaler;
use super::collection_mean::CollectionMean;
use super::features::{Features, LayerRows, Prepared};
use super::signal::Signal;
use crate::activation::{Activations, inner_product_f32};
use crate::network::Embedding;

/// What was measured of a pair.
#[derive(Debug, Clone)]
pub struct Measured {
    /// Cosine of the embeddings as they are.
    pub cosine: f32,
    /// The mean squared error of each layer; empty if not all were measured.
    pub mses: Vec<f32>,
    /// Every signal, by [`Signal::index`]. It is 0 where nobody asked for it, and not a number
    /// where the pictures' codec cannot measure it; such a signal says neither "same" nor
    /// "different".
    pub values: Vec<f32>,
}

/// Below these, differences are only the noise of storing.
const LEAST_MSE: f32 = 1e-5;
const LEAST_NORMALISED: f32 = 1e-3;
/// Hashes that differ in more bits have nothing in common: half of 64 is chance.
const MOST_BITS: u32 = 20;

/// Layers of which something is to be measured. What no scorer weighs is not read.
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
    /// How channel statistics are scaled.
    pub scaler: &'a ChannelScaler,
    /// What the pictures have in common.
    pub mean: &'a CollectionMean,
    /// What is measured.
    pub needs: Needs,
}

impl Measure<'_> {
    /// How many layers there are.
    pub fn layers(&self) -> usize {
        self.needs.distances.len()
    }

    /// Prepares one side.
    pub fn prepare<'b>(&self, picture: &Features<'b>) -> Prepared<'b> {
        let sketch = picture.activations.sketch();
        let sketch = sketch.map(|sketch| Box::new(self.prepare_by(sketch, picture)));
        Prepared {
            sketch,
            ..self.prepare_by(picture.activations, picture)
        }
    }

    /// Prepares one side by some of its activations.
    fn prepare_by<'b>(&self, activations: Activations<'b>, picture: &Features<'_>) -> Prepared<'b> {
        let (mut statistics, mut of_layer) = (LayerRows::default(), Vec::new());
        for is_needed in &self.needs.statistics {
            of_layer.clear();
            if *is_needed {
                let layer = statistics.len();
                self.scaler.scaled(activations, layer, &mut of_layer);
            }
            statistics.push(&of_layer);
        }
        let embedding = Embedding::of(activations.embedding());
        Prepared {
            activations,
            hash: picture.hash,
            statistics,
            centred_embedding: embedding.minus_mean(&self.mean.embedding),
            embedding,
            centred_descriptor: picture.descriptor.minus_mean(&self.mean.descriptor),
            sketch: None,
        }
    }

    /// Measures everything that the pair alone tells, without its collection.
    pub fn measure(&self, a: &Prepared<'_>, picture: &Features<'_>) -> Measured {
        let (_, activations) = a.activations.in_common(picture.activations);
        self.between(a, &self.prepare_by(activations, picture))
    }

    /// Measures two prepared pictures, by what is kept of both.
    pub fn between(&self, a: &Prepared<'_>, b: &Prepared<'_>) -> Measured {
        let (a, b) = (a.beside(b.activations), b.beside(a.activations));
        let layers = self.layers();
        let mut values = vec![0.0; Signal::Hash.index(layers) + 1];
        let mut set = |signal: Signal, value: f32| values[signal.index(layers)] = value;
        let mut mses = Vec::with_capacity(layers);
        for l in 0..layers {
            if self.needs.distances[l] {
                let distance = a.activations.layer_distance(b.activations, l);
                mses.push(distance.mse);
                set(Signal::Mse(l), (distance.mse + LEAST_MSE).ln());
                let normalised = distance.normalised.map(|n| (n + LEAST_NORMALISED).ln());
                set(Signal::Normalised(l), normalised.unwrap_or(f32::NAN));
            }
            if self.needs.statistics[l] {
                let [means, spreads] = statistics(a.statistics.row(l), b.statistics.row(l));
                set(Signal::Means(l), means);
                set(Signal::Spreads(l), spreads);
            }
        }
        let cosine = a.centred_embedding.cosine(&b.centred_embedding);
        set(Signal::Embedding, 1.0 - cosine);
        let bits = a.hash.distance(b.hash).min(MOST_BITS);
        set(Signal::Hash, bits as f32 / MOST_BITS as f32);
        let cosine = a.centred_descriptor.cosine(&b.centred_descriptor);
        set(Signal::Descriptor, 1.0 - cosine);
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

/// The cosine distances of a layer's scaled means and of its scaled spreads; not numbers where
/// there are none.
fn statistics(a: &[f32], b: &[f32]) -> [f32; 2] {
    if a.is_empty() || b.is_empty() {
        return [f32::NAN; 2];
    }
    let half = a.len() / 2;
    [0..half, half..2 * half].map(|part| 1.0 - inner_product_f32(&a[part.clone()], &b[part]))
}
