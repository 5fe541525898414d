//! Prune, re-score, explain.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use rayon::prelude::*;

use super::comparison::{RESULT, alignment, evidence, explanation, is_estimate, named};
use super::exact::exact_or;
use super::examples::rank_by_examples;
use super::explanation::PairDistances;
use super::options::SearchOptions;
use super::pool::{Pool, Unread, Wanted};
use super::rank::{Candidates, Ranker, Scored, score_pair};
use super::result::{QueryResult, ResultEntry, Timing};
use super::selected::Selected;
use super::verification::{Claim, Preview, verify};
use super::view::View;
use crate::activation::{Activations, Layout};
use crate::head::{CollectionMean, Features, Mode, Ranking};
use crate::index::Candidate;
use crate::local_path::LocalPath;
use crate::picture::PictureId;
use crate::store::{NewPicture, Sequence, Store, StoreError};

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

/// Of heads that take no mean off.
static NO_MEAN: LazyLock<CollectionMean> = LazyLock::new(CollectionMean::default);

/// A collection at one moment with a ranking, ready for queries. Cheap to make.
#[derive(Clone)]
pub struct Searcher {
    pub(super) store: Arc<Store>,
    pub(super) view: View,
    pub(super) ranking: Arc<Ranking>,
}

impl Searcher {
    /// Puts the parts together. The fused head needs a view with a mean.
    pub fn new(store: Arc<Store>, view: View, ranking: Arc<Ranking>) -> Self {
        Self {
            store,
            view,
            ranking,
        }
    }

