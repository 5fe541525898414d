use std::time::{Duration, Instant};

use super::rescore::{Scored, rescore};
use super::result::{Comparison, Layers, QueryResult, ResultEntry, Timing};
use crate::activation::{Layout, layer_mses};
use crate::canonical_url::CanonicalUrl;
use crate::head::Ranking;
use crate::index::Index;
use crate::network::Embedding;
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

/// A store with its index and a ranking, ready for queries.
pub struct Searcher<'a> {
    pub(super) store: &'a Store,
    pub(super) index: &'a Index,
    pub(super) ranking: &'a Ranking,
    pub(super) options: &'a SearchOptions,
}

impl<'a> Searcher<'a> {
    /// Puts the parts together.
    pub fn new(
        store: &'a Store,
        index: &'a Index,
        ranking: &'a Ranking,
        options: &'a SearchOptions,
    ) -> Self {
        Self {
            store,
            index,
            ranking,
            options,
        }
    }

    /// Ranks the stored pictures by their likeness to `picture`, which took
    /// `features_took` to prepare.
    ///
    /// # Errors
    /// If the store fails.
    pub fn search(
        &self,
        query: &str,
        picture: &NewPicture,
        features_took: Duration,
    ) -> Result<QueryResult, SearchError> {
        let started = Instant::now();
        let accept = |sequence| self.accepts(sequence);
        let count = self.options.candidates.max(self.options.k);
        let mut candidates = self.index.search(&picture.embedding, count, &accept);
        if self.options.all_copies {
            candidates = self.with_copies(&candidates, &picture.embedding)?;
        }
        let pruned = Instant::now();
        let scored = rescore(self.store, self.ranking, &picture.block, &candidates)?;
        let rescored = Instant::now();
        let results = scored
            .into_iter()
            .filter(|scored| scored.score >= self.options.min_score)
            .take(self.options.k)
            .enumerate()
            .map(|(i, scored)| self.entry(i + 1, scored))
            .collect::<Result<Vec<_>, StoreError>>()?;
        let ms = |duration: Duration| duration.as_secs_f64() * 1e3;
        Ok(QueryResult {
            query: query.to_owned(),
            results,
            timing_ms: Timing {
                features: ms(features_took),
                candidates: ms(pruned - started),
                rescore: ms(rescored - pruned),
                total: ms(features_took + started.elapsed()),
            },
            thumbnail: picture.thumbnail.clone(),
            size: (picture.width, picture.height),
        })
    }

    /// The host filter. An unreadable record is not filtered in; `verify` names it.
    pub(super) fn accepts(&self, sequence: Sequence) -> bool {
        let Some(host) = &self.options.host else {
            return true;
        };
        let sightings = self
            .store
            .picture_at(sequence)
            .and_then(|id| id.map(|id| self.store.sightings(id)).transpose());
        let on_host =
            |url: &String| CanonicalUrl::parse(url).is_ok_and(|url| url.host() == host.as_str());
        match sightings {
            Ok(Some(sightings)) => {
                sightings.urls.iter().any(on_host)
                    || sightings.pages.iter().any(|page| on_host(&page.url))
            }
            _ => false,
        }
    }

    pub(super) fn entry(&self, rank: usize, scored: Scored) -> Result<ResultEntry, StoreError> {
        let Scored {
            id,
            cosine,
            score,
            mses,
        } = scored;
        let record = self
            .store
            .picture(id)?
            .ok_or(StoreError::Unreadable { tree: "pictures" })?;
        let sightings = self.store.sightings(id)?;
        Ok(ResultEntry {
            rank,
            score,
            id: id.to_string(),
            urls: sightings.urls,
            pages: sightings.pages,
            path: sightings.paths.into_iter().next(),
            width: record.width,
            height: record.height,
            cosine,
            layers: named(self.store.layout(), &mses),
            copies: self.copies(Sequence(record.sequence))?,
            thumbnail: self.store.thumbnail(id)?.unwrap_or_default(),
        })
    }
}

/// The report's core: one similarity for two pictures.
pub fn compare(layout: &Layout, ranking: &Ranking, a: &NewPicture, b: &NewPicture) -> Comparison {
    let mses = layer_mses(layout, &a.block, &b.block);
    let cosine = Embedding::cosine(&a.embedding, &b.embedding);
    Comparison {
        score: ranking.score(cosine, &mses),
        cosine,
        layers: named(layout, &mses),
    }
}

fn named(layout: &Layout, mses: &[f32]) -> Layers {
    let names = layout.layers().iter().map(|layer| layer.name.clone());
    Layers(names.zip(mses.iter().copied()).collect())
}
