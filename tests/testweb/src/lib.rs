//! The web that simdex's tests and benchmarks crawl, served on loopback.
//!
//! - [`server`] serves whatever a [`server::Handler`] answers and keeps a log of every request,
//!   and [`reply`] says how well or how badly an answer is sent,
//! - [`web`] is a whole web of many hosts, with traps, opt-outs and misbehaviour, that knows
//!   what a crawler should find in it,
//! - [`drawn_site`] is the site of `simdex demo` behind this server,
//! - `servers` are a PostgreSQL, an S3 server and links to them, which can be killed and cut.

pub mod drawn_site;
pub mod reply;
pub mod server;
#[cfg(unix)]
pub mod servers;
pub mod web;
