//! Crawls that look for pictures like some.

use async_channel::Receiver;
use serde::Serialize;

use crate::activation::Layout;
use crate::app::{Collection, Error, Extraction, NamedPicture, Question};
use crate::canonical_url::UrlId;
use crate::crawl::Summary;
use crate::head::Mode;
use crate::ingest::MatchFilter;
use crate::search::{QueryResult, SearchOptions, exact_or, score_pair};
use crate::store::NewPicture;

/// Tells of each picture, by the URL it came from, whether it is a match.
pub(super) type Matches = Receiver<(UrlId, bool)>;

/// Pictures that a crawl looks for.
pub struct Looking {
    like: Vec<NamedPicture>,
    extraction: Extraction,
    min_score: f32,
    keep_matches: bool,
}

impl std::fmt::Debug for Looking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Looking")
            .field("like", &self.like.len())
            .field("min_score", &self.min_score)
            .field("keep_matches", &self.keep_matches)
            .finish_non_exhaustive()
    }
}

impl Looking {
    /// Looks for pictures like those given: matches are those that score `min_score` with the
    /// most similar of them. With `keep_matches` nothing else is stored.
    ///
    /// # Errors
    /// If a picture cannot be used, or the network cannot be run.
    pub fn new(
        extraction: &Extraction,
        like: &[NamedPicture],
        min_score: f32,
        keep_matches: bool,
    ) -> Result<Self, Error> {
        let looking = Self {
            like: like.to_vec(),
            extraction: extraction.clone(),
            min_score,
            keep_matches,
        };
        // What cannot be used is said before a store is made.
        looking.features(extraction.layout())?;
        Ok(looking)
    }

    /// The features of what is looked for, laid out as a store has them.
    fn features(&self, layout: &Layout) -> Result<Vec<NewPicture>, Error> {
        let features = |picture: &NamedPicture| {
            let mode = Mode::default();
            let views = self
                .extraction
                .views(&picture.name, &picture.bytes, mode, layout);
            Ok(views?.swap_remove(0))
        };
        self.like.iter().map(features).collect()
    }

    /// Scores new pictures by the default head, as pairs.
    pub(super) fn filter(self, collection: &Collection) -> Result<(MatchFilter, Matches), Error> {
        let head = collection.heads().named(None)?;
        let layout = collection.store().layout().clone();
        let (matches, found) = async_channel::unbounded();
        let like = self.features(&layout)?;
        let score = move |picture: &NewPicture| {
            let mode = Mode::default();
            let scores = like.iter().map(|like| {
                let (a, b) = (like.features(&layout), picture.features(&layout));
                let score = score_pair(&head, mode, a, b).score;
                exact_or(like.id == picture.id, score)
            });
            scores.fold(0.0, f32::max)
        };
        let filter = MatchFilter {
            score: Box::new(score),
            min_score: self.min_score,
            keep_matches: self.keep_matches,
            matches,
        };
        Ok((filter, found))
    }
}

/// The JSON of a crawl that looks for pictures: the summary's keys, and a list for each
/// picture looked for.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Found<'a> {
    /// The figures of the crawl.
    #[serde(flatten)]
    pub summary: &'a Summary,
    /// What is like each picture.
    pub results: &'a [QueryResult],
}

impl Collection {
    /// Ranks what is stored by the score by which a crawl compared pictures as they came:
    /// the default head's, as pairs.
    ///
    /// # Errors
    /// If a picture cannot be used, the network cannot be run, or the store fails.
    pub fn search_as_crawled(
        &self,
        question: &Question,
        min_score: f32,
    ) -> Result<QueryResult, Error> {
        let config = &self.config().query;
        let options = SearchOptions {
            min_score,
            alone: true,
            ..SearchOptions::new(config.k, config.candidates)
        };
        self.search(question, &self.heads().named(None)?, &options)
    }
}
