//! One pair: its score, and what the score is made of.

use std::convert::Infallible;

use super::exact::exact_or;
use super::explanation::{Explanation, Facts, Names, PairDistances, UnlikePairs};
use super::rank::{Scored, score_views, upright};
use super::result::{Comparison, Evidence, Layers};
use super::verification::{Claim, verify};
use crate::activation::{Layout, Measurement};
use crate::head::{Alignment, Features, Grid, Mode, Ranking, Signal};
use crate::picture::View as PictureView;
use crate::store::NewPicture;

/// The report's core: one similarity for two pictures, the first in one or more views,
/// upright first.
///
/// # Panics
/// If there is no view.
pub fn compare(
    layout: &Layout,
    ranking: &Ranking,
    mode: Mode,
    views: &[NewPicture],
    b: &NewPicture,
) -> Comparison {
    let is_same = views[0].id == b.id;
    let (upright, other) = (&views[0], b);
    let views: Vec<Features<'_>> = views.iter().map(|p| p.features(layout)).collect();
    let b = b.features(layout);
    let mut scored = score_views(ranking, mode, &views, b);
    if let Some(claim) = Claim::of(ranking, mode).filter(|_| !is_same) {
        let preview = |_: &Scored| Ok::<_, Infallible>(Some(other.into()));
        let one = std::slice::from_mut(&mut scored);
        let Ok(()) = verify(claim, &upright.into(), one, preview);
    }
    scored.score = exact_or(is_same, scored.score);
    let view = &views[scored.view];
    let alignment = alignment(ranking, &scored, view, &b);
    let distances = PairDistances::of(view.activations, b.activations);
    let base_rate = match ranking {
        Ranking::Fused(head) => Some(head.training().base_rate),
        Ranking::Mse18(_) | Ranking::Embedding => None,
    };
    let estimated = is_estimate(Some(view), &b);
    Comparison {
        score: scored.score,
        estimated,
        base_rate,
        cosine: scored.cosine,
        layers: named(layout, &scored.mses),
        evidence: evidence(layout, ranking, mode, &scored),
        explanation: explanation(
            layout,
            (ranking, mode),
            &scored,
            &distances,
            alignment,
            PAIR,
        ),
        alignment,
    }
}

/// Whether no more than a sketch is kept of one of two pictures. Of several that are asked for together
/// each is compared with the candidate.
pub(super) fn is_estimate(view: Option<&Features<'_>>, candidate: &Features<'_>) -> bool {
    let candidate = candidate.activations;
    let compares = match view {
        Some(view) => view.activations.compares(candidate),
        None => candidate.compares(candidate),
    };
    compares == Measurement::Estimated
}

/// Which parts of the query, in the view that was compared, and of a candidate match.
pub(super) fn alignment(
    ranking: &Ranking,
    scored: &Scored,
    view: &Features<'_>,
    candidate: &Features<'_>,
) -> Option<Alignment> {
    scored.alignment.or_else(|| {
        let Ranking::Fused(head) = ranking else {
            return None;
        };
        let (view, candidate) = view.activations.in_common(candidate.activations);
        let grid = |activations| Grid::of(head.scaler(), activations);
        let found = grid(view)?.align(&grid(candidate)?);
        Some(upright(found, scored.view))
    })
}

/// What pictures are called in explanations of results ...
pub(super) const RESULT: Names<'_> = Names {
    query: "your picture",
    other: "it",
};
/// ... and of comparisons.
const PAIR: Names<'_> = Names {
    query: "the first",
    other: "the second",
};

pub(super) fn explanation(
    layout: &Layout,
    (ranking, mode): (&Ranking, Mode),
    scored: &Scored,
    distances: &PairDistances,
    alignment: Option<Alignment>,
    names: Names<'_>,
) -> Explanation {
    let looked_at = match ranking {
        Ranking::Fused(head) => {
            scored.in_list && head.scorers(mode).list.uses(Signal::Neighbourhood)
        }
        Ranking::Mse18(_) | Ranking::Embedding => false,
    };
    let place = Signal::Neighbourhood.index(layout.layers().len());
    let facts = Facts {
        is_same: scored.score >= 1.0,
        distances,
        neighbours: scored.values.get(place).copied().filter(|_| looked_at),
        view: PictureView::ALL
            .get(scored.view)
            .copied()
            .unwrap_or(PictureView::Upright),
        alignment,
        names,
    };
    Explanation::of(&facts, UnlikePairs::shipped(layout))
}

pub(super) fn evidence(
    layout: &Layout,
    ranking: &Ranking,
    mode: Mode,
    scored: &Scored,
) -> Option<Evidence> {
    let Ranking::Fused(head) = ranking else {
        return None;
    };
    if let Some(odds) = scored.look {
        return Some(Evidence(vec![("look".to_owned(), odds)]));
    }
    let scorers = head.scorers(mode);
    let mut all = match (scored.in_list, scored.features.is_empty()) {
        (true, false) => head.list_evidence(layout, &scored.values, &scored.features),
        (true, true) => scorers.list.evidence(layout, &scored.values),
        (false, _) => scorers.pair.evidence(layout, &scored.values),
    };
    let others = [
        ("labels", scored.labels),
        ("pairs", scored.pairs),
        ("turned", scored.turned()),
        ("pixels", scored.pixels),
    ];
    let others = others.into_iter().filter(|(_, odds)| *odds != 0.0);
    all.extend(others.map(|(name, odds)| (name.to_owned(), odds)));
    Some(Evidence(all))
}

pub(super) fn named(layout: &Layout, mses: &[f32]) -> Layers {
    let names = layout.layers().iter().map(|layer| layer.name.clone());
    Layers(names.zip(mses.iter().copied()).collect())
}
