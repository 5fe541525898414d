//! The numbers that are measured of a pair of pictures.

use crate::activation::Layout;

/// One number that is measured of a pair of pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Signal {
    /// Logarithm of a layer's mean squared error (the report's measure).
    Mse(usize),
    /// Logarithm of a layer's channel-normalised distance (the form of LPIPS).
    Normalised(usize),
    /// Cosine distance of a layer's channel means, each centred and scaled.
    Means(usize),
    /// Cosine distance of a layer's channel spreads, each centred and scaled.
    Spreads(usize),
    /// Cosine distance of the embeddings, without the collection's mean.
    Embedding,
    /// Cosine distance of the descriptors, without the collection's mean.
    Descriptor,
    /// How much the two pictures' neighbourhoods have in common, 0 to 1.
    Neighbourhood,
    /// How well the two pictures agree where one is laid over a part of the other.
    Local,
    /// Bits in which the perceptual hashes differ.
    Hash,
}

/// Signals measured of each layer.
const PER_LAYER: usize = 4;

impl Signal {
    /// All signals of a network of `layers` layers, in the order of [`Self::index`].
    pub fn all(layers: usize) -> Vec<Self> {
        let of_layer = |l| {
            [
                Self::Mse(l),
                Self::Normalised(l),
                Self::Means(l),
                Self::Spreads(l),
            ]
        };
        let of_pair = [
            Self::Embedding,
            Self::Descriptor,
            Self::Neighbourhood,
            Self::Local,
            Self::Hash,
        ];
        (0..layers).flat_map(of_layer).chain(of_pair).collect()
    }

    /// Its place among all signals.
    pub fn index(self, layers: usize) -> usize {
        match self {
            Self::Mse(l) => l * PER_LAYER,
            Self::Normalised(l) => l * PER_LAYER + 1,
            Self::Means(l) => l * PER_LAYER + 2,
            Self::Spreads(l) => l * PER_LAYER + 3,
            Self::Embedding => layers * PER_LAYER,
            Self::Descriptor => layers * PER_LAYER + 1,
            Self::Neighbourhood => layers * PER_LAYER + 2,
            Self::Local => layers * PER_LAYER + 3,
            Self::Hash => layers * PER_LAYER + 4,
        }
    }

    /// Whether a larger value speaks for "the same" rather than for "different".
    pub fn is_similarity(self) -> bool {
        matches!(self, Self::Neighbourhood | Self::Local)
    }

    /// The layer it is measured on.
    pub fn layer(self) -> Option<usize> {
        match self {
            Self::Mse(l) | Self::Normalised(l) | Self::Means(l) | Self::Spreads(l) => Some(l),
            _ => None,
        }
    }

    /// Its name in head files: `Conv1.mse`, `descriptor`.
    pub fn name(self, layout: &Layout) -> String {
        let layer = |l: usize, what: &str| format!("{}.{what}", layout.layers()[l].name);
        match self {
            Self::Mse(l) => layer(l, "mse"),
            Self::Normalised(l) => layer(l, "normalised"),
            Self::Means(l) => layer(l, "means"),
            Self::Spreads(l) => layer(l, "spreads"),
            Self::Embedding => "embedding".to_owned(),
            Self::Descriptor => "descriptor".to_owned(),
            Self::Neighbourhood => "neighbourhood".to_owned(),
            Self::Local => "local".to_owned(),
            Self::Hash => "hash".to_owned(),
        }
    }

    /// The signal of that name.
    pub fn named(name: &str, layout: &Layout) -> Option<Self> {
        let all = Self::all(layout.layers().len());
        all.into_iter().find(|signal| signal.name(layout) == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_are_places() {
        for (i, signal) in Signal::all(18).into_iter().enumerate() {
            assert_eq!(signal.index(18), i);
        }
    }
}
