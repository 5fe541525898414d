//! Candidates in, a ranked list out: the second stage, for pictures from a store and for
//! those of an evaluation alike.

use rayon::prelude::*;

use crate::activation::{Layout, embedding, layer_mses, layer_normalised};
use crate::head::{
    Alignment, CollectionMean, Features, Fused, Grid, Measure, Measured, Mode, Prepared, Ranking,
    Signal, neighbourhoods, sigmoid,
};
use crate::network::{Descriptor, Embedding};
use crate::picture::View;

/// A candidate with its score and what explains it.
#[derive(Debug, Clone)]
pub struct Scored {
    /// Its place among the candidates given.
    pub candidate: usize,
    /// Similarity, 0 to 1.
    pub score: f32,
    /// Cosine of the embeddings.
    pub cosine: f32,
    /// The mean squared error of each layer; empty where the ranking did not need it.
    pub mses: Vec<f32>,
    /// Every signal; empty where the ranking has none.
    pub values: Vec<f32>,
    /// Whether the signals that only a list has are among them.
    pub in_list: bool,
    /// What the user's labels say for it, in log-odds.
    pub labels: f32,
    /// The view of the query that was compared.
    pub view: usize,
    /// Which parts match, where it was sought.
    pub alignment: Option<Alignment>,
}

impl Scored {
    /// What being found in a turned or mirrored view takes off, in log-odds.
    pub fn turned(&self) -> f32 {
        if self.in_list && self.view > 0 {
            -TURNED_ODDS
        } else {
            0.0
        }
    }
}

/// Ranks candidates by one ranking and mode.
#[derive(Debug, Clone, Copy)]
pub struct Ranker<'a> {
    /// How blocks are laid out.
    pub layout: &'a Layout,
    /// What scores.
    pub ranking: &'a Ranking,
    /// What "alike" means.
    pub mode: Mode,
    /// What the collection's pictures have in common.
    pub centre: &'a CollectionMean,
    /// Candidates whose activations are compared; the rest of the pool tells only of
    /// neighbourhoods.
    pub rescored: usize,
}

/// Size of the pool that neighbourhoods are sought in, against the candidates scored.
const POOL: usize = 2;
/// Nearest pictures that neighbourhoods are sought among: all of them are compared with
/// each other.
const MOST_NEIGHBOURS: usize = 1_000;
/// Best candidates whose parts are compared in copy mode.
const ALIGNED: usize = 64;

