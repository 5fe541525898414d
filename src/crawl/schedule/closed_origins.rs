//! Origins that are not asked any more in this run.

use std::collections::HashMap;

use tokio::time::{Duration, Instant};

use crate::canonical_url::{CanonicalUrl, UrlId};
use crate::crawl::policy::reason::Reason;

/// Origins without answers.
#[derive(Debug, Default)]
pub(super) struct ClosedOrigins {
    /// How often in a row their rules could not be fetched.
    unreachable: HashMap<UrlId, u32>,
    /// Those that are not asked any more in this run, or were not in one before.
    closed: HashMap<UrlId, Closed>,
}

/// An origin that has given no answer in a run.
#[derive(Debug)]
struct Closed {
    reason: Reason,
    /// Whether it is closed for this run.
    is_closed: bool,
    /// In how many runs in a row it was.
    runs: u32,
    /// A run that begins before leaves it closed.
    until: Instant,
}

/// How long an origin rests after the first run in which it has given no answer; twice as long after
/// each that follows.
const REST: Duration = Duration::from_secs(900);
/// The longest rest.
const LONGEST_REST: Duration = Duration::from_secs(4 * 3600);

impl ClosedOrigins {
    /// Begins another run, in which those are asked again that have rested for long enough.
    pub(super) fn begin_run(&mut self) {
        let now = Instant::now();
        self.unreachable.clear();
        for closed in self.closed.values_mut() {
            closed.is_closed &= closed.until > now;
        }
    }

    /// Why the origin of a URL is closed for this run, if it is.
    pub(super) fn closed_for(&self, url: &str) -> Option<&Reason> {
        if self.closed.is_empty() {
            return None;
        }
        let closed = self.closed.get(&origin(url))?;
        closed.is_closed.then_some(&closed.reason)
    }

    /// Notes that the origin of a URL has answered.
    pub(super) fn reached(&mut self, url: &str) {
        if !self.unreachable.is_empty() || !self.closed.is_empty() {
            let origin = origin(url);
            self.unreachable.remove(&origin);
            self.closed.remove(&origin);
        }
    }

    /// Notes that the rules of a URL's origin could not be fetched; returns how often in a row.
    pub(super) fn unreachable(&mut self, url: &str) -> u32 {
        let count = self.unreachable.entry(origin(url)).or_default();
        *count += 1;
        *count
    }

    /// Closes the origin of a URL for a reason.
    pub(super) fn close(&mut self, url: &str, reason: Reason) {
        let origin = origin(url);
        self.unreachable.remove(&origin);
        let before = self.closed.get(&origin).map_or(0, |closed| closed.runs);
        let rest = REST * 2_u32.saturating_pow(before.min(8));
        let closed = Closed {
            reason,
            is_closed: true,
            runs: before + 1,
            until: Instant::now() + rest.min(LONGEST_REST),
        };
        self.closed.insert(origin, closed);
    }
}

/// What identifies the origin of a URL.
pub(super) fn origin(url: &str) -> UrlId {
    match CanonicalUrl::parse(url) {
        Ok(url) => UrlId::of(&url.origin()),
        Err(_) => UrlId::of(url),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://a.example/1";

    #[tokio::test(start_paused = true)]
    async fn an_origin_without_answers_rests_longer_each_time() {
        let mut origins = ClosedOrigins::default();
        for rest in [REST, REST * 2, REST * 4] {
            origins.close(URL, Reason::Dns);
            tokio::time::advance(rest - Duration::from_secs(1)).await;
            origins.begin_run();
            assert!(origins.closed_for(URL).is_some(), "{rest:?}");
            tokio::time::advance(Duration::from_secs(2)).await;
            assert!(origins.closed_for(URL).is_some(), "to the end of the run");
            origins.begin_run();
            assert!(origins.closed_for(URL).is_none(), "{rest:?}");
        }
        origins.reached(URL);
        origins.close(URL, Reason::Dns);
        tokio::time::advance(REST).await;
        origins.begin_run();
        assert!(origins.closed_for(URL).is_none(), "it has answered between");
    }
}
