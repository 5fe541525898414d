//! Decoded pixels on their way to 8-bit sRGB on a plain ground.

use image::{ColorType, DynamicImage, ImageDecoder, ImageError, ImageResult, RgbImage};

use super::colour::Profile;
use super::ground::Ground;
use crate::picture::PictureError;

/// 8-bit pixels as a decoder gave them: colours of the file's own profile, and transparency.
pub(super) struct Raster {
    width: u32,
    height: u32,
    /// Three or four.
    channels: usize,
    bytes: Vec<u8>,
    profile: Option<Vec<u8>>,
}

/// Bytes for each pixel that a [`Raster`] of a decoder takes at most, besides what the decoder
/// takes.
pub(super) fn bytes_per_pixel(color: ColorType) -> u64 {
    let decoded = u64::from(color.bytes_per_pixel());
    match color {
        ColorType::Rgb8 | ColorType::Rgba8 | ColorType::Rgb16 | ColorType::Rgba16 => decoded,
        // By way of RGBA where there is transparency.
        ColorType::La8 | ColorType::La16 | ColorType::Rgba32F => decoded.max(3) + 4,
        _ => decoded + 3,
    }
}

impl Raster {
    /// The pixels of a decoder. The large kinds are packed in place, so that a decoder's pixels
    /// and ours are never in memory both.
    pub(super) fn of(mut decoder: impl ImageDecoder) -> ImageResult<Self> {
        let profile = decoder.icc_profile().ok().flatten();
        let (width, height) = decoder.dimensions();
        let color = decoder.color_type();
        let (channels, bytes) = match color {
            ColorType::Rgb8 => (3, read(decoder)?),
            ColorType::Rgba8 => (4, read(decoder)?),
            ColorType::Rgb16 => (
                3,
                packed(read(decoder)?, |pair: &[u8; 2]| [eight_bit(pair)]),
            ),
            ColorType::Rgba16 => (
                4,
                packed(read(decoder)?, |pair: &[u8; 2]| [eight_bit(pair)]),
            ),
            _ => {
                let picture = DynamicImage::from_decoder(decoder)?;
                match color.has_alpha() {
                    true => (4, picture.into_rgba8().into_raw()),
                    false => (3, picture.into_rgb8().into_raw()),
                }
            }
        };
        Ok(Self {
            width,
            height,
            channels,
            bytes,
            profile,
        })
    }

    /// Pixels of three bytes.
    pub(super) fn rgb(
        width: u32,
        height: u32,
        bytes: Vec<u8>,
        profile: Option<Vec<u8>>,
    ) -> Result<Self, PictureError> {
        Self::checked(width, height, 3, bytes, profile)
    }

    /// Pixels of four bytes, the last one how much is seen of them.
    pub(super) fn rgba(
        width: u32,
        height: u32,
        bytes: Vec<u8>,
        profile: Option<Vec<u8>>,
    ) -> Result<Self, PictureError> {
        Self::checked(width, height, 4, bytes, profile)
    }

    /// Pixels of one byte.
    pub(super) fn grey(
        width: u32,
        height: u32,
        bytes: Vec<u8>,
        profile: Option<Vec<u8>>,
    ) -> Result<Self, PictureError> {
        let bytes = bytes.iter().flat_map(|value| [*value; 3]).collect();
        Self::checked(width, height, 3, bytes, profile)
    }

    /// Pixels of four inks, 255 of each the most.
    pub(super) fn cmyk(
        width: u32,
        height: u32,
        mut bytes: Vec<u8>,
        profile: Option<&[u8]>,
    ) -> Result<Self, PictureError> {
        let profile = profile.and_then(Profile::read);
        let converted = profile.and_then(|profile| profile.inks_to_srgb(&mut bytes));
        let bytes = match converted {
            Some(()) => packed(bytes, |[r, g, b, _]: &[u8; 4]| [*r, *g, *b]),
            None => packed(bytes, |[c, m, y, k]: &[u8; 4]| {
                [c, m, y].map(|ink| {
                    let light = (255 - u32::from(*ink)) * (255 - u32::from(*k));
                    // At most 255.
                    ((light + 127) / 255) as u8
                })
            }),
        };
        Self::checked(width, height, 3, bytes, None)
    }

    fn checked(
        width: u32,
        height: u32,
        channels: usize,
        bytes: Vec<u8>,
        profile: Option<Vec<u8>>,
    ) -> Result<Self, PictureError> {
        let raster = Self {
            width,
            height,
            channels,
            bytes,
            profile,
        };
        let pixels = width as usize * height as usize;
        if raster.bytes.len() != pixels * channels {
            let said = "the decoder gave too few or too many pixels";
            return Err(PictureError::Broken(said.to_owned()));
        }
        Ok(raster)
    }

    /// Width, height, bytes of a pixel, and the bytes.
    pub(super) fn pixels(&self) -> (u32, u32, usize, &[u8]) {
        (self.width, self.height, self.channels, &self.bytes)
    }

