//! The clock of the ledger, and how its times are written.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use jiff::SignedDuration;
use jiff::civil::date;

/// The system's time, but when that is set back this clock runs on, so that gaps are never
/// measured as smaller than they were.
#[derive(Debug)]
pub(super) struct Clock {
    /// The last time given, since 1970.
    time: Duration,
    at: Instant,
}

impl Clock {
    pub(super) fn new() -> Self {
        Self {
            time: system_time(),
            at: Instant::now(),
        }
    }

    /// Milliseconds since 1970.
    pub(super) fn now_ms(&mut self) -> u64 {
        self.advance(system_time(), Instant::now())
    }

    fn advance(&mut self, system: Duration, now: Instant) -> u64 {
        let passed = now.saturating_duration_since(self.at);
        self.time = system.max(self.time + passed);
        self.at = now;
        u64::try_from(self.time.as_millis()).unwrap_or(u64::MAX)
    }
}

fn system_time() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

/// A time in milliseconds since 1970 as RFC 3339 has it, in UTC; the year 9999 at most.
pub fn rfc3339(ms: u64) -> String {
    let since = SignedDuration::from_millis(i64::try_from(ms).unwrap_or(i64::MAX));
    format!(
        "{:.3}Z",
        date(1970, 1, 1).at(0, 0, 0, 0).saturating_add(since)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_back_does_not_stop_time() {
        let mut clock = Clock::new();
        let (time, at) = (clock.time, clock.at);
        let hour = Duration::from_secs(3600);
        let second = Duration::from_secs(1);
        let before = clock.advance(time, at);
        assert_eq!(clock.advance(time - hour, at + second), before + 1000);
        assert_eq!(
            clock.advance(time - hour + second, at + second * 2),
            before + 2000
        );
        // When the system's clock is set forward, this one follows.
        assert_eq!(
            clock.advance(time + hour, at + second * 3),
            before + 3_600_000
        );
    }

    #[test]
    fn times_are_in_utc_with_milliseconds() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_827_696_007, "2000-02-29T12:34:56.007Z"),
            (951_868_800_000, "2000-03-01T00:00:00.000Z"),
            (1_767_225_599_999, "2025-12-31T23:59:59.999Z"),
            (4_107_542_399_000, "2100-02-28T23:59:59.000Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (u64::MAX, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(rfc3339(ms), text);
        }
    }
}
