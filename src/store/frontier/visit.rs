//! When URLs were visited, what they gave, and when they are to be visited again.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::canonical_url::UrlId;
use crate::store::now_ms;

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

/// The longest time that a URL waits for another try. A longer one was set by a clock that was
/// ahead.
pub const LONGEST_RETRY: Duration = Duration::from_secs(24 * 3600);

/// First time until the next visit.
const FIRST_INTERVAL: u64 = 24 * 3600;
/// Shortest and longest time between two visits.
const SHORTEST_INTERVAL: u64 = 3600;
const LONGEST_INTERVAL: u64 = 64 * 24 * 3600;
/// How far ahead a clock may have been without a sign of it, in seconds: no clock is exact.
const SLACK: u64 = 3600;

impl VisitRecord {
    /// The record after a visit that gave `content`. What has changed is visited twice as
    /// often, what has not changed half as often: at most once an hour, at least once in 64
    /// days.
    pub(in crate::store) fn after(
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

    /// When the URL is to be visited again, as seen from `now_s`; both in seconds since 1970. A
    /// time that lies further ahead than the interval was set by a clock that was ahead: such a
    /// URL is due now.
    pub(in crate::store) fn due_at(&self, now_s: u64) -> u64 {
        let latest_s = now_s.saturating_add(self.interval_s).saturating_add(SLACK);
        match self.due_s <= latest_s {
            true => self.due_s,
            false => now_s,
        }
    }

    /// The record without the names of its version, so that the server sends all of it again.
    pub(in crate::store) fn without_version(self) -> Self {
        Self {
            validators: Validators {
                etag: None,
                last_modified: None,
                ..self.validators
            },
            ..self
        }
    }
}

/// From which time on a retry was set by a clock that was ahead; in milliseconds since 1970.
pub(in crate::store) fn beyond_retries_ms(now_ms: u64) -> u64 {
    let longest = LONGEST_RETRY + Duration::from_secs(SLACK);
    // A day in milliseconds.
    now_ms.saturating_add(longest.as_millis() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_ahead_postpones_no_visit() {
        let visit = VisitRecord::after(None, [1; 32], Validators::default(), Vec::new());
        let now_s = now_ms() / 1000;
        assert_eq!(visit.due_at(now_s), visit.due_s);
        // It was made by a clock that was seconds ahead, or years.
        assert_eq!(visit.due_at(now_s - 60), visit.due_s);
        let then_s = now_s - 10 * 365 * 24 * 3600;
        assert_eq!(visit.due_at(then_s), then_s);
    }

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
