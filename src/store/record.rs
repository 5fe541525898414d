//! The records that stores keep, written with postcard. A change here is a change of the
//! store's format and needs a migration.

use serde::{Deserialize, Serialize};

use crate::canonical_url::HostId;
use crate::picture::{PerceptualHash, PictureId};

/// A stored picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PictureRecord {
    /// Its place in the order of storing.
    pub sequence: u64,
    /// Width in pixels, upright.
    pub width: u32,
    /// Height in pixels, upright.
    pub height: u32,
    /// MIME type of the file.
    pub media_type: String,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// For near copies.
    pub perceptual_hash: PerceptualHash,
    /// When it was first stored, in seconds since 1970.
    pub first_seen: u64,
}

/// A local file that was read, so that it need not be read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    /// Its size in bytes.
    pub bytes: u64,
    /// When it was last changed, in nanoseconds since 1970.
    pub modified_ns: u64,
    /// The picture in it.
    pub picture: PictureId,
}

/// A fetched page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageRecord {
    /// Its URL, in canonical form.
    pub url: String,
    /// Its title; empty if it has none.
    pub title: String,
    /// When it was fetched, in seconds since 1970.
    pub fetched_at: u64,
}

/// A picture URL found on a page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Embed {
    /// The picture's alternative text.
    pub alt: String,
    /// Its title.
    pub title: String,
    /// The caption of the figure it stands in.
    pub caption: String,
}

/// What a URL was queued as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// A page: links and pictures are read from it.
    Page,
    /// A picture.
    Picture,
    /// A style sheet: pictures are read from it.
    Sheet,
    /// An RSS or Atom feed: links and pictures are read from it.
    Feed,
    /// A sitemap or an index of sitemaps: links and pictures are read from it.
    Sitemap,
}

/// What became of a URL. Waiting, leased and retried URLs are all `Open`; the frontier's queues
/// tell which.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StoredUrlState", into = "StoredUrlState")]
pub enum UrlState {
    /// Not finished.
    Open,
    /// Fetched and used.
    Done,
    /// Given up, with a short reason.
    Failed(String),
    /// Not allowed, with a short reason.
    Refused(String),
    /// Removed from the store: it stays known, so that no crawl brings it back.
    Removed,
}

impl UrlState {
    /// Why it failed or was refused.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Failed(reason) | Self::Refused(reason) => Some(reason),
            Self::Open | Self::Done | Self::Removed => None,
        }
    }

    /// A seed that failed before is tried again when it is named again.
    pub(super) fn may_be_asked_for_again(&self) -> bool {
        match self {
            Self::Failed(_) | Self::Refused(_) => true,
            Self::Open | Self::Done | Self::Removed => false,
        }
    }
}

/// [`UrlState`] as stores write it: to them a removed URL is a refused one.
#[derive(Serialize, Deserialize)]
enum StoredUrlState {
    Open,
    Done,
    Failed(String),
    Refused(String),
}

const REMOVED: &str = "removed";

impl From<UrlState> for StoredUrlState {
    fn from(state: UrlState) -> Self {
        match state {
            UrlState::Open => Self::Open,
            UrlState::Done => Self::Done,
            UrlState::Failed(reason) => Self::Failed(reason),
            UrlState::Refused(reason) => Self::Refused(reason),
            UrlState::Removed => Self::Refused(REMOVED.to_owned()),
        }
    }
}

impl From<StoredUrlState> for UrlState {
    fn from(state: StoredUrlState) -> Self {
        match state {
            StoredUrlState::Open => Self::Open,
            StoredUrlState::Done => Self::Done,
            StoredUrlState::Failed(reason) => Self::Failed(reason),
            StoredUrlState::Refused(reason) if reason == REMOVED => Self::Removed,
            StoredUrlState::Refused(reason) => Self::Refused(reason),
        }
    }
}

/// A URL in the frontier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UrlRecord {
    /// The canonical URL.
    pub url: String,
    /// Its host, by which the queue is kept.
    pub host: HostId,
    /// What it was queued as.
    pub role: Role,
    /// Links from the nearest seed.
    pub depth: u32,
    /// Tries so far.
    pub attempts: u32,
    /// What became of it.
    pub state: UrlState,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The state of a URL as older stores have it, which did not tell removed URLs apart.
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum StateBefore {
        Open,
        Done,
        Failed(String),
        Refused(String),
    }

    #[test]
    fn states_are_written_as_they_always_were() {
        let gone = || "http_404".to_owned();
        for (now, before) in [
            (UrlState::Open, StateBefore::Open),
            (UrlState::Done, StateBefore::Done),
            (UrlState::Failed(gone()), StateBefore::Failed(gone())),
            (UrlState::Refused(gone()), StateBefore::Refused(gone())),
            (
                UrlState::Removed,
                StateBefore::Refused("removed".to_owned()),
            ),
        ] {
            let bytes = postcard::to_stdvec(&now).unwrap();
            assert_eq!(bytes, postcard::to_stdvec(&before).unwrap());
            assert_eq!(postcard::from_bytes::<UrlState>(&bytes).unwrap(), now);
        }
    }
}
