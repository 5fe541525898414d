//! Two pictures alone.

use super::ranker::{Ranker, with};
use super::scored::Scored;
use crate::head::{Calibration, CollectionMean, Features, Mode, Ranking, sigmoid};

/// The similarity of a pair alone, with what was measured.
pub fn score_pair(ranking: &Ranking, mode: Mode, a: Features<'_>, b: Features<'_>) -> Scored {
    score_views(ranking, mode, &[a], b)
}

/// The same, the first picture in one or more views, upright first.
///
/// # Panics
/// If there is no view.
pub fn score_views(
    ranking: &Ranking,
    mode: Mode,
    views: &[Features<'_>],
    b: Features<'_>,
) -> Scored {
    let own = |pictures| ranking.descriptors(pictures);
    match own(views).zip(own(&[b])) {
        Some((of_views, of_b)) => {
            score_described(ranking, mode, &with(views, &of_views), with(&[b], &of_b)[0])
        }
        None => score_described(ranking, mode, views, b),
    }
}

fn score_described(
    ranking: &Ranking,
    mode: Mode,
    views: &[Features<'_>],
    b: Features<'_>,
) -> Scored {
    let mean = CollectionMean::default();
    let ranker = Ranker {
        ranking,
        mode,
        mean: &mean,
        pictures: 1,
        rescored: 1,
    };
    match ranking {
        // A copy is one whatever else there is, and so are looks; of the same subject a list
        // knows more.
        Ranking::Fused(head)
            if mode != Mode::Copy && ranker.look_odds(&views[..1], &[b][..]).is_none() =>
        {
            let a = &views[0];
            let measure = head.measure(&mean);
            let measured = measure.measure(&measure.prepare(a), &b);
            let of = |picture: &Features<'_>| head.class_probabilities(mode, picture.descriptor);
            let labels = of(a).zip(of(&b)).map_or(0.0, |(a, b)| a.odds(&b));
            let odds = head.scorers(mode).pair.log_odds(&measured.values);
            let calibration = head.calibration(mode);
            let is_plain = |c: &Calibration| [a, &b].iter().any(|it| c.is_plain(it.activations));
            let ceiling = Calibration::ceiling(calibration.is_some_and(is_plain));
            Scored {
                score: sigmoid(odds + labels).min(ceiling),
                labels,
                ..Scored::of_measured(0, measured, 0)
            }
        }
        _ => {
            let mut scored = ranker.rank(views, &[b][..]).swap_remove(0);
            scored.mses = views[scored.view].activations.mses(b.activations);
            scored
        }
    }
}
