//! simdex gathers pictures from the web and finds the ones that look alike.
//!
//! ARCHITECTURE.md walks through the modules; the dependencies point one way:
//!
//! ```text
//! cli ─> demo, crawl, search, evaluation ─> ingest, index, head ─> store ─> network, activation, picture
//! ```

pub mod activation;
pub mod app;
pub mod atomic_file;
mod blocking;
pub mod canonical_url;
pub mod classify;
pub mod cli;
pub mod config;
pub mod crawl;
pub mod dataset;
pub mod demo;
pub mod edit;
pub mod evaluation;
pub mod extract;
pub mod head;
pub mod index;
pub mod ingest;
pub mod local_path;
pub mod map;
pub mod network;
pub mod picture;
pub mod plural;
pub mod private_folder;
pub mod report;
pub mod saving;
pub mod search;
pub mod serve;
pub mod shutdown;
pub mod store;
pub mod table;
pub mod terminal;
pub mod training;
