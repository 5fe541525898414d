//! The scores at which a share of the results is right.

use crate::head::Thresholds;

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

#[cfg(test)]
mod tests {
    use super::*;

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
