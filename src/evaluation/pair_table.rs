//! What `simdex eval pairs` reads: all that was measured of every pair of pictures.

use rayon::prelude::*;

use crate::activation::{Layout, layer_mses};
use crate::head::training::nearest_to;
use crate::head::{Centre, Fused, Mode, Pair, Ranking, Subject};
use crate::network::Descriptor;
use crate::search::Ranker;
use crate::store::NewPicture;

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

impl Table {
    pub fn compute(layout: &Layout, head: &Fused, pictures: &[NewPicture]) -> Self {
        let rows: Vec<(Vec<f32>, Vec<f32>)> = (0..pictures.len())
            .into_par_iter()
            .map(|i| {
                let a = &pictures[i];
                pictures[i + 1..]
                    .iter()
                    .map(|b| {
                        (
                            a.embedding.cosine(&b.embedding),
                            layer_mses(layout, &a.block, &b.block),
                        )
                    })
                    .fold(
                        (Vec::new(), Vec::new()),
                        |(mut cosines, mut mses), (cosine, mse)| {
                            cosines.push(cosine);
                            mses.extend(mse);
                            (cosines, mses)
                        },
                    )
            })
            .collect();
        let mut table = Self {
            pictures: pictures.len(),
            layers: layout.layers().len(),
            cosines: Vec::new(),
            mses: Vec::new(),
            scores: list_scores(layout, head, pictures),
            descriptors: pictures.iter().map(|p| p.descriptor.clone()).collect(),
        };
        for (cosines, mses) in rows {
            table.cosines.extend(cosines);
            table.mses.extend(mses);
        }
        table
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

/// Every picture's list among all others, by `head`: rows of queries.
fn list_scores(layout: &Layout, head: &Fused, pictures: &[NewPicture]) -> Vec<f32> {
    let ranking = Ranking::Fused(Box::new(head.clone()));
    let subjects: Vec<Subject<'_>> = pictures.iter().map(NewPicture::subject).collect();
    let centre = Centre::of(pictures.iter().map(|p| (&p.embedding, &p.descriptor)));
    let ranker = Ranker {
        layout,
        ranking: &ranking,
        mode: Mode::SameSubject,
        centre: &centre,
        rescored: pictures.len(),
    };
    let descriptors: Vec<Descriptor> = pictures.iter().map(|p| p.descriptor.clone()).collect();
    let rows = (0..pictures.len()).map(|query| {
        let mut order = nearest_to(&descriptors, &descriptors[query], pictures.len());
        order.retain(|i| *i != query);
        let pool: Vec<Subject<'_>> = order.iter().map(|&i| subjects[i]).collect();
        let mut row = vec![0.0; pictures.len()];
        for entry in ranker.rank(&[subjects[query]], &pool) {
            row[order[entry.candidate]] = entry.score;
        }
        row
    });
    rows.flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
