//! What a server's log tells about a crawler's manners.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::robots::HOPS;
use super::truth::{Reason, Truth};
use crate::server::Hit;

/// A request that should not have been made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Violation {
    /// The URL is closed to crawlers.
    Forbidden {
        /// The URL.
        url: String,
        /// Why it is closed.
        reason: Reason,
    },
    /// The host's robots.txt had not been answered yet.
    BeforeRobots {
        /// The URL.
        url: String,
    },
    /// The name leads to another address.
    WrongAddress {
        /// The URL.
        url: String,
        /// Where the request came to.
        local: IpAddr,
    },
}

/// The requests of a log that should not have been made, in its order. The log must reach back
/// to the first request.
pub fn violations(hits: &[Hit], truth: &Truth) -> Vec<Violation> {
    // When each host's robots.txt was answered first, as far as it was.
    let mut robots: HashMap<&str, Instant> = HashMap::new();
    for hit in hits
        .iter()
        .filter(|hit| hit.request.path() == "/robots.txt")
    {
        if let Some(ended) = hit.ended {
            let first = robots.entry(&hit.host).or_insert(ended);
            *first = ended.min(*first);
        }
    }
    let mut found = Vec::new();
    for hit in hits {
        let url = hit.url();
        if let Some(reason) = truth.forbidden(&url) {
            found.push(Violation::Forbidden {
                url: url.clone(),
                reason,
            });
        }
        // Redirects from a robots.txt are followed before the other host is asked for its own.
        let free = hit.request.path() == "/robots.txt" || hit.request.path().starts_with(HOPS);
        let known = robots
            .get(hit.host.as_str())
            .is_some_and(|answered| *answered <= hit.at);
        if !free && !known {
            found.push(Violation::BeforeRobots { url: url.clone() });
        }
        if let (Some(expected), IpAddr::V4(local)) = (address_number(&hit.host), hit.local)
            && local.octets()[3] != expected
        {
            found.push(Violation::WrongAddress {
                url,
                local: hit.local,
            });
        }
    }
    found
}

/// The number in a host's name that its address ends with.
fn address_number(host: &str) -> Option<u8> {
    let (_, number) = host.strip_suffix(".test")?.rsplit_once(".a")?;
    number.parse().ok()
}

/// What requests must keep their distance on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GapKey {
    /// The host's name.
    Host,
    /// The server's address.
    Address,
}

/// The smallest gap between two requests of one host or address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// From the end of the answers before to the head of the next request; zero if an answer
    /// was still under way then.
    pub gap: Duration,
    /// From the head of the request before to that of the next.
    pub between_heads: Duration,
    /// Where the earlier of the two is in the log.
    pub before: usize,
    /// Where the later one is in the log.
    pub after: usize,
}

/// The smallest gap for each host or address that was asked more than once.
pub fn gaps(hits: &[Hit], key: GapKey) -> BTreeMap<String, Gap> {
    let mut order: Vec<usize> = (0..hits.len()).collect();
    order.sort_by_key(|&i| hits[i].at);
    // The last request by key, and the last end of an answer; nothing while one is under way.
    let mut last: HashMap<String, (usize, Option<Instant>)> = HashMap::new();
    let mut smallest: BTreeMap<String, Gap> = BTreeMap::new();
    for after in order {
        let hit = &hits[after];
        let key = match key {
            GapKey::Host => hit.host.clone(),
            GapKey::Address => hit.local.to_string(),
        };
        let mut end = hit.ended;
        if let Some(&(before, ended)) = last.get(&key) {
            let gap = Gap {
                gap: ended.map_or(Duration::ZERO, |ended| {
                    hit.at.saturating_duration_since(ended)
                }),
                between_heads: hit.at - hits[before].at,
                before,
                after,
            };
            let least = smallest.entry(key.clone()).or_insert(gap);
            if gap.gap < least.gap {
                *least = gap;
            }
            end = ended.zip(hit.ended).map(|(a, b)| a.max(b));
        }
        last.insert(key, (after, end));
    }
    smallest
}
