//! The identity of a picture.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The identity of a picture: the BLAKE3 hash of its bytes.
///
/// Two URLs that serve the same bytes are one picture; the id of a URL is another type.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PictureId([u8; 32]);

impl PictureId {
    /// The length of an id in bytes.
    pub const LEN: usize = 32;

    /// The identity whose hash is known.
    pub const fn from_bytes(hash: [u8; Self::LEN]) -> Self {
        Self(hash)
    }

    /// Hashes the bytes of a picture file.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// The raw hash.
    pub fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// Reads back what [`Self::as_bytes`] gave; `None` if the length is wrong.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Display for PictureId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for PictureId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PictureId({self})")
    }
}

/// The text is not 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a picture id is 64 hexadecimal digits, as `simdex query --format json` prints them")]
pub struct ParsePictureIdError;

impl FromStr for PictureId {
    type Err = ParsePictureIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        blake3::Hash::from_hex(text)
            .map(|hash| Self(*hash.as_bytes()))
            .map_err(|_| ParsePictureIdError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printed_id_reads_back() {
        let id = PictureId::of(b"bytes");
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("abc".parse::<PictureId>(), Err(ParsePictureIdError));
    }
}
