//! Pictures made when they are asked for, each different from all others.

use std::sync::{Arc, LazyLock};

use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder, ImageError, Rgb, RgbImage};

use simdex::demo::drawing::{self, Motif};
use simdex::demo::random::SplitMix64;
use simdex::edit;

/// The side of a small picture, in pixels.
const SIDE: u32 = 64;

/// The JPEG quality of drawings.
const QUALITY: u8 = 86;

/// What a web's pictures look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureStyle {
    /// Shapes of 64 by 64 pixels as PNG or JPEG, 1 to 8 kB, drawn anew for each URL.
    Small,
    /// One of 32 drawings of 768 by 576 pixels as JPEG, most 55 to 100 kB, with a comment that makes
    /// each URL's bytes its own: quick to serve, and as slow as a photo to decode.
    Photo,
}

/// A picture file that is not made yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Picture {
    /// What settles its content.
    pub(super) seed: u64,
    /// Whether it is a PNG; else a JPEG.
    pub(super) png: bool,
    pub(super) style: PictureStyle,
}

impl PictureStyle {
    /// Draws what is drawn once, lest the first request for it wait.
    pub(super) fn prepare(self) {
        if self == Self::Photo {
            LazyLock::force(&PHOTOS);
        }
    }
}

impl Picture {
    pub(super) fn content_type(self) -> &'static str {
        if self.png && self.style == PictureStyle::Small {
            "image/png"
        } else {
            "image/jpeg"
        }
    }

    /// The file; the same for the same picture. Encoding so small a picture into memory cannot
    /// fail; should it, nothing is served and the tests tell.
    pub(super) fn bytes(self) -> Vec<u8> {
        match self.style {
            PictureStyle::Small => encode(&shapes(self.seed), self.png).unwrap_or_default(),
            PictureStyle::Photo => {
                let pool = &*PHOTOS;
                let photo = pool.get(self.seed as usize % pool.len().max(1));
                photo.map_or_else(Vec::new, |photo| with_comment(photo, self.seed))
            }
        }
    }
}

fn encode(picture: &RgbImage, png: bool) -> Result<Vec<u8>, ImageError> {
    use image::codecs::png::{CompressionType, FilterType, PngEncoder};
    let mut file = Vec::new();
    let (width, height) = picture.dimensions();
    if png {
        PngEncoder::new_with_quality(&mut file, CompressionType::Fast, FilterType::Sub)
            .write_image(picture, width, height, ExtendedColorType::Rgb8)?;
    } else {
        JpegEncoder::new_with_quality(&mut file, 85).encode_image(picture)?;
    }
    Ok(file)
}

/// Discs over a slope of colours.
fn shapes(seed: u64) -> RgbImage {
    let mut random = SplitMix64::new(seed);
    let mut color = || random.bits().to_be_bytes();
    let (from, to) = (color(), color());
    let discs: [[u8; 8]; 6] = std::array::from_fn(|_| color());
    RgbImage::from_fn(SIDE, SIDE, |x, y| {
        // A disc's place, size and colour are the bytes of one random number.
        let inside = |disc: &&[u8; 8]| {
            let (dx, dy) = (
                x as i32 - i32::from(disc[0]) / 4,
                y as i32 - i32::from(disc[1]) / 4,
            );
            let radius = 4 + i32::from(disc[2]) / 16;
            dx * dx + dy * dy <= radius * radius
        };
        match discs.iter().find(inside) {
            Some(disc) => Rgb([disc[3], disc[4], disc[5]]),
            None => {
                let part = x + y;
                let blend = |i: usize| {
                    let (from, to) = (u32::from(from[i]), u32::from(to[i]));
                    ((from * (2 * SIDE - part) + to * part) / (2 * SIDE)) as u8
                };
                Rgb([blend(0), blend(1), blend(2)])
            }
        }
    })
}

static PHOTOS: LazyLock<Vec<Arc<[u8]>>> = LazyLock::new(|| {
    let variations = Motif::ALL
        .into_iter()
        .flat_map(|motif| [(motif, 0), (motif, 1)]);
    variations
        .filter_map(|(motif, variation)| {
            edit::jpeg(&drawing::draw(motif, variation, 768, 576), QUALITY).ok()
        })
        .map(Arc::from)
        .collect()
});

/// A JPEG with a comment segment before its end marker (ITU-T T.81, B.2.4.5).
fn with_comment(jpeg: &[u8], seed: u64) -> Vec<u8> {
    let mut file = Vec::with_capacity(jpeg.len() + 12);
    let end = jpeg.len().saturating_sub(2);
    file.extend_from_slice(&jpeg[..end]);
    // The length counts itself.
    file.extend_from_slice(&[0xff, 0xfe, 0, 10]);
    file.extend_from_slice(&seed.to_be_bytes());
    file.extend_from_slice(&jpeg[end..]);
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seed_has_a_file_of_its_own_that_decodes() {
        for style in [PictureStyle::Small, PictureStyle::Photo] {
            for png in [true, false] {
                let picture = |seed| Picture { seed, png, style };
                let files: std::collections::HashSet<_> =
                    (0..100).map(|seed| picture(seed).bytes()).collect();
                assert_eq!(files.len(), 100);
                assert!(files.contains(&picture(7).bytes()));
                let decoded = image::load_from_memory(&picture(64).bytes()).unwrap();
                assert!(decoded.width() >= SIDE);
            }
        }
    }

    #[test]
    fn photos_are_as_large_as_promised() {
        let sizes: Vec<_> = PHOTOS.iter().map(|photo| photo.len()).collect();
        assert_eq!(sizes.len(), 32);
        assert!(
            sizes.iter().all(|size| (50_000..250_000).contains(size)),
            "{sizes:?}"
        );
    }
}
