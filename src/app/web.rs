//! Single pictures from the web, by the same rules as a crawl.

use std::sync::Arc;

use super::{Error, NamedPicture};
use crate::canonical_url::{CanonicalUrl, UrlError};
use crate::config::Config;
use crate::crawl::{Fetcher, Recorders, fetch_picture};

/// Fetches pictures for queries: with the crawl's deadlines, caps, address rules and
/// robots.txt, but without a store.
pub struct Web {
    fetcher: Fetcher,
    config: Config,
}

impl Web {
    /// A client by the crawl's configuration.
    ///
    /// # Errors
    /// If TLS or the proxy cannot be set up.
    pub fn new(config: &Config) -> Result<Self, Error> {
        let fetcher = Fetcher::new(&config.crawl, Arc::new(Recorders::default()));
        Ok(Self {
            fetcher: fetcher.map_err(crate::crawl::CrawlError::from)?,
            config: config.clone(),
        })
    }

    /// Whether a name is a URL that can be fetched, rather than a path.
    pub fn is_url(name: &str) -> bool {
        let scheme = name
            .split_once("://")
            .map(|(scheme, _)| scheme.to_ascii_lowercase());
        matches!(scheme.as_deref(), Some("http" | "https"))
    }

    /// Fetches a picture.
    ///
    /// # Errors
    /// If it is no URL, or may not or cannot be fetched.
    pub async fn fetch(&self, name: &str) -> Result<NamedPicture, Error> {
        let url = CanonicalUrl::given(name).map_err(|source| Error::Url {
            name: match &source {
                // A password is not said again.
                UrlError::Credentials(host) => host.clone(),
                _ => name.to_owned(),
            },
            source,
        })?;
        let bytes = fetch_picture(&self.fetcher, &url, &self.config).await;
        let bytes = bytes.map_err(|source| Error::Fetch {
            name: name.to_owned(),
            source,
        })?;
        Ok(NamedPicture {
            name: name.to_owned(),
            bytes,
        })
    }
}
