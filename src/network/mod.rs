//! The network: its manifest, the runtime that executes it and what it gives.
//!
//! ```text
//! Manifest + model bytes = Network      what to compute
//! runtime library        = Engine       one per process
//! Engine x Network       = Extractor    one per core, one thread each
//! ```

mod describer;
mod descriptor;
mod descriptors;
mod device;
mod embedding;
mod engine;
mod error;
mod extractor;
mod look;
mod manifest;
mod pooling;
mod projection;
mod quantised;
pub mod runtime;
#[cfg(feature = "tract")]
mod tract;

use std::borrow::Cow;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use describer::Describer;
pub use descriptor::Descriptor;
pub use descriptors::Descriptors;
pub(crate) use descriptors::cosines_of;
pub use device::Device;
pub use embedding::Embedding;
pub use engine::{Engine, EngineError};
pub use error::{ExtractError, NetworkError};
pub use extractor::{Extractor, NetworkOutput};
pub use look::{
    LookDescriptor, LookOdds, LookPart, LookProjection, LookStatistics, Statistic, look_statistics,
};
pub use manifest::{Manifest, ManifestLayer};
pub use pooling::{Pool, pooled};
pub use projection::{Part, Projection};
pub use quantised::Quantised;

use crate::activation::{Activations, Encoding, Layout};

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
    manifest: Arc<Manifest>,
    model: Cow<'static, [u8]>,
    id: NetworkId,
    describer: Describer,
    /// How earlier versions described pictures: heads of that time still ask for it.
    earlier: Vec<Describer>,
    look: Option<Arc<LookProjection>>,
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
        let read =
            |bytes: &[u8]| Projection::parse(bytes, &network.id).map_err(NetworkError::Projection);
        let projection = read(include_bytes!("../../models/projection.bin"))?;
        let first = read(include_bytes!("../../models/projection-1.bin"))?;
        let first = Describer::new(Arc::clone(&network.manifest), Some(Arc::new(first)));
        let bytes = include_bytes!("../../models/look.bin");
        let look = LookProjection::parse(bytes, &network.id).map_err(NetworkError::Look)?;
        Ok(Self {
            earlier: vec![first],
            ..network.with_projection_of(projection).with_look_of(look)
        })
    }

    /// The same network with another projection.
    #[must_use]
    pub fn with_projection_of(mut self, projection: Projection) -> Self {
        let manifest = Arc::clone(&self.manifest);
        self.describer = Describer::new(manifest, Some(Arc::new(projection)));
        self
    }

    /// The same network with the projection of a file.
    ///
    /// # Errors
    /// If the file cannot be read, or is no projection of this network.
    pub fn with_projection_file(self, path: &Path) -> Result<Self, NetworkError> {
        let bytes = std::fs::read(path).map_err(|source| NetworkError::Read {
            path: path.to_owned(),
            source,
        })?;
        let projection = Projection::parse(&bytes, &self.id);
        Ok(self.with_projection_of(projection.map_err(NetworkError::Projection)?))
    }

    /// The same network with another way of telling looks.
    #[must_use]
    pub fn with_look_of(mut self, look: LookProjection) -> Self {
        self.look = Some(Arc::new(look));
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
        let manifest = Arc::new(manifest);
        Ok(Self {
            describer: Describer::new(Arc::clone(&manifest), None),
            manifest,
            model,
            id,
            earlier: Vec::new(),
            look: None,
        })
    }

    /// Its name and the beginning of its id, for people.
    pub fn title(&self) -> String {
        format!("{} ({})", self.manifest().name, self.id().short())
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
        self.describer.describe(activations)
    }

    /// Numbers in a descriptor.
    pub fn descriptor_dimensions(&self) -> usize {
        self.describer.dimensions()
    }

    /// Tells the network's way of describing pictures from others.
    pub fn descriptor_id(&self) -> &str {
        self.describer.id()
    }

    /// What describes pictures, to be kept.
    pub(crate) fn present_describer(&self) -> Describer {
        self.describer.clone()
    }

    /// What tells looks, if they are told, to be kept.
    pub(crate) fn present_look(&self) -> Option<Arc<LookProjection>> {
        self.look.clone()
    }

    /// What describes pictures in the way of that id, now or in an earlier version.
    pub fn describer(&self, id: &str) -> Option<Describer> {
        let all = std::iter::once(&self.describer).chain(&self.earlier);
        all.into_iter()
            .find(|describer| describer.id() == id)
            .cloned()
    }

    /// How a picture looks, from its activations; `None` where the network has no way of telling,
    /// or the codec does not keep what it takes.
    pub fn describe_look(&self, activations: Activations<'_>) -> Option<LookDescriptor> {
        self.look.as_deref()?.describe(activations)
    }

    /// How looks are told, if they are.
    pub fn look(&self) -> Option<&LookProjection> {
        self.look.as_deref()
    }

    /// How one picture's activations are laid out in storage.
    pub fn layout(&self, encoding: Encoding) -> Layout {
        self.manifest.layout(encoding)
    }

    /// The same with a sketch behind all else, for a store that keeps no more than that of some pictures.
    pub fn layout_with_sketch(&self, encoding: Encoding, sketch: Encoding) -> Layout {
        self.layout(encoding).with_sketch(self.layout(sketch))
    }
}
