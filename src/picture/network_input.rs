//! What the network sees of a picture.

use fast_image_resize as fir;
use image::RgbImage;

use super::PerceptualHash;
use super::resize::resize;

/// A picture stretched to the network's input size: 8-bit RGB, row by row.
///
/// Stretched, not cropped, as the report does ("Feature Extraction").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkInput {
    rgb: RgbImage,
}

impl NetworkInput {
    /// Resizes `picture` to `width` x `height` with a triangle filter whose support grows
    /// with the scale, so that large pictures are averaged and not sampled.
    pub fn stretch(picture: &RgbImage, width: u32, height: u32) -> Self {
        if picture.dimensions() == (width, height) {
            return Self {
                rgb: picture.clone(),
            };
        }
        let mut rgb = RgbImage::new(width, height);
        let triangle = fir::ResizeAlg::Convolution(fir::FilterType::Bilinear);
        resize(picture, &mut rgb, triangle);
        Self { rgb }
    }

    /// The pixels: `width * height * 3` bytes.
    pub fn pixels(&self) -> &[u8] {
        self.rgb.as_raw()
    }

    /// Width and height in pixels.
    pub fn dimensions(&self) -> (u32, u32) {
        self.rgb.dimensions()
    }

    /// The hash by which near copies are found.
    pub fn perceptual_hash(&self) -> PerceptualHash {
        PerceptualHash::of(&self.rgb)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    #[test]
    fn stretches_and_averages() {
        // Black and white columns average to grey when the picture shrinks.
        let picture = RgbImage::from_fn(80, 40, |x, _| Rgb([if x % 2 == 0 { 0 } else { 255 }; 3]));
        let tile = NetworkInput::stretch(&picture, 10, 10);
        assert_eq!(tile.pixels().len(), 300);
        assert!(tile.pixels().iter().all(|&p| (120..=136).contains(&p)));
    }
}
