//! What only a cluster must do: workers that share a store, kills, a server that goes and comes.

mod kills;
mod partition;
pub(super) mod server;
mod sharing;
