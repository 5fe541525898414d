//! The crawler.
//!
//! ```text
//! Frontier (store) ─ lease ─> Crawl ─> visit ─> Fetcher ── Permit ──> request
//!                                        │         robots + pacing + address
//!                     page: links, pictures        picture: bytes
//!                          └─> Frontier                └─> Ingest
//! ```
//!
//! Only `Fetcher::send` talks to the network and it takes a [`Permit`], which only
//! `Fetcher::permit` gives: a request without a robots decision, a turn and a checked
//! address does not compile.

mod address;
mod admission;
mod body;
mod client;
mod document;
mod error;
mod exchange;
mod fetch;
mod fetch_log;
mod focus;
mod follow;
mod hosts;
mod opt_out;
mod pacing;
mod page;
mod plan;
mod preview;
mod queues;
mod resolver;
mod response;
mod rest;
mod robots_txt;
mod rule_files;
mod rules;
mod schedule;
mod scope;
mod settle;
mod summary;
mod visit;
mod warc;
mod warc_record;
mod writer_thread;

pub use address::is_public;
pub use admission::{Admission, PatternError, Rejection, Trap};
pub use error::{FetchError, Refusal, with_causes};
pub use fetch::{Fetcher, Permit, Recorders};
pub use fetch_log::{FetchLog, FetchLogError};
pub use follow::fetch_picture;
pub use plan::{CrawlError, CrawlPlan};
pub use preview::{Preview, Verdict};
pub use schedule::Crawl;
pub use scope::ScopeRules;
pub use summary::{Event, Problem, Summary};
pub use warc::{WarcError, WarcOptions, WarcWriter};

/// The name under which robots.txt files speak to simdex (RFC 9309, section 2.2.1).
pub const ROBOTS_AGENT: &str = "simdex";

/// The User-Agent header: program, version and whom to ask.
pub fn user_agent(contact: Option<&str>) -> String {
    let version = env!("CARGO_PKG_VERSION");
    match contact {
        Some(contact) => format!("simdex/{version} (+{contact})"),
        None => format!("simdex/{version} (+no contact configured)"),
    }
}
