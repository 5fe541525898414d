//! Origins that are not asked any more in this run.

use std::collections::HashMap;

use crate::canonical_url::{CanonicalUrl, UrlId};
use crate::crawl::policy::reason::Reason;

/// Origins without answers.
#[derive(Debug, Default)]
pub(super) struct ClosedOrigins {
    /// How often in a row their rules could not be fetched.
    unreachable: HashMap<UrlId, u32>,
    /// Those that are not asked any more in this run, and why.
    closed: HashMap<UrlId, Reason>,
}

impl ClosedOrigins {
    /// Why the origin of a URL is closed for this run, if it is.
    pub(super) fn closed_for(&self, url: &str) -> Option<&Reason> {
        if self.closed.is_empty() {
            return None;
        }
        self.closed.get(&origin(url))
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

    /// Closes the origin of a URL for a reason.
    pub(super) fn close(&mut self, url: &str, reason: Reason) {
        let origin = origin(url);
        self.unreachable.remove(&origin);
        self.closed.insert(origin, reason);
    }
}

/// What identifies the origin of a URL.
pub(super) fn origin(url: &str) -> UrlId {
    match CanonicalUrl::parse(url) {
        Ok(url) => UrlId::of(&url.origin()),
        Err(_) => UrlId::of(url),
    }
}
