//! The mild edits of the copies on the demo's site; [`crate::edit`] has those that are measured.

use std::fmt;

use image::imageops::{self, FilterType};
use image::{ImageError, RgbImage};

use crate::edit;

/// What was done to a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Retouch {
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

impl Retouch {
    /// Every edit.
    pub(super) const ALL: [Self; 6] = [
        Self::Crop,
        Self::Recompress,
        Self::Mirror,
        Self::Caption,
        Self::Tint,
        Self::Gray,
    ];

    /// What a copy is called: `cropped`, `mirrored` and so on.
    pub(super) fn name(self) -> &'static str {
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
    pub(super) fn quality(self) -> u8 {
        match self {
            Self::Recompress => 22,
            _ => QUALITY,
        }
    }

    /// An edited copy of a picture.
    pub(super) fn apply(self, picture: &RgbImage) -> RgbImage {
        let (width, height) = picture.dimensions();
        match self {
            Self::Crop => {
                let (left, top) = (width / 8, height / 8);
                imageops::crop_imm(picture, left, top, width - 2 * left, height - 2 * top)
                    .to_image()
            }
            Self::Recompress => {
                let part = |side: u32| (side * 5 / 8).max(1);
                imageops::resize(picture, part(width), part(height), FilterType::Triangle)
            }
            Self::Mirror => imageops::flip_horizontal(picture),
            Self::Caption => {
                let mut copy = picture.clone();
                edit::caption(&mut copy, "FOUND ON THE WEB");
                copy
            }
            Self::Tint => edit::each_pixel(picture, |[red, green, blue]| {
                let lift = |value: u8, gain: f32, add: f32| (f32::from(value) * gain + add) as u8;
                [
                    lift(red, 1.06, 18.0),
                    lift(green, 1.0, 12.0),
                    lift(blue, 0.82, 8.0),
                ]
            }),
            Self::Gray => edit::grey(picture),
        }
    }
}

impl fmt::Display for Retouch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The JPEG quality of a picture that was not edited.
const QUALITY: u8 = 86;

/// A picture as a JPEG file, compressed as hard as the edit asks for.
///
/// # Errors
///
/// A side beyond the 65,535 pixels that JPEG holds.
pub(super) fn jpeg(picture: &RgbImage, kind: Option<Retouch>) -> Result<Vec<u8>, ImageError> {
    edit::jpeg(picture, kind.map_or(QUALITY, Retouch::quality))
}

#[cfg(test)]
mod tests {
    use super::super::drawing::{Motif, draw};
    use super::*;

    #[test]
    fn every_edit_changes_the_picture() {
        let picture = draw(Motif::Cup, 0, 160, 120);
        for edit in Retouch::ALL {
            assert_ne!(edit.apply(&picture), picture, "{edit}");
        }
        assert_eq!(Retouch::Crop.apply(&picture).dimensions(), (120, 90));
        assert_eq!(
            Retouch::Mirror.apply(&Retouch::Mirror.apply(&picture)),
            picture
        );
    }

    #[test]
    fn edits_the_smallest_picture() {
        for edit in Retouch::ALL {
            assert!(edit.apply(&RgbImage::new(1, 1)).width() > 0, "{edit}");
        }
    }

    #[test]
    fn recompressing_makes_a_small_file() {
        let picture = draw(Motif::Forest, 0, 160, 120);
        let plain = jpeg(&picture, None).unwrap();
        let copy = jpeg(
            &Retouch::Recompress.apply(&picture),
            Some(Retouch::Recompress),
        )
        .unwrap();
        assert!(copy.len() * 3 < plain.len());
    }
}
