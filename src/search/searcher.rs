use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::rank::{Ranker, Scored, score_pair, score_views, upright};
use super::rescore::{load, load_one, rank_by_examples};
use super::result::{Comparison, Evidence, Layers, QueryResult, ResultEntry, Timing};
use crate::activation::{Activations, Layout};
use crate::canonical_url::CanonicalUrl;
use crate::head::{Alignment, CollectionMean, Features, Grid, Mode, Ranking};
use crate::index::{Candidate, Index};
use crate::network::Embedding;
use crate::picture::PictureId;
use crate::store::{NewPicture, Sequence, Store, StoreError};

/// What to search for and how much.
#[derive(Debug, Clone)]
pub struct SearchOptions {
    /// Results wanted.
    pub k: usize,
    /// Candidates taken from the index.
    pub candidates: usize,
    /// Only pictures seen on this host.
    pub host: Option<String>,
    /// Only results of at least this score.
    pub min_score: f32,
    /// What "alike" means.
    pub mode: Mode,
    /// Whether the parts that match are sought for every result.
    pub explain: bool,
    /// Whether near-copies are results of their own; otherwise one stands for all.
    pub all_copies: bool,
}

/// A search failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SearchError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is asked for: pictures, each in one or more views (upright first).
#[derive(Debug)]
pub struct Query<'a> {
    /// As it was given: a path or a URL.
    pub name: &'a str,
    /// Pictures that results should be like.
    pub wanted: &'a [Vec<NewPicture>],
    /// Pictures that results should not be like.
    pub unwanted: &'a [Vec<NewPicture>],
    /// How long preparing them took.
    pub features_took: Duration,
}

/// A store with its index and a ranking, ready for queries.
pub struct Searcher<'a> {
    pub(super) store: &'a Store,
    pub(super) index: &'a Index,
    pub(super) ranking: &'a Ranking,
    pub(super) options: &'a SearchOptions,
    pub(super) centre: CollectionMean,
    /// Whether each candidate is scored as a pair with the query alone.
    alone: bool,
}

/// Pictures from which the store's centre is taken.
const SAMPLE: usize = 1_024;

impl<'a> Searcher<'a> {
    /// Puts the parts together, and finds what the store's pictures have in common.
    ///
    /// # Errors
    /// If the store fails.
    pub fn new(
        store: &'a Store,
        index: &'a Index,
        ranking: &'a Ranking,
        options: &'a SearchOptions,
    ) -> Result<Self, SearchError> {
        let centre = match ranking {
            Ranking::Fused(_) => centre(store)?,
            Ranking::Mse18(_) | Ranking::Embedding => CollectionMean::default(),
        };
        Ok(Self {
            store,
            index,
            ranking,
            options,
            centre,
            alone: false,
        })
    }

    /// Scores each picture by itself, whatever else the store holds: as when it came.
    #[must_use]
    pub fn alone(self) -> Self {
        Self {
            alone: true,
            ..self
        }
    }

    /// Ranks the stored pictures by their likeness to what is asked for.
    ///
    /// # Errors
    /// If the store fails.
    pub fn search(&self, query: &Query<'_>) -> Result<QueryResult, SearchError> {
        let started = Instant::now();
        let (candidates, rescored) = self.candidates(query.wanted);
        let pruned = Instant::now();
        let loaded = load(self.store, &candidates)?;
        let layout = self.store.layout();
        let subjects: Vec<Features<'_>> = loaded.iter().map(|p| p.features(layout)).collect();
        let ranker = Ranker {
            ranking: self.ranking,
            mode: self.options.mode,
            mean: &self.centre,
            rescored,
        };
        let (wanted, unwanted) = (views(query.wanted, layout), views(query.unwanted, layout));
        let scored = match wanted.as_slice() {
            [views] if self.alone => self.pairs(&views[0], &subjects),
            _ => rank_by_examples(&ranker, &wanted, &unwanted, &subjects),
        };
        let rescored = Instant::now();
        // Of several, no one's parts explain a result.
        let only = match wanted.as_slice() {
            [views] => Some(views),
            _ => None,
        };
        let first = query.wanted.first().and_then(|views| views.first());
        let results = scored
            .into_iter()
            .filter(|scored| scored.score >= self.options.min_score)
            .take(self.options.k)
            .enumerate()
            .map(|(i, scored)| {
                let id = loaded[scored.candidate].id;
                let subject = &subjects[scored.candidate];
                self.entry(i + 1, id, scored, only, subject)
            })
            .collect::<Result<Vec<_>, StoreError>>()?;
        let ms = |duration: Duration| duration.as_secs_f64() * 1e3;
        Ok(QueryResult {
            query: query.name.to_owned(),
            results,
            timing_ms: Timing {
                features: ms(query.features_took),
                candidates: ms(pruned - started),
                rescore: ms(rescored - pruned),
                total: ms(query.features_took + started.elapsed()),
            },
            thumbnail: first.map_or_else(Vec::new, |picture| picture.thumbnail.clone()),
            size: first.map_or((1, 1), |picture| (picture.width, picture.height)),
        })
    }

