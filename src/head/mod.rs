//! Heads: what turns the measurements of a pair of pictures into one similarity from 0 to 1.
//!
//! `mse18` is the report's, over the mean squared errors of 18 layers. `fused` uses everything
//! the stored activations tell: it measures signals ([`Signal`]) of a pair ([`Measure`]) and
//! scores them ([`Scorer`]), together with the neighbourhoods of both pictures in the
//! collection, the match of their parts, and what the user's labels taught.

mod alignment;
mod calibration;
mod channel_scaler;
mod collection_mean;
mod features;
mod fused;
mod label_weights;
mod list_context;
mod list_features;
mod list_rule;
mod logistic;
mod measure;
mod mse18;
mod neighbour_graph;
mod probe;
mod reference_set;
mod scorer;
mod signal;

use std::path::{Path, PathBuf};

use rayon::prelude::*;

pub use alignment::{Alignment, Grid, Region};
pub use calibration::Calibration;
pub use channel_scaler::ChannelScaler;
pub use collection_mean::CollectionMean;
pub use features::{Features, Prepared};
pub use fused::{FROM_EDITS, Fused, FusedTraining, Mode, ModeScorers, Thresholds};
pub use label_weights::{LabelWeights, LabelledCandidate};
pub use list_context::{ListContext, OfPair};
pub use list_features::{LIST_FEATURES, ListFeature};
pub use list_rule::ListRule;
pub use measure::{Measure, Measured, Needs};
pub use mse18::{DenseLayer, Epoch, Mse18, Mse18Network, Mse18Training, StandardScaler};
pub use neighbour_graph::NeighbourGraph;
pub use probe::{Background, ClassProbabilities, Probe, spread};
pub use reference_set::ReferenceSet;
pub use scorer::{Scorer, logit, sigmoid};
pub use signal::Signal;

use crate::activation::Layout;
use crate::local_path::LocalPath;
use crate::network::{Descriptor, Network};
use crate::picture::PictureId;

/// How results are scored.
#[derive(Debug, Clone)]
pub enum Ranking {
    /// The embedding's cosine alone.
    Embedding,
    /// The report's head over the per-layer MSEs.
    Mse18(Box<Mse18>),
    /// Everything that the activations tell.
    Fused(Box<Fused>),
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
        "there is no head `{0}`: use `fused`, `mse18`, `embedding` or the path of a file made by `simdex train`"
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
    /// The head was trained with other descriptors.
    #[error(
        "the head was made for another projection of this network; train it again with `simdex train`"
    )]
    OtherDescriptor,
    /// The head describes pictures in a way of its own, from values that are not kept.
    #[error(
        "the head is of an earlier version and reads activations that this store does not keep of all pictures (`[store] keep`): use `fused`, or train it again with `simdex train`"
    )]
    NeedsValues,
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

const MSE18: &str = include_str!("../../models/mse18.json");
const FUSED: &str = include_str!("../../models/fused.json");

impl Fused {
    /// The head that simdex ships.
    ///
    /// # Errors
    /// If it belongs to another network.
    pub fn builtin(network: &Network) -> Result<Self, HeadError> {
        Self::parse(FUSED, Path::new("models/fused.json"), network)
    }
}

impl Ranking {
    /// The names of those that are shipped.
    pub const NAMES: [&str; 3] = ["fused", "mse18", "embedding"];

    /// Whether it was trained on this picture, as far as it knows.
    pub fn saw(&self, picture: PictureId) -> bool {
        match self {
            Self::Fused(head) => head.saw(picture),
            Self::Mse18(_) | Self::Embedding => false,
        }
    }

    /// Says whether it can rank pictures whose activations are laid out so.
    ///
    /// # Errors
    /// If it needs what is not kept of them.
    pub fn check(&self, layout: &Layout) -> Result<(), HeadError> {
        match self {
            Self::Fused(head) if head.describer().is_some() && !layout.keeps_all_values() => {
                Err(HeadError::NeedsValues)
            }
            _ => Ok(()),
        }
    }

