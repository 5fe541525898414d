//! The hosts whose turns a crawl keeps track of, in bounded memory.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

use tokio::time::Instant;

use crate::canonical_url::HostId;

/// A window over the hosts with URLs waiting. The others wait in the store, whose queues
/// are read again when the window has room; hosts leave it after a while, so that each
/// comes in.
#[derive(Debug)]
pub(super) struct HostWindow {
    /// Hosts by when their next turn comes, then by when they were listed.
    ready: BinaryHeap<Reverse<(Instant, u64, HostId)>>,
    /// What `ready` holds.
    listed: HashSet<HostId>,
    listings: u64,
    /// Hosts with requests under way.
    under_way: HashMap<HostId, usize>,
    /// URLs handed out since a host came into the window.
    served: HashMap<HostId, u32>,
    host_concurrency: usize,
    capacity: usize,
    /// Whether a host was, or may have been, turned away; the store has it.
    missed: bool,
    /// How far the store's queues were read in this round.
    scan: Option<Option<HostId>>,
}

/// Hosts in the window; each takes about 100 bytes.
pub(super) const CAPACITY: usize = 10_000;
/// URLs after which a host makes room for one outside the window.
const QUANTUM: u32 = 100;

impl HostWindow {
    pub(super) fn new(host_concurrency: usize, capacity: usize) -> Self {
        Self {
            ready: BinaryHeap::new(),
            listed: HashSet::new(),
            listings: 0,
            under_way: HashMap::new(),
            served: HashMap::new(),
            host_concurrency,
            capacity,
            missed: false,
            scan: None,
        }
    }

    /// Lists a host for a turn at `when`, unless it is listed already or there is no room.
    pub(super) fn list(&mut self, host: HostId, when: Instant) {
        if self.listed.contains(&host) {
            return;
        }
        let had_its_share = self.served.get(&host).is_some_and(|n| *n >= QUANTUM);
        let others_wait = self.missed || self.scan.is_some();
        if self.listed.len() >= self.capacity || (had_its_share && others_wait) {
            self.served.remove(&host);
            self.missed = true;
            return;
        }
        self.listed.insert(host);
        self.listings += 1;
        self.ready.push(Reverse((when, self.listings, host)));
    }

