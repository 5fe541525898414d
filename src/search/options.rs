//! What to search for and how much.

use super::Filter;
use crate::head::Mode;

/// What to search for and how much.
#[derive(Debug, Clone)]
pub struct SearchOptions {
    /// Results wanted.
    pub k: usize,
    /// Candidates taken from the index.
    pub candidates: usize,
    /// Which pictures may be results.
    pub filter: Filter,
    /// Only results of at least this score.
    pub min_score: f32,
    /// What "alike" means.
    pub mode: Mode,
    /// Whether the parts that match are sought for every result.
    pub explain: bool,
    /// Whether near-copies are results of their own; otherwise one stands for all.
    pub all_copies: bool,
    /// Whether each candidate is scored as a pair with the query alone, whatever else the
    /// store holds: as when it came.
    pub alone: bool,
}

impl SearchOptions {
    /// `k` results in the default mode out of `candidates`, without any filter.
    pub fn new(k: usize, candidates: usize) -> Self {
        Self {
            k,
            candidates,
            filter: Filter::default(),
            min_score: 0.0,
            mode: Mode::default(),
            explain: false,
            all_copies: false,
            alone: false,
        }
    }
}
