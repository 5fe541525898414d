//! Pacing: how often a host is asked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Duration, Instant, sleep_until};

use crate::canonical_url::HostId;

/// Gives each host's turns: so many requests at once, and a least time between any two.
///
/// With one request at a time the time runs from the end of one to the start of the next,
/// so that the host's own log never shows a smaller gap, whatever the network's delays.
#[derive(Debug)]
pub struct Pacer {
    hosts: Mutex<HashMap<HostId, Arc<Host>>>,
    host_concurrency: usize,
}

#[derive(Debug)]
struct Host {
    slots: Arc<Semaphore>,
    /// Not before this time may the next request start.
    next: Mutex<Instant>,
}

/// The right to send one request now; the host's slot is free again when it is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    host: Arc<Host>,
    delay: Duration,
    serial: bool,
    _slot: OwnedSemaphorePermit,
}

/// Hosts remembered before those that owe no delay are forgotten.
const REMEMBERED: usize = 20_000;

impl Pacer {
    /// A pacer that allows `host_concurrency` requests at once to a host.
    pub fn new(host_concurrency: usize) -> Self {
        Self {
            hosts: Mutex::default(),
            host_concurrency,
        }
    }

    fn host(&self, id: HostId) -> Arc<Host> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if hosts.len() > REMEMBERED && !hosts.contains_key(&id) {
            let now = Instant::now();
            // A host that nobody holds and that owes no delay is as good as a new one.
            hosts.retain(|_, host| Arc::strong_count(host) > 1 || host.next() > now);
        }
        let new = || {
            Arc::new(Host {
                slots: Arc::new(Semaphore::new(self.host_concurrency)),
                next: Mutex::new(Instant::now()),
            })
        };
        Arc::clone(hosts.entry(id).or_insert_with(new))
    }

    /// Waits for a turn. The delay holds between this request and the next.
    pub(super) async fn turn(&self, id: HostId, delay: Duration) -> Turn {
        let host = self.host(id);
        let slot = Arc::clone(&host.slots)
            .acquire_owned()
            .await
            .expect("a host's semaphore is never closed");
        loop {
            let start = host.next();
            sleep_until(start).await;
            let mut next = host.next.lock().unwrap_or_else(PoisonError::into_inner);
            // Someone else may have gone first, or the host asked for patience.
            if *next <= Instant::now() {
                *next = Instant::now() + delay;
                break;
            }
        }
        Turn {
            host,
            delay,
            serial: self.host_concurrency == 1,
            _slot: slot,
        }
    }

    /// Lets a host be until `until`, because it asked for it.
    pub(super) fn hold(&self, id: HostId, until: Instant) {
        self.host(id).not_before(until);
    }

    /// When the next turn of a host can start, if a slot is free.
    pub(super) fn next_turn(&self, id: HostId) -> Instant {
        self.host(id).next()
    }
}

impl Host {
    fn next(&self) -> Instant {
        *self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn not_before(&self, time: Instant) {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        *next = (*next).max(time);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if self.serial {
            self.host.not_before(Instant::now() + self.delay);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DELAY: Duration = Duration::from_secs(2);

    #[tokio::test(start_paused = true)]
    async fn the_delay_runs_from_the_end_of_a_request() {
        let pacer = Pacer::new(1);
        let host = HostId([1; 8]);
        let turn = pacer.turn(host, DELAY).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        drop(turn);
        let ended = Instant::now();
        drop(pacer.turn(host, DELAY).await);
        assert_eq!(ended.elapsed(), DELAY);
    }

    #[tokio::test(start_paused = true)]
    async fn concurrent_requests_keep_the_delay_between_starts() {
        let pacer = Arc::new(Pacer::new(3));
        let host = HostId([1; 8]);
        let begun = Instant::now();
        let mut turns = Vec::new();
        for i in 0..3 {
            turns.push(pacer.turn(host, DELAY).await);
            assert_eq!(begun.elapsed(), DELAY * i);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn hosts_do_not_wait_for_each_other() {
        let pacer = Pacer::new(1);
        let begun = Instant::now();
        let _a = pacer.turn(HostId([1; 8]), DELAY).await;
        let _b = pacer.turn(HostId([2; 8]), DELAY).await;
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_host_that_asks_for_patience_gets_it() {
        let pacer = Pacer::new(1);
        let host = HostId([1; 8]);
        let until = Instant::now() + Duration::from_secs(60);
        pacer.hold(host, until);
        drop(pacer.turn(host, DELAY).await);
        assert!(Instant::now() >= until);
    }
}
