//! The way to the network: names, connections, requests, redirects, bodies.

pub(super) mod body;
mod chunks;
mod clean_head;
pub(super) mod client;
mod content_coding;
mod decoding;
pub(super) mod error;
pub(super) mod fetch_options;
pub(super) mod fetcher;
pub(super) mod in_flight_request;
mod odd_heads;
mod other_host;
mod request_fields;
pub(super) mod resolver;
pub(super) mod response;
pub(super) mod rule_files;
pub(super) mod transport;
mod trust;
pub(super) mod wait_policy;
