//! The way to the network: names, connections, requests, redirects, bodies.

pub(super) mod body;
pub(super) mod client;
pub(super) mod error;
pub(super) mod fetcher;
pub(super) mod follow;
pub(super) mod resolver;
pub(super) mod response;
pub(super) mod rule_files;