impl Ranker<'_> {
    /// How many candidates a ranking wants from the index, to score `count` of them: more
    /// where it looks at neighbourhoods.
    pub fn pool(ranking: &Ranking, mode: Mode, count: usize) -> usize {
        match ranking {
            Ranking::Fused(head) if head.judges(mode).list.uses(Signal::Neighbourhood) => {
                count.saturating_mul(POOL)
            }
            _ => count,
        }
    }

    /// Ranks a pool of candidates, nearest first, by their likeness to a picture, given in
    /// one or more views (upright first). Returns those that were scored, best first.
    pub fn rank(&self, views: &[Features<'_>], pool: &[Features<'_>]) -> Vec<Scored> {
        let Some(upright) = views.first() else {
            return Vec::new();
        };
        let first: Vec<usize> = (0..self.rescored.min(pool.len())).collect();
        let mut scored = match self.ranking {
            Ranking::Embedding => first
                .iter()
                .map(|&candidate| {
                    let plain = self.plain(candidate, upright, &pool[candidate]);
                    // Cosines of pooled ReLU6 outputs are never negative.
                    let score = plain.cosine.clamp(0.0, 1.0);
                    Scored { score, ..plain }
                })
                .collect(),
            Ranking::Mse18(head) => first
                .par_iter()
                .map(|&candidate| {
                    let picture = &pool[candidate];
                    let mses = layer_mses(self.layout, upright.block, picture.block);
                    Scored {
                        score: head.score(&mses),
                        mses,
                        ..self.plain(candidate, upright, picture)
                    }
                })
                .collect(),
            Ranking::Fused(head) => self.by_signals(head, views, pool, first),
        };
        sort(&mut scored);
        scored
    }

    fn plain(&self, candidate: usize, query: &Features<'_>, picture: &Features<'_>) -> Scored {
        let of = |block| Embedding::normalized(&embedding(self.layout, block));
        Scored {
            candidate,
            score: 0.0,
            cosine: of(query.block).cosine(&of(picture.block)),
            mses: Vec::new(),
            values: Vec::new(),
            in_list: false,
            labels: 0.0,
            view: 0,
            alignment: None,
        }
    }

    fn by_signals(
        &self,
        head: &Fused,
        views: &[Features<'_>],
        pool: &[Features<'_>],
        mut chosen: Vec<usize>,
    ) -> Vec<Scored> {
        let list = &head.judges(self.mode).list;
        let measure = head.measure_for(self.mode, self.layout, self.centre);
        let mut common = Vec::new();
        if list.uses(Signal::Neighbourhood) {
            common = neighbours(measure.centre, &views[0], pool, &mut chosen);
        }
        let prepared: Vec<Prepared<'_>> = views.iter().map(|view| measure.prepare(view)).collect();
        let layers = self.layout.layers().len();
        let mut scored: Vec<Scored> = chosen
            .par_iter()
            .map(|&candidate| {
                let picture = &pool[candidate];
                let view = self.nearest_view(views, picture);
                let Measured {
                    cosine,
                    mses,
                    mut values,
                } = measure.measure(&prepared[view], picture);
                if let Some(common) = common.get(candidate) {
                    values[Signal::Neighbourhood.index(layers)] = *common;
                }
                Scored {
                    candidate,
                    score: 0.0,
                    cosine,
                    mses,
                    values,
                    in_list: true,
                    labels: 0.0,
                    view,
                    alignment: None,
                }
            })
            .collect();
        if list.uses(Signal::Local) {
            self.align(head, &measure, &prepared, pool, &mut scored);
        } else {
            let own = head.reading(self.mode, views[0].descriptor);
            for entry in &mut scored {
                let other = head.reading(self.mode, pool[entry.candidate].descriptor);
                let readings = own.as_ref().zip(other.as_ref());
                entry.labels = readings.map_or(0.0, |(own, other)| own.odds(other));
                entry.score = sigmoid(list.log_odds(&entry.values) + entry.labels);
            }
        }
        scored
    }

    /// The view whose last layer is nearest to the candidate's.
    fn nearest_view(&self, views: &[Features<'_>], picture: &Features<'_>) -> usize {
        let last = self.layout.layers().len() - 1;
        let distance =
            |view: &Features<'_>| layer_normalised(self.layout, view.block, picture.block, last);
        let distances = views.iter().map(distance).enumerate();
        let nearest = match views.len() {
            1 => None,
            _ => distances.min_by(|a, b| a.1.total_cmp(&b.1)),
        };
        nearest.map_or(0, |(view, _)| view)
    }

    /// Compares the parts of the best candidates, in whichever view they agree best; the
    /// others keep the order that they have without.
    fn align(
        &self,
        head: &Fused,
        measure: &Measure<'_>,
        views: &[Prepared<'_>],
        candidates: &[Features<'_>],
        scored: &mut [Scored],
    ) {
        let local = Signal::Local.index(self.layout.layers().len());
        let judges = head.judges(self.mode);
        for entry in scored.iter_mut() {
            entry.score = sigmoid(judges.pair.log_odds(&entry.values));
            entry.in_list = false;
        }
        sort(scored);
        let grid = |block| Grid::of(self.layout, head.scaler(), block);
        let grids: Vec<Grid> = views.iter().map(|view| grid(view.block())).collect();
        let aligned = ALIGNED.min(scored.len());
        let (best, rest) = scored.split_at_mut(aligned);
        best.par_iter_mut().for_each(|entry| {
            let picture = &candidates[entry.candidate];
            let other = grid(picture.block);
            let found = grids.iter().map(|own| own.align(&other)).enumerate();
            let worth = |(view, found): &(usize, Alignment)| match view {
                0 => found.agreement,
                _ => found.agreement - TURNED_AGREEMENT,
            };
            let Some((view, found)) = found.max_by(|a, b| worth(a).total_cmp(&worth(b))) else {
                return;
            };
            if view != entry.view {
                let measured = measure.measure(&views[view], picture);
                entry.view = view;
                entry.values = measured.values;
                entry.mses = measured.mses;
            }
            entry.values[local] = found.agreement;
            entry.in_list = true;
            entry.alignment = Some(upright(found, view));
            entry.score = sigmoid(judges.list.log_odds(&entry.values) + entry.turned());
        });
        let least = best.iter().map(|entry| entry.score).fold(1.0, f32::min);
        for entry in rest {
            entry.score = entry.score.min(least);
        }
    }
}

/// What the query's neighbourhood and each of the pool's have in common; chooses those for
/// scoring whose descriptors and neighbourhoods together are nearest.
fn neighbours(
    centre: &CollectionMean,
    query: &Features<'_>,
    pool: &[Features<'_>],
    chosen: &mut Vec<usize>,
) -> Vec<f32> {
    let centred: Vec<Descriptor> = [query]
        .into_iter()
        .chain(pool)
        .map(|picture| picture.descriptor.from_centre(&centre.descriptor))
        .collect();
    let among = pool.len().min(MOST_NEIGHBOURS);
    let mut common = neighbourhoods(&centred[..=among]);
    common.resize(pool.len(), 0.0);
    let near: Vec<f32> = common
        .iter()
        .zip(&centred[1..])
        .map(|(common, descriptor)| common + centred[0].cosine(descriptor))
        .collect();
    let count = chosen.len();
    *chosen = (0..pool.len()).collect();
    chosen.sort_by(|a, b| near[*b].total_cmp(&near[*a]).then(a.cmp(b)));
    chosen.truncate(count);
    common
}

/// An alignment found in one of the query's views, told of the query as it is.
pub(super) fn upright(found: Alignment, view: usize) -> Alignment {
    let view = View::ALL.get(view).copied().unwrap_or(View::Upright);
    Alignment {
        query: found.query.upright(view),
        ..found
    }
}

/// Few copies are mirrored or turned, and five views have five chances to agree: a view that
/// is not upright must agree by this much more to be taken ...
const TURNED_AGREEMENT: f32 = 0.03;
/// ... and counts this much less, in log-odds.
const TURNED_ODDS: f32 = 0.5;

fn sort(scored: &mut [Scored]) {
    scored.sort_by(|a, b| {
        b.score
            .total_cmp(&a.score)
            .then(b.cosine.total_cmp(&a.cosine))
            .then(a.candidate.cmp(&b.candidate))
    });
}

/// The similarity of a pair alone, with what was measured.
pub fn score_pair(
    layout: &Layout,
    ranking: &Ranking,
    mode: Mode,
    a: Features<'_>,
    b: Features<'_>,
) -> Scored {
    score_views(layout, ranking, mode, &[a], b)
}

/// The same, the first picture in one or more views, upright first.
///
/// # Panics
/// If there is no view.
pub fn score_views(
    layout: &Layout,
    ranking: &Ranking,
    mode: Mode,
    views: &[Features<'_>],
    b: Features<'_>,
) -> Scored {
    let centre = CollectionMean::default();
    match ranking {
        // A copy is one whatever else there is; of the other modes a list knows more.
        Ranking::Fused(head) if mode != Mode::Copy => {
            let a = &views[0];
            let measure = head.measure(layout, &centre);
            let measured = measure.measure(&measure.prepare(a), &b);
            let read = |picture: &Features<'_>| head.reading(mode, picture.descriptor);
            let labels = read(a).zip(read(&b)).map_or(0.0, |(a, b)| a.odds(&b));
            let odds = head.judges(mode).pair.log_odds(&measured.values);
            Scored {
                candidate: 0,
                score: sigmoid(odds + labels),
                cosine: measured.cosine,
                mses: measured.mses,
                values: measured.values,
                in_list: false,
                labels,
                view: 0,
                alignment: None,
            }
        }
        _ => {
            let ranker = Ranker {
                layout,
                ranking,
                mode,
                centre: &centre,
                rescored: 1,
            };
            let mut scored = ranker.rank(views, &[b]).swap_remove(0);
            scored.mses = layer_mses(layout, views[scored.view].block, b.block);
            scored
        }
    }
}
