//! The scores at which a share of the results is right.

use super::list_rows::ListRows;
use crate::head::{Calibration, Thresholds, sigmoid};

/// The lowest scores at or above which 90 % and 99 % of the results are right.
pub fn thresholds(scored: &[(f32, bool)]) -> Thresholds {
    let mut sorted = scored.to_vec();
    sorted.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut right, mut thresholds) = (0usize, Thresholds::default());
    for (i, (score, same)) in sorted.iter().enumerate() {
        right += usize::from(*same);
        // Results of equal score pass or fail together.
        if sorted.get(i + 1).is_some_and(|next| next.0 == *score) {
            continue;
        }
        let precision = right as f64 / (i + 1) as f64;
        if precision >= 0.9 {
            thresholds.precision_90 = Some(*score);
        }
        if precision >= 0.99 {
            thresholds.precision_99 = Some(*score);
        }
    }
    thresholds
}

/// The most of the queries with nothing right in the store that may have any result at a threshold,
/// in stores that are large and in those that are not.
const MOST_ANSWERLESS: f64 = 0.02;
const LARGE: usize = 300;

/// The same of lists, over which all domains count alike. At neither may more than one in fifty
/// of the queries without an answer have a result; so the first is often more precise than it
/// promises.
pub(super) fn list_thresholds(calibration: &Calibration, rows: &ListRows) -> Thresholds {
    let scores: Vec<f32> = rows
        .features
        .iter()
        .map(|row| sigmoid(calibration.log_odds(row)))
        .collect();
    let lists = rows.shown();
    let answerless: Vec<&Vec<usize>> = lists
        .iter()
        .filter(|list| list.iter().all(|&row| !rows.same[row]))
        .collect();
    let allowed = |large: bool| {
        let of_size = answerless.iter();
        let of_size = of_size.filter(|list| {
            let first = list.first();
            first.is_some_and(|&row| (rows.stores[row] >= LARGE) == large)
        });
        let highest = of_size.map(|list| list.iter().map(|&row| scores[row]).fold(0.0, f32::max));
        exceeded_by(highest.collect(), MOST_ANSWERLESS)
    };
    let least = allowed(true).max(allowed(false));
    let weights = rows.balanced();
    let mut shown: Vec<usize> = lists.into_iter().flatten().collect();
    shown.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    let (mut right, mut all, mut found) = (0f32, 0f32, Thresholds::default());
    for row in shown {
        all += weights[row];
        right += if rows.same[row] { weights[row] } else { 0.0 };
        if scores[row] <= least {
            break;
        }
        if right >= 0.9 * all {
            found.precision_90 = Some(scores[row]);
        }
        if right >= 0.99 * all {
            found.precision_99 = Some(scores[row]);
        }
    }
    found
}

/// What no more than a share of the values exceed; 0 of none.
fn exceeded_by(mut values: Vec<f32>, share: f64) -> f32 {
    values.sort_by(|a, b| b.total_cmp(a));
    let allowed = (values.len() as f64 * share) as usize;
    values.get(allowed).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_the_values_exceeds_a_value() {
        let values: Vec<f32> = (0..100u8).map(f32::from).collect();
        assert_eq!(exceeded_by(values.clone(), 0.02), 97.0);
        assert_eq!(exceeded_by(values, 0.0), 99.0);
        assert_eq!(exceeded_by(Vec::new(), 0.02), 0.0);
    }

    #[test]
    fn thresholds_are_the_lowest_scores_of_a_precision() {
        // 99 right, a wrong one, ten right, five wrong ones.
        let mut scored: Vec<(f32, bool)> = (0..99).map(|i| (0.9 - i as f32 * 1e-3, true)).collect();
        scored.push((0.5, false));
        scored.extend((0..10).map(|i| (0.4 - i as f32 * 1e-3, true)));
        scored.extend((0..15).map(|i| (0.2 - i as f32 * 1e-3, false)));
        let found = thresholds(&scored);
        assert!((found.precision_99.unwrap() - 0.391).abs() < 1e-5);
        assert!((found.precision_90.unwrap() - 0.19).abs() < 2e-3);
        assert_eq!(thresholds(&[(0.5, false)]), Thresholds::default());
    }
}