    /// How `options` rank, `rescored` of the candidates by their activations.
    pub(super) fn ranker(&self, options: &SearchOptions, rescored: usize) -> Ranker<'_> {
        Ranker {
            ranking: &self.ranking,
            mode: options.mode,
            mean: match *self.ranking {
                Ranking::Fused(_) => self.view.mean.as_deref().unwrap_or(&NO_MEAN),
                Ranking::Mse18(_) | Ranking::Embedding => &NO_MEAN,
            },
            pictures: self.view.len(),
            rescored,
        }
    }

    /// Ranks the stored pictures by their similarity to what is asked for.
    ///
    /// # Errors
    /// If the store fails.
    pub fn search(
        &self,
        query: &Query<'_>,
        options: &SearchOptions,
    ) -> Result<QueryResult, SearchError> {
        let started = Instant::now();
        let mut unread = Unread::default();
        let selected = Selected::of(&self.store, &options.filter)?;
        let (candidates, rescored) =
            self.candidates(query.wanted, options, &selected, &mut unread)?;
        let pruned = Instant::now();
        let proposed: Vec<Sequence> = candidates.iter().map(|c| c.sequence).collect();
        let pool = self.pool(&proposed, query.wanted, options)?;
        pool.will_need(rescored);
        let layout = self.store.layout();
        let ranker = self.ranker(options, rescored);
        let (wanted, unwanted) = (views(query.wanted, layout), views(query.unwanted, layout));
        let mut scored = match wanted.as_slice() {
            [views] if options.alone => self.pairs(&views[0], &pool, options.mode),
            _ => rank_by_examples(&ranker, &wanted, &unwanted, &pool),
        };
        // Of several, no one's bytes decide.
        let only = match (query.wanted, query.unwanted) {
            ([views], []) => views.first(),
            _ => None,
        };
        let is_same = |entry: &Scored| {
            only.is_some_and(|picture| Some(picture.id) == pool.id(entry.candidate))
        };
        if let Some(upright) = only
            && let Some(claim) = Claim::of(&self.ranking, options.mode)
        {
            let preview = |entry: &Scored| match pool.id(entry.candidate) {
                // Of the same bytes nothing needs to be seen.
                Some(id) if id != upright.id => self.sized_preview(id, &mut unread),
                _ => Ok(None),
            };
            verify(claim, &upright.into(), &mut scored, preview)?;
        }
        for entry in &mut scored {
            entry.score = exact_or(is_same(entry), entry.score);
        }
        // Stable: the others keep their order.
        scored.sort_by_key(|entry| !is_same(entry));
        let rescored = Instant::now();
        // Of several, no one's parts explain a result.
        let only = match wanted.as_slice() {
            [views] => Some(views),
            _ => None,
        };
        let first = query.wanted.first().and_then(|views| views.first());
        let mut results = Vec::with_capacity(options.k.min(scored.len()));
        let is_good = |scored: &Scored| scored.score >= options.min_score;
        let mut good = scored.into_iter().filter(is_good);
        while results.len() < options.k {
            let next: Vec<Scored> = good.by_ref().take(options.k - results.len()).collect();
            if next.is_empty() {
                break;
            }
            let entries = next.into_par_iter().map(|scored| {
                let picture = pool
                    .id(scored.candidate)
                    .zip(pool.features(scored.candidate));
                let Some((id, candidate)) = picture else {
                    return Ok(None);
                };
                let mut unread = Unread::default();
                let entry = self.entry(options, id, scored, only, &candidate)?;
                Ok(entry.map(|entry| {
                    let thumbnail = self.preview(id, &mut unread);
                    (ResultEntry { thumbnail, ..entry }, unread)
                }))
            });
            let entries = entries.collect::<Result<Vec<_>, StoreError>>()?;
            // Those that were removed meanwhile leave room for others.
            for (mut entry, unreadable) in entries.into_iter().flatten() {
                entry.rank = results.len() + 1;
                results.push(entry);
                unread.extend(unreadable);
            }
        }
        unread.extend(pool.finish()?);
        let ms = |duration: Duration| duration.as_secs_f64() * 1e3;
        Ok(QueryResult {
            query: query.name.to_owned(),
            results,
            unread: unread.ids(),
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

    /// Stored pictures, for a search with `options`.
    pub(super) fn pool<'a>(
        &'a self,
        sequences: &[Sequence],
        asked: &'a [Vec<NewPicture>],
        options: &SearchOptions,
    ) -> Result<Pool<'a>, StoreError> {
        let wanted = Wanted {
            view: &self.view,
            looks: options.mode == Mode::LookAlike,
        };
        Pool::read(&self.store, wanted, sequences, asked)
    }

    /// Candidates by their score as a pair with the query, best first.
    fn pairs(&self, query: &Features<'_>, pool: &Pool<'_>, mode: Mode) -> Vec<Scored> {
        let score = |(candidate, picture)| Scored {
            candidate,
            ..score_pair(&self.ranking, mode, *query, picture)
        };
        let mut scored: Vec<Scored> = pool.read_all().into_iter().map(score).collect();
        scored.sort_by(|a, b| b.score.total_cmp(&a.score));
        scored
    }

    /// What the index proposes for any view of any picture wanted, nearest first, and how
    /// many of them are to be scored.
    pub(super) fn candidates(
        &self,
        wanted: &[Vec<NewPicture>],
        options: &SearchOptions,
        selected: &Selected<'_>,
        unread: &mut Unread,
    ) -> Result<(Vec<Candidate>, usize), StoreError> {
        let accept = |sequence| selected.accepts(sequence);
        let scored = options.candidates.max(options.k);
        let count = Ranker::pool(&self.ranking, options.mode, scored);
        let mut best: HashMap<Sequence, f32> = HashMap::new();
        let (mut index, mut looks) = (
            Cow::Borrowed(&*self.view.index),
            self.compared_looks(wanted, options).map(Cow::Borrowed),
        );
        // Where few match, all of them are compared, and nothing else.
        if let Some(few) = selected.at_most(index.few(count)) {
            match &mut looks {
                Some(looks) => *looks = Cow::Owned(looks.of_few(&index, &few)),
                None => index = Cow::Owned(index.of_few(&self.store, &few)),
            }
        }
        for picture in wanted.iter().flatten() {
            let proposed = match looks.as_ref().zip(picture.look.as_ref()) {
                Some((looks, look)) => looks.search(&index, look, count, &accept),
                None => index.search(&picture.descriptor, count, &accept),
            };
            for found in proposed {
                let cosine = best.entry(found.sequence).or_insert(found.cosine);
                *cosine = cosine.max(found.cosine);
            }
        }
        let mut all: Vec<Candidate> = best
            .into_iter()
            .map(|(sequence, cosine)| Candidate { sequence, cosine })
            .collect();
        self.represent(&mut all, wanted, (options, selected), unread)?;
        all.sort_by(|a, b| {
            b.cosine
                .total_cmp(&a.cosine)
                .then(a.sequence.cmp(&b.sequence))
        });
        if wanted.len() > 1 {
            // Each of them is scored against all wanted.
            all.truncate(count);
        }
        if !options.all_copies {
            return Ok((all, scored));
        }
        Ok((self.copies_of(&all, selected), usize::MAX))
    }

    /// A stored picture's preview and size; `None` if the picture was removed meanwhile.
    fn sized_preview(
        &self,
        id: PictureId,
        unread: &mut Unread,
    ) -> Result<Option<Preview>, StoreError> {
        let record = self.store.picture(id)?;
        Ok(record.map(|record| Preview {
            jpeg: self.preview(id, unread),
            size: (record.width, record.height),
        }))
    }

    /// A result, without its rank and its preview; `None` if the picture was removed while the search ran.
    pub(super) fn entry(
        &self,
        options: &SearchOptions,
        id: PictureId,
        scored: Scored,
        query: Option<&Vec<Features<'_>>>,
        candidate: &Features<'_>,
    ) -> Result<Option<ResultEntry>, StoreError> {
        let layout = self.store.layout();
        let Some(record) = self.store.picture(id)? else {
            return Ok(None);
        };
        let provenance = self.store.provenance(id)?;
        let view = query.and_then(|views| views.get(scored.view));
        let distances = view.map(|view| PairDistances::of(view.activations, candidate.activations));
        let mses = match (scored.mses.is_empty(), &distances) {
            (true, Some(distances)) => &distances.mses,
            _ => &scored.mses,
        };
        let alignment = match (options.explain, view) {
            (true, Some(view)) => alignment(&self.ranking, &scored, view, candidate),
            _ => None,
        };
        let found = alignment.or(scored.alignment);
        let explanation = distances.as_ref().map(|distances| {
            explanation(
                layout,
                (&self.ranking, options.mode),
                &scored,
                distances,
                found,
                RESULT,
            )
        });
        Ok(Some(ResultEntry {
            rank: 0,
            score: scored.score,
            estimated: is_estimate(view, candidate),
            id: id.to_string(),
            urls: provenance.urls,
            pages: provenance.pages,
            path: provenance.paths.first().map(LocalPath::to_string),
            paths: provenance.paths.iter().map(LocalPath::to_string).collect(),
            width: record.width,
            height: record.height,
            cosine: scored.cosine,
            layers: named(layout, mses),
            evidence: evidence(layout, &self.ranking, options.mode, &scored),
            explanation,
            alignment,
            copies: self.copies(Sequence(record.sequence), options)?,
            thumbnail: Vec::new(),
        }))
    }
}

impl Searcher {
    /// A picture's preview; without one it is found by what else there is of it.
    pub(super) fn preview(&self, id: PictureId, unread: &mut Unread) -> Vec<u8> {
        let thumbnail = self.store.thumbnail(id);
        let thumbnail = thumbnail.inspect_err(|error| unread.add(id, error));
        thumbnail.ok().flatten().unwrap_or_default()
    }
}

fn views<'a>(pictures: &'a [Vec<NewPicture>], layout: &'a Layout) -> Vec<Vec<Features<'a>>> {
    let all = pictures.iter();
    all.map(|views| views.iter().map(|p| p.features(layout)).collect())
        .collect()
}

impl NewPicture {
    /// The picture as the second stage sees it; `layout` is the one it was stored by.
    pub fn features<'a>(&'a self, layout: &'a Layout) -> Features<'a> {
        Features {
            activations: Activations::new(layout, &self.block),
            descriptor: &self.descriptor,
            look: self.look.as_ref(),
            hash: self.perceptual_hash,
        }
    }
}
