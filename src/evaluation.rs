//! `simdex eval`: the report's protocol, repeated over seeded draws.
//!
//! A draw takes 20 pictures a class for training and 4 a class for the report's 66 pairs;
//! all pictures not trained on give the second, larger set of pairs. Pictures are split,
//! never pairs.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::Serialize;

use crate::activation::{Layout, layer_mses};
use crate::head::{Labelled, Metrics, Pair, PairSet, TrainError, TrainOptions, train_on_pairs};
use crate::shutdown::Shutdown;
use crate::store::NewPicture;

/// How to evaluate.
#[derive(Debug, Clone, Copy)]
pub struct EvaluationOptions {
    /// Draws.
    pub draws: usize,
    /// Pictures a class trained on; the report's 20.
    pub train_per_class: usize,
    /// Pictures a class of the small test; the report's 4.
    pub test_per_class: usize,
    /// Seed of the draws.
    pub seed: u64,
    /// Epochs of training; the report's 400.
    pub epochs: usize,
}

/// Mean and spread over the draws.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// Mean over the draws.
    pub mean: f64,
    /// Standard deviation over the draws.
    pub std: f64,
}

/// One ranking's figures on one kind of pairs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Figures {
    /// Share of pairs answered right.
    pub accuracy: Spread,
    /// Mean of the accuracies on same and on different pairs.
    pub balanced_accuracy: Spread,
    /// Area under the ROC curve.
    pub auc: Spread,
    /// Accuracy of always answering "different".
    pub baseline: Spread,
}

/// One ranking's row of the table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// `mse18`, trained anew in each draw, or `embedding`, whose threshold was.
    pub head: &'static str,
    /// On the report's small test (66 pairs for three classes).
    pub few_pairs: Figures,
    /// On all pairs of pictures not trained on.
    pub held_out_pairs: Figures,
}

/// The evaluation; the JSON that `eval` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evaluation {
    /// The classes.
    pub classes: Vec<String>,
    /// Pictures in all.
    pub pictures: usize,
    /// Draws.
    pub draws: usize,
    /// Pairs of the small test in each draw.
    pub few_pairs: usize,
    /// Pairs of held-out pictures in each draw.
    pub held_out_pairs: usize,
    /// What the report says of its own head: accuracy on its 66 pairs.
    pub report_accuracy: f64,
    /// One row a ranking.
    pub rows: Vec<Row>,
}

/// "about 49 out of 66 image pair were given correct similarity score" (Experimental Results).
const REPORT_ACCURACY: f64 = 0.742;

/// An evaluation cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluationError {
    /// A class is too small to be split.
    #[error("class {class} has {has} pictures; the protocol needs {needs}")]
    TooFew {
        /// The class.
        class: String,
        /// Pictures in it.
        has: usize,
        /// Pictures needed.
        needs: usize,
    },
    /// Training failed or was interrupted.
    #[error(transparent)]
    Train(#[from] TrainError),
}

/// Measures the report's head and the embedding on labelled pictures.
///
/// # Errors
/// If a class is too small or training fails.
pub fn evaluate(
    layout: &Layout,
    pictures: &[NewPicture],
    labels: &[usize],
    classes: &Labelled,
    options: &EvaluationOptions,
    shutdown: &Shutdown,
    progress: &(dyn Fn() + Sync),
) -> Result<Evaluation, EvaluationError> {
    let members = |class: usize| (0..labels.len()).filter(move |i| labels[*i] == class);
    let needs = options
        .train_per_class
        .saturating_add(options.test_per_class);
    for (class, name) in classes.classes.iter().enumerate() {
        let has = members(class).count();
        if has < needs {
            return Err(EvaluationError::TooFew {
                class: name.clone(),
                has,
                needs,
            });
        }
    }
    let table = Table::compute(layout, pictures);
    let draws = (0..options.draws)
        .into_par_iter()
        .map(|draw| {
            let mut rng = ChaCha8Rng::seed_from_u64(options.seed.wrapping_add(draw as u64));
            let (mut train, mut few, mut held) = (Vec::new(), Vec::new(), Vec::new());
            for class in 0..classes.classes.len() {
                let mut all: Vec<usize> = members(class).collect();
                all.shuffle(&mut rng);
                let (trained, rest) = all.split_at(options.train_per_class);
                train.extend_from_slice(trained);
                few.extend_from_slice(&rest[..options.test_per_class]);
                held.extend_from_slice(rest);
            }
            let result = measure(
                &table,
                labels,
                [&train, &few, &held],
                options,
                &mut rng,
                shutdown,
            );
            progress();
            result
        })
        .collect::<Result<Vec<_>, _>>()?;
    let row = |head, pick: &dyn Fn(&Draw) -> [Metrics; 2]| Row {
        head,
        few_pairs: spread(&draws.iter().map(|draw| pick(draw)[0]).collect::<Vec<_>>()),
        held_out_pairs: spread(&draws.iter().map(|draw| pick(draw)[1]).collect::<Vec<_>>()),
    };
    Ok(Evaluation {
        classes: classes.classes.clone(),
        pictures: pictures.len(),
        draws: draws.len(),
        few_pairs: draws.first().map_or(0, |draw| draw.few_pairs),
        held_out_pairs: draws.first().map_or(0, |draw| draw.held_pairs),
        report_accuracy: REPORT_ACCURACY,
        rows: vec![
            row("mse18", &|draw| draw.mse18),
            row("embedding", &|draw| draw.embedding),
        ],
    })
}

struct Draw {
    few_pairs: usize,
    held_pairs: usize,
    mse18: [Metrics; 2],
    embedding: [Metrics; 2],
}

