//! Typed keys. Integers are big-endian, so that sled's order is theirs.

use crate::canonical_url::{CanonicalUrl, HostId, UrlId};
use crate::picture::PictureId;

/// A picture's place in the order of storing; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sequence(pub u64);

impl Sequence {
    pub(super) fn key(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }

    pub(super) fn from_key(key: &[u8]) -> Option<Self> {
        key.try_into()
            .ok()
            .map(|bytes| Self(u64::from_be_bytes(bytes)))
    }
}

/// Where a picture's bytes were found: a URL or a local path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LocationId(pub(super) [u8; 16]);

impl LocationId {
    pub(super) fn of_url(url: UrlId) -> Self {
        Self(url.0)
    }

    /// The identity of a picture's place in a page that holds its bytes itself.
    pub(super) fn within(page: &CanonicalUrl, picture: PictureId) -> Self {
        Self(UrlId::of(&format!("{page}#{picture}")).0)
    }

    /// The identity of an absolute path.
    pub(super) fn of_path(path: &std::path::Path) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("simdex local path");
        hasher.update(path.as_os_str().as_encoded_bytes());
        let mut id = [0; 16];
        id.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        Self(id)
    }
}

/// Key of the places tree: a picture's places stand together.
pub(super) fn place_key(picture: PictureId, place: LocationId) -> [u8; 48] {
    let mut key = [0; 48];
    key[..32].copy_from_slice(picture.as_bytes());
    key[32..].copy_from_slice(&place.0);
    key
}

/// Key of the embeds tree: the pages that show one picture URL stand together.
pub(super) fn embed_key(picture: UrlId, page: UrlId) -> [u8; 32] {
    let mut key = [0; 32];
    key[..16].copy_from_slice(&picture.0);
    key[16..].copy_from_slice(&page.0);
    key
}

/// Keys of the frontier's tree; the first byte tells them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FrontierKey {
    /// Every URL ever seen.
    Url(UrlId),
    /// URLs waiting, in order within their host.
    Queued { host: HostId, order: Order },
    /// URLs handed out, as stores wrote them down before version 0.1.
    Leased(UrlId),
    /// URLs to try again at a time, in milliseconds since 1970.
    Retry { at_ms: u64, url: UrlId },
}

/// The order of a host's queue: pictures before pages, then first come, first served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Order(pub(super) u64);

impl Order {
    const PAGE: u64 = 1 << 63;

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

impl FrontierKey {
    pub(super) const URL: u8 = 0;
    pub(super) const QUEUED: u8 = 1;
    pub(super) const LEASED: u8 = 2;
    pub(super) const RETRY: u8 = 3;

    /// Retries from this time on, which no clock shows, are those of the next run.
    pub(super) const NEXT_RUN: u64 = 1 << 63;

    /// The key of a URL that is left to the next run, which keeps their order.
    pub(super) fn left(order: Order, url: UrlId) -> Self {
        Self::Retry {
            at_ms: order.0 | Self::NEXT_RUN,
            url,
        }
    }

    pub(super) fn encode(self) -> Vec<u8> {
        match self {
            Self::Url(url) => [&[Self::URL][..], &url.0].concat(),
            Self::Queued { host, order } => {
                [&[Self::QUEUED][..], &host.0, &order.0.to_be_bytes()].concat()
            }
            Self::Leased(url) => [&[Self::LEASED][..], &url.0].concat(),
            Self::Retry { at_ms, url } => {
                [&[Self::RETRY][..], &at_ms.to_be_bytes(), &url.0].concat()
            }
        }
    }

    /// Where the queues of the hosts after `host` begin.
    pub(super) fn behind_host(host: HostId) -> Vec<u8> {
        let order = Order(u64::MAX);
        let mut key = Self::Queued { host, order }.encode();
        key.push(0);
        key
    }

    pub(super) fn decode(key: &[u8]) -> Option<Self> {
        let (&tag, rest) = key.split_first()?;
        match tag {
            Self::URL => Some(Self::Url(UrlId(rest.try_into().ok()?))),
            Self::QUEUED => {
                let (host, order) = rest.split_at_checked(8)?;
                Some(Self::Queued {
                    host: HostId(host.try_into().ok()?),
                    order: Order(u64::from_be_bytes(order.try_into().ok()?)),
                })
            }
            Self::LEASED => Some(Self::Leased(UrlId(rest.try_into().ok()?))),
            Self::RETRY => {
                let (at, url) = rest.split_at_checked(8)?;
                Some(Self::Retry {
                    at_ms: u64::from_be_bytes(at.try_into().ok()?),
                    url: UrlId(url.try_into().ok()?),
                })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_read_back() {
        let url = UrlId([7; 16]);
        let host = HostId([9; 8]);
        for key in [
            FrontierKey::Url(url),
            FrontierKey::Queued {
                host,
                order: Order::page(3),
            },
            FrontierKey::Leased(url),
            FrontierKey::Retry { at_ms: 5, url },
        ] {
            assert_eq!(FrontierKey::decode(&key.encode()), Some(key));
        }
        assert_eq!(FrontierKey::decode(&[]), None);
        assert_eq!(FrontierKey::decode(&[1, 2, 3]), None);
    }

    #[test]
    fn pictures_come_before_pages() {
        assert!(Order::picture(u64::MAX) < Order::page(0));
    }
}
