//! The records behind the keys, written with postcard. A change here is a change of the
//! store's format and needs a migration.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::StoreError;
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

/// Where a picture's bytes were found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Location {
    /// At a URL, in canonical form.
    Url(String),
    /// In a local file, by its absolute path.
    Path(String),
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

/// A picture URL standing on a page.
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

/// A URL's fate. Waiting, leased and retried URLs are all `Open`; which it is stands in
/// the frontier's queues.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum UrlState {
    /// Not finished.
    Open,
    /// Fetched and used.
    Done,
    /// Given up, with a short reason.
    Failed(String),
    /// Not allowed, with a short reason.
    Refused(String),
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
    /// Its fate.
    pub state: UrlState,
}

/// Where a picture's activations lie among the segment files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extent {
    /// Number of the segment file.
    pub segment: u32,
    /// Offset of the record in bytes.
    pub offset: u64,
}

/// What is committed of a segment file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentRecord {
    /// Bytes that count; anything behind them is a torn write.
    pub length: u64,
    /// Records in it.
    pub records: u64,
    /// Records in it whose pictures were removed.
    pub dead: u64,
}

pub(super) fn encode<T: Serialize>(record: &T) -> Vec<u8> {
    postcard::to_stdvec(record).expect("plain records of strings and integers always encode")
}

pub(super) fn decode<T: DeserializeOwned>(
    tree: &'static str,
    bytes: &[u8],
) -> Result<T, StoreError> {
    postcard::from_bytes(bytes).map_err(|_| StoreError::Unreadable { tree })
}
