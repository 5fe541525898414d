//! The report's head: StandardScaler over the 18 MSEs, then a dense network 18-32-64-1 with
//! ReLU, dropout 0.3 while training and a sigmoid at the end.

mod file;

use std::path::Path;

pub use file::{DenseLayer, Epoch, Mse18Training, StandardScaler};

use super::{HeadError, sigmoid};
use crate::network::{Network, NetworkId};
use file::HeadFile;
pub(super) use file::KIND;

/// A trained head over the per-layer MSEs.
#[derive(Debug, Clone)]
pub struct Mse18 {
    network: NetworkId,
    /// Names of the layers, in the order of the inputs.
    layers: Vec<String>,
    dense_network: Mse18Network,
    training: Mse18Training,
}

/// The numbers that were learned: a scaler, then dense layers with ReLU between them, the last
/// of one output.
#[derive(Debug, Clone, PartialEq)]
pub struct Mse18Network {
    /// How MSEs are scaled.
    pub scaler: StandardScaler,
    /// The dense layers in order.
    pub dense: Vec<DenseLayer>,
}

impl Mse18 {
    /// A head that was just trained; `layers` names its inputs.
    pub fn new(
        network: NetworkId,
        layers: Vec<String>,
        dense_network: Mse18Network,
        training: Mse18Training,
    ) -> Self {
        Self {
            network,
            layers,
            dense_network,
            training,
        }
    }

    pub(super) fn parse(text: &str, path: &Path) -> Result<Self, HeadError> {
        let file = HeadFile::parse(text).map_err(|message| HeadError::Format {
            path: path.to_owned(),
            message,
        })?;
        Ok(Self {
            network: file.network,
            layers: file.layers,
            dense_network: Mse18Network {
                scaler: file.scaler,
                dense: file.dense,
            },
            training: file.training,
        })
    }

    /// The file's contents: scaler, weights, the network's sha256 and how it was trained.
    pub fn to_json(&self) -> String {
        HeadFile::of(self).to_json()
    }

    /// The network whose activations it was trained on.
    pub fn network(&self) -> &NetworkId {
        &self.network
    }

    /// How it was trained.
    pub fn training(&self) -> &Mse18Training {
        &self.training
    }

    pub(super) fn check(&self, network: &Network) -> Result<(), HeadError> {
        let layers = network.manifest().layers.iter().map(|layer| &layer.name);
        if self.network == *network.id() {
            return if layers.eq(&self.layers) {
                Ok(())
            } else {
                Err(HeadError::OtherLayers)
            };
        }
        Err(HeadError::OtherNetwork {
            head: self.network.short().to_owned(),
            network: network.id().short().to_owned(),
        })
    }

    /// The similarity of a pair, 0 to 1, from its per-layer MSEs.
    ///
    /// # Panics
    /// If there are not as many MSEs as the head has inputs; [`super::Ranking::named`] checks
    /// that head and network agree.
    pub fn score(&self, mses: &[f32]) -> f32 {
        self.dense_network.score(mses)
    }
}

impl Mse18Network {
    /// The similarity of a pair, 0 to 1, from its per-layer MSEs.
    ///
    /// # Panics
    /// If there are not as many MSEs as the scaler has numbers.
    pub fn score(&self, mses: &[f32]) -> f32 {
        let scaler = &self.scaler;
        assert_eq!(mses.len(), scaler.mean.len());
        let mut values: Vec<f32> = mses
            .iter()
            .zip(scaler.mean.iter().zip(&scaler.std))
            .map(|(mse, (mean, std))| (mse - mean) / std)
            .collect();
        for (i, layer) in self.dense.iter().enumerate() {
            values = layer.apply(&values);
            if i + 1 < self.dense.len() {
                values.iter_mut().for_each(|value| *value = value.max(0.0));
            }
        }
        sigmoid(values[0])
    }
}

impl DenseLayer {
    fn apply(&self, input: &[f32]) -> Vec<f32> {
        self.weights
            .iter()
            .zip(&self.bias)
            .map(|(row, bias)| bias + row.iter().zip(input).map(|(w, v)| w * v).sum::<f32>())
            .collect()
    }
}
