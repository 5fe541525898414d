//! What only a cluster must do: workers that share a store, kills, a server that goes and comes.

mod bucket;
mod kills;
mod partition;
mod server;
mod sharing;

pub(in crate::store) use server::new_database;
