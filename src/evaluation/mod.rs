//! Evaluations that anyone can repeat: pairs (the report's protocol), retrieval, copies.

mod copies;
mod pair_table;
mod pairs;
mod retrieval;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use crate::activation::Layout;
use crate::shutdown::Shutdown;
use crate::store::NewPicture;

pub use copies::{CopiesEvaluation, EditRow, EditedQuery, evaluate_copies};
pub use pairs::{EvaluationError, Figures, PairsEvaluation, PairsOptions, Row, evaluate_pairs};
pub use retrieval::{RetrievalEvaluation, RetrievalRow, evaluate_retrieval};

/// What every evaluation takes.
pub struct Trial<'a> {
    /// How blocks are laid out.
    pub layout: &'a Layout,
    /// The pictures; all of them are what is searched.
    pub pictures: &'a [NewPicture],
    /// Candidates that are re-scored.
    pub candidates: usize,
    /// Seed of everything random.
    pub seed: u64,
    /// Ctrl-C.
    pub shutdown: &'a Shutdown,
    /// Called after each step.
    pub progress: &'a (dyn Fn() + Sync),
}

/// A figure over draws, or over resampled queries.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// The standard deviation.
    pub std: f64,
    /// The interval that holds the middle 95 %.
    pub interval: [f64; 2],
}

impl Spread {
    /// Of the figure of each draw.
    pub fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = values.collect();
        sorted.sort_by(f64::total_cmp);
        let count = sorted.len().max(1) as f64;
        let mean = sorted.iter().sum::<f64>() / count;
        let variance = sorted.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
        Self {
            mean,
            std: (variance / (count - 1.0).max(1.0)).sqrt(),
            interval: [quantile(&sorted, 0.025), quantile(&sorted, 0.975)],
        }
    }

    /// Of the mean of each query's figure, over queries drawn anew with replacement.
    pub fn bootstrap(values: &[f64], draws: usize, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let count = values.len().max(1);
        let mut resampled = || {
            let drawn = (0..values.len()).map(|_| values[rng.random_range(0..values.len())]);
            drawn.sum::<f64>() / count as f64
        };
        let means: Vec<f64> = (0..draws).map(|_| resampled()).collect();
        Self {
            mean: values.iter().sum::<f64>() / count as f64,
            ..Self::of(means.into_iter())
        }
    }
}

fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = share * (sorted.len().max(1) - 1) as f64;
    sorted.get(at.round() as usize).copied().unwrap_or_default()
}

/// Average precision of one ranked list of right and wrong answers, `relevant` being all
/// that are right anywhere.
fn average_precision(answers: &[bool], relevant: usize) -> f64 {
    let (mut right, mut sum) = (0usize, 0.0);
    for (i, answer) in answers.iter().enumerate() {
        if *answer {
            right += 1;
            sum += right as f64 / (i + 1) as f64;
        }
    }
    sum / relevant.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn average_precision_is_the_textbooks() {
        // Right at ranks 1 and 3 of two: (1 + 2/3) / 2.
        let ap = average_precision(&[true, false, true, false], 2);
        assert!((ap - 5.0 / 6.0).abs() < 1e-12);
        // One of two was not listed.
        assert!((average_precision(&[true], 2) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn a_bootstrap_holds_the_mean() {
        let values: Vec<f64> = (0..200).map(|i| f64::from(i % 2)).collect();
        let spread = Spread::bootstrap(&values, 400, 1);
        assert!((spread.mean - 0.5).abs() < 1e-12);
        // The standard error of a fair coin over 200 throws is .035.
        assert!((spread.std - 0.035).abs() < 0.01, "{spread:?}");
        assert!(spread.interval[0] < 0.5 && spread.interval[1] > 0.5);
    }
}