fn measure(
    table: &Table,
    labels: &[usize],
    [train, few, held]: [&[usize]; 3],
    options: &EvaluationOptions,
    rng: &mut ChaCha8Rng,
    shutdown: &Shutdown,
) -> Result<Draw, TrainError> {
    let [train, few, held] = [train, few, held].map(|pictures| all_pairs(pictures, labels));
    let set = |pairs: &[Pair]| PairSet {
        same: pairs.iter().map(|pair| pair.same).collect(),
        mses: pairs
            .iter()
            .map(|pair| table.row(pair).1.to_vec())
            .collect(),
    };
    let train_options = TrainOptions {
        epochs: options.epochs,
        ..TrainOptions::default()
    };
    let score = train_on_pairs(&set(&train), &train_options, rng, shutdown)?;
    let mse18 = |pairs: &[Pair]| {
        let scored: Vec<_> = pairs
            .iter()
            .map(|pair| (score(table.row(pair).1), pair.same))
            .collect();
        Metrics::of(&scored, 0.5)
    };
    let cosines = |pairs: &[Pair]| -> Vec<_> {
        pairs
            .iter()
            .map(|pair| (table.row(pair).0, pair.same))
            .collect()
    };
    let threshold = best_threshold(&cosines(&train));
    let embedding = |pairs: &[Pair]| Metrics::of(&cosines(pairs), threshold);
    Ok(Draw {
        few_pairs: few.len(),
        held_pairs: held.len(),
        mse18: [mse18(&few), mse18(&held)],
        embedding: [embedding(&few), embedding(&held)],
    })
}

/// Cosine and MSEs of every pair of pictures, computed once for all draws.
struct Table {
    pictures: usize,
    layers: usize,
    cosines: Vec<f32>,
    mses: Vec<f32>,
}

impl Table {
    fn compute(layout: &Layout, pictures: &[NewPicture]) -> Self {
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
        };
        for (cosines, mses) in rows {
            table.cosines.extend(cosines);
            table.mses.extend(mses);
        }
        table
    }

    /// Cosine and MSEs of a pair.
    fn row(&self, pair: &Pair) -> (f32, &[f32]) {
        let (a, b) = (pair.a.min(pair.b), pair.a.max(pair.b));
        // Rows before `a` have pictures - 1, pictures - 2, ... entries.
        let at = a * (2 * self.pictures - a - 1) / 2 + (b - a - 1);
        (
            self.cosines[at],
            &self.mses[at * self.layers..][..self.layers],
        )
    }
}

fn all_pairs(pictures: &[usize], labels: &[usize]) -> Vec<Pair> {
    let mut pairs = Vec::with_capacity(pictures.len() * pictures.len() / 2);
    for (i, &a) in pictures.iter().enumerate() {
        for &b in &pictures[i + 1..] {
            pairs.push(Pair {
                a,
                b,
                same: labels[a] == labels[b],
            });
        }
    }
    pairs
}

/// The threshold with the best balanced accuracy on training pairs.
fn best_threshold(scored: &[(f32, bool)]) -> f32 {
    let mut sorted = scored.to_vec();
    sorted.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    let same = sorted.iter().filter(|pair| pair.1).count().max(1) as f64;
    let different = (sorted.len() as f64 - same).max(1.0);
    let (mut found, mut wrong) = (0.0, 0.0);
    let mut best = (f64::MIN, 0.5);
    for &(score, is_same) in &sorted {
        if is_same {
            found += 1.0;
        } else {
            wrong += 1.0;
        }
        let balanced = found / same - wrong / different;
        if balanced > best.0 {
            best = (balanced, score);
        }
    }
    best.1
}

fn spread(metrics: &[Metrics]) -> Figures {
    let of = |value: &dyn Fn(&Metrics) -> f64| {
        let count = metrics.len().max(1) as f64;
        let mean = metrics.iter().map(value).sum::<f64>() / count;
        let variance = metrics
            .iter()
            .map(|m| (value(m) - mean).powi(2))
            .sum::<f64>();
        Spread {
            mean,
            std: (variance / (count - 1.0).max(1.0)).sqrt(),
        }
    };
    Figures {
        accuracy: of(&|m| m.accuracy),
        balanced_accuracy: of(&|m| m.balanced_accuracy),
        auc: of(&|m| m.auc),
        baseline: of(&|m| m.baseline),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twelve_pictures_of_three_classes_give_the_reports_66_pairs() {
        let labels: Vec<usize> = (0..12).map(|i| i / 4).collect();
        let pictures: Vec<usize> = (0..12).collect();
        let pairs = all_pairs(&pictures, &labels);
        assert_eq!(pairs.len(), 66);
        let different = pairs.iter().filter(|pair| !pair.same).count();
        // Always answering "different" is right in 72.7 %.
        assert_eq!(different, 48);
    }

    #[test]
    fn the_threshold_separates() {
        let scored = [
            (0.9, true),
            (0.8, true),
            (0.3, false),
            (0.2, false),
            (0.1, false),
        ];
        let threshold = best_threshold(&scored);
        assert_eq!(Metrics::of(&scored, threshold).accuracy, 1.0);
    }

    #[test]
    fn rows_are_found_in_the_triangle() {
        let table = Table {
            pictures: 4,
            layers: 1,
            cosines: vec![0.01, 0.02, 0.03, 0.12, 0.13, 0.23],
            mses: vec![1.0, 2.0, 3.0, 12.0, 13.0, 23.0],
        };
        let pair = Pair {
            a: 3,
            b: 1,
            same: false,
        };
        assert_eq!(table.row(&pair), (0.13, &[13.0][..]));
    }
}
