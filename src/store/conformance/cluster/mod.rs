//! What only a cluster must do: workers that share a store, kills, a server that goes and comes. And
//! what all stores must do, for one on a server.

mod copying;
mod kills;
mod owner;
mod partition;
mod points;
mod rest;
mod server;
mod sharing;
mod upkeep;

use std::time::Duration;

use super::commands::{Pair, SEEDS};
use super::fixture::open_cluster;
use crate::store::{LEASE_TIME, Store};

/// A new store on the tests' PostgreSQL, with points; `None` where there is none, which is said.
pub(super) fn store(lease_time: Duration) -> Option<Store> {
    let options = server::with_points()?;
    Some(open_cluster(&options, lease_time))
}

/// The same for tests of those who search.
pub(crate) fn store_with_points() -> Option<Store> {
    store(LEASE_TIME)
}

#[test]
fn a_cluster_and_memory_answer_alike() {
    for seed in 0..SEEDS {
        let Some(options) = server::new_database() else {
            return;
        };
        drop(Pair::answer_alike(
            seed,
            Box::new(move || open_cluster(&options, LEASE_TIME)),
        ));
    }
}
