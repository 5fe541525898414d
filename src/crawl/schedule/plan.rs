//! What a crawl is to do, and why it cannot.

use std::sync::Arc;

use super::run::Rounds;
use crate::canonical_url::{CanonicalUrl, UrlId};
use crate::crawl::archive::recorders::Recorders;
use crate::crawl::http::error::FetchError;
use crate::crawl::pause::Pause;
use crate::crawl::policy::admission::PatternError;
use crate::saving::Saver;
use crate::store::{Again, StoreError};

/// A crawl cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CrawlError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The client cannot be set up.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The rules for URLs cannot be used.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// Nothing to do.
    #[error("there is nothing to crawl: name URLs, or seeds with --seeds FILE")]
    NoSeeds,
}

/// What a crawl is to do, and which logs record its fetches.
#[derive(Debug, Default)]
pub struct CrawlPlan {
    /// Pages to start from.
    pub seeds: Vec<CanonicalUrl>,
    /// URLs of earlier crawls to ask for again.
    pub again: Vec<Again>,
    /// Logs of the fetches.
    pub recorders: Arc<Recorders>,
    /// Where the bytes of pictures are saved, if they are: the pipeline saves them, and the crawl asks
    /// for all of those that are not there yet.
    pub saver: Option<Arc<Saver>>,
    /// Whether it is to rest.
    pub pause: Pause,
    /// The rounds of which it is one; by default it is a run of its own.
    pub rounds: Rounds,
    /// Receives which pictures are matches, if the crawl is to look for matches first.
    pub matches: Option<async_channel::Receiver<(UrlId, bool)>>,
}
