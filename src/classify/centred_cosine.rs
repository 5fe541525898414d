//! The similarity of embeddings among labelled pictures.

use crate::activation::inner_product_f32;
use crate::network::Embedding;

/// The cosine of embeddings seen from the middle of the labelled pictures: what all of them
/// have in common says nothing about the class.
pub struct CentredCosine {
    mean: Vec<f32>,
    labelled: Vec<Embedding>,
}

impl CentredCosine {
    /// Centres the embeddings of labelled pictures.
    pub fn new(labelled: &[&Embedding]) -> Self {
        let mut mean = vec![0f64; labelled.first().map_or(0, |first| first.values().len())];
        for embedding in labelled {
            for (sum, value) in mean.iter_mut().zip(embedding.values()) {
                *sum += f64::from(*value);
            }
        }
        let count = labelled.len().max(1) as f64;
        let mut centred = Self {
            mean: mean.iter().map(|sum| (sum / count) as f32).collect(),
            labelled: Vec::new(),
        };
        centred.labelled = labelled.iter().map(|e| centred.minus_mean(e)).collect();
        centred
    }

    /// An embedding without what the labelled pictures have in common, at unit length.
    pub fn minus_mean(&self, embedding: &Embedding) -> Embedding {
        let values = embedding.values().iter().zip(&self.mean);
        Embedding::normalized(&values.map(|(v, mean)| v - mean).collect::<Vec<_>>())
    }

    /// The similarity of a centred embedding and a labelled picture, by its index.
    pub fn similarity(&self, centred: &Embedding, labelled: usize) -> f32 {
        inner_product_f32(centred.values(), self.labelled[labelled].values())
    }

    /// The similarity of two labelled pictures.
    pub fn of_labelled(&self, a: usize, b: usize) -> f32 {
        self.similarity(&self.labelled[a], b)
    }
}
