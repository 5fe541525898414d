//! What a crawl would fetch.

use crate::app::Error;
use crate::canonical_url::CanonicalUrl;
use crate::config::Config;
use crate::crawl::{CrawlError, Preview, Verdict};
use crate::shutdown::Shutdown;
use crate::store::Store;

/// A crawl that sends nothing.
#[derive(Debug, Clone)]
pub struct DryRun<'a> {
    /// Pages to start from; without any, what earlier crawls left.
    pub seeds: &'a [CanonicalUrl],
    /// The crawl's configuration.
    pub config: &'a Config,
}

impl DryRun<'_> {
    /// Tells `each` of every seed, every URL that waits in `store` and every one that changed
    /// settings let in, whether it would be fetched and why. Returns whether it came to the end.
    ///
    /// # Errors
    /// If there is nothing to crawl, the store fails, or `each` does.
    pub fn run<E: From<Error>>(
        &self,
        store: Option<&Store>,
        shutdown: &Shutdown,
        each: &mut dyn FnMut(Verdict) -> Result<(), E>,
    ) -> Result<bool, E> {
        let mut preview = self.preview(store)?;
        for seed in self.seeds {
            let verdict = preview.of_seed(seed.clone()).map_err(Error::from)?;
            verdict.map_or(Ok(()), &mut *each)?;
        }
        for record in store.into_iter().flat_map(|store| store.pending()) {
            if shutdown.requested() {
                return Ok(false);
            }
            let record = record.map_err(Error::from)?;
            let verdict = preview.of_record(&record).map_err(Error::from)?;
            verdict.map_or(Ok(()), &mut *each)?;
        }
        for record in preview.let_in().map_err(Error::from)? {
            let verdict = preview.of_record(&record).map_err(Error::from)?;
            verdict.map_or(Ok(()), &mut *each)?;
        }
        Ok(true)
    }

    fn preview<'a>(&'a self, store: Option<&'a Store>) -> Result<Preview<'a>, Error> {
        let earlier = match (store, self.seeds.is_empty()) {
            (Some(store), true) => store.seeds()?,
            _ => Vec::new(),
        };
        let earlier = earlier
            .iter()
            .filter_map(|seed| CanonicalUrl::parse(seed).ok());
        let scope: Vec<CanonicalUrl> = self.seeds.iter().cloned().chain(earlier).collect();
        if scope.is_empty() {
            return Err(Error::NoSeeds);
        }
        Ok(Preview::new(store, self.config, &scope).map_err(CrawlError::from)?)
    }
}
