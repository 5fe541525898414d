//! The program, run as users run it, against drawn pictures and a web on loopback. One binary
//! for all features: it is linked once, and tests of different features run side by side.

#![allow(
    clippy::unwrap_used,
    reason = "a test that fails by unwrapping says where"
)]

mod add;
mod api;
mod api_docs;
mod api_lists;
mod architecture;
mod browser;
mod classify;
mod codings;
mod collection;
mod common;
mod context;
mod contract;
mod crawl;
mod cursors;
mod damage;
mod datasets;
mod demo;
mod docs;
mod domains;
mod durability;
mod examples;
mod explanation;
mod guard;
mod index;
mod ingest;
mod keep_recent;
mod labels;
mod limits;
mod listing;
#[cfg(unix)]
mod load;
mod local_files;
mod looks;
mod manners;
mod mcp;
mod near_duplicates;
mod network;
mod odd_answers;
mod old_store;
mod operator;
mod page;
mod query;
mod refresh;
mod refresh_every;
mod rejudging;
mod reports;
mod scores;
mod similarity;
mod slow_pictures;
#[cfg(unix)]
mod socket;
mod store;
#[cfg(unix)]
mod terminal;
mod transport;
mod unasked;
mod vectors;
mod verification;
mod versions;
mod web;
