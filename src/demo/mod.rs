//! A web site of the program's own, served on loopback: what `simdex demo` crawls, and what
//! the integration tests crawl when they need a server that misbehaves.
//!
//! - [`drawing`] draws the pictures, all chance in them from [`random`], and [`edit`] makes
//!   edited copies,
//! - [`site`] arranges them, or a folder of photos, as a web site,
//! - [`web`] is a whole web of many hosts, with traps, opt-outs and misbehaviour, for tests
//!   and benchmarks that must know the truth,
//! - [`server`] serves a site over HTTP, and [`reply`] says how well or how badly.

mod canvas;
pub mod drawing;
pub mod edit;
mod gallery;
mod nature;
mod photos;
pub mod random;
pub mod reply;
mod scenery;
pub mod server;
pub mod site;
mod things;
pub mod web;
mod wilds;