    /// 8-bit sRGB, on a plain ground where the picture is transparent.
    pub(super) fn into_rgb(mut self) -> Result<RgbImage, PictureError> {
        if let Some(profile) = self.profile.take().as_deref().and_then(Profile::read) {
            profile.to_srgb(&mut self.bytes, self.channels);
        }
        if self.channels == 4 {
            let ground = Ground::of(self.bytes.as_chunks().0);
            self.bytes = packed(self.bytes, |pixel: &[u8; 4]| ground.under(*pixel));
        }
        RgbImage::from_raw(self.width, self.height, self.bytes)
            .ok_or_else(|| PictureError::Broken("the decoder gave too few pixels".to_owned()))
    }
}

fn read(decoder: impl ImageDecoder) -> ImageResult<Vec<u8>> {
    let length = usize::try_from(decoder.total_bytes()).map_err(|_| too_large())?;
    let mut bytes = vec![0; length];
    decoder.read_image(&mut bytes)?;
    Ok(bytes)
}

/// Groups of bytes made smaller, in place.
fn packed<const N: usize, const M: usize>(
    mut bytes: Vec<u8>,
    pack: impl Fn(&[u8; N]) -> [u8; M],
) -> Vec<u8> {
    const { assert!(M < N) };
    let groups = bytes.len() / N;
    for i in 0..groups {
        // A group is written where it or one before it was read.
        if let Some(group) = bytes[i * N..].first_chunk::<N>() {
            let packed = pack(group);
            bytes[i * M..(i + 1) * M].copy_from_slice(&packed);
        }
    }
    bytes.truncate(groups * M);
    bytes.shrink_to_fit();
    bytes
}

/// Colours that were made darker by what is seen of them, as they were.
pub(super) fn divide(pixel: &mut [u8]) {
    let Some((alpha, colours)) = pixel.split_last_mut() else {
        return;
    };
    let alpha = u32::from(*alpha);
    for value in colours {
        // At most 255.
        *value = ((u32::from(*value) * 255 + alpha / 2) / alpha.max(1)).min(255) as u8;
    }
}

fn too_large() -> ImageError {
    let kind = image::error::LimitErrorKind::InsufficientMemory;
    ImageError::Limits(image::error::LimitError::from_kind(kind))
}

/// The nearest of 256 steps to a value of 65,536 steps, in this machine's byte order.
pub(super) fn eight_bit(bytes: &[u8; 2]) -> u8 {
    let value = u32::from(u16::from_ne_bytes(*bytes));
    // At most (65535 + 128) / 257.
    ((value + 128) / 257) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::codecs::png::PngDecoder;
    use image::{ImageBuffer, ImageFormat, Luma, LumaA, Rgb, Rgba};
    use std::io::Cursor;

    /// Every 16-bit value is in it somewhere.
    fn value(x: u32, y: u32, channel: u32) -> u16 {
        (x * 257 + y * 769 + channel * 21_931) as u16
    }

    fn converted(picture: DynamicImage) -> RgbImage {
        if !picture.color().has_alpha() {
            return picture.into_rgb8();
        }
        let rgba = picture.into_rgba8();
        let (width, height) = rgba.dimensions();
        RgbImage::from_fn(width, height, |x, y| {
            Rgb(Ground::White.under(rgba.get_pixel(x, y).0))
        })
    }

    #[test]
    fn packing_in_place_gives_what_converting_gives() {
        const SIDE: u32 = 300;
        let rgba16 = ImageBuffer::from_fn(SIDE, SIDE, |x, y| {
            Rgba(std::array::from_fn(|i| value(x, y, i as u32)))
        });
        let rgb16 = ImageBuffer::from_fn(SIDE, SIDE, |x, y| {
            Rgb(std::array::from_fn(|i| value(x, y, i as u32)))
        });
        let luma16 = ImageBuffer::from_fn(SIDE, SIDE, |x, y| Luma([value(x, y, 0)]));
        let alpha16 =
            ImageBuffer::from_fn(SIDE, SIDE, |x, y| LumaA([value(x, y, 0), value(x, y, 1)]));
        let of_8_bits = DynamicImage::ImageRgba16(rgba16.clone());
        let pictures = [
            DynamicImage::ImageRgb8(of_8_bits.to_rgb8()),
            DynamicImage::ImageRgba8(of_8_bits.to_rgba8()),
            DynamicImage::ImageLumaA8(of_8_bits.to_luma_alpha8()),
            DynamicImage::ImageLuma8(of_8_bits.to_luma8()),
            of_8_bits,
            DynamicImage::ImageRgb16(rgb16),
            DynamicImage::ImageLuma16(luma16),
            DynamicImage::ImageLumaA16(alpha16),
        ];
        for picture in pictures {
            let mut png = Cursor::new(Vec::new());
            picture.write_to(&mut png, ImageFormat::Png).unwrap();
            let decoder = || PngDecoder::new(Cursor::new(png.get_ref())).unwrap();
            let color = decoder().color_type();
            assert_eq!(color, picture.color());
            let rgb = Raster::of(decoder()).unwrap().into_rgb().unwrap();
            assert_eq!(rgb, converted(picture), "{color:?}");
        }
    }
}
