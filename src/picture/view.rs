//! Pictures turned and mirrored.

use image::{RgbImage, imageops};

/// A picture as it is, or turned, or mirrored. Copies are often turned or mirrored, and both
/// the embedding and the layers change with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// As it is.
    Upright,
    /// Left and right exchanged.
    Mirrored,
    /// Turned by 90 degrees.
    Turned90,
    /// Turned by 180 degrees.
    Turned180,
    /// Turned by 270 degrees.
    Turned270,
}

impl View {
    /// Every view, upright first.
    pub const ALL: [Self; 5] = [
        Self::Upright,
        Self::Mirrored,
        Self::Turned90,
        Self::Turned180,
        Self::Turned270,
    ];

    /// The picture in this view.
    pub fn of(self, picture: &RgbImage) -> RgbImage {
        match self {
            Self::Upright => picture.clone(),
            Self::Mirrored => imageops::flip_horizontal(picture),
            Self::Turned90 => imageops::rotate90(picture),
            Self::Turned180 => imageops::rotate180(picture),
            Self::Turned270 => imageops::rotate270(picture),
        }
    }
}
