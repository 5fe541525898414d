//! What is asked for next: hosts from the store's queues, and URLs of a host.

use tokio::task::block_in_place;
use tokio::time::{Duration, Instant};

use super::crawl::{Crawl, LONGEST_WAIT};
use super::focus::{Focus, HOSTS_LOOKED_AT, LOOKED_AT};
use super::plan::CrawlError;
use crate::canonical_url::{HostId, UrlId};
use crate::store::{Lease, StoreError, UrlOutcome, UrlRecord, now_ms};

/// What a focused crawl goes by.
pub(in crate::crawl) struct Steering {
    pub(in crate::crawl) focus: Focus,
    pub(in crate::crawl) matches: async_channel::Receiver<(UrlId, bool)>,
}

/// Hosts read from the store's queues before visits are started.
const READ_AT_ONCE: usize = 500;
/// URLs of closed origins that are passed over before others have their turns.
const LEFT_AT_ONCE: usize = 1_000;

impl Crawl {
    pub(in crate::crawl) fn next_host(&mut self, now: Instant) -> Option<HostId> {
        match &self.steering {
            Some(steering) => {
                let promise = |host| steering.focus.host_promise(host);
                self.hosts.take_best(now, HOSTS_LOOKED_AT, &promise)
            }
            None => self.hosts.take(now),
        }
    }

    /// The next URL of a host: what waits longest, or what promises most.
    fn next_lease(&mut self, host: HostId, pages: bool) -> Result<Option<Lease>, StoreError> {
        let Some(Steering { focus, .. }) = &mut self.steering else {
            return self.store.lease(host, pages);
        };
        let lease = if focus.explores() {
            self.store.lease(host, pages)?
        } else {
            let promise = |id, record: &UrlRecord| focus.promise(id, record);
            self.store.lease_best(host, pages, LOOKED_AT, &promise)?
        };
        if let Some(lease) = &lease {
            focus.asked(host, lease.id());
        }
        Ok(lease)
    }

    /// The next URL of a host whose origin is open; those of closed origins are left to the
    /// next run.
    pub(in crate::crawl) fn next_open_lease(
        &mut self,
        host: HostId,
        pages: bool,
    ) -> Result<Option<Lease>, StoreError> {
        for _ in 0..LEFT_AT_ONCE {
            match self.next_lease(host, pages)? {
                Some(lease) if self.origins.is_closed(&lease.record().url) => {
                    self.store.settle(lease, UrlOutcome::Left)?;
                }
                lease => return Ok(lease),
            }
        }
        // There may be more; the others have their turns first.
        self.hosts.look_again();
        Ok(None)
    }

    /// Brings hosts from the store's queues into the window, as far as there is room.
    pub(in crate::crawl) fn read_queues(&mut self) -> Result<(), CrawlError> {
        for _ in 0..READ_AT_ONCE {
            let Some(behind) = self.hosts.wants() else {
                break;
            };
            let host = block_in_place(|| self.store.waiting_host_after(behind))?;
            self.hosts.scanned(host);
            if let Some(host) = host
                && self.is_ours(host)?
            {
                self.list(host)?;
            }
        }
        Ok(())
    }

    /// Whether this run asks a host for what waits in its queue.
    pub(in crate::crawl) fn is_ours(&self, host: HostId) -> Result<bool, CrawlError> {
        let record = self.store.host(host)?.unwrap_or_default();
        Ok(record.left_in != self.run && (!self.own_hosts_only || record.crawl == self.crawl_id))
    }

    /// Whether more pages of a host may be read.
    pub(in crate::crawl) fn host_has_pages(&self, host: HostId) -> Result<bool, CrawlError> {
        let config = &self.visitor.config;
        if config.max_host_pages.is_none() && config.host.is_empty() {
            return Ok(true);
        }
        let record = self.store.host(host)?.unwrap_or_default();
        let most = config.host_pages(&record.name);
        Ok(most.is_none_or(|most| record.pages < most))
    }

    pub(in crate::crawl) fn requeue_due(&mut self) -> Result<(), CrawlError> {
        for host in block_in_place(|| self.store.requeue_due(now_ms()))? {
            self.list(host)?;
        }
        Ok(())
    }

    /// When the next retry is due, if it is worth waiting for.
    pub(in crate::crawl) fn wait_for_retry(
        &self,
        stopping: bool,
    ) -> Result<Option<Instant>, CrawlError> {
        if stopping || self.images_stored() {
            return Ok(None);
        }
        let Some(at_ms) = self.store.next_retry_ms()? else {
            return Ok(None);
        };
        let wait = Duration::from_millis(at_ms.saturating_sub(now_ms()));
        Ok((wait <= LONGEST_WAIT).then(|| Instant::now() + wait))
    }
}
