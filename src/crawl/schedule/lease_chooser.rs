//! Which URL of a host is asked for next.

use super::closed_origins::ClosedOrigins;
use super::focus::{Focus, LOOKED_AT};
use crate::canonical_url::HostId;
use crate::config::CrawlConfig;
use crate::store::{Lease, Store, StoreError, UrlOutcome, UrlRecord};

/// Chooses the next URL of a host: the one that has waited longest, or the one that promises
/// most. All of it blocks, so it is handed to a thread that may block, and back.
#[derive(Debug, Default)]
pub(super) struct LeaseChooser {
    /// The estimates of a focused crawl.
    pub(super) focus: Option<Focus>,
    /// Origins whose URLs are skipped.
    pub(super) origins: ClosedOrigins,
}

/// What a host has to be asked for.
#[derive(Debug)]
pub(super) struct Choice {
    /// The next URL, if there is one.
    pub(super) lease: Option<Lease>,
    /// Whether it has more pages, but its page budget is spent.
    pub(super) pages_spent: bool,
    /// Whether so many URLs of closed origins were skipped that other hosts come first.
    pub(super) cut_short: bool,
    /// Whether URLs were left to the next run, so that others may be asked for in their place.
    pub(super) has_left: bool,
}

/// URLs of closed origins that are skipped before other hosts have their turns.
const LEFT_AT_ONCE: usize = 1_000;

impl LeaseChooser {
    /// The next URL of a host whose origin is open; those of closed origins are left to the
    /// next run. Pages are chosen if `with_pages`, and if the host may have more.
    ///
    /// # Errors
    /// If the store fails.
    pub(super) fn choose(
        &mut self,
        store: &Store,
        config: &CrawlConfig,
        host: HostId,
        with_pages: bool,
    ) -> Result<Choice, StoreError> {
        let has_pages = has_pages(store, config, host)?;
        let mut choice = Choice {
            lease: None,
            pages_spent: false,
            cut_short: true,
            has_left: false,
        };
        for _ in 0..LEFT_AT_ONCE {
            match self.next(store, host, with_pages && has_pages)? {
                Some(lease) => match self.origins.closed_for(&lease.record().url) {
                    Some(reason) => {
                        store.settle(lease, UrlOutcome::Left(reason.name().into_owned()))?;
                        choice.has_left = true;
                    }
                    None => {
                        choice.lease = Some(lease);
                        choice.cut_short = false;
                        break;
                    }
                },
                None => {
                    choice.cut_short = false;
                    break;
                }
            }
        }
        choice.pages_spent = choice.lease.is_none() && !has_pages && store.has_queued(host)?;
        Ok(choice)
    }

    fn next(
        &mut self,
        store: &Store,
        host: HostId,
        with_pages: bool,
    ) -> Result<Option<Lease>, StoreError> {
        let Some(focus) = &mut self.focus else {
            return store.lease(host, with_pages);
        };
        let lease = if focus.explores() {
            store.lease(host, with_pages)?
        } else {
            let promise = |id, record: &UrlRecord| focus.promise(id, record);
            store.lease_best(host, with_pages, LOOKED_AT, &promise)?
        };
        if let Some(lease) = &lease {
            focus.asked(host, lease.id());
        }
        Ok(lease)
    }
}

/// Whether more pages of a host may be read.
fn has_pages(store: &Store, config: &CrawlConfig, host: HostId) -> Result<bool, StoreError> {
    if config.max_host_pages.is_none() && config.host.is_empty() {
        return Ok(true);
    }
    let record = store.host(host)?.unwrap_or_default();
    let most = config.host_pages(&record.name);
    Ok(most.is_none_or(|most| record.pages < most))
}
