//! The crawler.
//!
//! ```text
//! Frontier (store) ─ lease ─> schedule ─> visit ─> http ── Permit ──> request
//!                                          │        politeness + policy + address
//!                       page: links, pictures         picture: bytes
//!                            └─> Frontier                └─> Ingest
//! ```
//!
//! The modules use one another in one direction: schedule, visit, http; then archive,
//! politeness and policy, which know nothing of the network. Only `Fetcher::send` talks to the
//! network and it takes a [`Permit`], which only `Fetcher::permit` gives: a request without a
//! robots decision, a turn and a checked address does not compile.

mod archive;
mod event;
mod header_text;
mod http;
mod pause;
mod policy;
mod politeness;
mod preview;
mod problem;
mod schedule;
mod summary;
mod visit;

pub use archive::fetch_log::{FetchLog, FetchLogError};
pub use archive::recorders::Recorders;
pub use archive::warc::{WarcError, WarcOptions, WarcWriter};
pub use event::Event;
pub use http::error::{FetchError, with_causes};
pub use http::fetcher::{Fetcher, fetch_picture};
pub use http::transport::Permit;
pub use pause::Pause;
pub use policy::address::{Closed, PrivateAddress, is_public};
pub use policy::admission::{Admission, PatternError, Rejection, Trap};
pub use policy::opt_out::OptOut;
pub use policy::reason::Reason;
pub use policy::refusal::Refusal;
pub use policy::scope::ScopeRules;
pub use preview::{Preview, Verdict};
pub use problem::Problem;
pub use schedule::crawl::Crawl;
pub use schedule::plan::{CrawlError, CrawlPlan};
pub use schedule::run::Rounds;
pub use summary::Summary;

/// The name by which robots.txt files address simdex (RFC 9309, section 2.2.1).
pub const ROBOTS_AGENT: &str = "simdex";

/// The User-Agent header: program, version and whom to ask.
pub fn user_agent(contact: Option<&str>) -> String {
    let version = env!("CARGO_PKG_VERSION");
    match contact {
        Some(contact) => format!("simdex/{version} (+{contact})"),
        None => format!("simdex/{version} (+no contact configured)"),
    }
}
