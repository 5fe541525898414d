//! Why a network cannot be used or run.

use std::path::PathBuf;

use super::NetworkId;

/// Why a network cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// A file named by the configuration or the manifest cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The manifest does not parse or contradicts itself.
    #[error("the manifest {path} is not usable: {message}")]
    Manifest {
        /// The manifest's path.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// The projection beside the model cannot be used.
    #[error("the projection of the network is not usable: {0}")]
    Projection(String),
    /// The way of telling looks beside the model cannot be used.
    #[error("the look projection of the network is not usable: {0}")]
    Look(String),
    /// The model file is another one than the manifest was written for.
    #[error(
        "the model has sha256 {found}, its manifest promises {promised}; take the model that belongs to the manifest, or correct `sha256` in it"
    )]
    Mismatch {
        /// Hash of the file that is there.
        found: NetworkId,
        /// Hash in the manifest.
        promised: NetworkId,
    },
}

/// The network could not be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExtractError {
    /// The runtime refused the model or failed on a picture.
    #[error("the network cannot be run: {0}")]
    Runtime(String),
    /// The model's outputs are not what the manifest says.
    #[error("the model does not fit its manifest: {0}")]
    Manifest(String),
}

impl From<ort::Error> for ExtractError {
    fn from(error: ort::Error) -> Self {
        Self::Runtime(error.to_string())
    }
}
