use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The system's time, but while that is set back it runs on: gaps are never measured as
/// smaller than they were.
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

/// The last millisecond that four digits of a year can say.
const LAST_MS: u64 = 253_402_300_799_999;

/// A time in milliseconds since 1970 as RFC 3339 has it, in UTC; the year 9999 at most.
pub fn rfc3339(ms: u64) -> String {
    let ms = ms.min(LAST_MS);
    // Years that begin in March have their leap day last: after H. Hinnant,
    // "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
    let day = ms / 86_400_000 + 719_468;
    let of_cycle = day % 146_097;
    let year = (of_cycle - of_cycle / 1_460 + of_cycle / 36_524 - of_cycle / 146_096) / 365;
    let of_year = of_cycle - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * from_march + 2) / 5 + 1;
    let month = (from_march + 2) % 12 + 1;
    let year = day / 146_097 * 400 + year + u64::from(month <= 2);
    let (hour, minute) = (ms / 3_600_000 % 24, ms / 60_000 % 60);
    let (second, ms) = (ms / 1_000 % 60, ms % 1_000);
    format!("{year:04}-{month:02}-{of_month:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
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
        // Set forward, it is followed.
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
