//! How much the user's labels count beside what a list tells.

use serde::{Deserialize, Serialize};

use super::scorer::sigmoid;

/// What is added to the log-odds of a candidate, of which and of the query the labels know
/// something: weights of what the labels say, of what the list says, and a constant.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelWeights {
    /// Of the labels' log-odds that both are of one class, against chance. Never negative.
    pub agreement: f32,
    /// Of the list's log-odds; below 0 where lists of such pictures are over-sure.
    pub list: f32,
    /// Added whatever they say.
    pub constant: f32,
    /// Pictures that were asked for to learn the weights, each without having taught the labels;
    /// 0 if there were too few.
    pub queries: usize,
}

impl Default for LabelWeights {
    /// What the user says counts for more than what other people's pictures taught.
    fn default() -> Self {
        Self {
            agreement: 2.0,
            list: 0.0,
            constant: 0.0,
            queries: 0,
        }
    }
}

/// A candidate of a list, as labels that it did not teach see it.
#[derive(Debug, Clone, Copy)]
pub struct LabelledCandidate {
    /// Log-odds by what its list tells.
    pub list: f32,
    /// The labels' log-odds, against chance.
    pub agreement: f32,
    /// How well the labels know both, 0 to 1.
    pub known: f32,
    /// Whether it is of the query's class.
    pub same: bool,
    /// How much it counts.
    pub weight: f32,
}

const SWEEPS: usize = 200;
/// Half the squared distance from the weights of before counts as much as one query.
const REGULARISATION: f32 = 1.0;
/// Labels that agree never speak against, and of a list's own log-odds a fifth is always left, so
/// that its order stays.
const LEAST: [f32; 3] = [0.0, -0.8, f32::MIN];

impl LabelWeights {
    /// The weights that make the scores of candidates probabilities: a logistic regression, held to
    /// the weights of before, by coordinate descent (the loss's curvature is at most a quarter of an
    /// input's square, so that every step leads down).
    pub fn fit(candidates: &[LabelledCandidate], queries: usize) -> Self {
        let home = Self::default();
        let home = [home.agreement, home.list, home.constant];
        let mut at = home;
        let inputs: Vec<[f32; 3]> = candidates.iter().map(LabelledCandidate::inputs).collect();
        let mut odds: Vec<f32> = candidates
            .iter()
            .zip(&inputs)
            .map(|(candidate, x)| candidate.list + (0..3).map(|i| at[i] * x[i]).sum::<f32>())
            .collect();
        for _ in 0..SWEEPS {
            for i in 0..3 {
                let mut slope = REGULARISATION * (at[i] - home[i]);
                let mut curvature = REGULARISATION;
                for (candidate, (x, odds)) in candidates.iter().zip(inputs.iter().zip(&odds)) {
                    let wrong = sigmoid(*odds) - f32::from(u8::from(candidate.same));
                    slope += candidate.weight * wrong * x[i];
                    curvature += candidate.weight * 0.25 * x[i] * x[i];
                }
                let next = (at[i] - slope / curvature).max(LEAST[i]);
                let moved = next - at[i];
                at[i] = next;
                for (odds, x) in odds.iter_mut().zip(&inputs) {
                    *odds += moved * x[i];
                }
            }
        }
        Self {
            agreement: at[0],
            list: at[1],
            constant: at[2],
            queries,
        }
    }

    /// What the labels add to a list's log-odds.
    pub(super) fn odds(&self, known: f32, agreement: f32, list: f32) -> f32 {
        known * (self.agreement * agreement + self.list * list + self.constant)
    }
}

impl LabelledCandidate {
    fn inputs(&self) -> [f32; 3] {
        [self.agreement, self.list, 1.0].map(|value| self.known * value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Candidates whose labels agree or not; of those that agree `right` of ten are right, of
    /// the others one.
    fn candidates(list: f32, right: usize, count: usize) -> Vec<LabelledCandidate> {
        let one = |i: usize| {
            let agrees = i.is_multiple_of(2);
            let right = if agrees { right } else { 1 };
            LabelledCandidate {
                list,
                agreement: if agrees { 3.0 } else { -3.0 },
                known: 1.0,
                same: (i / 2) % 10 < right,
                weight: 1.0,
            }
        };
        (0..count).map(one).collect()
    }

    #[test]
    fn scores_become_shares_whatever_the_list_says() {
        for (list, right) in [(-1.0, 9), (2.0, 6), (4.0, 8)] {
            let weights = LabelWeights::fit(&candidates(list, right, 2_000), 200);
            let score = |agreement| sigmoid(list + weights.odds(1.0, agreement, list));
            assert!(
                (score(3.0) - right as f32 / 10.0).abs() < 0.02,
                "{weights:?}"
            );
            assert!((score(-3.0) - 0.1).abs() < 0.02, "{weights:?}");
            // Of strangers the labels say nothing.
            assert!(weights.odds(0.0, 3.0, list).abs() < 1e-6);
        }
    }

    #[test]
    fn few_candidates_change_little() {
        let few = LabelWeights::fit(&candidates(0.0, 5, 4), 4);
        assert!(
            (few.agreement - 2.0).abs() < 1.5 && few.list.abs() < 0.5,
            "{few:?}"
        );
        let none = LabelWeights::fit(&[], 0);
        assert_eq!(none, LabelWeights::default());
    }
}
