//! What a network takes and gives.

use std::path::Path;

use serde::Deserialize;

use super::{NetworkError, NetworkId};
use crate::activation::{Encoding, LayerShape, Layout, PartsCodec};

/// What a model file takes and gives; written beside it as TOML.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// A name for people.
    pub name: String,
    /// The ONNX file, relative to the manifest.
    pub file: String,
    /// SHA-256 of the ONNX file.
    pub sha256: NetworkId,
    /// The picture the network takes.
    pub input: ManifestInput,
    /// The pooled output.
    pub embedding: ManifestEmbedding,
    /// The tapped layers, in order.
    pub layers: Vec<ManifestLayer>,
}

/// The network's input: N x 3 x height x width, f32, RGB scaled to 0..1, minus `mean`,
/// over `std`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestInput {
    /// Name in the ONNX graph.
    pub name: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Mean of R, G and B.
    pub mean: [f32; 3],
    /// Standard deviation of R, G and B.
    pub std: [f32; 3],
}

/// The pooled embedding: N x dimensions.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestEmbedding {
    /// Name in the ONNX graph.
    pub output: String,
    /// Numbers per picture.
    pub dimensions: usize,
    /// The batch normalisation between the last layer and the embedding, before ReLU6: a
    /// channel times `scale`, plus `shift`. Empty where the manifest does not say.
    #[serde(default)]
    pub scale: Vec<f32>,
    /// See `scale`.
    #[serde(default)]
    pub shift: Vec<f32>,
}

/// One tapped layer: N x channels x height x width.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestLayer {
    /// The name that results print.
    pub name: String,
    /// Name in the ONNX graph.
    pub output: String,
    /// Channels.
    pub channels: usize,
    /// The mean of each channel over pictures of all kinds; may be left out. Both scale what is kept of parts
    /// ([`PartsCodec`]).
    #[serde(default)]
    pub mean: Vec<f32>,
    /// How much the mean of a picture differs from it: the standard deviation; may be left out.
    #[serde(default)]
    pub std: Vec<f32>,
    /// Height in positions.
    pub height: usize,
    /// Width in positions.
    pub width: usize,
}

/// The widest and highest input accepted, in pixels.
const MAX_SIDE: u32 = 4096;
/// The smallest one: the perceptual hash needs 9 x 8 cells.
const MIN_SIDE: u32 = 16;

impl Manifest {
    /// How one picture's activations are laid out in storage.
    pub(super) fn layout(&self, encoding: Encoding) -> Layout {
        let shape = |layer: &ManifestLayer| LayerShape {
            name: layer.name.clone(),
            channels: layer.channels,
            positions: layer.height * layer.width,
            width: layer.width,
        };
        let layers = self.layers.iter().map(shape).collect();
        let layout = Layout::new(encoding, layers, self.embedding.dimensions);
        if layout.keeps_values() {
            return layout;
        }
        match self.parts(encoding) {
            Some(parts) => layout.with_parts(parts),
            None => layout,
        }
    }

    /// How parts are kept: of the layer before the last, the deepest of few channels, if its channels
    /// are known.
    fn parts(&self, encoding: Encoding) -> Option<PartsCodec> {
        let place = self.layers.len().checked_sub(2)?;
        let layer = &self.layers[place];
        let is_known = layer.mean.len() == layer.channels && layer.std.len() == layer.channels;
        let codec = match encoding {
            Encoding::CompactBefore => PartsCodec::of_before,
            _ => PartsCodec::new,
        };
        is_known.then(|| codec(place, &layer.mean, &layer.std))
    }

    pub(super) fn parse(text: &str, path: &Path) -> Result<Self, NetworkError> {
        let wrong = |message: String| NetworkError::Manifest {
            path: path.to_owned(),
            message,
        };
        let manifest: Self = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
        let input = &manifest.input;
        for side in [input.width, input.height] {
            if !(MIN_SIDE..=MAX_SIDE).contains(&side) {
                return Err(wrong(format!(
                    "the input's sides must be {MIN_SIDE} to {MAX_SIDE} pixels, not {side}"
                )));
            }
        }
        if input.std.contains(&0.0) {
            return Err(wrong("a standard deviation of 0".to_owned()));
        }
        if manifest.layers.is_empty() || manifest.embedding.dimensions == 0 {
            return Err(wrong("it needs layers and an embedding".to_owned()));
        }
        for layer in &manifest.layers {
            if layer.channels * layer.height * layer.width == 0 {
                return Err(wrong(format!("layer {} has no values", layer.name)));
            }
            let is_whole =
                |numbers: &Vec<f32>| numbers.is_empty() || numbers.len() == layer.channels;
            if !is_whole(&layer.mean) || !is_whole(&layer.std) {
                return Err(wrong(format!(
                    "`mean` and `std` of layer {} must be of its {} channels",
                    layer.name, layer.channels
                )));
            }
        }
        let (scale, shift) = (&manifest.embedding.scale, &manifest.embedding.shift);
        let channels = manifest.layers.last().map_or(0, |layer| layer.channels);
        if !scale.is_empty() && scale.len() != channels || scale.len() != shift.len() {
            return Err(wrong(format!(
                "`scale` and `shift` must be of the last layer's {channels} channels"
            )));
        }
        Ok(manifest)
    }
}
