//! What `simdex demo` crawls: a small site of drawn pictures, or of the user's own photos,
//! served on loopback.
//!
//! - [`drawing`] draws the pictures, all chance in them from [`random`],
//! - [`gallery`] and [`photos`] arrange pictures as a [`site`],
//! - [`server`] serves a site over HTTP.

mod canvas;
pub mod drawing;
pub mod gallery;
mod nature;
pub mod photos;
pub mod random;
mod retouch;
mod scenery;
pub mod server;
pub mod site;
mod things;
mod wilds;
