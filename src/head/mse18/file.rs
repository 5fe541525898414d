//! The head on disk.

use serde::{Deserialize, Serialize};

use super::Mse18;
use crate::network::NetworkId;

/// A head on disk: JSON, small enough to read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HeadFile {
    /// Version of this layout.
    pub(super) version: u32,
    /// The kind of head.
    pub(super) kind: String,
    /// The network whose layers are compared.
    pub(super) network: NetworkId,
    /// Names of the layers, in the order of the inputs.
    pub(super) layers: Vec<String>,
    pub(super) scaler: StandardScaler,
    pub(super) dense: Vec<DenseLayer>,
    pub(super) training: Mse18Training,
}

/// (x - mean) / std, for each layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StandardScaler {
    /// Means over the training pairs.
    pub mean: Vec<f32>,
    /// Standard deviations over them, none of them 0.
    pub std: Vec<f32>,
}

/// One dense layer: outputs x inputs weights and one bias an output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DenseLayer {
    /// A row of weights for each output.
    pub weights: Vec<Vec<f32>>,
    /// One number for each output.
    pub bias: Vec<f32>,
}

/// How a head was trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mse18Training {
    /// The classes' names: the folders.
    pub classes: Vec<String>,
    /// Pictures trained on.
    pub train_pictures: usize,
    /// Pictures held out for validation.
    pub validation_pictures: usize,
    /// Pairs trained on.
    pub train_pairs: usize,
    /// Pairs of held-out pictures.
    pub validation_pairs: usize,
    /// Seed of the split, the weights and the dropout.
    pub seed: u64,
    /// Accuracy and loss after each epoch.
    pub epochs: Vec<Epoch>,
}

/// One epoch's figures; accuracies are balanced: the mean of those of same and different.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Epoch {
    /// Weighted binary cross-entropy over the training pairs, with dropout.
    pub loss: f32,
    /// Balanced accuracy on the training pairs, without dropout.
    pub train_accuracy: f32,
    /// Balanced accuracy on pairs of held-out pictures; `None` if there are none.
    pub validation_accuracy: Option<f32>,
}

const VERSION: u32 = 1;
pub(in crate::head) const KIND: &str = "mse18";

impl HeadFile {
    pub(super) fn of(head: &Mse18) -> Self {
        let head = head.clone();
        Self {
            version: VERSION,
            kind: KIND.to_owned(),
            network: head.network,
            layers: head.layers,
            scaler: head.dense_network.scaler,
            dense: head.dense_network.dense,
            training: head.training,
        }
    }

    /// Parses and checks every length, so that scoring cannot fail.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let file: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if file.version != VERSION || file.kind != KIND {
            return Err(format!(
                "it is of kind {} version {}, this simdex reads {KIND} version {VERSION}",
                file.kind, file.version
            ));
        }
        let inputs = file.layers.len();
        if file.scaler.mean.len() != inputs || file.scaler.std.len() != inputs {
            return Err(format!("the scaler is not of {inputs} layers"));
        }
        if file.scaler.std.iter().any(|std| *std <= 0.0) {
            return Err("a standard deviation is not positive".to_owned());
        }
        let mut width = inputs;
        for (i, dense) in file.dense.iter().enumerate() {
            let fits = dense.weights.len() == dense.bias.len()
                && dense.weights.iter().all(|row| row.len() == width);
            if !fits {
                return Err(format!("dense layer {i} does not take {width} inputs"));
            }
            width = dense.bias.len();
        }
        if file.dense.is_empty() || width != 1 {
            return Err("the last dense layer must have one output".to_owned());
        }
        Ok(file)
    }

    pub(super) fn to_json(&self) -> String {
        let mut text = serde_json::to_string(self).expect("numbers and strings always encode");
        text.push('\n');
        text
    }
}
