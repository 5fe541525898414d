//! How well scores tell same pairs from different ones, by the usual metrics.

use serde::Serialize;

/// How well scores tell same pairs from different ones.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Metrics {
    /// Share of pairs on the right side of the threshold.
    pub accuracy: f64,
    /// Mean of the accuracies on same and on different pairs.
    pub balanced_accuracy: f64,
    /// Area under the ROC curve.
    pub auc: f64,
    /// Accuracy of always answering "different".
    pub baseline: f64,
}

impl Metrics {
    /// Measures (score, same) pairs; a score of at least `threshold` says "same".
    pub fn of(scored: &[(f32, bool)], threshold: f32) -> Self {
        let count = |keep: &dyn Fn(&(f32, bool)) -> bool| {
            scored.iter().filter(|pair| keep(pair)).count() as f64
        };
        let same = count(&|pair| pair.1);
        let different = scored.len() as f64 - same;
        let found = count(&|pair| pair.1 && pair.0 >= threshold);
        let rejected = count(&|pair| !pair.1 && pair.0 < threshold);
        Self {
            accuracy: (found + rejected) / scored.len().max(1) as f64,
            balanced_accuracy: (found / same.max(1.0) + rejected / different.max(1.0)) / 2.0,
            auc: auc(scored),
            baseline: different / scored.len().max(1) as f64,
        }
    }
}

/// Area under the ROC curve by ranks (Mann-Whitney), ties counted half; 0.5 if one kind
/// of pair is missing.
pub fn auc(scored: &[(f32, bool)]) -> f64 {
    let mut sorted: Vec<_> = scored.to_vec();
    sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let same = sorted.iter().filter(|pair| pair.1).count() as f64;
    let different = sorted.len() as f64 - same;
    if same == 0.0 || different == 0.0 {
        return 0.5;
    }
    let mut rank_sum = 0.0;
    let mut rank = 0usize;
    for tie in sorted.chunk_by(|a, b| a.0 == b.0) {
        let mean_rank = rank as f64 + (tie.len() as f64 + 1.0) / 2.0;
        rank_sum += mean_rank * tie.iter().filter(|pair| pair.1).count() as f64;
        rank += tie.len();
    }
    (rank_sum - same * (same + 1.0) / 2.0) / (same * different)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auc_counts_ties_half() {
        assert_eq!(auc(&[(0.1, false), (0.9, true)]), 1.0);
        assert_eq!(auc(&[(0.9, false), (0.1, true)]), 0.0);
        assert_eq!(auc(&[(0.5, false), (0.5, true)]), 0.5);
        assert_eq!(
            auc(&[(0.1, false), (0.4, true), (0.35, false), (0.8, true)]),
            1.0
        );
        assert_eq!(auc(&[(0.1, true)]), 0.5);
    }

    #[test]
    fn the_baseline_is_always_different() {
        let scored = [(0.9, true), (0.2, false), (0.7, false), (0.1, false)];
        let metrics = Metrics::of(&scored, 0.5);
        assert_eq!(metrics.baseline, 0.75);
        assert_eq!(metrics.accuracy, 0.75);
        assert!((metrics.balanced_accuracy - 5.0 / 6.0).abs() < 1e-9);
    }
}
