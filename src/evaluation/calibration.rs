//! Whether scores mean what they say: of the results that score .8, are four of five right?

use serde::Serialize;

/// Bins of a reliability diagram, of equal width.
pub const BINS: usize = 10;

/// Scores of results and whether these were right, by bins of the score.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Calibration {
    bins: [Sums; BINS],
}

/// The results of one bin.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Sums {
    count: usize,
    weight: f64,
    score: f64,
    right: f64,
}

/// One bin of a reliability diagram.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ScoreBin {
    /// The least score in it.
    pub from: f64,
    /// The score from which on the next one begins; the last bin holds 1 itself, too.
    pub to: f64,
    /// Results in it.
    pub results: usize,
    /// Their mean score; `None` if there are none.
    pub score: Option<f64>,
    /// Share of them that were right.
    pub right: Option<f64>,
}

/// The results that score at least so much.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AtLeast {
    /// Their share of all.
    pub share: f64,
    /// Share of them that were right; `None` if there are none.
    pub right: Option<f64>,
}

impl Calibration {
    /// Of results with scores from 0 to 1, each counting alike.
    pub fn of(results: &[(f32, bool)]) -> Self {
        let mut all = Self::default();
        for &(score, right) in results {
            let score = score.clamp(0.0, 1.0);
            // In single precision, in which .9 is where the last bin begins.
            let bin = ((score * BINS as f32) as usize).min(BINS - 1);
            let score = f64::from(score);
            let sums = &mut all.bins[bin];
            sums.count += 1;
            sums.weight += 1.0;
            sums.score += score;
            sums.right += f64::from(u8::from(right));
        }
        all
    }

    /// Adds results, each of which counts `weight` times as much as it did.
    pub fn add(&mut self, others: &Self, weight: f64) {
        for (sums, other) in self.bins.iter_mut().zip(&others.bins) {
            sums.count += other.count;
            sums.weight += other.weight * weight;
            sums.score += other.score * weight;
            sums.right += other.right * weight;
        }
    }

    /// What all results together count.
    pub fn weight(&self) -> f64 {
        self.bins.iter().map(|sums| sums.weight).sum()
    }

    /// The expected calibration error: how far the share of the right is from the mean score,
    /// bin by bin, each bin counting as its results do. `None` without any.
    pub fn error(&self) -> Option<f64> {
        let apart = self.bins.iter().map(|sums| (sums.score - sums.right).abs());
        let weight = self.weight();
        (weight > 0.0).then(|| apart.sum::<f64>() / weight)
    }

    /// The bins of a reliability diagram.
    pub fn bins(&self) -> Vec<ScoreBin> {
        let edge = |bin: usize| bin as f64 / BINS as f64;
        let bins = self.bins.iter().enumerate();
        bins.map(|(i, sums)| {
            let mean = |sum: f64| (sums.weight > 0.0).then(|| sum / sums.weight);
            ScoreBin {
                from: edge(i),
                to: edge(i + 1),
                results: sums.count,
                score: mean(sums.score),
                right: mean(sums.right),
            }
        })
        .collect()
    }
}

impl AtLeast {
    /// Of results that score `threshold` or more; `None` without any results.
    pub fn of(threshold: f32, results: &[(f32, bool)]) -> Option<Self> {
        let above: Vec<bool> = results
            .iter()
            .filter(|(score, _)| *score >= threshold)
            .map(|(_, right)| *right)
            .collect();
        let right = above.iter().filter(|right| **right).count() as f64;
        (!results.is_empty()).then(|| Self {
            share: above.len() as f64 / results.len() as f64,
            right: (!above.is_empty()).then(|| right / above.len() as f64),
        })
    }

    /// Of several sets of results together, each set counting alike, however large; `None`
    /// without any.
    pub fn together(sets: &[Self]) -> Option<Self> {
        let count = sets.len() as f64;
        let share = sets.iter().map(|set| set.share).sum::<f64>() / count;
        let right = sets.iter().filter_map(|set| Some(set.share * set.right?));
        let right = right.sum::<f64>() / count;
        (!sets.is_empty()).then(|| Self {
            share,
            right: (share > 0.0).then(|| right / share),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: Option<f64>, expected: f64) {
        let found = found.unwrap();
        assert!((found - expected).abs() < 1e-6, "{found} for {expected}");
    }

    #[test]
    fn the_error_is_the_weighed_distance_of_score_and_right() {
        // Bin .2 to .3: mean score .25, none right. Bin .9 to 1: mean .95, half right.
        let results = [(0.2, false), (0.3 - 1e-3, false), (0.9, true), (1.0, false)];
        let calibration = Calibration::of(&results);
        near(calibration.error(), (2.0 * 0.2495 + 2.0 * 0.45) / 4.0);
        let bins = calibration.bins();
        assert_eq!(bins.len(), BINS);
        assert_eq!((bins[2].results, bins[9].results), (2, 2));
        near(bins[9].score, 0.95);
        near(bins[9].right, 0.5);
        assert_eq!((bins[0].score, bins[0].right), (None, None));
        assert_eq!((bins[9].from, bins[9].to), (0.9, 1.0));
    }

    #[test]
    fn scores_that_mean_what_they_say_have_no_error() {
        // Four of five at .8, one of two at .5.
        let mut results = vec![(0.8f32, true); 4];
        results.extend([(0.8, false), (0.5, true), (0.5, false)]);
        near(Calibration::of(&results).error(), 0.0);
        assert_eq!(Calibration::of(&[]).error(), None);
    }

    #[test]
    fn sets_can_count_alike_however_large() {
        // Ten results that say 1 and are wrong; one that says 1 and is right.
        let (large, small) = ([(1.0, false); 10], [(1.0, true)]);
        let (a, b) = (Calibration::of(&large), Calibration::of(&small));
        let mut by_count = a.clone();
        by_count.add(&b, 1.0);
        near(by_count.error(), 10.0 / 11.0);
        let mut alike = Calibration::default();
        alike.add(&a, 1.0 / a.weight());
        alike.add(&b, 1.0 / b.weight());
        near(alike.error(), 0.5);
        assert_eq!(alike.bins()[9].results, 11);
    }

    #[test]
    fn right_at_a_threshold_is_counted_among_those_that_reach_it() {
        let results = [(0.95, true), (0.9, true), (0.9, false), (0.4, true)];
        let found = AtLeast::of(0.9, &results).unwrap();
        near(Some(found.share), 0.75);
        near(found.right, 2.0 / 3.0);
        let none = AtLeast::of(0.99, &results).unwrap();
        assert_eq!((none.share, none.right), (0.0, None));
        assert_eq!(AtLeast::of(0.5, &[]), None);
    }

    #[test]
    fn sets_at_a_threshold_are_weighed_by_their_share() {
        // Half of the first reach it, all right; a tenth of the second, none right.
        let sets = [(0.5, 1.0), (0.1, 0.0)].map(|(share, right)| AtLeast {
            share,
            right: Some(right),
        });
        let both = AtLeast::together(&sets).unwrap();
        near(Some(both.share), 0.3);
        near(both.right, 0.25 / 0.3);
        assert_eq!(AtLeast::together(&[]), None);
    }
}
