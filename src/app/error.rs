//! Why a job could not be done.

use std::path::PathBuf;

use crate::canonical_url::UrlError;
use crate::config::ConfigError;
use crate::crawl::{CrawlError, FetchError};
use crate::head::HeadError;
use crate::index::IndexError;
use crate::ingest::FeatureError;
use crate::network::{EngineError, ExtractError, NetworkError};
use crate::search::SearchError;
use crate::store::StoreError;

/// A job of a [`Collection`](super::Collection) failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no store where one must be.
    #[error(
        "there is no store in {dir}; index something first with `simdex crawl URL` or `simdex add FOLDER`, or name the store with --data-dir",
        dir = .0.display()
    )]
    NoStore(PathBuf),
    /// Nothing to preview or crawl.
    #[error("there is nothing to crawl: name URLs, or seeds with --seeds FILE")]
    NoSeeds,
    /// None of the files that were named could be indexed.
    #[error("nothing could be indexed")]
    NothingAdded,
    /// A picture given to a job cannot be used.
    #[error("{name}")]
    Picture {
        /// The picture's name: a path or a URL.
        name: String,
        /// Why.
        source: FeatureError,
    },
    /// A picture given by URL cannot be had.
    #[error("{name}")]
    Fetch {
        /// The URL.
        name: String,
        /// Why.
        source: FetchError,
    },
    /// A picture was given by something that is no URL.
    #[error("{name}")]
    Url {
        /// What was given.
        name: String,
        /// What is wrong with it.
        source: UrlError,
    },
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The index cannot be used.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// A search failed.
    #[error(transparent)]
    Search(#[from] SearchError),
    /// The network's files cannot be used.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The network cannot be run.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The network does not fit the runtime.
    #[error(transparent)]
    Extract(#[from] ExtractError),
    /// A head cannot be used.
    #[error(transparent)]
    Head(#[from] HeadError),
    /// A crawl failed.
    #[error(transparent)]
    Crawl(#[from] CrawlError),
}
