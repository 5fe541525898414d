//! What a report lists one by one: requests that came too early, and pauses after the answers
//! 429 and 503.

use serde::{Deserialize, Serialize};

/// A request that came too early.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// The request's number.
    pub number: u64,
    /// When it started.
    pub time_ms: u64,
    /// The gap before it, in milliseconds: 0 if it started while another was under way.
    pub gap_ms: u64,
    /// What the gap should have been, in milliseconds.
    pub promised_ms: u64,
}

/// An answer 429 or 503 and what followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// When the answer had come.
    pub time_ms: u64,
    /// 429 or 503.
    pub status: u16,
    /// How long the host asked to be left alone, in milliseconds; 0 if it did not say.
    pub asked_ms: u32,
    /// The delay that was in force from then on, in milliseconds.
    pub delay_ms: u32,
    /// How long it was until the next request, in milliseconds; `null` if there was none.
    pub pause_ms: Option<u64>,
}

/// The most violations, and the most pauses, that a row lists.
pub(super) const LISTED: usize = 16;
