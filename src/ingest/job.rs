//! What is handed in: bytes to be turned into a picture, and where they come from.

use std::path::PathBuf;

use crate::canonical_url::CanonicalUrl;
use crate::picture::PictureId;
use crate::store::{Embed, Lease};

/// A picture from the web.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "nearly all are of the large one")]
pub enum WebPicture {
    /// The body of a fetched URL.
    Fetched {
        /// The URL, settled together with the picture.
        lease: Lease,
        /// The body.
        bytes: Vec<u8>,
        /// What was said with it of its use.
        terms: Terms,
    },
    /// A picture whose bytes are in a page itself (a `data:` URL).
    Inline {
        /// The page.
        page: CanonicalUrl,
        /// How it shows it.
        embed: Embed,
        /// The decoded file.
        bytes: Vec<u8>,
        /// What the page says of its use.
        terms: Terms,
        /// Told once the picture is durable or known to be unusable; dropped without a word
        /// if neither could be made sure of.
        stored: async_channel::Sender<()>,
    },
}

/// What is said of the use of a picture, for those who save its bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Terms {
    /// Its licence; empty if none is named.
    pub license: String,
    /// The opt-outs that were said, by their short names.
    pub opt_outs: Vec<String>,
}

/// A local file, read by the worker.
#[derive(Debug)]
pub struct LocalFile {
    /// Its absolute path.
    pub path: PathBuf,
    /// Its size in bytes when it was listed.
    pub bytes: u64,
    /// When it was last changed, in nanoseconds since 1970.
    pub modified_ns: u64,
}

/// A file to be read, and the file or folder that was named by which it was found.
#[derive(Debug)]
pub struct ListedFile {
    /// The file.
    pub file: LocalFile,
    /// What was named, as an absolute path.
    pub root: PathBuf,
}

/// Whatever a worker turns into a picture.
#[derive(Debug)]
pub enum Job {
    /// A local file.
    File(LocalFile),
    /// A local file that was found by a walk over what the user has named.
    Listed(Box<ListedFile>),
    /// A picture from the web.
    Web(Box<WebPicture>),
    /// A picture that the store has kept without features.
    Waiting(PictureId),
}

impl From<LocalFile> for Job {
    fn from(file: LocalFile) -> Self {
        Self::File(file)
    }
}

impl From<ListedFile> for Job {
    fn from(listed: ListedFile) -> Self {
        Self::Listed(Box::new(listed))
    }
}

impl From<WebPicture> for Job {
    fn from(picture: WebPicture) -> Self {
        Self::Web(Box::new(picture))
    }
}

impl From<PictureId> for Job {
    fn from(waiting: PictureId) -> Self {
        Self::Waiting(waiting)
    }
}