    /// The descriptors that it reads of some pictures, if they are not the network's own: a head of
    /// an earlier version reads those of its time.
    pub fn descriptors(&self, pictures: &[Features<'_>]) -> Option<Vec<Descriptor>> {
        let Self::Fused(head) = self else {
            return None;
        };
        let describer = head.describer()?;
        let pictures = pictures.par_iter();
        Some(
            pictures
                .map(|picture| describer.describe(picture.activations))
                .collect(),
        )
    }

    /// `fused`, `mse18`, `embedding` or the path of a head file, checked against the network.
    ///
    /// # Errors
    /// If there is no such head or it belongs to another network.
    pub fn named(name: &str, network: &Network) -> Result<Self, HeadError> {
        match name {
            "embedding" => Ok(Self::Embedding),
            "mse18" => Self::parse(MSE18, Path::new("models/mse18.json"), network),
            "fused" => Ok(Self::Fused(Box::new(Fused::builtin(network)?))),
            _ => {
                let file = LocalPath::named(name.as_ref());
                let path = file.as_path();
                if !path.is_file() {
                    return Err(HeadError::Unknown(name.to_owned()));
                }
                let text = std::fs::read_to_string(path).map_err(|source| HeadError::File {
                    path: path.into(),
                    source,
                })?;
                Self::parse(&text, path, network)
            }
        }
    }

    /// A head file's text, checked against the network; messages name `path`.
    ///
    /// # Errors
    /// If it is no head or belongs to another network.
    pub fn parse(text: &str, path: &Path, network: &Network) -> Result<Self, HeadError> {
        #[derive(serde::Deserialize)]
        struct KindOnly {
            kind: String,
        }
        let wrong = |message: String| HeadError::Format {
            path: path.to_owned(),
            message,
        };
        let kind: KindOnly = serde_json::from_str(text).map_err(|e| wrong(e.to_string()))?;
        if kind.kind == mse18::KIND {
            let head = Mse18::parse(text, path)?;
            head.check(network)?;
            Ok(Self::Mse18(Box::new(head)))
        } else {
            Ok(Self::Fused(Box::new(Fused::parse(text, path, network)?)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_builtin_head_fits_the_builtin_network() {
        let network = Network::builtin().unwrap();
        let Ranking::Mse18(ranking) = Ranking::named("mse18", &network).unwrap() else {
            panic!("mse18 is the report's head");
        };
        // MSEs between a photo of a cat and one of a dog.
        let cat_and_dog = [
            3.595, 0.346, 0.114, 0.476, 0.0447, 0.0295, 0.351, 0.0285, 0.0205, 0.0182, 0.208,
            0.0322, 0.0296, 0.126, 0.0359, 0.0393, 0.0263, 0.0416,
        ];
        let (same, other) = (ranking.score(&[0.0; 18]), ranking.score(&cat_and_dog));
        assert!(same > 0.99 && (0.7..0.9).contains(&other), "{same} {other}");
    }

    #[test]
    fn a_head_of_another_network_is_refused() {
        let network = Network::builtin().unwrap();
        let other = MSE18.replace(&network.id().to_string(), &"0".repeat(64));
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("other.json");
        std::fs::write(&path, other).unwrap();
        let error = Ranking::named(path.to_str().unwrap(), &network).unwrap_err();
        assert!(matches!(error, HeadError::OtherNetwork { .. }), "{error}");
    }

    #[test]
    fn shipped_heads_are_written_as_they_were_read() {
        let network = Network::builtin().unwrap();
        let Ranking::Mse18(head) = Ranking::named("mse18", &network).unwrap() else {
            panic!("mse18 is the report's head");
        };
        assert!(head.to_json() == MSE18, "models/mse18.json");
        let head = Fused::builtin(&network).unwrap();
        let layout = network.layout(crate::activation::Encoding::default());
        assert!(head.to_json(&layout) == FUSED, "models/fused.json");
    }

    #[test]
    fn broken_heads_are_named() {
        let network = Network::builtin().unwrap();
        assert!(matches!(
            Ranking::named("no-such-head", &network),
            Err(HeadError::Unknown(_))
        ));
        let short = MSE18.replacen("\"std\":[", "\"std\":[1.0,", 1);
        assert!(Mse18::parse(&short, Path::new("x")).is_err());
        assert!(Mse18::parse("{", Path::new("x")).is_err());
    }
}
