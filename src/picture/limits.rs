//! What simdex accepts as a picture.

use serde::Deserialize;

/// What simdex accepts as a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Largest file, in bytes.
    pub max_bytes: u64,
    /// Largest width times height, in pixels, checked before decoding.
    pub max_pixels: u64,
    /// Smallest width and height, in pixels; smaller pictures are icons and spacers.
    pub min_side: u32,
    /// Most bytes that all pictures together may take while they are decoded, and until they
    /// are dropped; one that would take more alone is refused.
    pub decode_bytes: u64,
    /// What becomes of a JPEG whose last rows are missing.
    pub truncated: Truncated,
}

/// What becomes of a JPEG whose last rows are missing. Decoders fill them with grey.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Truncated {
    /// It is broken, as pictures of other formats are.
    #[default]
    Refuse,
    /// It is taken as it is.
    Keep,
}
