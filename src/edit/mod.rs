//! Edited copies of a picture, as they come up on the web: what `simdex eval copies` must
//! find again, and what a head can learn from without labels.

mod letter;
mod look;
mod overlay;
mod tone;

use std::fmt;

use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use image::{ImageError, Rgb, RgbImage};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub use overlay::caption;
pub use tone::{each_pixel, grey};

/// What is done to a copy. Whatever is random in it is decided by a seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Edit {
    /// Cut to 60 % of its area, anywhere.
    Crop60,
    /// Cut to 25 % of its area, anywhere.
    Crop25,
    /// Half the width and height, compressed to JPEG quality 8.
    SmallJpeg,
    /// Turned by 10 degrees one way or the other, on the same canvas; corners are black.
    Rotate10,
    /// Turned clockwise by 90 degrees.
    Rotate90,
    /// Left and right exchanged.
    Mirror,
    /// A Gaussian blur; its sigma is 2 % of the shorter side.
    Blur,
    /// Contrast raised by 40 %, and made brighter or darker by 30 of 255.
    Brightness,
    /// A dark bar with words laid over the lowest seventh.
    Caption,
    /// A plain border around it, 8 % of the shorter side wide.
    Border,
    /// A logo in one corner, a quarter of the shorter side wide.
    Logo,
    /// Its colours taken away.
    Grey,
    /// In a window on a screen: three quarters of its size, under a bar with buttons and an
    /// address, on a page with lines of text.
    Screenshot,
    /// Gaussian noise in every value; its sigma is 20 of 255.
    Noise,
    /// Sixteen tiles, laid out anew.
    Tiles,
    /// Every hue moved by a quarter of the circle or more.
    Hue,
    /// Every value turned round: dark is bright.
    Negative,
    /// Less than half as bright, or nearly twice.
    Exposure,
    /// Contrast a third of what it was, or two and a half times.
    Contrast,
    /// Colours a quarter as strong, or three times.
    Saturation,
    /// A Gaussian blur that leaves no texture; its sigma is 2.5 % of the longer side.
    Soft,
}

/// The JPEG quality of copies that are not compressed on purpose.
const QUALITY: u8 = 90;

impl Edit {
    /// Every edit.
    pub const ALL: [Self; 14] = [
        Self::Crop60,
        Self::Crop25,
        Self::SmallJpeg,
        Self::Rotate10,
        Self::Rotate90,
        Self::Mirror,
        Self::Blur,
        Self::Brightness,
        Self::Caption,
        Self::Border,
        Self::Logo,
        Self::Grey,
        Self::Screenshot,
        Self::Noise,
    ];

    /// Those after which a picture looks as it did, wherever things are in it now.
    pub const KEEP_LOOK: [Self; 6] = [
        Self::Crop60,
        Self::Crop25,
        Self::SmallJpeg,
        Self::Rotate90,
        Self::Mirror,
        Self::Tiles,
    ];

    /// Those after which it looks otherwise, though it shows the same: other colours, other
    /// contrast, no texture.
    pub const BREAK_LOOK: [Self; 7] = [
        Self::Grey,
        Self::Hue,
        Self::Negative,
        Self::Exposure,
        Self::Contrast,
        Self::Saturation,
        Self::Soft,
    ];

    /// A short, stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Crop60 => "crop-60",
            Self::Crop25 => "crop-25",
            Self::SmallJpeg => "small-jpeg",
            Self::Rotate10 => "rotate-10",
            Self::Rotate90 => "rotate-90",
            Self::Mirror => "mirror",
            Self::Blur => "blur",
            Self::Brightness => "brightness",
            Self::Caption => "caption",
            Self::Border => "border",
            Self::Logo => "logo",
            Self::Grey => "grey",
            Self::Screenshot => "screenshot",
            Self::Noise => "noise",
            Self::Tiles => "tiles",
            Self::Hue => "hue",
            Self::Negative => "negative",
            Self::Exposure => "exposure",
            Self::Contrast => "contrast",
            Self::Saturation => "saturation",
            Self::Soft => "soft",
        }
    }

    /// The JPEG quality that [`Self::jpeg`] gives a copy.
    pub fn quality(self) -> u8 {
        match self {
            Self::SmallJpeg => 8,
            _ => QUALITY,
        }
    }

    /// An edited copy, before it is compressed.
    pub fn apply(self, picture: &RgbImage, seed: u64) -> RgbImage {
        let (width, height) = picture.dimensions();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        // The same seed must not cut and paint at related places.
        rng.set_stream(self as u64);
        match self {
            Self::Crop60 => crop(picture, 0.6, &mut rng),
            Self::Crop25 => crop(picture, 0.25, &mut rng),
            Self::SmallJpeg => imageops::resize(
                picture,
                (width / 2).max(1),
                (height / 2).max(1),
                FilterType::Triangle,
            ),
            Self::Rotate10 => rotate(picture, if rng.random() { 10.0 } else { -10.0 }),
            Self::Rotate90 => imageops::rotate90(picture),
            Self::Mirror => imageops::flip_horizontal(picture),
            Self::Blur => imageops::blur(picture, (width.min(height) as f32 * 0.02).max(0.5)),
            Self::Brightness => {
                tone::contrast(picture, 1.4, if rng.random() { 30.0 } else { -30.0 })
            }
            Self::Caption => {
                let mut copy = picture.clone();
                caption(&mut copy, "FOUND ON THE WEB");
                copy
            }
            Self::Border => overlay::border(picture, &mut rng),
            Self::Logo => overlay::logo(picture, &mut rng),
            Self::Grey => grey(picture),
            Self::Screenshot => overlay::screenshot(picture, &mut rng),
            Self::Noise => tone::noise(picture, 20.0, &mut rng),
            Self::Tiles => look::tiles(picture, &mut rng),
            Self::Hue => look::hue(picture, rng.random_range(90.0..270.0)),
            Self::Negative => each_pixel(picture, |pixel| pixel.map(|value| 255 - value)),
            Self::Exposure => look::exposure(picture, if rng.random() { 0.45 } else { 1.8 }),
            Self::Contrast => tone::contrast(picture, if rng.random() { 0.33 } else { 2.5 }, 0.0),
            Self::Saturation => look::saturation(picture, if rng.random() { 0.25 } else { 3.0 }),
            Self::Soft => imageops::blur(picture, (width.max(height) as f32 * 0.025).max(0.5)),
        }
    }

    /// An edited copy as a JPEG file, compressed as the edit asks for.
    ///
    /// # Errors
    /// If a side is beyond the 65,535 pixels that JPEG holds.
    pub fn jpeg(self, picture: &RgbImage, seed: u64) -> Result<Vec<u8>, ImageError> {
        jpeg(&self.apply(picture, seed), self.quality())
    }
}

