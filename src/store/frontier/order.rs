//! The order of a host's queue.

use crate::store::record::Role;

/// The order of a host's queue: pictures before pages, then first come, first served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::store) struct Order(pub(in crate::store) u64);

impl Order {
    const PAGE: u64 = 1 << 63;

    /// Retries with this time or a later one, which no clock ever shows, are left to the next
    /// run.
    pub(in crate::store) const NEXT_RUN: u64 = 1 << 63;

    /// The retry time of a URL that is left to the next run; such times keep the URLs in order.
    pub(in crate::store) fn in_next_run(self) -> u64 {
        self.0 | Self::NEXT_RUN
    }

    /// The order of what is queued as the `count`th.
    pub(in crate::store) fn of(role: Role, count: u64) -> Self {
        match role {
            Role::Picture | Role::Sheet => Self::picture(count),
            Role::Page | Role::Feed | Role::Sitemap => Self::page(count),
        }
    }

    pub(in crate::store) fn picture(count: u64) -> Self {
        Self(count & !Self::PAGE)
    }

    pub(in crate::store) fn page(count: u64) -> Self {
        Self(count | Self::PAGE)
    }

    pub(in crate::store) fn is_page(self) -> bool {
        self.0 & Self::PAGE != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_come_before_pages() {
        assert!(Order::picture(u64::MAX) < Order::page(0));
    }
}