    /// Takes a host whose turn has come and that has a slot free. A host without one is
    /// listed again when one of its requests ends.
    pub(super) fn take(&mut self, now: Instant) -> Option<HostId> {
        while let Some(Reverse((when, _, host))) = self.ready.peek().copied() {
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

    /// Takes, of the `most` hosts whose turns came first, the one that `promise` puts
    /// highest.
    pub(super) fn take_best(
        &mut self,
        now: Instant,
        most: usize,
        promise: &dyn Fn(HostId) -> f32,
    ) -> Option<HostId> {
        let mut ready = Vec::new();
        while ready.len() < most
            && let Some(host) = self.take(now)
        {
            ready.push(host);
        }
        let promised = ready.iter().map(|host| promise(*host)).enumerate();
        let (best, _) = promised.rev().max_by(|(_, a), (_, b)| a.total_cmp(b))?;
        let best = ready.remove(best);
        for host in ready {
            self.list(host, now);
        }
        Some(best)
    }

    /// Whether one more request to a host may be under way.
    pub(super) fn has_slot(&self, host: HostId) -> bool {
        self.under_way
            .get(&host)
            .is_none_or(|n| *n < self.host_concurrency)
    }

    pub(super) fn started(&mut self, host: HostId) {
        *self.under_way.entry(host).or_default() += 1;
        *self.served.entry(host).or_default() += 1;
    }

    pub(super) fn ended(&mut self, host: HostId) {
        if let Some(count) = self.under_way.get_mut(&host) {
            *count -= 1;
            if *count == 0 {
                self.under_way.remove(&host);
            }
        }
    }

    /// Removes a host that has nothing to fetch for now.
    pub(super) fn exhausted(&mut self, host: HostId) {
        self.served.remove(&host);
    }

    /// Starts reading the store's queues from the beginning.
    pub(super) fn look_again(&mut self) {
        self.missed = true;
    }

    /// The host after which to go on reading the store's queues, if that is needed and there is
    /// room. Report the result with [`Self::scanned`].
    pub(super) fn wants(&mut self) -> Option<Option<HostId>> {
        if !self.reads() {
            return None;
        }
        if self.scan.is_none() && self.missed {
            self.missed = false;
            self.scan = Some(None);
        }
        self.scan
    }

    /// How far the queues were read; `None`: to their end.
    pub(super) fn scanned(&mut self, upto: Option<HostId>) {
        self.scan = upto.map(Some);
    }

    /// Whether a host outside the window may have URLs waiting.
    pub(super) fn others_wait(&self) -> bool {
        self.missed || self.scan.is_some()
    }

    /// Whether the store's queues are to be read now.
    pub(super) fn reads(&self) -> bool {
        self.others_wait() && self.listed.len() <= self.capacity / 2
    }

    /// When the next listed host's turn comes.
    pub(super) fn next_turn(&self) -> Option<Instant> {
        self.ready.peek().map(|Reverse((when, ..))| *when)
    }

    /// Hosts that wait for their turns or have requests under way.
    pub(super) fn len(&self) -> usize {
        self.listed.len() + self.under_way.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ready.is_empty()
    }

    pub(super) fn clear(&mut self) {
        *self = Self::new(self.host_concurrency, self.capacity);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const A: HostId = HostId([1; 8]);
    const B: HostId = HostId([2; 8]);

    #[test]
    fn the_earliest_host_with_a_free_slot_comes_first() {
        let now = Instant::now();
        let mut hosts = HostWindow::new(1, 9);
        hosts.list(B, now);
        hosts.list(A, now - Duration::from_secs(1));
        hosts.list(A, now - Duration::from_secs(9));
        assert_eq!(hosts.take(now), Some(A));
        hosts.started(A);
        hosts.list(A, now);
        assert_eq!(hosts.take(now), Some(B));
        assert_eq!(
            hosts.take(now),
            None,
            "a is busy and is listed again when it ends"
        );
        hosts.ended(A);
        hosts.list(A, now + Duration::from_secs(1));
        assert_eq!(hosts.take(now), None, "not before its turn");
        assert_eq!(hosts.take(now + Duration::from_secs(1)), Some(A));
    }

    /// Works off `queues` through a window of three hosts, reading them as the store's
    /// queues are read, and returns the order of hosts served.
    fn work_off(queues: &mut [u32]) -> Vec<usize> {
        let id = |n: usize| HostId((n as u64).to_be_bytes());
        let mut hosts = HostWindow::new(1, 3);
        let mut served = Vec::new();
        let now = Instant::now();
        hosts.look_again();
        loop {
            if let Some(behind) = hosts.wants() {
                let first = behind.map_or(0, |host| u64::from_be_bytes(host.0) as usize + 1);
                match (first..queues.len()).find(|n| queues[*n] > 0) {
                    Some(n) => {
                        hosts.list(id(n), now);
                        hosts.scanned(Some(id(n)));
                    }
                    None => hosts.scanned(None),
                }
            }
            assert!(hosts.listed.len() <= 3);
            let Some(host) = hosts.take(now) else {
                if hosts.others_wait() {
                    continue;
                }
                return served;
            };
            let n = u64::from_be_bytes(host.0) as usize;
            if queues[n] == 0 {
                hosts.exhausted(host);
                continue;
            }
            queues[n] -= 1;
            served.push(n);
            hosts.started(host);
            hosts.ended(host);
            hosts.list(host, now);
        }
    }

    #[test]
    fn a_small_window_gets_to_every_host() {
        let mut queues = [3; 50];
        let served = work_off(&mut queues);
        assert_eq!(served.len(), 150);
        assert_eq!(queues, [0; 50]);
    }

    #[test]
    fn long_queues_do_not_keep_others_out() {
        let mut queues = vec![1_000; 6];
        queues.push(1);
        let served = work_off(&mut queues);
        let last = served.iter().position(|n| *n == 6).unwrap();
        assert!(last < 1_000, "the last host came after {last} requests");
        assert_eq!(served.len(), 6_001);
    }
}
