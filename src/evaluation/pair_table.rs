//! What `simdex eval pairs` reads: all that was measured of every pair of pictures.

use rayon::prelude::*;

use super::Trial;
use crate::head::{Features, Mode, Ranking};
use crate::network::Descriptor;
use crate::search::Ranker;
use crate::training::mse18::Pair;
use crate::training::nearest_to;

/// What was measured of every pair of pictures, computed once for all draws.
pub(super) struct Table {
    pictures: usize,
    layers: usize,
    cosines: Vec<f32>,
    mses: Vec<f32>,
    /// Scores of the shipped head, rows and columns; 0 where one is no candidate of the
    /// other.
    scores: Vec<f32>,
    pub descriptors: Vec<Descriptor>,
}

/// What was measured between one picture and the others.
struct Row {
    /// With the pictures after it.
    cosines: Vec<f32>,
    mses: Vec<f32>,
    /// With all pictures.
    scores: Vec<f32>,
}

impl Table {
    /// Reports progress once for each picture; `None` after Ctrl-C.
    pub fn compute(trial: &Trial<'_>, ranking: &Ranking) -> Option<Self> {
        let pictures = trial.pictures;
        let mean = trial.mean();
        let lists = Lists {
            features: trial.features(),
            descriptors: pictures.iter().map(|p| p.descriptor.clone()).collect(),
            ranker: Ranker {
                ranking,
                mode: Mode::SameSubject,
                mean: &mean,
                pictures: pictures.len() - 1,
                rescored: pictures.len(),
            },
        };
        let row = |i: usize| -> Option<Row> {
            if trial.shutdown.requested() {
                return None;
            }
            let a = &pictures[i];
            let behind = &pictures[i + 1..];
            let own = lists.features[i].activations;
            let row = Row {
                cosines: behind
                    .iter()
                    .map(|b| a.embedding.cosine(&b.embedding))
                    .collect(),
                mses: lists.features[i + 1..]
                    .iter()
                    .flat_map(|b| own.mses(b.activations))
                    .collect(),
                scores: lists.scores(i),
            };
            (trial.progress)();
            Some(row)
        };
        let rows = (0..pictures.len())
            .into_par_iter()
            .map(row)
            .collect::<Option<Vec<Row>>>()?;
        let mut table = Self {
            pictures: pictures.len(),
            layers: trial.layout.layers().len(),
            cosines: Vec::new(),
            mses: Vec::new(),
            scores: Vec::new(),
            descriptors: lists.descriptors,
        };
        for row in rows {
            table.cosines.extend(row.cosines);
            table.mses.extend(row.mses);
            table.scores.extend(row.scores);
        }
        Some(table)
    }

    /// The shipped head's score of a pair: the mean over both lists.
    pub fn fused(&self, pair: &Pair) -> f32 {
        let at = |a: usize, b: usize| self.scores[a * self.pictures + b];
        f32::midpoint(at(pair.a, pair.b), at(pair.b, pair.a))
    }

    /// Cosine and MSEs of a pair.
    pub fn row(&self, pair: &Pair) -> (f32, &[f32]) {
        let (a, b) = (pair.a.min(pair.b), pair.a.max(pair.b));
        // Rows before `a` have pictures - 1, pictures - 2, ... entries.
        let at = a * (2 * self.pictures - a - 1) / 2 + (b - a - 1);
        (
            self.cosines[at],
            &self.mses[at * self.layers..][..self.layers],
        )
    }
}

/// Every picture's list among all others, by a ranking.
struct Lists<'a> {
    ranker: Ranker<'a>,
    features: Vec<Features<'a>>,
    descriptors: Vec<Descriptor>,
}

impl Lists<'_> {
    /// The scores of all pictures in the list of one; its own is 0.
    fn scores(&self, query: usize) -> Vec<f32> {
        let count = self.descriptors.len();
        let mut order = nearest_to(&self.descriptors, &self.descriptors[query], count);
        order.retain(|i| *i != query);
        let pool: Vec<Features<'_>> = order.iter().map(|&i| self.features[i]).collect();
        let mut scores = vec![0.0; count];
        for entry in self.ranker.rank(&[self.features[query]], &pool[..]) {
            scores[order[entry.candidate]] = entry.score;
        }
        scores
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::activation::Encoding;
    use crate::network::{Embedding, Network};
    use crate::picture::{PerceptualHash, PictureId};
    use crate::shutdown::Shutdown;
    use crate::store::NewPicture;

    #[test]
    fn nothing_is_compared_after_ctrl_c() {
        // Without activations, so that comparing two would panic.
        let picture = |number: u8| NewPicture {
            id: PictureId::of(&[number]),
            width: 1,
            height: 1,
            media_type: "image/jpeg",
            bytes: 1,
            perceptual_hash: PerceptualHash(0),
            embedding: Embedding::normalized(&[1.0]),
            descriptor: Descriptor::normalized(vec![1.0]),
            look: None,
            thumbnail: Vec::new(),
            block: Vec::new(),
        };
        let shutdown = Shutdown::manual();
        shutdown.request();
        let trial = Trial {
            layout: &Network::builtin().unwrap().layout(Encoding::Int8),
            pictures: &[picture(1), picture(2)],
            seed: 1,
            shutdown: &shutdown,
            progress: &|| panic!("nothing was done"),
        };
        assert!(Table::compute(&trial, &Ranking::Embedding).is_none());
    }

    #[test]
    fn rows_are_found_in_the_triangle() {
        let table = Table {
            pictures: 4,
            layers: 1,
            cosines: vec![0.01, 0.02, 0.03, 0.12, 0.13, 0.23],
            mses: vec![1.0, 2.0, 3.0, 12.0, 13.0, 23.0],
            scores: Vec::new(),
            descriptors: Vec::new(),
        };
        let pair = Pair {
            a: 3,
            b: 1,
            same: false,
        };
        assert_eq!(table.row(&pair), (0.13, &[13.0][..]));
    }
}
