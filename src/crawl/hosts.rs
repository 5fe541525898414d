//! The hosts with URLs waiting, by the time of their next turn.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

use tokio::time::Instant;

use crate::canonical_url::HostId;

/// Which host is asked next. The URLs themselves stay in the store.
#[derive(Debug)]
pub(super) struct HostQueue {
    ready: BinaryHeap<Reverse<(Instant, HostId)>>,
    /// The hosts in `ready`, so that each stands there once.
    listed: HashSet<HostId>,
    /// Requests under way by host.
    under_way: HashMap<HostId, usize>,
    /// Hosts whose pages wait for the page budget.
    parked: HashSet<HostId>,
    /// How often a host's robots.txt could not be reached, in a row.
    unreachable: HashMap<HostId, u32>,
    host_concurrency: usize,
}

impl HostQueue {
    pub(super) fn new(host_concurrency: usize) -> Self {
        Self {
            ready: BinaryHeap::new(),
            listed: HashSet::new(),
            under_way: HashMap::new(),
            parked: HashSet::new(),
            unreachable: HashMap::new(),
            host_concurrency,
        }
    }

    /// Lists a host for a turn at `when`, unless it is listed already.
    pub(super) fn list(&mut self, host: HostId, when: Instant) {
        if self.listed.insert(host) {
            self.ready.push(Reverse((when, host)));
        }
    }

    /// Takes a host whose turn has come and that has a slot free. A host without one is
    /// listed again when one of its requests ends.
    pub(super) fn take(&mut self, now: Instant) -> Option<HostId> {
        while let Some(Reverse((when, host))) = self.ready.peek().copied() {
            if when > now {
                return None;
            }
            self.ready.pop();
            self.listed.remove(&host);
            if self.has_slot(host) {
                return Some(host);
            }
        }
        None
    }

    /// Whether one more request to a host may be under way.
    pub(super) fn has_slot(&self, host: HostId) -> bool {
        self.under_way
            .get(&host)
            .is_none_or(|n| *n < self.host_concurrency)
    }

    pub(super) fn started(&mut self, host: HostId) {
        *self.under_way.entry(host).or_default() += 1;
    }

    pub(super) fn ended(&mut self, host: HostId) {
        if let Some(count) = self.under_way.get_mut(&host) {
            *count -= 1;
            if *count == 0 {
                self.under_way.remove(&host);
            }
        }
    }

    /// Sets a host aside until the page budget opens again.
    pub(super) fn park(&mut self, host: HostId) {
        self.parked.insert(host);
    }

    /// The hosts that were set aside.
    pub(super) fn unpark(&mut self) -> Vec<HostId> {
        self.parked.drain().collect()
    }

    /// Notes that a host's robots.txt could not be reached; how often in a row.
    pub(super) fn unreachable(&mut self, host: HostId) -> u32 {
        let count = self.unreachable.entry(host).or_default();
        *count += 1;
        *count
    }

    /// Notes that a host answered.
    pub(super) fn reached(&mut self, host: HostId) {
        self.unreachable.remove(&host);
    }

    /// When the next listed host's turn comes.
    pub(super) fn next_turn(&self) -> Option<Instant> {
        self.ready.peek().map(|Reverse((when, _))| *when)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ready.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.ready.clear();
        self.listed.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_earliest_host_with_a_free_slot_comes_first() {
        let (a, b) = (HostId([1; 8]), HostId([2; 8]));
        let now = Instant::now();
        let mut hosts = HostQueue::new(1);
        hosts.list(b, now);
        hosts.list(a, now - Duration::from_secs(1));
        hosts.list(a, now - Duration::from_secs(9));
        assert_eq!(hosts.take(now), Some(a));
        hosts.started(a);
        hosts.list(a, now);
        assert_eq!(hosts.take(now), Some(b));
        assert_eq!(
            hosts.take(now),
            None,
            "a is busy and is listed again when it ends"
        );
        hosts.ended(a);
        hosts.list(a, now + Duration::from_secs(1));
        assert_eq!(hosts.take(now), None, "not before its turn");
        assert_eq!(hosts.take(now + Duration::from_secs(1)), Some(a));
    }
}