impl fmt::Display for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A picture as a JPEG file.
///
/// # Errors
/// If a side is beyond the 65,535 pixels that JPEG holds.
pub fn jpeg(picture: &RgbImage, quality: u8) -> Result<Vec<u8>, ImageError> {
    let mut file = Vec::new();
    JpegEncoder::new_with_quality(&mut file, quality).encode_image(picture)?;
    Ok(file)
}

/// A cut-out of the picture's own shape with this share of its area.
fn crop(picture: &RgbImage, area: f32, rng: &mut ChaCha8Rng) -> RgbImage {
    let part = |side: u32| ((side as f32 * area.sqrt()).round() as u32).clamp(1, side.max(1));
    let (width, height) = (part(picture.width()), part(picture.height()));
    let left = rng.random_range(0..=picture.width().saturating_sub(width));
    let top = rng.random_range(0..=picture.height().saturating_sub(height));
    imageops::crop_imm(picture, left, top, width, height).to_image()
}

/// The picture turned around its middle; what the turn uncovers is black.
fn rotate(picture: &RgbImage, degrees: f32) -> RgbImage {
    let (width, height) = picture.dimensions();
    let (sin, cos) = degrees.to_radians().sin_cos();
    let (mid_x, mid_y) = ((width as f32 - 1.0) / 2.0, (height as f32 - 1.0) / 2.0);
    RgbImage::from_fn(width, height, |x, y| {
        let (x, y) = (x as f32 - mid_x, y as f32 - mid_y);
        let (from_x, from_y) = (cos * x + sin * y + mid_x, cos * y - sin * x + mid_y);
        imageops::interpolate_bilinear(picture, from_x, from_y).unwrap_or(Rgb([0; 3]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A slope of colours that is nowhere symmetric.
    fn picture() -> RgbImage {
        RgbImage::from_fn(160, 120, |x, y| {
            Rgb([x, 2 * y, x * y % 251].map(|v| v as u8))
        })
    }

    #[test]
    fn every_edit_changes_the_picture_and_can_be_read_back() {
        let mut names = std::collections::HashSet::new();
        let all = Edit::ALL.into_iter().chain(Edit::BREAK_LOOK);
        for edit in all.chain([Edit::Tiles]).filter(|edit| *edit != Edit::Grey) {
            assert!(names.insert(edit.name()));
            let copy = edit.apply(&picture(), 1);
            assert_ne!(copy, picture(), "{edit}");
            let file = edit.jpeg(&picture(), 1).unwrap();
            let read = image::load_from_memory(&file).unwrap();
            assert_eq!((read.width(), read.height()), copy.dimensions(), "{edit}");
        }
    }

    #[test]
    fn sizes_are_as_documented() {
        for (edit, size) in [
            (Edit::Crop60, (124, 93)),
            (Edit::Crop25, (80, 60)),
            (Edit::SmallJpeg, (80, 60)),
            (Edit::Rotate10, (160, 120)),
            (Edit::Rotate90, (120, 160)),
            (Edit::Caption, (160, 120)),
            (Edit::Border, (160 + 20, 120 + 20)),
            (Edit::Screenshot, (160, 120)),
            (Edit::Noise, (160, 120)),
        ] {
            assert_eq!(edit.apply(&picture(), 3).dimensions(), size, "{edit}");
        }
    }

    #[test]
    fn the_seed_settles_everything() {
        for edit in Edit::ALL {
            let [a, b] = [7, 7].map(|seed| edit.apply(&picture(), seed));
            assert_eq!(a, b, "{edit}");
        }
        for edit in [Edit::Crop25, Edit::Crop60, Edit::Noise] {
            let [a, b] = [7, 8].map(|seed| edit.apply(&picture(), seed));
            assert_ne!(a, b, "{edit}");
        }
    }

    #[test]
    fn the_smallest_picture_can_be_edited() {
        for edit in Edit::ALL {
            for (width, height) in [(1, 1), (1, 40), (3, 2)] {
                assert!(
                    edit.jpeg(&RgbImage::new(width, height), 1).is_ok(),
                    "{edit}"
                );
            }
        }
    }

    #[test]
    fn turning_keeps_the_middle_and_blackens_the_corners() {
        let white = RgbImage::from_pixel(101, 101, Rgb([255; 3]));
        let turned = Edit::Rotate10.apply(&white, 1);
        assert_eq!(turned.get_pixel(50, 50).0, [255; 3]);
        for (x, y) in [(0, 0), (100, 0), (0, 100), (100, 100)] {
            assert_eq!(turned.get_pixel(x, y).0, [0; 3]);
        }
    }
}
