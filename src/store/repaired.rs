//! What came of a repair.

use std::path::PathBuf;

/// What a store has after [`Store::repair`](super::Store::repair).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Repaired {
    /// Pictures with features.
    pub pictures: u64,
    /// Pictures without.
    pub waiting: u64,
    /// Pictures of both kinds that were committed, where that is known.
    pub committed: Option<u64>,
    /// Bytes of the log that are damaged, and were passed over.
    pub damaged_bytes: u64,
    /// Whether what the crawler knew is lost: it begins again at its seeds.
    pub forgot_crawl: bool,
    /// What could not be used and was left under another name.
    pub aside: Vec<PathBuf>,
}
