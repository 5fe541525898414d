//! Which queued URLs are handed out. Only the process knows: a lease ends with it, so there
//! is nothing to write down and nothing to take back.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::key::Order;
use crate::canonical_url::HostId;

/// The leases of a process, by host. Bounded by what is under way at once.
#[derive(Debug, Clone, Default)]
pub(super) struct Flights(Arc<Mutex<HashMap<HostId, Flight>>>);

#[derive(Debug, Default)]
struct Flight {
    out: HashSet<Order>,
    /// No free URL of the host stands before this in its queue.
    from: u64,
}

/// A place in a host's queue that is taken until this is dropped.
#[derive(Debug)]
pub(super) struct InFlight {
    flights: Flights,
    pub(super) host: HostId,
    pub(super) order: Order,
}

impl Flights {
    /// Where a host's free URLs begin.
    pub(super) fn from(&self, host: HostId) -> Order {
        Order(self.lock().get(&host).map_or(0, |flight| flight.from))
    }

    /// Whether a place in a host's queue is taken.
    pub(super) fn is_out(&self, host: HostId, order: Order) -> bool {
        let flights = self.lock();
        flights
            .get(&host)
            .is_some_and(|flight| flight.out.contains(&order))
    }

    /// Takes a place in a host's queue; `first`: it is the first free one.
    pub(super) fn take(&self, host: HostId, order: Order, first: bool) -> InFlight {
        let mut flights = self.lock();
        let flight = flights.entry(host).or_default();
        flight.out.insert(order);
        if first {
            flight.from = order.0 + 1;
        }
        InFlight {
            flights: self.clone(),
            host,
            order,
        }
    }

    /// Notes that a place in a host's queue is free.
    pub(super) fn is_free(&self, host: HostId, order: Order) {
        if let Some(flight) = self.lock().get_mut(&host) {
            flight.from = flight.from.min(order.0);
        }
    }

    /// How many places are taken.
    pub(super) fn count(&self) -> u64 {
        self.lock()
            .values()
            .map(|flight| flight.out.len() as u64)
            .sum()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<HostId, Flight>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        // What makes a visit panic is not tried again before the next run.
        if std::thread::panicking() {
            return;
        }
        let mut flights = self.flights.lock();
        if let Some(flight) = flights.get_mut(&self.host) {
            flight.out.remove(&self.order);
            flight.from = flight.from.min(self.order.0);
            if flight.out.is_empty() {
                flights.remove(&self.host);
            }
        }
    }
}
