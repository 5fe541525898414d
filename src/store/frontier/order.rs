//! The order of a host's queue.

use super::hint::Promise;
use crate::store::record::Role;

/// The order of a host's queue: pictures before pages, guesses last, then first come, first
/// served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::store) struct Order(pub(in crate::store) u64);

impl Order {
    const PAGE: u64 = 1 << 63;
    const GUESS: u64 = Self::PAGE | 1 << 62;
    /// The bits of the how manyth it was queued.
    pub(in crate::store) const COUNT: u64 = !Self::GUESS;

    /// Retries with this time or a later one, which no clock ever shows, are left to the next
    /// run.
    pub(in crate::store) const NEXT_RUN: u64 = 1 << 63;

    /// The retry time of a URL that is left to the next run; such times keep the URLs in order.
    pub(in crate::store) fn in_next_run(self) -> u64 {
        self.0 | Self::NEXT_RUN
    }

    /// The order of what is queued as the `count`th.
    pub(in crate::store) fn of(role: Role, promise: Promise, count: u64) -> Self {
        match role {
            Role::Picture if promise == Promise::Guessed => Self::guess(count),
            Role::Picture | Role::Sheet => Self::picture(count),
            Role::Page | Role::Feed | Role::Sitemap => Self::page(count),
        }
    }

    pub(in crate::store) fn picture(count: u64) -> Self {
        Self(count & Self::COUNT)
    }

    pub(in crate::store) fn page(count: u64) -> Self {
        Self(count & Self::COUNT | Self::PAGE)
    }

    pub(in crate::store) fn guess(count: u64) -> Self {
        Self(count & Self::COUNT | Self::GUESS)
    }

    /// As the how manyth it was queued.
    pub(in crate::store) fn count(self) -> u64 {
        self.0 & Self::COUNT
    }

    pub(in crate::store) fn is_page(self) -> bool {
        self.0 & Self::GUESS == Self::PAGE
    }

    pub(in crate::store) fn is_guess(self) -> bool {
        self.0 & Self::GUESS == Self::GUESS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_come_before_pages_and_guesses_last() {
        assert!(Order::picture(u64::MAX) < Order::page(0));
        assert!(Order::page(u64::MAX) < Order::guess(0));
        assert!(Order::page(7).is_page() && !Order::page(7).is_guess());
        assert!(Order::guess(7).is_guess() && !Order::guess(7).is_page());
        let guess = |role| Order::of(role, Promise::Guessed, 7).is_guess();
        assert!(guess(Role::Picture) && !guess(Role::Page));
    }
}