    /// Candidates by their score as a pair with the query, best first.
    fn pairs(&self, query: &Features<'_>, candidates: &[Features<'_>]) -> Vec<Scored> {
        let score = |(candidate, picture): (usize, &Features<'_>)| Scored {
            candidate,
            ..score_pair(self.ranking, self.options.mode, *query, *picture)
        };
        let mut scored: Vec<Scored> = candidates.iter().enumerate().map(score).collect();
        scored.sort_by(|a, b| b.score.total_cmp(&a.score));
        scored
    }

    /// What the index proposes for any view of any picture wanted, nearest first, and how
    /// many of them are to be scored.
    fn candidates(&self, wanted: &[Vec<NewPicture>]) -> (Vec<Candidate>, usize) {
        let accept = |sequence| self.accepts(sequence);
        let scored = self.options.candidates.max(self.options.k);
        let count = Ranker::pool(self.ranking, self.options.mode, scored);
        let mut best: HashMap<Sequence, f32> = HashMap::new();
        for picture in wanted.iter().flatten() {
            for found in self.index.search(&picture.descriptor, count, &accept) {
                let cosine = best.entry(found.sequence).or_insert(found.cosine);
                *cosine = cosine.max(found.cosine);
            }
        }
        let mut all: Vec<Candidate> = best
            .into_iter()
            .map(|(sequence, cosine)| Candidate { sequence, cosine })
            .collect();
        all.sort_by(|a, b| {
            b.cosine
                .total_cmp(&a.cosine)
                .then(a.sequence.cmp(&b.sequence))
        });
        if wanted.len() > 1 {
            // Each of them is scored against all wanted.
            all.truncate(count);
        }
        if !self.options.all_copies {
            return (all, scored);
        }
        (self.copies_of(&all), usize::MAX)
    }

    /// The host filter. An unreadable record is not filtered in; `verify` names it.
    pub(super) fn accepts(&self, sequence: Sequence) -> bool {
        let Some(host) = &self.options.host else {
            return true;
        };
        let provenance = self
            .store
            .picture_at(sequence)
            .and_then(|id| id.map(|id| self.store.provenance(id)).transpose());
        let on_host =
            |url: &String| CanonicalUrl::parse(url).is_ok_and(|url| url.host() == host.as_str());
        match provenance {
            Ok(Some(provenance)) => {
                provenance.urls.iter().any(on_host)
                    || provenance.pages.iter().any(|page| on_host(&page.url))
            }
            _ => false,
        }
    }

    pub(super) fn entry(
        &self,
        rank: usize,
        id: PictureId,
        scored: Scored,
        query: Option<&Vec<Features<'_>>>,
        candidate: &Features<'_>,
    ) -> Result<ResultEntry, StoreError> {
        let layout = self.store.layout();
        let record = self
            .store
            .picture(id)?
            .ok_or(StoreError::Unreadable { tree: "pictures" })?;
        let provenance = self.store.provenance(id)?;
        let view = query.and_then(|views| views.get(scored.view));
        let mses = match (scored.mses.is_empty(), view) {
            (true, Some(view)) => view.activations.mses(candidate.activations),
            _ => scored.mses.clone(),
        };
        let alignment = match (self.options.explain, view) {
            (true, Some(view)) => alignment(self.ranking, &scored, view, candidate),
            _ => None,
        };
        Ok(ResultEntry {
            rank,
            score: scored.score,
            id: id.to_string(),
            urls: provenance.urls,
            pages: provenance.pages,
            path: provenance.paths.into_iter().next(),
            width: record.width,
            height: record.height,
            cosine: scored.cosine,
            layers: named(layout, &mses),
            evidence: evidence(layout, self.ranking, self.options.mode, &scored),
            alignment,
            copies: self.copies(Sequence(record.sequence))?,
            thumbnail: self.store.thumbnail(id)?.unwrap_or_default(),
        })
    }
}

