//! One run of a crawl.

use crate::store::HostRecord;

/// One run of the crawler, and the crawl that it belongs to: the same seeds, given again, go
/// on with the same crawl.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    /// The run's number.
    pub(super) number: u64,
    /// The crawl's number.
    pub(super) crawl: u64,
    /// Whether it keeps to the hosts of that crawl; if so, the hosts of other crawls wait for a
    /// run without seeds.
    pub(super) own_hosts_only: bool,
}

impl Run {
    /// Whether this run asks a host for what waits in its queue.
    pub(super) fn asks(&self, host: &HostRecord) -> bool {
        host.left_in != self.number && (!self.own_hosts_only || host.crawl == self.crawl)
    }
}
