//! One session of the network.

use std::sync::Arc;

use ort::environment::Environment;
use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;
use ort::value::TensorRef;

use super::{
    Describer, Descriptor, Device, Embedding, ExtractError, LookDescriptor, LookProjection,
    Manifest, Network,
};
use crate::activation::{Activations, Encoding, Layout};
use crate::picture::NetworkInput;

/// One network session of one thread. Each core's worker owns one.
pub struct Extractor {
    session: SessionBackend,
    manifest: Arc<Manifest>,
    describer: Describer,
    look: Option<Arc<LookProjection>>,
    /// Normalised value of each byte, per channel.
    normalized: [[f32; 256]; 3],
    /// The input tensor, filled anew for every picture.
    input: Vec<f32>,
}

enum SessionBackend {
    Ort {
        session: Session,
        /// Position of each layer's output among the session's, then the embedding's.
        outputs: Vec<usize>,
    },
    #[cfg(feature = "tract")]
    Tract(super::tract::TractSession),
}

/// What the network gives for one picture; borrowed from the runtime, not copied.
#[derive(Debug)]
pub struct NetworkOutput<'a> {
    /// Each layer's activations in the manifest's order, C x H x W.
    pub layers: Vec<&'a [f32]>,
    /// The pooled output at unit length.
    pub embedding: Embedding,
}

impl Extractor {
    pub(super) fn ort(
        environment: &Environment,
        device: Device,
        network: &Network,
    ) -> Result<Self, ExtractError> {
        let session = session(environment, device, network.model())?;
        let manifest = network.manifest();
        let position = |name: &str| {
            session
                .outputs()
                .iter()
                .position(|output| output.name() == name)
                .ok_or_else(|| ExtractError::Manifest(format!("no output is named {name}")))
        };
        if session
            .inputs()
            .iter()
            .all(|i| i.name() != manifest.input.name)
        {
            let message = format!("no input is named {}", manifest.input.name);
            return Err(ExtractError::Manifest(message));
        }
        let outputs = manifest
            .layers
            .iter()
            .map(|layer| layer.output.as_str())
            .chain([manifest.embedding.output.as_str()])
            .map(position)
            .collect::<Result<_, _>>()?;
        Ok(Self::new(SessionBackend::Ort { session, outputs }, network))
    }

    #[cfg(feature = "tract")]
    pub(super) fn tract(network: &Network) -> Result<Self, ExtractError> {
        let session = super::tract::TractSession::new(network)?;
        Ok(Self::new(SessionBackend::Tract(session), network))
    }

    fn new(session: SessionBackend, network: &Network) -> Self {
        let manifest = network.manifest();
        let input = &manifest.input;
        let normalized = std::array::from_fn(|channel| {
            std::array::from_fn(|byte| {
                (byte as f32 / 255.0 - input.mean[channel]) / input.std[channel]
            })
        });
        Self {
            session,
            normalized,
            input: vec![0.0; 3 * input.width as usize * input.height as usize],
            manifest: Arc::clone(&network.manifest),
            describer: network.describer.clone(),
            look: network.look.clone(),
        }
    }

    /// What the index compares, from a picture's activations.
    pub fn describe(&self, activations: Activations<'_>) -> Descriptor {
        self.describer.describe(activations)
    }

    /// A layout in which everything can be measured.
    pub fn full_layout(&self) -> Layout {
        self.manifest.layout(Encoding::default())
    }

    /// How the picture looks, if that can be told.
    pub fn describe_look(&self, activations: Activations<'_>) -> Option<LookDescriptor> {
        self.look.as_deref()?.describe(activations)
    }

    /// Stretches a decoded picture to the network's input size.
    pub fn tile(&self, picture: &image::RgbImage) -> NetworkInput {
        NetworkInput::stretch(
            picture,
            self.manifest.input.width,
            self.manifest.input.height,
        )
    }

    /// Runs the network on one tile and hands what it gives to `read`.
    ///
    /// # Errors
    /// If the runtime fails or its outputs are not shaped as the manifest says.
    ///
    /// # Panics
    /// If the tile was not made by [`Self::tile`].
    pub fn run<R>(
        &mut self,
        tile: &NetworkInput,
        read: impl FnOnce(NetworkOutput<'_>) -> R,
    ) -> Result<R, ExtractError> {
        let manifest = &self.manifest;
        let (width, height) = (manifest.input.width, manifest.input.height);
        assert_eq!(tile.dimensions(), (width, height));
        let (pixels, _) = tile.pixels().as_chunks::<3>();
        for (channel, plane) in self.input.chunks_exact_mut(pixels.len()).enumerate() {
            let normalized = &self.normalized[channel];
            for (value, pixel) in plane.iter_mut().zip(pixels) {
                *value = normalized[usize::from(pixel[channel])];
            }
        }
        match &mut self.session {
            SessionBackend::Ort { session, outputs } => {
                let shape = [1, 3, height as usize, width as usize];
                let input = TensorRef::from_array_view((shape, self.input.as_slice()))?;
                let given = session.run(ort::inputs![manifest.input.name.as_str() => input])?;
                let tensors = outputs
                    .iter()
                    .map(|&position| Ok(given[position].try_extract_tensor::<f32>()?.1))
                    .collect::<Result<Vec<_>, ExtractError>>()?;
                Ok(read(checked(manifest, tensors)?))
            }
            #[cfg(feature = "tract")]
            SessionBackend::Tract(session) => {
                let given = session.run(&self.input, width, height)?;
                let tensors = given.iter().map(|values| values.as_slice()).collect();
                Ok(read(checked(manifest, tensors)?))
            }
        }
    }
}

/// Checks the outputs' sizes: layers in order, the embedding last.
fn checked<'a>(
    manifest: &Manifest,
    mut tensors: Vec<&'a [f32]>,
) -> Result<NetworkOutput<'a>, ExtractError> {
    let wrong = |name: &str, len: usize| {
        ExtractError::Manifest(format!("output {name} has {len} values a picture"))
    };
    let embedding = tensors.pop().unwrap_or_default();
    if embedding.len() != manifest.embedding.dimensions {
        return Err(wrong(&manifest.embedding.output, embedding.len()));
    }
    for (layer, values) in manifest.layers.iter().zip(&tensors) {
        if values.len() != layer.channels * layer.height * layer.width {
            return Err(wrong(&layer.name, values.len()));
        }
    }
    if !embedding.iter().all(|value| value.is_finite()) {
        return Err(ExtractError::Runtime(
            "it gave numbers that are not finite".to_owned(),
        ));
    }
    Ok(NetworkOutput {
        layers: tensors,
        embedding: Embedding::normalized(embedding),
    })
}

/// One intra-op thread, no spinning, batch 1: two such sessions on two cores beat one
/// session with two threads.
fn session(environment: &Environment, device: Device, model: &[u8]) -> ort::Result<Session> {
    let mut builder = Session::builder(environment)?
        .with_intra_threads(1)?
        .with_inter_threads(1)?
        .with_optimization_level(GraphOptimizationLevel::All)?;
    device.take(&mut builder);
    builder.commit_from_memory(model)
}
