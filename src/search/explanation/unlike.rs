//! How far pictures are apart that have nothing to do with each other.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::PairDistances;
use super::nearer::Nearer;
use crate::activation::Layout;

/// What a group of layers sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LayerGroup {
    /// Edges and colours.
    Colours,
    /// Textures.
    Textures,
    /// Parts and shapes.
    Parts,
    /// What is shown.
    Objects,
}

/// Distances of pairs of pictures of different classes and domains, of one network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnlikePairs {
    /// How it was made.
    recipe: String,
    /// Pairs that were measured.
    pairs: usize,
    layers: Vec<UnlikeLayer>,
    embedding: Spread,
}

/// One layer's distances.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct UnlikeLayer {
    name: String,
    group: LayerGroup,
    places: Spread,
    looks: Spread,
}

/// How distances are spread: the mean and the standard deviation of their logarithms.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Spread {
    mean: f32,
    std: f32,
}

/// Below this, distances are only the noise of storing.
const LEAST: f32 = 1e-4;

const BUILTIN: &str = include_str!("../../../models/unlike_pairs.json");

static SHIPPED: LazyLock<Option<UnlikePairs>> =
    LazyLock::new(|| serde_json::from_str(BUILTIN).ok());

impl UnlikePairs {
    /// Those that simdex ships, if they are of these layers.
    pub fn shipped(layout: &Layout) -> Option<&'static Self> {
        let shipped = SHIPPED.as_ref()?;
        let names = shipped.layers.iter().map(|layer| &layer.name);
        let fits = names.eq(layout.layers().iter().map(|layer| &layer.name));
        fits.then_some(shipped)
    }

    /// Of distances that were measured of unlike pairs. Layers are grouped as those of
    /// MobileNetV2 are, by their depth.
    pub fn measured(recipe: &str, layout: &Layout, pairs: &[PairDistances]) -> Self {
        let count = layout.layers().len();
        let group = |layer: usize| match layer * 18 / count.max(1) {
            0..=2 => LayerGroup::Colours,
            3..=6 => LayerGroup::Textures,
            7..=13 => LayerGroup::Parts,
            _ => LayerGroup::Objects,
        };
        let layers = layout.layers().iter().enumerate();
        Self {
            recipe: recipe.to_owned(),
            pairs: pairs.len(),
            layers: layers
                .map(|(i, shape)| UnlikeLayer {
                    name: shape.name.clone(),
                    group: group(i),
                    places: Spread::of(pairs.iter().map(|pair| pair.places[i])),
                    looks: Spread::of(pairs.iter().map(|pair| pair.looks[i])),
                })
                .collect(),
            embedding: Spread::of(pairs.iter().map(|pair| pair.embedding)),
        }
    }

    /// The file's contents.
    ///
    /// # Errors
    /// Never, in practice: numbers and text always encode.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self).map(|text| text + "\n")
    }

    /// How near a pair is in each group of layers. Colours and textures are looked for anywhere
    /// in the picture, parts in their places, objects in both. `None` where the codec does not
    /// tell.
    pub(super) fn nearer(&self, pair: &PairDistances) -> Option<Nearer> {
        let places = |layer: usize| self.layers[layer].places.nearness(pair.places[layer]);
        let looks = |layer: usize| self.layers[layer].looks.nearness(pair.looks[layer]);
        let mean = |group: LayerGroup, near: &dyn Fn(usize) -> f32, more: &[f32]| {
            let layers = self.layers.iter().enumerate();
            let own = layers.filter(|(_, layer)| layer.group == group);
            let own = own.map(|(i, _)| near(i));
            let all: Vec<f32> = own.chain(more.iter().copied()).collect();
            let mean = all.iter().sum::<f32>() / all.len().max(1) as f32;
            mean.is_finite().then_some(mean)
        };
        let both = |layer: usize| (places(layer) + looks(layer)) / 2.0;
        // It tells what is shown as well as all layers before it.
        let embedding = [self.embedding.nearness(pair.embedding); 4];
        Some(Nearer {
            colours: mean(LayerGroup::Colours, &looks, &[])?,
            in_place: places(0),
            textures: mean(LayerGroup::Textures, &looks, &[])?,
            parts: mean(LayerGroup::Parts, &places, &[])?,
            objects: mean(LayerGroup::Objects, &both, &embedding)?,
        })
    }
}

impl Spread {
    fn of(distances: impl Iterator<Item = f32>) -> Self {
        let logs: Vec<f64> = distances.map(|d| f64::from(d.max(LEAST)).ln()).collect();
        let count = logs.len().max(1) as f64;
        let mean = logs.iter().sum::<f64>() / count;
        let variance = logs.iter().map(|log| (log - mean).powi(2)).sum::<f64>() / count;
        let rounded = |value: f64| ((value * 1e4).round() / 1e4) as f32;
        Self {
            mean: rounded(mean),
            std: rounded(variance.sqrt().max(1e-3)),
        }
    }

    /// How many standard deviations nearer a distance is than the mean; not a number where the
    /// distance is none.
    fn nearness(self, distance: f32) -> f32 {
        if distance.is_nan() {
            return distance;
        }
        (self.mean - distance.max(LEAST).ln()) / self.std
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_held_against_the_mean_of_their_logarithms() {
        let distances = [1.0f32, 1.0f32.exp(), 2.0f32.exp()];
        let spread = Spread::of(distances.into_iter());
        assert!((spread.mean - 1.0).abs() < 1e-4);
        assert!((spread.std - (2.0f32 / 3.0).sqrt()).abs() < 1e-3);
        assert!(spread.nearness(1.0) > 0.0 && spread.nearness(10.0) < 0.0);
        assert_eq!(spread.nearness(0.0), spread.nearness(LEAST));
    }
}
