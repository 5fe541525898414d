//! What changes how a picture looks, or where its parts are.

use image::{GenericImage, RgbImage, imageops};
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::each_pixel;

/// Tiles along each side.
const TILES: u32 = 4;

/// The picture cut into tiles, which are laid out anew; what no whole tile covers goes.
pub(super) fn tiles(picture: &RgbImage, rng: &mut ChaCha8Rng) -> RgbImage {
    let (width, height) = (picture.width() / TILES, picture.height() / TILES);
    if width == 0 || height == 0 {
        return picture.clone();
    }
    let mut order: Vec<u32> = (0..TILES * TILES).collect();
    // One of all orders is the picture itself.
    while order.is_sorted() {
        order.shuffle(rng);
    }
    let mut copy = RgbImage::new(width * TILES, height * TILES);
    for (to, from) in (0..TILES * TILES).zip(order) {
        let place = |tile: u32| (tile % TILES * width, tile / TILES * height);
        let ((from_x, from_y), (x, y)) = (place(from), place(to));
        let tile = imageops::crop_imm(picture, from_x, from_y, width, height);
        // It fits: both are whole tiles.
        let _ = copy.copy_from(&*tile, x, y);
    }
    copy
}

/// Luma by Rec. 601.
fn luma(pixel: [f32; 3]) -> f32 {
    0.299 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2]
}

/// Every hue moved around the circle by so many degrees, in YIQ; brightness stays.
pub(super) fn hue(picture: &RgbImage, degrees: f32) -> RgbImage {
    let (sin, cos) = degrees.to_radians().sin_cos();
    each_pixel(picture, |pixel| {
        let [r, g, b] = pixel.map(f32::from);
        let y = luma([r, g, b]);
        let i = 0.596 * r - 0.274 * g - 0.322 * b;
        let q = 0.211 * r - 0.523 * g + 0.312 * b;
        let (i, q) = (i * cos - q * sin, i * sin + q * cos);
        // A cast from f32 stops at 0 and 255.
        [
            (y + 0.956 * i + 0.621 * q) as u8,
            (y - 0.272 * i - 0.647 * q) as u8,
            (y - 1.106 * i + 1.703 * q) as u8,
        ]
    })
}

/// Every value times a factor.
pub(super) fn exposure(picture: &RgbImage, factor: f32) -> RgbImage {
    each_pixel(picture, |pixel| {
        pixel.map(|value| (f32::from(value) * factor) as u8)
    })
}

/// Colours so many times as strong.
pub(super) fn saturation(picture: &RgbImage, factor: f32) -> RgbImage {
    each_pixel(picture, |pixel| {
        let pixel = pixel.map(f32::from);
        let y = luma(pixel);
        pixel.map(|value| (y + (value - y) * factor) as u8)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;
    use rand::SeedableRng;

    #[test]
    fn tiles_are_all_there() {
        let picture = RgbImage::from_fn(8, 8, |x, y| Rgb([(x / 2 + y / 2 * 4) as u8; 3]));
        let copy = tiles(&picture, &mut ChaCha8Rng::seed_from_u64(1));
        assert_ne!(copy, picture);
        let sorted = |picture: &RgbImage| {
            let mut values = picture.as_raw().clone();
            values.sort_unstable();
            values
        };
        assert_eq!(sorted(&copy), sorted(&picture));
    }

    #[test]
    fn grey_has_no_hue_and_no_colours() {
        let grey = RgbImage::from_pixel(2, 2, Rgb([100; 3]));
        for copy in [hue(&grey, 120.0), saturation(&grey, 3.0)] {
            assert!(copy.as_raw().iter().all(|value| value.abs_diff(100) <= 1));
        }
        let red = RgbImage::from_pixel(1, 1, Rgb([200, 40, 40]));
        let [r, g, b] = hue(&red, 120.0).get_pixel(0, 0).0;
        assert!(r < g.max(b), "{r} {g} {b}");
    }
}
