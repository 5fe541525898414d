//! The milder edits of the drawn site's copies; [`crate::edit`] has those that are measured.

use std::fmt;

use image::imageops::{self, FilterType};
use image::{ImageError, RgbImage};

use crate::edit;

/// What was done to a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Edit {
    /// An eighth cut off each side.
    Crop,
    /// Made smaller and compressed hard.
    Recompress,
    /// Left and right exchanged.
    Mirror,
    /// A bar with words laid over its foot.
    Caption,
    /// Made brighter and warmer, as a filter does.
    Tint,
    /// Its colours taken away.
    Gray,
}

impl Edit {
    /// Every edit.
    pub const ALL: [Self; 6] = [
        Self::Crop,
        Self::Recompress,
        Self::Mirror,
        Self::Caption,
        Self::Tint,
        Self::Gray,
    ];

    /// What a copy is called: `cropped`, `mirrored` and so on.
    pub fn name(self) -> &'static str {
        match self {
            Self::Crop => "cropped",
            Self::Recompress => "recompressed",
            Self::Mirror => "mirrored",
            Self::Caption => "captioned",
            Self::Tint => "tinted",
            Self::Gray => "gray",
        }
    }

    /// The JPEG quality that [`jpeg`] gives a copy.
    pub fn quality(self) -> u8 {
        match self {
            Self::Recompress => 22,
            _ => QUALITY,
        }
    }
}

impl fmt::Display for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The JPEG quality of a picture that was not edited.
const QUALITY: u8 = 86;

/// An edited copy of a picture.
pub fn apply(picture: &RgbImage, kind: Edit) -> RgbImage {
    let (width, height) = picture.dimensions();
    match kind {
        Edit::Crop => {
            let (left, top) = (width / 8, height / 8);
            imageops::crop_imm(picture, left, top, width - 2 * left, height - 2 * top).to_image()
        }
        Edit::Recompress => {
            let part = |side: u32| (side * 5 / 8).max(1);
            imageops::resize(picture, part(width), part(height), FilterType::Triangle)
        }
        Edit::Mirror => imageops::flip_horizontal(picture),
        Edit::Caption => {
            let mut copy = picture.clone();
            edit::caption(&mut copy, "FOUND ON THE WEB");
            copy
        }
        Edit::Tint => edit::each_pixel(picture, |[red, green, blue]| {
            let lift = |value: u8, gain: f32, add: f32| (f32::from(value) * gain + add) as u8;
            [
                lift(red, 1.06, 18.0),
                lift(green, 1.0, 12.0),
                lift(blue, 0.82, 8.0),
            ]
        }),
        Edit::Gray => edit::grey(picture),
    }
}

/// A picture as a JPEG file, compressed as hard as the edit asks for.
///
/// # Errors
///
/// A side beyond the 65,535 pixels that JPEG holds.
pub fn jpeg(picture: &RgbImage, kind: Option<Edit>) -> Result<Vec<u8>, ImageError> {
    edit::jpeg(picture, kind.map_or(QUALITY, Edit::quality))
}

#[cfg(test)]
mod tests {
    use super::super::drawing::{Motif, draw};
    use super::*;

    #[test]
    fn every_edit_changes_the_picture() {
        let picture = draw(Motif::Cup, 0, 160, 120);
        for edit in Edit::ALL {
            assert_ne!(apply(&picture, edit), picture, "{edit}");
        }
        assert_eq!(apply(&picture, Edit::Crop).dimensions(), (120, 90));
        assert_eq!(apply(&apply(&picture, Edit::Mirror), Edit::Mirror), picture);
    }

    #[test]
    fn edits_the_smallest_picture() {
        for edit in Edit::ALL {
            assert!(apply(&RgbImage::new(1, 1), edit).width() > 0, "{edit}");
        }
    }

    #[test]
    fn recompressing_makes_a_small_file() {
        let picture = draw(Motif::Forest, 0, 160, 120);
        let plain = jpeg(&picture, None).unwrap();
        let copy = jpeg(&apply(&picture, Edit::Recompress), Some(Edit::Recompress)).unwrap();
        assert!(copy.len() * 3 < plain.len());
    }
}
