//! The order of a host's queue.

use super::record::Role;

/// The order of a host's queue: pictures before pages, then first come, first served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Order(pub(super) u64);

impl Order {
    const PAGE: u64 = 1 << 63;

    /// Retries with this time or a later one, which no clock ever shows, are left to the next
    /// run.
    pub(super) const NEXT_RUN: u64 = 1 << 63;

    /// The retry time of a URL that is left to the next run; such times keep the URLs in order.
    pub(super) fn in_next_run(self) -> u64 {
        self.0 | Self::NEXT_RUN
    }

    /// The order of what is queued as the `count`th.
    pub(super) fn of(role: Role, count: u64) -> Self {
        match role {
            Role::Picture | Role::Sheet => Self::picture(count),
            Role::Page | Role::Feed | Role::Sitemap => Self::page(count),
        }
    }

    pub(super) fn picture(count: u64) -> Self {
        Self(count & !Self::PAGE)
    }

    pub(super) fn page(count: u64) -> Self {
        Self(count | Self::PAGE)
    }

    pub(super) fn is_page(self) -> bool {
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
