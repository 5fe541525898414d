//! Which queued URLs are handed out. Only the process knows: a lease ends with it, so there
//! is nothing to write down and nothing to take back.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::order::Order;
use crate::canonical_url::HostId;

/// How long a URL is handed out for, unless its lease is renewed. Within one process a lease
/// ends when it is dropped, and a picture may wait long for slow workers, so this is longer
/// than anything takes; where other processes take leases, it must be minutes.
pub(in crate::store) const LEASE_TIME: Duration = Duration::from_secs(24 * 3600);

/// The leases of a process. Its size is bounded by the number of visits under way.
#[derive(Debug, Clone)]
pub(in crate::store) struct Leases {
    time: Duration,
    table: Arc<Mutex<Table>>,
}

#[derive(Debug, Default)]
struct Table {
    hosts: HashMap<HostId, LeasesOfHost>,
    /// The number of the lease handed out last.
    last: u64,
}

#[derive(Debug, Default)]
struct LeasesOfHost {
    out: HashMap<Order, Held>,
    /// No free URL of the host comes before this in its queue, except those whose leases ran
    /// out.
    from: u64,
}

/// Who has a place, and until when.
#[derive(Debug)]
struct Held {
    lease: u64,
    /// `None` if it is not to be handed out again by this process.
    until: Option<Instant>,
}

impl Held {
    fn has_run_out(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| until <= now)
    }
}

/// A place in a host's queue that is taken until this is dropped, or its time is over.
#[derive(Debug)]
pub(in crate::store) struct LeasedPlace {
    leases: Leases,
    lease: u64,
    pub(in crate::store) host: HostId,
    pub(in crate::store) order: Order,
    pub(in crate::store) deadline: Instant,
    /// How often the host had changed hands when it was taken.
    #[cfg(feature = "cluster")]
    pub(in crate::store) generation: u64,
}

impl Leases {
    pub(in crate::store) fn new(time: Duration) -> Self {
        Self {
            time,
            table: Arc::default(),
        }
    }

    /// Where a host's free URLs begin.
    pub(in crate::store) fn from(&self, host: HostId) -> Order {
        let table = self.lock();
        let Some(of_host) = table.hosts.get(&host) else {
            return Order(0);
        };
        let now = Instant::now();
        let run_out = of_host.out.iter().filter(|(_, held)| held.has_run_out(now));
        let first = run_out.map(|(order, _)| order.0).min();
        Order(first.map_or(of_host.from, |first| first.min(of_host.from)))
    }

    /// Whether a place in a host's queue is taken.
    pub(in crate::store) fn is_out(&self, host: HostId, order: Order) -> bool {
        let table = self.lock();
        let held = table.hosts.get(&host).and_then(|host| host.out.get(&order));
        held.is_some_and(|held| !held.has_run_out(Instant::now()))
    }

    /// Takes a free place in a host's queue; `first`: it is the first free one.
    pub(in crate::store) fn take(&self, host: HostId, order: Order, first: bool) -> LeasedPlace {
        let deadline = Instant::now() + self.time;
        let mut table = self.lock();
        table.last += 1;
        let lease = table.last;
        let of_host = table.hosts.entry(host).or_default();
        let held = Held {
            lease,
            until: Some(deadline),
        };
        of_host.out.insert(order, held);
        if first {
            of_host.from = of_host.from.max(order.0 + 1);
        }
        drop(table);
        LeasedPlace {
            leases: self.clone(),
            lease,
            host,
            order,
            deadline,
            #[cfg(feature = "cluster")]
            generation: 0,
        }
    }

    /// Notes that a place in a host's queue is free.
    pub(in crate::store) fn is_free(&self, host: HostId, order: Order) {
        if let Some(of_host) = self.lock().hosts.get_mut(&host) {
            of_host.from = of_host.from.min(order.0);
        }
    }

    /// How many places are taken.
    pub(in crate::store) fn count(&self) -> u64 {
        let now = Instant::now();
        let table = self.lock();
        let out = table.hosts.values().flat_map(|host| host.out.values());
        out.filter(|held| !held.has_run_out(now)).count() as u64
    }

    /// The hosts of which URLs are handed out.
    #[cfg(feature = "cluster")]
    pub(in crate::store) fn hosts(&self) -> Vec<HostId> {
        self.lock().hosts.keys().copied().collect()
    }

    /// Changes who has a place, if it is still `place`'s owner.
    fn change(&self, place: &LeasedPlace, change: impl FnOnce(&mut Held)) -> bool {
        let mut table = self.lock();
        let of_host = table.hosts.get_mut(&place.host);
        let held = of_host.and_then(|host| host.out.get_mut(&place.order));
        match held.filter(|held| held.lease == place.lease) {
            Some(held) => {
                change(held);
                true
            }
            None => false,
        }
    }

    fn give_back(&self, place: &LeasedPlace) {
        let mut table = self.lock();
        let Some(of_host) = table.hosts.get_mut(&place.host) else {
            return;
        };
        let held = of_host.out.get(&place.order);
        if held.is_some_and(|held| held.lease == place.lease) {
            of_host.out.remove(&place.order);
            of_host.from = of_host.from.min(place.order.0);
            if of_host.out.is_empty() {
                table.hosts.remove(&place.host);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LeasedPlace {
    /// Takes the place for the whole time from now on. `false` if its time was over and it
    /// was given to another: then it stays with the other.
    pub(in crate::store) fn renew(&mut self) -> bool {
        let deadline = Instant::now() + self.leases.time;
        let is_ours = self.leases.clone().change(self, |held| {
            held.until = Some(deadline);
        });
        if is_ours {
            self.deadline = deadline;
        }
        is_ours
    }
}

impl Drop for LeasedPlace {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // A URL whose visit panics is not tried again before the next run.
            self.leases.change(self, |held| held.until = None);
        } else {
            self.leases.give_back(self);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: HostId = HostId([1; 8]);

    #[test]
    fn a_place_is_taken_until_it_is_dropped() {
        let leases = Leases::new(LEASE_TIME);
        let place = leases.take(HOST, Order(3), true);
        assert!(leases.is_out(HOST, Order(3)));
        assert_eq!((leases.from(HOST), leases.count()), (Order(4), 1));
        drop(place);
        assert!(!leases.is_out(HOST, Order(3)));
        assert_eq!((leases.from(HOST), leases.count()), (Order(0), 0));
    }

    #[test]
    fn a_place_whose_time_is_over_may_be_given_to_another() {
        let leases = Leases::new(Duration::ZERO);
        let mut late = leases.take(HOST, Order(3), true);
        assert!(!leases.is_out(HOST, Order(3)));
        assert_eq!((leases.from(HOST), leases.count()), (Order(3), 0));
        assert!(late.renew(), "nobody else has it");
        let mut other = leases.take(HOST, Order(3), true);
        assert!(!late.renew());
        drop(late);
        assert!(other.renew(), "the late one takes nothing from it");
    }

    #[test]
    fn what_panics_is_not_handed_out_again() {
        let leases = Leases::new(Duration::ZERO);
        let place = leases.take(HOST, Order(3), true);
        let visit = std::thread::spawn(move || {
            let _place = place;
            panic!("as a visit may");
        });
        assert!(visit.join().is_err());
        assert!(leases.is_out(HOST, Order(3)));
    }
}
