//! The network: its manifest, the runtime that executes it and what it gives.
//!
//! ```text
//! Manifest + model bytes = Network      what to compute
//! runtime library        = Engine       one per process
//! Engine x Network       = Extractor    one per core, one thread each
//! ```

mod descriptor;
mod embedding;
mod engine;
mod error;
mod extractor;
mod manifest;
mod projection;
pub mod runtime;
#[cfg(feature = "tract")]
mod tract;

use std::borrow::Cow;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use descriptor::{Descriptor, pooled};
pub use embedding::Embedding;
pub use engine::{Engine, EngineError};
pub use error::{ExtractError, NetworkError};
pub use extractor::{Extractor, NetworkOutput};
pub use manifest::{Manifest, ManifestLayer};
pub use projection::{Projection, subtract_mean};

use crate::activation::{Activations, Encoding, LayerShape, Layout};

/// SHA-256 of a model file: heads, stores and manifests name the network by it.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NetworkId(String);

impl NetworkId {
    fn of(model: &[u8]) -> Self {
        let digest = Sha256::digest(model);
        Self(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The first twelve digits, enough for people.
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }

    /// As many digits as tell it from another one.
    pub fn beside(&self, other: &Self) -> String {
        match self.short() == other.short() {
            true => self.0.clone(),
            false => self.short().to_owned(),
        }
    }
}

impl fmt::Display for NetworkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for NetworkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NetworkId({self})")
    }
}

/// A network whose model file is the one its manifest promises.
#[derive(Debug)]
pub struct Network {
    manifest: Manifest,
    model: Cow<'static, [u8]>,
    id: NetworkId,
    projection: Option<Arc<Projection>>,
}

impl Network {
    /// MobileNetV2 as shipped in `models/`, compiled into the program.
    ///
    /// # Errors
    /// Only if the build was tampered with.
    pub fn builtin() -> Result<Self, NetworkError> {
        let path = Path::new("models/mobilenet_v2.toml");
        let manifest = Manifest::parse(include_str!("../../models/mobilenet_v2.toml"), path)?;
        let model: &'static [u8] = include_bytes!("../../models/mobilenet_v2.onnx");
        let network = Self::checked(manifest, Cow::Borrowed(model))?;
        let bytes = include_bytes!("../../models/projection.bin");
        let projection = Projection::parse(bytes, &network.id);
        Ok(network.with_projection_of(projection.map_err(NetworkError::Projection)?))
    }

    /// The same network with another projection.
    #[must_use]
    pub fn with_projection_of(mut self, projection: Projection) -> Self {
        self.projection = Some(Arc::new(projection));
        self
    }

    /// A network of the user's: the manifest names the model file beside it.
    ///
    /// # Errors
    /// If a file is missing, the manifest is wrong or the model is not the promised one.
    pub fn load(path: &Path) -> Result<Self, NetworkError> {
        let read = |path: &Path| {
            std::fs::read(path).map_err(|source| NetworkError::Read {
                path: path.to_owned(),
                source,
            })
        };
        let text = String::from_utf8_lossy(&read(path)?).into_owned();
        let manifest = Manifest::parse(&text, path)?;
        let model = read(&path.with_file_name(&manifest.file))?;
        Self::checked(manifest, Cow::Owned(model))
    }

    fn checked(manifest: Manifest, model: Cow<'static, [u8]>) -> Result<Self, NetworkError> {
        let id = NetworkId::of(&model);
        if id != manifest.sha256 {
            return Err(NetworkError::Mismatch {
                found: id,
                promised: manifest.sha256,
            });
        }
        Ok(Self {
            manifest,
            model,
            id,
            projection: None,
        })
    }

    /// What the network takes and gives.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The network's identity.
    pub fn id(&self) -> &NetworkId {
        &self.id
    }

    /// The ONNX file.
    pub fn model(&self) -> &[u8] {
        &self.model
    }

    /// What the index compares pictures by, from a picture's activations.
    pub fn describe(&self, activations: Activations<'_>) -> Descriptor {
        projection::describe(self.projection.as_deref(), &self.manifest, activations)
    }

    /// Numbers in a descriptor.
    pub fn descriptor_dimensions(&self) -> usize {
        let projected = self.projection.as_deref().map(Projection::dimensions);
        projected.unwrap_or(self.manifest.embedding.dimensions)
    }

    /// Tells the network's way of describing pictures from others.
    pub fn descriptor_id(&self) -> &str {
        self.projection
            .as_deref()
            .map_or("embedding", Projection::id)
    }

    /// How one picture's activations are laid out in storage.
    pub fn layout(&self, encoding: Encoding) -> Layout {
        let shape = |layer: &ManifestLayer| LayerShape {
            name: layer.name.clone(),
            channels: layer.channels,
            positions: layer.height * layer.width,
            width: layer.width,
        };
        Layout::new(
            encoding,
            self.manifest.layers.iter().map(shape).collect(),
            self.manifest.embedding.dimensions,
        )
    }
}
