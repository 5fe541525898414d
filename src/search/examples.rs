//! Ranking by several examples.

use super::rank::{Candidates, Ranker, Scored};
use crate::head::{Features, logit, sigmoid};

/// Ranks candidates by their similarity to all of `wanted` and none of `unwanted`,
/// each picture in one or more views: the mean of the log-odds of those wanted, less what
/// the likest of those unwanted has above even odds.
pub(super) fn rank_by_examples(
    ranker: &Ranker<'_>,
    wanted: &[Vec<Features<'_>>],
    unwanted: &[Vec<Features<'_>>],
    candidates: &(impl Candidates + ?Sized),
) -> Vec<Scored> {
    if let ([views], []) = (wanted, unwanted) {
        return ranker.rank(views, candidates);
    }
    // A candidate counts only if it was compared with all.
    let ranker = &Ranker {
        rescored: candidates.len(),
        ..*ranker
    };
    let mut sums = vec![0f32; candidates.len()];
    let mut shown: Vec<Option<Scored>> = vec![None; candidates.len()];
    for views in wanted {
        for entry in ranker.rank(views, candidates) {
            sums[entry.candidate] += logit(entry.score) / wanted.len() as f32;
            let best = &mut shown[entry.candidate];
            if best.as_ref().is_none_or(|best| entry.score > best.score) {
                *best = Some(entry);
            }
        }
    }
    let mut against = vec![0f32; candidates.len()];
    for views in unwanted {
        for entry in ranker.rank(views, candidates) {
            let odds = &mut against[entry.candidate];
            *odds = odds.max(logit(entry.score));
        }
    }
    let mut all: Vec<Scored> = shown.into_iter().flatten().collect();
    for entry in &mut all {
        let odds = sums[entry.candidate] - against[entry.candidate];
        entry.score = sigmoid(odds);
    }
    all.sort_by(|a, b| {
        b.score
            .total_cmp(&a.score)
            .then(a.candidate.cmp(&b.candidate))
    });
    all
}
