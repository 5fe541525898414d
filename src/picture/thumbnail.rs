//! A small picture of a picture, for lists and pages of results.

use std::borrow::Cow;

use fast_image_resize as fir;
use image::RgbImage;
use jpeg_encoder::{ColorType, Encoder};

use super::resize::resize;

/// The longer side of a thumbnail, in pixels.
const LONGER_SIDE: u32 = 320;
/// Good enough to be looked at.
const QUALITY: u8 = 75;
/// Of a large picture so many pixels are read for each of the thumbnail's, in each direction:
/// all of them would take three times as long, and nobody sees the difference in a photo.
const SAMPLES: u8 = 2;
/// Larger is what a phone takes. A page that was scanned at 300 dots an inch is smaller: of its
/// letters every pixel counts, or two copies of one page have other previews.
const LARGE: u32 = 3_600;

/// A JPEG of the picture in its own shape, its longer side 320 pixels; a smaller picture stays
/// as large as it is.
pub fn thumbnail(picture: &RgbImage) -> Vec<u8> {
    let small = shrunk(picture);
    let (width, height) = small.dimensions();
    let mut jpeg = Vec::with_capacity(16 << 10);
    // Neither is over 320.
    Encoder::new(&mut jpeg, QUALITY)
        .encode(&small, width as u16, height as u16, ColorType::Rgb)
        .expect("an RGB picture of matching length always encodes into memory");
    jpeg
}

/// Whether not all pixels of a picture are read for its thumbnail, by its longer side.
pub(super) fn is_sampled(longer: u32) -> bool {
    longer > LARGE
}

fn shrunk(picture: &RgbImage) -> Cow<'_, RgbImage> {
    let (width, height) = picture.dimensions();
    let longer = width.max(height);
    if longer <= LONGER_SIDE {
        return Cow::Borrowed(picture);
    }
    let side = |side: u32| {
        let small =
            (u64::from(side) * u64::from(LONGER_SIDE) + u64::from(longer / 2)) / u64::from(longer);
        // At most LONGER_SIDE.
        (small as u32).max(1)
    };
    let mut small = RgbImage::new(side(width), side(height));
    let averaged = fir::FilterType::Box;
    let algorithm = match is_sampled(longer) {
        true => fir::ResizeAlg::SuperSampling(averaged, SAMPLES),
        false => fir::ResizeAlg::Convolution(averaged),
    };
    resize(picture, &mut small, algorithm);
    Cow::Owned(small)
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;
    use std::time::Instant;

    fn dimensions(jpeg: &[u8]) -> (u32, u32) {
        let decoded = image::load_from_memory(jpeg).unwrap();
        (decoded.width(), decoded.height())
    }

    #[test]
    fn it_has_the_shape_of_its_picture_and_is_never_larger() {
        for (picture, small) in [
            ((480, 360), (320, 240)),
            ((360, 480), (240, 320)),
            ((4000, 3000), (320, 240)),
            ((320, 320), (320, 320)),
            ((100, 33), (100, 33)),
            ((5000, 3), (320, 1)),
            ((321, 1), (320, 1)),
        ] {
            let jpeg = thumbnail(&RgbImage::new(picture.0, picture.1));
            assert_eq!(dimensions(&jpeg), small, "{picture:?}");
        }
    }

    #[test]
    fn it_shows_what_the_picture_shows() {
        for side in [640, 3200] {
            let picture = RgbImage::from_fn(side, side / 2, |x, y| {
                let left = if x < side / 2 { 200 } else { 20 };
                let noise = if (x + y) % 2 == 0 { 0 } else { 40 };
                Rgb([left + noise, 90, 220 - left])
            });
            let small = image::load_from_memory(&thumbnail(&picture)).unwrap();
            let small = small.into_rgb8();
            assert_eq!(small.dimensions(), (320, 160));
            for (x, left) in [(40, 220), (280, 40)] {
                let red = small.get_pixel(x, 80).0[0];
                assert!(red.abs_diff(left) < 30, "{side}: {red} for {left}");
            }
        }
    }

    /// `cargo test --release -- --ignored --nocapture thumbnail::`
    #[test]
    #[ignore = "it prints times"]
    fn what_it_takes() {
        for (width, height) in [(480, 360), (4000, 3000)] {
            let picture = RgbImage::from_fn(width, height, |x, y| {
                let (x, y) = (x * 480 / width, y * 360 / height);
                Rgb([(x * y / 300) as u8, (x ^ y) as u8, (x + 2 * y) as u8])
            });
            let file = encoded(&picture, width as u16, height as u16);
            let mut times = [0.0; 4];
            const ROUNDS: usize = 20;
            let mut bytes = 0;
            for _ in 0..ROUNDS {
                let started = Instant::now();
                let decoded = image::load_from_memory(&file).unwrap().into_rgb8();
                times[0] += started.elapsed().as_secs_f64();
                let started = Instant::now();
                let tile = super::super::NetworkInput::stretch(&decoded, 224, 224);
                times[1] += started.elapsed().as_secs_f64();
                let started = Instant::now();
                let old = encoded(tile.pixels(), 224, 224);
                times[2] += started.elapsed().as_secs_f64();
                let started = Instant::now();
                bytes = thumbnail(&decoded).len();
                times[3] += started.elapsed().as_secs_f64();
                std::hint::black_box(old);
            }
            let [decode, tile, old, new] = times.map(|time| time * 1e3 / ROUNDS as f64);
            println!(
                "{width}x{height}: decode {decode:.2} ms, tile {tile:.2}, square thumbnail {old:.2}, thumbnail {new:.2} ({bytes} bytes)"
            );
        }
    }

    fn encoded(rgb: &[u8], width: u16, height: u16) -> Vec<u8> {
        let mut jpeg = Vec::new();
        Encoder::new(&mut jpeg, QUALITY)
            .encode(rgb, width, height, ColorType::Rgb)
            .unwrap();
        jpeg
    }
}
