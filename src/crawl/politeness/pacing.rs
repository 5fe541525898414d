//! Pacing: how often a host, and the address it stands at, is asked.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::{Duration, Instant, sleep_until};

use crate::canonical_url::HostId;
use crate::store::ledger::LastRequests;
use crate::store::{HostPace, HostRest};

/// Gives turns: it limits the requests at once and keeps a least time between any two, for a
/// host and for the address behind it, so that a thousand names on one server count as one
/// server.
///
/// With one request at a time the time runs from the end of one to the start of the next,
/// so that the host's own log never shows a smaller gap, whatever the network's delays.
///
/// The delay grows where it has to: to the time the host takes to answer, and twofold with
/// every sign of overload. It shrinks slowly. A random part is added, never taken away. What
/// one host's overload adds holds for that host alone: other hosts at its address keep their
/// delay.
#[derive(Debug)]
pub(in crate::crawl) struct Pacer {
    paces: Mutex<Paces>,
    freed: Notify,
    host_concurrency: u32,
    latency_factor: f64,
}

#[derive(Debug, Default)]
struct Paces {
    by_key: HashMap<Key, Pace>,
    /// The number of entries at which idle ones are forgotten.
    sweep_at: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Host(HostId),
    Address(IpAddr),
}

/// What is owed to a host or an address.
#[derive(Debug, Clone, Copy)]
struct Pace {
    /// Requests under way.
    under_way: u32,
    /// The next request may not start before this time.
    next: Instant,
    /// When the last request ended.
    ended: Option<Instant>,
    /// The delay that was in force then.
    owed: Duration,
    /// The least delay that was set for the host last.
    least: Duration,
    /// The delay that signs of overload have brought; zero if there were none.
    penalty: Duration,
    /// How long the host takes to answer, as a moving average.
    latency: Duration,
    /// The address at which the host was last asked.
    address: Option<IpAddr>,
    /// Since when somebody waits for the next turn.
    wanted: Option<Instant>,
}

/// The right to send one request now; the turn ends when it is dropped.
#[derive(Debug)]
pub(in crate::crawl) struct Turn {
    pacer: Arc<Pacer>,
    host: HostId,
    address: Option<IpAddr>,
    /// The least time since the last request, without its random part.
    owed: Duration,
    /// The least time until the next request, without its random part.
    delay: Duration,
    /// The same for other hosts at the address, which this host's overload does not slow down.
    least: Duration,
    started: Instant,
    waited: Duration,
}

/// What an answer says about how its host is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::crawl) enum Health {
    /// It answered in this time.
    Well(Duration),
    /// 429, 503, or no answer in time.
    Overloaded,
}

/// Entries kept before the idle ones are forgotten: 10 MB.
const REMEMBERED: usize = 50_000;
/// The random part of a delay, as a share of it.
const JITTER: f64 = 0.25;
/// The first delay after a sign of overload, if there was none before.
const FIRST_PENALTY: Duration = Duration::from_secs(1);
/// The longest delay that signs of overload bring.
const LONGEST_PENALTY: Duration = Duration::from_secs(300);
/// The share of the penalty that a good answer leaves: twenty of them halve it.
const RECOVERY: f64 = 0.966;
/// The weight of the newest answer in the average.
const NEWEST: f64 = 0.2;
/// The longest delay for slow answers: a body that takes minutes is no sign of strain.
const LONGEST_LATENCY: Duration = Duration::from_secs(30);
/// How soon a turn is asked for again where a request is under way.
const BUSY: Duration = Duration::from_millis(20);

impl Pacer {
    /// A pacer that allows `host_concurrency` requests at once to a host or address, and
    /// makes the delay at least `latency_factor` times what the host takes to answer.
    pub(in crate::crawl) fn new(host_concurrency: usize, latency_factor: f64) -> Self {
        Self {
            paces: Mutex::default(),
            freed: Notify::new(),
            // The configuration allows a thousand.
            host_concurrency: host_concurrency as u32,
            latency_factor,
        }
    }

