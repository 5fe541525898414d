//! Edited copies of a picture, as they come up on the web.

use std::fmt;

use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use image::{ImageError, Rgb, RgbImage};

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
pub fn apply(picture: &RgbImage, edit: Edit) -> RgbImage {
    let (width, height) = picture.dimensions();
    match edit {
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
            caption(&mut copy, "FOUND ON THE WEB");
            copy
        }
        Edit::Tint => each_pixel(picture, |[red, green, blue]| {
            let lift = |value: u8, gain: f32, add: f32| (f32::from(value) * gain + add) as u8;
            [
                lift(red, 1.06, 18.0),
                lift(green, 1.0, 12.0),
                lift(blue, 0.82, 8.0),
            ]
        }),
        Edit::Gray => each_pixel(picture, |[red, green, blue]| {
            let [red, green, blue] = [red, green, blue].map(u32::from);
            // The weights of Rec. 709.
            [((2126 * red + 7152 * green + 722 * blue) / 10_000) as u8; 3]
        }),
    }
}

/// A picture as a JPEG file, compressed as hard as the edit asks for.
///
/// # Errors
///
/// A side beyond the 65,535 pixels that JPEG holds.
pub fn jpeg(picture: &RgbImage, edit: Option<Edit>) -> Result<Vec<u8>, ImageError> {
    let mut file = Vec::new();
    let quality = edit.map_or(QUALITY, Edit::quality);
    JpegEncoder::new_with_quality(&mut file, quality).encode_image(picture)?;
    Ok(file)
}

fn each_pixel(picture: &RgbImage, change: impl Fn([u8; 3]) -> [u8; 3]) -> RgbImage {
    let mut copy = picture.clone();
    for pixel in copy.pixels_mut() {
        pixel.0 = change(pixel.0);
    }
    copy
}

/// Lays a dark bar with white capitals over the picture's foot.
fn caption(picture: &mut RgbImage, words: &str) {
    let (width, height) = picture.dimensions();
    let bar = height / 7;
    let top = height - bar;
    for y in top..height {
        for x in 0..width {
            let pixel = picture.get_pixel_mut(x, y);
            pixel.0 = pixel.0.map(|value| value / 5 + 8);
        }
    }
    // A letter takes six columns with the gap after it, and the bar is eleven dots high.
    let letters = words.len() as u32;
    let dot = (bar / 11).min(width / (6 * letters + 2)).max(1);
    let left = width.saturating_sub(6 * letters * dot) / 2;
    let top = top + bar.saturating_sub(7 * dot) / 2;
    for (place, letter) in words.bytes().enumerate() {
        for (row, bits) in glyph(letter).into_iter().enumerate() {
            for column in (0..5).filter(|column| bits >> (4 - column) & 1 == 1) {
                let x = left + (6 * place as u32 + column) * dot;
                let y = top + row as u32 * dot;
                for (dx, dy) in (0..dot * dot).map(|i| (i % dot, i / dot)) {
                    // A picture too small for its caption loses what hangs over.
                    if let Some(pixel) = picture.get_pixel_mut_checked(x + dx, y + dy) {
                        *pixel = Rgb([245, 245, 240]);
                    }
                }
            }
        }
    }
}

/// The rows of a 5 by 7 letter, of those that the caption has; others are blank.
fn glyph(letter: u8) -> [u8; 7] {
    match letter {
        b'B' => [
            0b11110, 0b10001, 0b10001, 0b11110, 0b10001, 0b10001, 0b11110,
        ],
        b'D' => [
            0b11110, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b11110,
        ],
        b'E' => [
            0b11111, 0b10000, 0b10000, 0b11110, 0b10000, 0b10000, 0b11111,
        ],
        b'F' => [
            0b11111, 0b10000, 0b10000, 0b11110, 0b10000, 0b10000, 0b10000,
        ],
        b'H' => [
            0b10001, 0b10001, 0b10001, 0b11111, 0b10001, 0b10001, 0b10001,
        ],
        b'N' => [
            0b10001, 0b11001, 0b11001, 0b10101, 0b10011, 0b10011, 0b10001,
        ],
        b'O' => [
            0b01110, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b01110,
        ],
        b'T' => [
            0b11111, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100,
        ],
        b'U' => [
            0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b01110,
        ],
        b'W' => [
            0b10001, 0b10001, 0b10001, 0b10101, 0b10101, 0b11011, 0b10001,
        ],
        _ => [0; 7],
    }
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
