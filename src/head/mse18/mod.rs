//! The report's head: StandardScaler over the 18 MSEs, then a dense network 18-32-64-1 with
//! ReLU, dropout 0.3 while training and a sigmoid at the end.

mod curve;
mod file;
mod pairs;
mod train;

use std::path::Path;

pub use curve::training_curve;
pub use file::{Epoch, Training};
pub use pairs::{Pair, PairSet};
pub use train::{TrainError, TrainOptions, TrainingSet, train, train_on_pairs};

use super::HeadError;
use crate::network::{Network, NetworkId};
pub(super) use file::KIND;
use file::{Dense, HeadFile, Scaler};

/// A trained head over the per-layer MSEs.
#[derive(Debug, Clone)]
pub struct Mse18 {
    file: HeadFile,
}

impl Mse18 {
    pub(super) fn parse(text: &str, path: &Path) -> Result<Self, HeadError> {
        let file = HeadFile::parse(text).map_err(|message| HeadError::Format {
            path: path.to_owned(),
            message,
        })?;
        Ok(Self { file })
    }

    /// The file's contents: scaler, weights, the network's sha256 and how it was trained.
    pub fn to_json(&self) -> String {
        self.file.to_json()
    }

    /// The network whose activations it was trained on.
    pub fn network(&self) -> &NetworkId {
        &self.file.network
    }

    /// How it was trained.
    pub fn training(&self) -> &Training {
        &self.file.training
    }

    pub(super) fn check(&self, network: &Network) -> Result<(), HeadError> {
        let layers = network.manifest().layers.iter().map(|layer| &layer.name);
        if self.file.network == *network.id() {
            return if layers.eq(&self.file.layers) {
                Ok(())
            } else {
                Err(HeadError::OtherLayers)
            };
        }
        Err(HeadError::OtherNetwork {
            head: self.file.network.short().to_owned(),
            network: network.id().short().to_owned(),
        })
    }

    /// The similarity of a pair, 0 to 1, from its per-layer MSEs.
    ///
    /// # Panics
    /// If there are not as many MSEs as the head has inputs; [`super::Ranking::named`] checks
    /// that head and network agree.
    pub fn score(&self, mses: &[f32]) -> f32 {
        score(&self.file.scaler, &self.file.dense, mses)
    }
}

fn score(scaler: &Scaler, dense: &[Dense], mses: &[f32]) -> f32 {
    assert_eq!(mses.len(), scaler.mean.len());
    let mut values: Vec<f32> = mses
        .iter()
        .zip(scaler.mean.iter().zip(&scaler.std))
        .map(|(mse, (mean, std))| (mse - mean) / std)
        .collect();
    for (i, layer) in dense.iter().enumerate() {
        values = apply(layer, &values);
        if i + 1 < dense.len() {
            values.iter_mut().for_each(|value| *value = value.max(0.0));
        }
    }
    1.0 / (1.0 + (-values[0]).exp())
}

fn apply(dense: &Dense, input: &[f32]) -> Vec<f32> {
    dense
        .weights
        .iter()
        .zip(&dense.bias)
        .map(|(row, bias)| bias + row.iter().zip(input).map(|(w, v)| w * v).sum::<f32>())
        .collect()
}
