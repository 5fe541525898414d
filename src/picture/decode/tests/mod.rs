//! Pictures of all kinds. Those in `tests/data/pictures` were made of this one by other programs
//! (cjpeg, cjxl, libheif, avifenc): red, green, blue and grey quarters, 96 x 64.

#[cfg(feature = "avif")]
mod avifs;
mod files;
mod tiffs;

use image::{ImageEncoder, Rgb, RgbImage};

use super::decode;
use crate::picture::{Limits, PictureError, Truncated};

const LIMITS: Limits = Limits {
    max_bytes: 1 << 20,
    max_pixels: 1_000_000,
    min_side: 1,
    decode_bytes: 512 << 20,
    truncated: Truncated::Refuse,
};

const QUARTERS: [[u8; 3]; 4] = [[200, 40, 40], [40, 180, 60], [40, 60, 200], [128; 3]];

fn quarter(x: u32, y: u32) -> [u8; 3] {
    QUARTERS[usize::from(x >= 48) + 2 * usize::from(y >= 32)]
}

fn quarters() -> RgbImage {
    RgbImage::from_fn(96, 64, |x, y| Rgb(quarter(x, y)))
}

/// The middle of each quarter shows its colour.
fn assert_quarters(bytes: &[u8], what: &str) {
    let rgb = decode(bytes, &LIMITS)
        .unwrap_or_else(|error| panic!("{what}: {error}"))
        .rgb;
    let (width, height) = rgb.dimensions();
    assert!(
        (width * 2).abs_diff(height * 3) <= 2,
        "{what}: {width} x {height}"
    );
    for (i, expected) in QUARTERS.iter().enumerate() {
        for (across, down) in [(5, 5), (8, 11), (2, 3)] {
            let x = (i as u32 % 2 * 16 + across) * width / 32;
            let y = (i as u32 / 2 * 16 + down) * height / 32;
            let shown = rgb.get_pixel(x, y).0;
            let is_near = shown.iter().zip(expected).all(|(a, b)| a.abs_diff(*b) < 12);
            assert!(is_near, "{what}: {shown:?} at {x} {y} of quarter {i}");
        }
    }
}

fn error(bytes: &[u8]) -> PictureError {
    decode(bytes, &LIMITS)
        .map(|decoded| decoded.rgb.dimensions())
        .unwrap_err()
}

fn png(rgb: &RgbImage, profile: Option<Vec<u8>>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = image::codecs::png::PngEncoder::new(&mut bytes);
    if let Some(profile) = profile {
        encoder.set_icc_profile(profile).unwrap();
    }
    let (width, height) = rgb.dimensions();
    encoder
        .write_image(rgb, width, height, image::ExtendedColorType::Rgb8)
        .unwrap();
    bytes
}

/// Something that no two rows of are alike.
fn noise(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let value = (x * 37 + y * 91 + x * y * 13) % 251;
        Rgb([value as u8, (value * 3 % 256) as u8, (x + y) as u8])
    })
}

fn jpeg(rgb: &RgbImage, change: impl FnOnce(&mut jpeg_encoder::Encoder<&mut Vec<u8>>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 85);
    change(&mut encoder);
    let (width, height) = rgb.dimensions();
    let color = jpeg_encoder::ColorType::Rgb;
    encoder
        .encode(rgb, width as u16, height as u16, color)
        .unwrap();
    bytes
}
