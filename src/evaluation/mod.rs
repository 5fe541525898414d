//! Evaluations that anyone can repeat: pairs (the report's protocol), retrieval, copies, looks,
//! the answers of `simdex classify`, and those of `simdex query` on pictures of many domains.

mod calibration;
mod classify;
mod copies;
mod domains;
mod linear_probe;
mod looks;
mod metrics;
mod pair_table;
mod pairs;
mod retrieval;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use crate::activation::Layout;
use crate::head::{CollectionMean, Features, Ranking};
use crate::shutdown::Shutdown;
use crate::store::NewPicture;

pub use calibration::{AtLeast, BINS, Calibration, ScoreBin};
pub use classify::{
    ClassifyEvaluation, ClassifyEvaluationError, ClassifyEvaluationOptions, ClassifyRow,
    RuleFigures, evaluate_classify,
};
pub use copies::{CopiesEvaluation, EditRow, EditedQuery, evaluate_copies};
pub use domains::{
    Answer, Answered, Answerless, AnswerlessFigures, AskedHead, AskedStores, AtThresholdFigures,
    DomainRow, DomainSize, DomainsEvaluation, HeadFigures, Listed, Observations, SHOWN,
    StoreFigures, StoreKind,
};
pub use looks::{
    JudgedPictures, LookEditRow, LookRow, LookSource, LooksEvaluation, evaluate_looks,
};
pub use metrics::{Metrics, auc};
pub use pairs::{EvaluationError, Figures, PairsEvaluation, PairsOptions, Row, evaluate_pairs};
pub use retrieval::{RetrievalEvaluation, RetrievalRow, evaluate_retrieval};

/// What every evaluation takes.
pub struct Trial<'a> {
    /// How blocks are laid out.
    pub layout: &'a Layout,
    /// The pictures; all of them are what is searched.
    pub pictures: &'a [NewPicture],
    /// Seed of everything random.
    pub seed: u64,
    /// Ctrl-C.
    pub shutdown: &'a Shutdown,
    /// Called after each step.
    pub progress: &'a (dyn Fn() + Sync),
}

impl<'a> Trial<'a> {
    /// The pictures as the second stage sees them.
    fn features(&self) -> Vec<Features<'a>> {
        let pictures = self.pictures.iter();
        pictures
            .map(|picture| picture.features(self.layout))
            .collect()
    }

    /// What they have in common.
    fn mean(&self) -> CollectionMean {
        let pictures = self.pictures.iter();
        CollectionMean::of(pictures.map(|p| (&p.embedding, &p.descriptor)))
    }

    /// How many of the pictures each ranking was trained on, as far as it knows; rankings
    /// trained on none are left out.
    fn seen(&self, rankings: &[(&str, &Ranking)]) -> Vec<(String, usize)> {
        let count = |ranking: &Ranking| {
            let seen = self.pictures.iter().filter(|p| ranking.saw(p.id));
            seen.count()
        };
        let all = rankings
            .iter()
            .map(|(name, r)| ((*name).to_owned(), count(r)));
        all.filter(|(_, count)| *count > 0).collect()
    }
}

/// A figure over draws, or over resampled queries.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// The standard deviation: of the draws themselves, or of the means of resampled queries.
    pub std: f64,
    /// The middle 95 % of the means of resampled draws or queries.
    pub interval: [f64; 2],
}

const RESAMPLES: usize = 1_000;

impl Estimate {
    /// From the figure of each draw. The interval is that of the mean of as many draws: the
    /// figures of a few draws have no middle 95 % of their own.
    pub fn of(values: impl Iterator<Item = f64>) -> Self {
        let values: Vec<f64> = values.collect();
        Self {
            std: mean_and_std(&values).1,
            ..Self::bootstrap(&values, 1)
        }
    }

    /// From the figure of each query: the interval is that of their mean over queries drawn
    /// anew with replacement (the percentile bootstrap).
    pub fn bootstrap(values: &[f64], seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut resampled = || {
            let drawn = (0..values.len()).map(|_| values[rng.random_range(0..values.len())]);
            drawn.sum::<f64>() / values.len().max(1) as f64
        };
        let mut means: Vec<f64> = (0..RESAMPLES).map(|_| resampled()).collect();
        means.sort_by(f64::total_cmp);
        Self {
            mean: mean_and_std(values).0,
            std: mean_and_std(&means).1,
            interval: [quantile(&means, 0.025), quantile(&means, 0.975)],
        }
    }

    /// A figure over groups of queries, such as domains, and its interval over queries drawn
    /// anew within each group. `None` where there is no such figure; draws without one are left
    /// out.
    pub fn over_groups<T>(
        groups: &[Vec<T>],
        seed: u64,
        figure: &dyn Fn(&[Vec<&T>]) -> Option<f64>,
    ) -> Option<Self> {
        let all: Vec<Vec<&T>> = groups.iter().map(|group| group.iter().collect()).collect();
        let mean = figure(&all)?;
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut drawn = all.clone();
        let mut resampled = || {
            for (drawn, group) in drawn.iter_mut().zip(groups) {
                for place in drawn {
                    *place = &group[rng.random_range(0..group.len())];
                }
            }
            figure(&drawn)
        };
        let mut figures: Vec<f64> = (0..RESAMPLES).filter_map(|_| resampled()).collect();
        figures.sort_by(f64::total_cmp);
        Some(Self {
            mean,
            std: mean_and_std(&figures).1,
            interval: [quantile(&figures, 0.025), quantile(&figures, 0.975)],
        })
    }
}

fn mean_and_std(values: &[f64]) -> (f64, f64) {
    let count = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
    (mean, (variance / (count - 1.0).max(1.0)).sqrt())
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
        let estimate = Estimate::bootstrap(&values, 1);
        assert!((estimate.mean - 0.5).abs() < 1e-12);
        // The standard error of a fair coin over 200 throws is .035.
        assert!((estimate.std - 0.035).abs() < 0.01, "{estimate:?}");
        assert!(estimate.interval[0] < 0.5 && estimate.interval[1] > 0.5);
    }

    #[test]
    fn groups_count_alike_however_large() {
        let macro_mean = |groups: &[Vec<&f64>]| {
            let mean = |group: &Vec<&f64>| group.iter().copied().sum::<f64>() / group.len() as f64;
            Some(groups.iter().map(mean).sum::<f64>() / groups.len() as f64)
        };
        let groups = [vec![1.0; 100], vec![0.0, 1.0, 0.0, 1.0]];
        let estimate = Estimate::over_groups(&groups, 1, &macro_mean).unwrap();
        assert!((estimate.mean - 0.75).abs() < 1e-12);
        // Only the second group varies: half of a fair coin's mean over four throws, .125.
        assert!((estimate.std - 0.125).abs() < 0.02, "{estimate:?}");
        assert!(estimate.interval[0] >= 0.5 && estimate.interval[1] <= 1.0);
        assert!(Estimate::over_groups(&groups, 1, &|_| None).is_none());
    }

    #[test]
    fn the_interval_of_few_draws_is_of_their_mean() {
        let estimate = Estimate::of([0.7, 0.8, 0.75, 0.72, 0.78].into_iter());
        assert!((estimate.mean - 0.75).abs() < 1e-12);
        // The standard deviation of the draws is .041; that of the mean of five is .018 at
        // most.
        assert!((estimate.std - 0.041).abs() < 1e-3, "{estimate:?}");
        let [low, high] = estimate.interval;
        assert!((low - 0.718).abs() < 0.01 && (high - 0.782).abs() < 0.01);
    }
}