    /// Takes a turn if one is free now; else says when to ask again. `delay` is the least
    /// time that the host's owner or the user has set.
    pub(in crate::crawl) fn try_turn(
        self: &Arc<Self>,
        host: HostId,
        address: Option<IpAddr>,
        delay: Duration,
    ) -> Result<Turn, Instant> {
        let now = Instant::now();
        let mut paces = self.paces();
        paces.sweep(now);
        paces.pace(Key::Host(host), now).address = address;
        let keys = keys(host, address);
        let pace = paces.pace(Key::Host(host), now);
        let least = delay;
        pace.least = least;
        let delay = self.delay(pace, least);
        // The delay asked for now holds for the pause that is under way, too.
        if let Some(ended) = pace.ended {
            pace.next = pace.next.max(ended + delay);
        }
        let mut wait: Option<Instant> = None;
        for key in keys.into_iter().flatten() {
            let pace = paces.pace(key, now);
            let when = match pace.under_way < self.host_concurrency {
                true if pace.next <= now => continue,
                true => pace.next,
                false => pace.next.max(now + BUSY),
            };
            wait = wait.max(Some(when));
        }
        if let Some(when) = wait {
            paces.pace(Key::Host(host), now).wanted.get_or_insert(now);
            return Err(when);
        }
        let free = keys
            .into_iter()
            .flatten()
            .map(|key| paces.pace(key, now).next);
        let free = free.max().unwrap_or(now);
        let pace = paces.pace(Key::Host(host), now);
        let owed = delay.max(pace.owed);
        // If nobody took the turn when it was free, nobody waited for it any longer.
        let wanted = pace.wanted.take().unwrap_or(free);
        let waited = free.saturating_duration_since(wanted);
        for key in keys.into_iter().flatten() {
            let pace = paces.pace(key, now);
            pace.under_way += 1;
            pace.next = now + least;
        }
        Ok(Turn {
            pacer: Arc::clone(self),
            host,
            address,
            owed,
            delay,
            least,
            started: now,
            waited,
        })
    }

    /// Waits for a turn, but not past `deadline`; says then when it would have come.
    pub(in crate::crawl) async fn turn(
        self: &Arc<Self>,
        host: HostId,
        address: Option<IpAddr>,
        delay: Duration,
        deadline: Instant,
    ) -> Result<Turn, Instant> {
        loop {
            let freed = self.freed.notified();
            match self.try_turn(host, address, delay) {
                Ok(turn) => return Ok(turn),
                Err(when) if when > deadline => return Err(when),
                Err(when) => tokio::select! {
                    () = sleep_until(when) => {}
                    () = freed => {}
                },
            }
        }
    }

    /// Continues where the last process stopped. `now_ms` is the present, in milliseconds since
    /// 1970. `least` is the delay of hosts that have none of their own.
    pub(in crate::crawl) fn restore(&self, last: &LastRequests, least: Duration, now_ms: u64) {
        let now = Instant::now();
        let mut paces = self.paces();
        let hosts = last
            .hosts
            .iter()
            .map(|(host, last)| (Key::Host(*host), last));
        let addresses = last.addresses.iter();
        let addresses = addresses.map(|(address, last)| (Key::Address(*address), last));
        for (key, last) in hosts.chain(addresses) {
            let ago = Duration::from_millis(now_ms.saturating_sub(last.ended_ms));
            let owed = Duration::from_millis(last.delay_ms.into()).max(least);
            let held = Duration::from_millis(last.next_ms.saturating_sub(now_ms));
            // Longer ago than any delay asks for.
            if ago > LONGEST_PENALTY.max(owed) && held.is_zero() {
                continue;
            }
            let pace = paces.pace(key, now);
            pace.ended = now.checked_sub(ago);
            pace.owed = owed;
            pace.next = now + owed.saturating_sub(ago).max(held);
        }
    }

    /// Leaves a host alone until `until`, because it asked for that.
    pub(in crate::crawl) fn hold(&self, host: HostId, until: Instant) {
        let mut paces = self.paces();
        let pace = paces.pace(Key::Host(host), Instant::now());
        pace.next = pace.next.max(until);
    }

    /// When a turn of a host may come, as far as is known; not before `now`.
    pub(in crate::crawl) fn next_turn(&self, host: HostId, now: Instant) -> Instant {
        let mut paces = self.paces();
        let Some(pace) = paces.by_key.get_mut(&Key::Host(host)) else {
            return now;
        };
        pace.wanted.get_or_insert(now);
        let pace = *pace;
        let ready = |pace: &Pace| match pace.under_way < self.host_concurrency {
            true => pace.next,
            false => pace.next.max(now + BUSY),
        };
        let address = pace
            .address
            .and_then(|address| paces.by_key.get(&Key::Address(address)));
        address.map_or(now, ready).max(ready(&pace)).max(now)
    }

