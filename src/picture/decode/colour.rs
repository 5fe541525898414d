//! Colours of an embedded ICC profile as sRGB, which is what the network was trained on.

use moxcms::{ColorProfile, DataColorSpace, Layout, TransformOptions};

/// A profile that came with a picture.
pub(super) struct Profile(ColorProfile);

/// Pixels that are converted at a time.
const PIXELS: usize = 4096;

/// Profiles that are off sRGB by no more than this, of 255, are sRGB in the hand of somebody
/// else: their pictures stay as they are.
const SAME: u8 = 4;

impl Profile {
    /// Reads it; `None` if it is no profile of pixels, or broken: then it is as if none were
    /// there, as in browsers.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        ColorProfile::new_from_slice(bytes).ok().map(Self)
    }

    /// Whether it is one of four inks.
    pub(super) fn is_cmyk(&self) -> bool {
        self.0.color_space == DataColorSpace::Cmyk
    }

    /// Converts pixels of three or four bytes in place, if the profile is of such pixels.
    pub(super) fn to_srgb(&self, bytes: &mut [u8], channels: usize) {
        match self.0.color_space {
            DataColorSpace::Rgb => {
                let _ = self.colours_to_srgb(bytes, channels);
            }
            DataColorSpace::Gray => {
                let _ = self.greys_to_srgb(bytes, channels);
            }
            _ => {}
        }
    }

    fn colours_to_srgb(&self, bytes: &mut [u8], channels: usize) -> Option<()> {
        if self.is_srgb()? {
            return None;
        }
        let layout = if channels == 4 {
            Layout::Rgba
        } else {
            Layout::Rgb
        };
        self.convert(layout, layout, bytes, channels)
    }

    /// One byte has 256 values, so they are converted once.
    fn greys_to_srgb(&self, bytes: &mut [u8], channels: usize) -> Option<()> {
        let values: [u8; 256] = std::array::from_fn(|value| value as u8);
        let mut rgb = [0; 3 * 256];
        self.transform(Layout::Gray, Layout::Rgb, &values, &mut rgb)?;
        let table: Vec<u8> = rgb.as_chunks::<3>().0.iter().map(|[r, ..]| *r).collect();
        let is_same = |value: &u8| table[usize::from(*value)].abs_diff(*value) <= SAME;
        let is_grey = |pixel: &[u8]| pixel[0] == pixel[1] && pixel[1] == pixel[2];
        if values.iter().all(is_same) || !bytes.chunks_exact(channels).all(is_grey) {
            return None;
        }
        for pixel in bytes.chunks_exact_mut(channels) {
            for value in &mut pixel[..3] {
                *value = table[usize::from(*value)];
            }
        }
        Some(())
    }

    /// Converts pixels of four inks into RGB and a fourth byte that says nothing, in place.
    pub(super) fn inks_to_srgb(&self, bytes: &mut [u8]) -> Option<()> {
        if !self.is_cmyk() {
            return None;
        }
        // Four channels of any meaning have one layout.
        self.convert(Layout::Rgba, Layout::Rgba, bytes, 4)
    }

    /// Whether a grid of colours stays what it is.
    fn is_srgb(&self) -> Option<bool> {
        const STEPS: [u8; 7] = [0, 16, 48, 96, 144, 200, 255];
        let colours = STEPS.iter().flat_map(|r| {
            let pairs = STEPS.iter().flat_map(|g| STEPS.iter().map(|b| (*g, *b)));
            pairs.flat_map(|(g, b)| [*r, g, b])
        });
        let colours: Vec<u8> = colours.collect();
        let mut converted = vec![0; colours.len()];
        self.transform(Layout::Rgb, Layout::Rgb, &colours, &mut converted)?;
        let mut pairs = colours.iter().zip(&converted);
        Some(pairs.all(|(a, b)| a.abs_diff(*b) <= SAME))
    }

    fn transform(&self, from: Layout, to: Layout, input: &[u8], output: &mut [u8]) -> Option<()> {
        let srgb = ColorProfile::new_srgb();
        let options = TransformOptions::default();
        let transform = self
            .0
            .create_transform_8bit(from, &srgb, to, options)
            .ok()?;
        transform.transform(input, output).ok()
    }

    fn convert(&self, from: Layout, to: Layout, bytes: &mut [u8], channels: usize) -> Option<()> {
        let srgb = ColorProfile::new_srgb();
        let options = TransformOptions::default();
        let transform = self
            .0
            .create_transform_8bit(from, &srgb, to, options)
            .ok()?;
        let mut converted = vec![0; PIXELS * channels];
        for pixels in bytes.chunks_mut(PIXELS * channels) {
            let converted = &mut converted[..pixels.len()];
            transform.transform(pixels, converted).ok()?;
            pixels.copy_from_slice(converted);
        }
        Some(())
    }
}
