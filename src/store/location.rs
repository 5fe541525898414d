//! Where a picture's bytes were found.

use serde::{Deserialize, Serialize};

use crate::canonical_url::{CanonicalUrl, UrlId};
use crate::local_path::LocalPath;
use crate::picture::PictureId;

/// Where a picture's bytes were found: a URL or a local path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
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

/// Where a picture's bytes were found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Location {
    /// At a URL, in canonical form.
    Url(String),
    /// In a local file, by its absolute path.
    Path(LocalPath),
}
