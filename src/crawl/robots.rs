//! robots.txt (RFC 9309): what an origin allows, kept for a day.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use robotxt::Robots;
use tokio::sync::OnceCell;
use tokio::time::{Duration, Instant};

use super::ROBOTS_AGENT;
use super::address::PrivateAddress;
use crate::canonical_url::CanonicalUrl;

/// What an origin's robots.txt says to simdex.
#[derive(Debug, Clone)]
pub(super) enum Rules {
    /// It was fetched, or is officially absent (4xx): these rules hold.
    Known(Box<Robots>),
    /// It cannot be had (5xx, 429, network error): everything is closed for now.
    Unreachable,
    /// The origin's name leads to a closed address.
    Private(PrivateAddress),
}

impl Rules {
    pub(super) fn parse(body: &[u8]) -> Self {
        Self::Known(Box::new(Robots::parse(body, ROBOTS_AGENT)))
    }

    pub(super) fn absent() -> Self {
        Self::Known(Box::new(Robots::allow_all()))
    }

    /// Whether `url` may be fetched; the path and query decide.
    pub(super) fn allow(&self, url: &CanonicalUrl) -> bool {
        match self {
            Self::Known(robots) => robots.is_url_allowed(url.as_url()),
            Self::Unreachable | Self::Private(_) => false,
        }
    }

    pub(super) fn crawl_delay(&self) -> Option<Duration> {
        match self {
            Self::Known(robots) => robots.crawl_delay(),
            Self::Unreachable | Self::Private(_) => None,
        }
    }
}

/// Rules by origin. Bounded: the oldest go first, by the bytes they were parsed from.
#[derive(Debug, Default)]
pub(super) struct RobotsCache {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    origins: HashMap<String, Arc<Entry>>,
    order: VecDeque<(String, usize)>,
    bytes: usize,
}

/// One origin's rules; whoever comes first fetches them, the others wait for it.
#[derive(Debug)]
pub(super) struct Entry {
    made: Instant,
    pub(super) rules: OnceCell<Arc<Rules>>,
}

/// Rules are fetched anew after this time (RFC 9309, section 2.4).
const KEPT: Duration = Duration::from_secs(24 * 3600);
/// An origin that could not be reached is asked again after this time.
const KEPT_UNREACHABLE: Duration = Duration::from_millis(300);
/// Bytes of robots.txt files remembered in all.
const CAPACITY: usize = 64 << 20;
/// What an entry is counted for besides its file.
const OVERHEAD: usize = 512;

impl RobotsCache {
    /// The entry of an origin; its rules may still have to be fetched.
    pub(super) fn entry(&self, origin: &str) -> Arc<Entry> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = state.origins.get(origin)
            && !entry.expired()
        {
            return Arc::clone(entry);
        }
        let entry = Arc::new(Entry {
            made: Instant::now(),
            rules: OnceCell::new(),
        });
        state.origins.insert(origin.to_owned(), Arc::clone(&entry));
        entry
    }

    /// Accounts for the bytes of a file that was parsed into an entry.
    pub(super) fn account(&self, origin: &str, bytes: usize) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = bytes + OVERHEAD;
        state.bytes += bytes;
        state.order.push_back((origin.to_owned(), bytes));
        while state.bytes > CAPACITY {
            let Some((oldest, bytes)) = state.order.pop_front() else {
                break;
            };
            state.bytes -= bytes;
            state.origins.remove(&oldest);
        }
    }
}

impl Entry {
    fn expired(&self) -> bool {
        let kept = match self.rules.get().map(Arc::as_ref) {
            Some(Rules::Unreachable) => KEPT_UNREACHABLE,
            _ => KEPT,
        };
        self.made.elapsed() > kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(robots: &str, path: &str) -> bool {
        let url = CanonicalUrl::parse(&format!("http://h{path}")).unwrap();
        Rules::parse(robots.as_bytes()).allow(&url)
    }

    #[test]
    fn the_longest_match_wins_and_allow_wins_ties() {
        let robots = "user-agent: SimDex\nDisallow: /a\nAllow: /a/b\nDisallow: /a/b/c$";
        assert!(!allows(robots, "/a/x"));
        assert!(allows(robots, "/a/b/x"));
        assert!(!allows(robots, "/a/b/c"));
        assert!(allows(robots, "/a/b/cd"));
        assert!(allows("User-agent: *\nDisallow: /p\nAllow: /p", "/p"));
    }

    #[test]
    fn the_query_counts_and_other_agents_do_not() {
        assert!(!allows("User-agent: *\nDisallow: /*?id=", "/x?id=3"));
        assert!(allows("User-agent: other\nDisallow: /", "/x"));
        assert!(allows(
            "User-agent: *\nDisallow: /\n\nUser-agent: simdex\nAllow: /",
            "/x"
        ));
    }

    #[test]
    fn unreachable_closes_everything() {
        let url = CanonicalUrl::parse("http://h/").unwrap();
        assert!(!Rules::Unreachable.allow(&url));
        assert!(Rules::absent().allow(&url));
    }
}