    /// The delay in force: the least one, or what the host's health asks for.
    fn delay(&self, pace: &Pace, least: Duration) -> Duration {
        // A user who sets no delay at all switches this off, too.
        let latency = match least {
            Duration::ZERO => Duration::ZERO,
            _ => pace
                .latency
                .mul_f64(self.latency_factor)
                .min(LONGEST_LATENCY),
        };
        least.max(latency).max(pace.penalty)
    }

    fn paces(&self) -> MutexGuard<'_, Paces> {
        self.paces.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HostPace for Pacer {
    fn rest(&self, host: HostId) -> Option<HostRest> {
        let now = Instant::now();
        let paces = self.paces();
        let pace = paces.by_key.get(&Key::Host(host))?;
        let delay = self.delay(pace, pace.least.max(pace.owed));
        let after_last = pace.ended.map_or(pace.next, |ended| ended + delay);
        let left = pace.next.max(after_last).saturating_duration_since(now);
        Some(HostRest {
            is_asked: pace.under_way > 0,
            left,
            delay,
        })
    }
}

impl Pace {
    fn recover(&mut self, latency: Duration) {
        self.latency = match self.latency {
            Duration::ZERO => latency,
            before => before.mul_f64(1.0 - NEWEST) + latency.mul_f64(NEWEST),
        };
        self.penalty = self.penalty.mul_f64(RECOVERY);
        if self.penalty < FIRST_PENALTY / 4 {
            self.penalty = Duration::ZERO;
        }
    }
}

fn keys(host: HostId, address: Option<IpAddr>) -> [Option<Key>; 2] {
    [Some(Key::Host(host)), address.map(Key::Address)]
}

impl Paces {
    fn pace(&mut self, key: Key, now: Instant) -> &mut Pace {
        self.by_key.entry(key).or_insert(Pace {
            under_way: 0,
            next: now,
            ended: None,
            owed: Duration::ZERO,
            least: Duration::ZERO,
            penalty: Duration::ZERO,
            latency: Duration::ZERO,
            address: None,
            wanted: None,
        })
    }

    /// Forgets the entries that are owed nothing: a new one would be the same.
    fn sweep(&mut self, now: Instant) {
        if self.by_key.len() < self.sweep_at.max(REMEMBERED) {
            return;
        }
        self.by_key.retain(|_, pace| {
            pace.under_way > 0 || pace.next > now || pace.penalty > Duration::ZERO
        });
        // So that a sweep costs each entry a constant time, however many stay.
        self.sweep_at = self.by_key.len() * 2;
    }
}

impl Turn {
    /// The least time that has passed since the last request to the host, if there was one.
    pub(in crate::crawl) fn owed(&self) -> Duration {
        self.owed
    }

    /// The least time until the next request to the host, as far as is known now.
    pub(in crate::crawl) fn delay(&self) -> Duration {
        self.delay
    }

    /// How long the turn was waited for.
    pub(in crate::crawl) fn waited(&self) -> Duration {
        self.waited
    }

    /// The address that is asked.
    pub(in crate::crawl) fn address(&self) -> Option<IpAddr> {
        self.address
    }

    /// Takes what an answer says about the host's health into its delay, that after this
    /// turn included.
    pub(in crate::crawl) fn learn(&mut self, health: Health) {
        let mut paces = self.pacer.paces();
        let pace = paces.pace(Key::Host(self.host), self.started);
        match health {
            Health::Well(latency) => pace.recover(latency),
            Health::Overloaded => {
                let double = self.delay * 2;
                pace.penalty = double.clamp(FIRST_PENALTY, LONGEST_PENALTY);
                self.delay = self.delay.max(pace.penalty);
            }
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let now = Instant::now();
        let jitter = 1.0 + JITTER * rand::random::<f64>();
        let serial = self.pacer.host_concurrency == 1;
        let from = if serial { now } else { self.started };
        {
            let mut paces = self.pacer.paces();
            for key in keys(self.host, self.address).into_iter().flatten() {
                let delay = match key {
                    Key::Host(_) => self.delay,
                    Key::Address(_) => self.least,
                };
                let pace = paces.pace(key, now);
                pace.under_way = pace.under_way.saturating_sub(1);
                pace.next = pace.next.max(from + delay.mul_f64(jitter));
                pace.ended = Some(now);
                pace.owed = delay;
            }
        }
        self.pacer.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests;
