//! When URLs were visited, what they gave, and when they are to be visited again.

use serde::{Deserialize, Serialize};

use super::now_ms;
use crate::canonical_url::UrlId;

/// A visited URL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VisitRecord {
    /// The server's names for this version.
    pub validators: Validators,
    /// BLAKE3 of the body; a picture's identity.
    pub content: [u8; 32],
    /// When it is to be visited again, in seconds since 1970.
    pub due_s: u64,
    /// How long after this visit that is, in seconds.
    pub interval_s: u64,
    /// The pictures that a page shows.
    pub shown: Vec<UrlId>,
}

/// What a server says of a version of a document (RFC 9110, section 8.8).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validators {
    /// `ETag`, as it came.
    pub etag: Option<String>,
    /// `Last-Modified`, as it came.
    pub last_modified: Option<String>,
    /// When this version is not to be used any more, in seconds since 1970
    /// (`unavailable_after`).
    pub unavailable_after_s: Option<u64>,
}

/// Which URLs are asked for again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Again {
    /// Those that are due.
    Due,
    /// All that were visited.
    Visited,
    /// Those that failed, for one reason or for any.
    Failed(Option<String>),
}

/// First time until the next visit.
const FIRST_INTERVAL: u64 = 24 * 3600;
/// Shortest and longest time between two visits.
const SHORTEST_INTERVAL: u64 = 3600;
const LONGEST_INTERVAL: u64 = 64 * 24 * 3600;

impl VisitRecord {
    /// The record after a visit that gave `content`. What has changed is visited twice as
    /// often, what has not changed half as often: at most once an hour, at least once in 64
    /// days.
    pub(super) fn after(
        before: Option<&Self>,
        content: [u8; 32],
        validators: Validators,
        shown: Vec<UrlId>,
    ) -> Self {
        let interval_s = match before {
            None => FIRST_INTERVAL,
            Some(before) if before.content == content => before.interval_s * 2,
            Some(before) => before.interval_s / 2,
        };
        let interval_s = interval_s.clamp(SHORTEST_INTERVAL, LONGEST_INTERVAL);
        let due_s = now_ms() / 1000 + interval_s;
        Self {
            due_s: validators.unavailable_after_s.unwrap_or(due_s).min(due_s),
            validators,
            content,
            interval_s,
            shown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_is_visited_more_often() {
        let visit = |before: Option<&VisitRecord>, content: u8| {
            VisitRecord::after(before, [content; 32], Validators::default(), Vec::new())
        };
        let first = visit(None, 1);
        assert_eq!(first.interval_s, FIRST_INTERVAL);
        let same = visit(Some(&first), 1);
        assert_eq!(same.interval_s, 2 * FIRST_INTERVAL);
        let changed = visit(Some(&same), 2);
        assert_eq!(changed.interval_s, FIRST_INTERVAL);
        let mut busy = changed;
        let mut still = first;
        for n in 3..20 {
            busy = visit(Some(&busy), n);
            still = visit(Some(&still), 1);
        }
        assert_eq!(busy.interval_s, SHORTEST_INTERVAL);
        assert_eq!(still.interval_s, LONGEST_INTERVAL);
    }
}
