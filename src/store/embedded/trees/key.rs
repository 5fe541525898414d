//! Typed keys. Integers are big-endian, so that sled's order is theirs.

use crate::canonical_url::{HostId, UrlId};
use crate::picture::PictureId;
use crate::store::order::Order;
use crate::store::{LabelId, LocationId, Sequence};

/// Key of the places tree: a picture's locations stand together.
pub fn location_key(picture: PictureId, location: LocationId) -> [u8; 48] {
    let mut key = [0; 48];
    key[..32].copy_from_slice(picture.as_bytes());
    key[32..].copy_from_slice(&location.0);
    key
}

/// Key of the removed_files tree: a picture in one file, or in any.
pub fn removed_file_key(picture: PictureId, file: Option<LocationId>) -> [u8; 48] {
    location_key(picture, file.unwrap_or(LocationId([0; 16])))
}

/// Key of the labelled tree: the labels of a picture stand together.
pub fn labelled_key(picture: PictureId, label: LabelId) -> [u8; 48] {
    location_key(picture, LocationId(label.0))
}

/// Key of the sightings tree: the pictures that were seen on one host stand together, in the order of storing.
pub fn sighting_key(host: HostId, picture: Sequence) -> [u8; 16] {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&host.0);
    key[8..].copy_from_slice(&picture.key());
    key
}

/// Key of the embeds tree: the pages that show one picture URL stand together.
pub fn embed_key(picture: UrlId, page: UrlId) -> [u8; 32] {
    let mut key = [0; 32];
    key[..16].copy_from_slice(&picture.0);
    key[16..].copy_from_slice(&page.0);
    key
}

/// Keys of the frontier's tree; the first byte tells them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrontierKey {
    /// Every URL ever seen.
    Url(UrlId),
    /// URLs waiting, in order within their host.
    Queued { host: HostId, order: Order },
    /// URLs handed out, as stores wrote them down before version 0.1.
    Leased(UrlId),
    /// URLs to try again at a time, in milliseconds since 1970.
    Retry { at_ms: u64, url: UrlId },
}

impl FrontierKey {
    pub const URL: u8 = 0;
    pub const QUEUED: u8 = 1;
    pub const LEASED: u8 = 2;
    pub const RETRY: u8 = 3;

    pub fn encode(self) -> Vec<u8> {
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
    pub fn behind_host(host: HostId) -> Vec<u8> {
        let order = Order(u64::MAX);
        let mut key = Self::Queued { host, order }.encode();
        key.push(0);
        key
    }

    pub fn decode(key: &[u8]) -> Option<Self> {
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
}