fn views<'a>(pictures: &'a [Vec<NewPicture>], layout: &'a Layout) -> Vec<Vec<Features<'a>>> {
    let all = pictures.iter();
    all.map(|views| views.iter().map(|p| p.features(layout)).collect())
        .collect()
}

/// What the store's pictures have in common, from a sample spread over all of them.
fn centre(store: &Store) -> Result<CollectionMean, StoreError> {
    let total = store.next_sequence();
    let step = (total / SAMPLE as u64).max(1);
    let mut sample = Vec::new();
    for sequence in (0..total).step_by(usize::try_from(step).unwrap_or(usize::MAX)) {
        if let Some(picture) = load_one(store, Sequence(sequence))? {
            let subject = picture.features(store.layout());
            let embedding = subject.activations.embedding();
            sample.push((
                Embedding::normalized(&embedding),
                subject.descriptor.clone(),
            ));
        }
    }
    Ok(CollectionMean::of(sample.iter().map(|(e, d)| (e, d))))
}

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
    let subjects: Vec<Features<'_>> = views.iter().map(|p| p.features(layout)).collect();
    let scored = score_views(ranking, mode, &subjects, b.features(layout));
    let b = b.features(layout);
    let alignment = alignment(ranking, &scored, &subjects[scored.view], &b);
    Comparison {
        score: scored.score,
        cosine: scored.cosine,
        layers: named(layout, &scored.mses),
        evidence: evidence(layout, ranking, mode, &scored),
        alignment,
    }
}

/// Which parts of the query, in the view that was compared, and of a candidate match.
fn alignment(
    ranking: &Ranking,
    scored: &Scored,
    view: &Features<'_>,
    candidate: &Features<'_>,
) -> Option<Alignment> {
    scored.alignment.or_else(|| {
        let Ranking::Fused(head) = ranking else {
            return None;
        };
        let grid = |picture: &Features<'_>| Grid::of(head.scaler(), picture.activations);
        let found = grid(view)?.align(&grid(candidate)?);
        Some(upright(found, scored.view))
    })
}

fn evidence(layout: &Layout, ranking: &Ranking, mode: Mode, scored: &Scored) -> Option<Evidence> {
    let Ranking::Fused(head) = ranking else {
        return None;
    };
    let scorers = head.scorers(mode);
    let scorer = match scored.in_list {
        true => &scorers.list,
        false => &scorers.pair,
    };
    let mut all = scorer.evidence(layout, &scored.values);
    let others = [("labels", scored.labels), ("turned", scored.turned())];
    let others = others.into_iter().filter(|(_, odds)| *odds != 0.0);
    all.extend(others.map(|(name, odds)| (name.to_owned(), odds)));
    Some(Evidence(all))
}

fn named(layout: &Layout, mses: &[f32]) -> Layers {
    let names = layout.layers().iter().map(|layer| layer.name.clone());
    Layers(names.zip(mses.iter().copied()).collect())
}

impl NewPicture {
    /// The picture as the second stage sees it; `layout` is the one it was stored by.
    pub fn features<'a>(&'a self, layout: &'a Layout) -> Features<'a> {
        Features {
            activations: Activations::new(layout, &self.block),
            descriptor: &self.descriptor,
            hash: self.perceptual_hash,
        }
    }
}
