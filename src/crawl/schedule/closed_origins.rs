//! Origins that are not asked any more in this run.

use std::collections::{HashMap, HashSet};

use crate::canonical_url::{CanonicalUrl, UrlId};

/// Origins without answers.
#[derive(Debug, Default)]
pub(super) struct ClosedOrigins {
    /// How often in a row their rules could not be fetched.
    unreachable: HashMap<UrlId, u32>,
    /// Those that are not asked any more in this run.
    closed: HashSet<UrlId>,
}

impl ClosedOrigins {
    /// Whether the origin of a URL is closed for this run.
    pub(super) fn is_closed(&self, url: &str) -> bool {
        !self.closed.is_empty() && self.closed.contains(&origin(url))
    }

    /// Notes that the origin of a URL has answered.
    pub(super) fn reached(&mut self, url: &str) {
        if !self.unreachable.is_empty() {
            self.unreachable.remove(&origin(url));
        }
    }

    /// Notes that the rules of a URL's origin could not be fetched; returns how often in a row.
    pub(super) fn unreachable(&mut self, url: &str) -> u32 {
        let count = self.unreachable.entry(origin(url)).or_default();
        *count += 1;
        *count
    }

    /// Closes the origin of a URL.
    pub(super) fn close(&mut self, url: &str) {
        let origin = origin(url);
        self.unreachable.remove(&origin);
        self.closed.insert(origin);
    }
}

/// What identifies the origin of a URL.
pub(super) fn origin(url: &str) -> UrlId {
    match CanonicalUrl::parse(url) {
        Ok(url) => UrlId::of(&url.origin()),
        Err(_) => UrlId::of(url),
    }
}
