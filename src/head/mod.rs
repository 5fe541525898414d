//! Heads: what turns the per-layer MSEs of a pair into one similarity from 0 to 1.
//!
//! `mse18` is the report's: StandardScaler, then a dense network 18-32-64-1 with ReLU,
//! dropout 0.3 while training and a sigmoid at the end.

mod curve;
mod file;
mod labelled;
mod metrics;
mod pairs;
mod train;

use std::path::{Path, PathBuf};

pub use curve::training_curve;
pub use file::{Epoch, Training};
pub use labelled::{LabelError, Labelled, labelled_files};
pub use metrics::{Metrics, auc};
pub use pairs::{Pair, PairSet};
pub use train::{TrainError, TrainOptions, TrainingSet, train, train_on_pairs};

use crate::network::{Network, NetworkId};
use file::{Dense, HeadFile, Scaler};

/// A trained head.
#[derive(Debug, Clone)]
pub struct Head {
    file: HeadFile,
}

/// How results are scored.
#[derive(Debug, Clone)]
pub enum Ranking {
    /// The embedding's cosine alone.
    Embedding,
    /// A head over the per-layer MSEs.
    Head(Box<Head>),
}

/// A head cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HeadError {
    /// The file cannot be read.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The name is neither built in nor a file.
    #[error(
        "there is no head `{0}`: use `mse18`, `embedding` or the path of a file made by `simdex train`"
    )]
    Unknown(String),
    /// The file is no head.
    #[error("{path} is not a head: {message}")]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// The manifest names other layers than the head was trained on.
    #[error(
        "the head was trained on other layers of this network than its manifest names; train it again with `simdex train`"
    )]
    OtherLayers,
    /// The head was trained on another network's activations.
    #[error(
        "the head was trained on network {head}, but {network} is in use; train it again with `simdex train`, or configure its network with `[network] manifest`"
    )]
    OtherNetwork {
        /// The head's network.
        head: String,
        /// The network in use.
        network: String,
    },
}

const BUILTIN: &str = include_str!("../../models/mse18.json");

impl Ranking {
    /// `mse18`, `embedding` or the path of a head file, checked against the network.
    ///
    /// # Errors
    /// If there is no such head or it belongs to another network.
    pub fn named(name: &str, network: &Network) -> Result<Self, HeadError> {
        let head = match name {
            "embedding" => return Ok(Self::Embedding),
            "mse18" => Head::parse(BUILTIN, Path::new("models/mse18.json"))?,
            path if Path::new(path).is_file() => Head::load(Path::new(path))?,
            _ => return Err(HeadError::Unknown(name.to_owned())),
        };
        head.check(network)?;
        Ok(Self::Head(Box::new(head)))
    }

    /// The similarity of a pair, 0 to 1, from its cosine and per-layer MSEs.
    pub fn score(&self, cosine: f32, mses: &[f32]) -> f32 {
        match self {
            // Cosines of pooled ReLU6 outputs are never negative.
            Self::Embedding => cosine.clamp(0.0, 1.0),
            Self::Head(head) => head.score(mses),
        }
    }
}

impl Head {
    /// Reads a head file.
    ///
    /// # Errors
    /// If it cannot be read or is no head.
    pub fn load(path: &Path) -> Result<Self, HeadError> {
        let text = std::fs::read_to_string(path).map_err(|source| HeadError::File {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text, path)
    }

    fn parse(text: &str, path: &Path) -> Result<Self, HeadError> {
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

    fn check(&self, network: &Network) -> Result<(), HeadError> {
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
    /// If there are not as many MSEs as the head has inputs; [`Ranking::named`] checks
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_builtin_head_fits_the_builtin_network() {
        let network = Network::builtin().unwrap();
        let ranking = Ranking::named("mse18", &network).unwrap();
        // MSEs between a photo of a cat and one of a dog.
        let cat_and_dog = [
            3.595, 0.346, 0.114, 0.476, 0.0447, 0.0295, 0.351, 0.0285, 0.0205, 0.0182, 0.208,
            0.0322, 0.0296, 0.126, 0.0359, 0.0393, 0.0263, 0.0416,
        ];
        let (same, other) = (
            ranking.score(1.0, &[0.0; 18]),
            ranking.score(0.5, &cat_and_dog),
        );
        assert!(same > 0.99 && (0.7..0.9).contains(&other), "{same} {other}");
    }

    #[test]
    fn a_head_of_another_network_is_refused() {
        let network = Network::builtin().unwrap();
        let other = BUILTIN.replace(&network.id().to_string(), &"0".repeat(64));
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("other.json");
        std::fs::write(&path, other).unwrap();
        let error = Ranking::named(path.to_str().unwrap(), &network).unwrap_err();
        assert!(matches!(error, HeadError::OtherNetwork { .. }), "{error}");
    }

    #[test]
    fn broken_heads_are_named() {
        let network = Network::builtin().unwrap();
        assert!(matches!(
            Ranking::named("no-such-head", &network),
            Err(HeadError::Unknown(_))
        ));
        let short = BUILTIN.replacen("\"std\":[", "\"std\":[1.0,", 1);
        assert!(Head::parse(&short, Path::new("x")).is_err());
        assert!(Head::parse("{", Path::new("x")).is_err());
    }
}
