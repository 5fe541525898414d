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
//! [`Fetcher::permit`] gives: a request without a robots decision, a turn and a checked
//! address does not compile.

mod address;
mod body;
mod error;
mod fetch;
mod hosts;
mod pacing;
mod page;
mod robots;
mod schedule;
mod scope;
mod settle;
mod srcset;
mod summary;
mod visit;

pub use address::is_public;
pub use error::{FetchError, Refusal, with_causes};
pub use fetch::{Fetcher, Permit};
pub use pacing::Pacer;
pub use page::{Page, parse_page};
pub use schedule::{Crawl, CrawlError};
pub use scope::ScopeRules;
pub use srcset::largest_candidate;
pub use summary::{Event, Problem, Summary};
pub use visit::fetch_picture;

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
