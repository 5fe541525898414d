//! Where the parts of a query and of its best candidates match.

use rayon::prelude::*;

use super::candidates::Candidates;
use super::ranker::Ranker;
use super::scored::{Scored, sort};
use crate::activation::Activations;
use crate::head::{Alignment, Fused, Grid, Measure, Prepared, Signal, sigmoid};
use crate::picture::View;

/// Best candidates whose parts are compared in copy mode.
const ALIGNED: usize = 64;

/// Few copies are mirrored or turned, and five views have five chances to agree: a view that
/// is not upright must agree by this much more to be taken.
const TURNED_AGREEMENT: f32 = 0.03;

impl Ranker<'_> {
    /// Compares the parts of the best candidates, in whichever view they agree best; the
    /// others keep the order that they have without, and so do all where the codec does not
    /// keep what parts are compared by.
    pub(super) fn align(
        &self,
        head: &Fused,
        measure: &Measure<'_>,
        views: &[Prepared<'_>],
        candidates: &(impl Candidates + ?Sized),
        scored: &mut [Scored],
    ) {
        let scorers = head.scorers(self.mode);
        for entry in scored.iter_mut() {
            entry.score = sigmoid(scorers.pair.log_odds(&entry.values));
        }
        sort(scored);
        let grid = |activations: Activations<'_>| Grid::of(head.scaler(), activations);
        let Some(grids) = Grids::of(views, &grid) else {
            return;
        };
        let local = Signal::Local.index(measure.layers());
        let aligned = ALIGNED.min(scored.len());
        let (best, rest) = scored.split_at_mut(aligned);
        best.par_iter_mut().for_each(|entry| {
            let Some(picture) = candidates.features(entry.candidate) else {
                return;
            };
            let Some((view, found)) = grids.align(picture.activations, &grid) else {
                return;
            };
            if view != entry.view {
                let measured = measure.measure(&views[view], &picture);
                entry.view = view;
                entry.values = measured.values;
                entry.mses = measured.mses;
            }
            entry.values[local] = found.agreement;
            entry.in_list = true;
            entry.alignment = Some(upright(found, view));
            entry.score = sigmoid(scorers.list.log_odds(&entry.values) + entry.turned());
        });
        let least = best.iter().map(|entry| entry.score).fold(1.0, f32::min);
        for entry in rest {
            entry.score = entry.score.min(least);
        }
    }
}

/// Makes the grid of a picture.
type ToGrid<'f> = dyn Fn(Activations<'_>) -> Option<Grid> + Sync + 'f;

/// The grids of a query's views.
struct Grids<'a> {
    of: Activations<'a>,
    views: Vec<Grid>,
    /// Those that are compared with candidates of which no more than a sketch is kept, where more is of
    /// the query.
    sketches: Option<Vec<Grid>>,
}

impl<'a> Grids<'a> {
    /// `None` where the codec keeps none.
    fn of(views: &[Prepared<'a>], grid: &ToGrid<'_>) -> Option<Self> {
        let sketches = views.iter().map(|view| grid(view.activations().sketch()?));
        let sketches = sketches.collect();
        let of = views.first()?.activations();
        let views = views.iter().map(|view| grid(view.activations()));
        Some(Self {
            of,
            views: views.collect::<Option<_>>()?,
            sketches,
        })
    }

    /// The view that agrees best with a candidate, and how.
    fn align(&self, candidate: Activations<'_>, grid: &ToGrid<'_>) -> Option<(usize, Alignment)> {
        let (_, candidate) = self.of.in_common(candidate);
        let other = grid(candidate)?;
        match &self.sketches {
            Some(sketches) if !candidate.layout().keeps_values() => best_view(sketches, &other),
            _ => best_view(&self.views, &other),
        }
    }
}

/// The view of the query that agrees best with a candidate.
fn best_view(views: &[Grid], candidate: &Grid) -> Option<(usize, Alignment)> {
    let found = views.iter().map(|view| view.align(candidate)).enumerate();
    let worth = |(view, found): &(usize, Alignment)| match view {
        0 => found.agreement,
        _ => found.agreement - TURNED_AGREEMENT,
    };
    found.max_by(|a, b| worth(a).total_cmp(&worth(b)))
}

/// An alignment found in one of the query's views, told of the query as it is.
pub(in crate::search) fn upright(found: Alignment, view: usize) -> Alignment {
    let view = View::ALL.get(view).copied().unwrap_or(View::Upright);
    Alignment {
        query: found.query.upright(view),
        ..found
    }
}
