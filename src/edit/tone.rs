//! What is done to every pixel.

use image::RgbImage;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// A copy with every pixel changed on its own.
pub fn each_pixel(picture: &RgbImage, mut change: impl FnMut([u8; 3]) -> [u8; 3]) -> RgbImage {
    let mut copy = picture.clone();
    for pixel in copy.pixels_mut() {
        pixel.0 = change(pixel.0);
    }
    copy
}

/// A copy without colours, by the weights of Rec. 709.
pub fn grey(picture: &RgbImage) -> RgbImage {
    each_pixel(picture, |[red, green, blue]| {
        let [red, green, blue] = [red, green, blue].map(u32::from);
        [((2126 * red + 7152 * green + 722 * blue) / 10_000) as u8; 3]
    })
}

/// Values spread around the middle by a factor, then moved.
pub(super) fn contrast(picture: &RgbImage, factor: f32, shift: f32) -> RgbImage {
    // A cast from f32 stops at 0 and 255.
    let value = |value: u8| ((f32::from(value) - 128.0) * factor + 128.0 + shift) as u8;
    each_pixel(picture, |pixel| pixel.map(value))
}

/// Gaussian noise of the given sigma in every value.
pub(super) fn noise(picture: &RgbImage, sigma: f32, rng: &mut ChaCha8Rng) -> RgbImage {
    let mut noisy = |value: u8| {
        // Box and Muller (1958); 1 - u is never 0.
        let (u, v): (f32, f32) = (rng.random(), rng.random());
        let normal = (-2.0 * (1.0 - u).ln()).sqrt() * (std::f32::consts::TAU * v).cos();
        (f32::from(value) + sigma * normal).round() as u8
    };
    each_pixel(picture, |pixel| pixel.map(&mut noisy))
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;
    use rand::SeedableRng;

    #[test]
    fn noise_has_its_sigma() {
        let flat = RgbImage::from_pixel(100, 100, Rgb([128; 3]));
        let noisy = noise(&flat, 20.0, &mut ChaCha8Rng::seed_from_u64(1));
        let values = noisy.as_raw().iter().map(|&value| f64::from(value) - 128.0);
        let variance = values.map(|value| value * value).sum::<f64>() / 30_000.0;
        assert!((variance.sqrt() - 20.0).abs() < 0.5, "{variance}");
    }

    #[test]
    fn contrast_stops_at_black_and_white() {
        let picture = RgbImage::from_pixel(1, 1, Rgb([0, 128, 255]));
        let copy = contrast(&picture, 1.4, 30.0);
        assert_eq!(copy.get_pixel(0, 0).0, [0, 158, 255]);
    }
}
