//! From a decoder's pixels to 8-bit RGB on white.

use image::{ColorType, DynamicImage, ImageDecoder, ImageError, ImageResult, Rgb, RgbImage};

/// The pixels of a decoder. The large kinds are packed in place, so that decoder's pixels and
/// RGB are never in memory both.
pub(super) fn rgb_of(decoder: impl ImageDecoder) -> ImageResult<RgbImage> {
    match decoder.color_type() {
        ColorType::Rgb8 => in_place(decoder, <[u8; 3]>::clone),
        ColorType::Rgba8 => in_place(decoder, |pixel: &[u8; 4]| on_white(*pixel)),
        ColorType::Rgb16 => in_place(decoder, |pixel: &[u8; 6]| {
            let [r, g, b] = std::array::from_fn(|i| eight_bit(&pixel[2 * i..]));
            [r, g, b]
        }),
        ColorType::Rgba16 => in_place(decoder, |pixel: &[u8; 8]| {
            on_white(std::array::from_fn(|i| eight_bit(&pixel[2 * i..])))
        }),
        _ => Ok(converted(DynamicImage::from_decoder(decoder)?)),
    }
}

/// Bytes for each pixel that [`rgb_of`] takes at most, besides what the decoder takes.
pub(super) fn bytes_per_pixel(color: ColorType) -> u64 {
    let decoded = u64::from(color.bytes_per_pixel());
    match color {
        ColorType::Rgb8 | ColorType::Rgba8 | ColorType::Rgb16 | ColorType::Rgba16 => decoded,
        // By way of RGBA where there is transparency.
        ColorType::La8 | ColorType::La16 | ColorType::Rgba32F => decoded.max(3) + 4,
        _ => decoded + 3,
    }
}

fn in_place<const N: usize>(
    decoder: impl ImageDecoder,
    rgb: impl Fn(&[u8; N]) -> [u8; 3],
) -> ImageResult<RgbImage> {
    let (width, height) = decoder.dimensions();
    let length = usize::try_from(decoder.total_bytes()).map_err(|_| too_large())?;
    let mut bytes = vec![0; length];
    decoder.read_image(&mut bytes)?;
    if N > 3 {
        let pixels = bytes.len() / N;
        for i in 0..pixels {
            // A pixel is written where it or one before it was read.
            if let Some(pixel) = bytes[i * N..].first_chunk::<N>() {
                let packed = rgb(pixel);
                bytes[i * 3..i * 3 + 3].copy_from_slice(&packed);
            }
        }
        bytes.truncate(pixels * 3);
        bytes.shrink_to_fit();
    }
    RgbImage::from_raw(width, height, bytes).ok_or_else(too_large)
}

fn too_large() -> ImageError {
    let kind = image::error::LimitErrorKind::InsufficientMemory;
    ImageError::Limits(image::error::LimitError::from_kind(kind))
}

/// The nearest of 256 steps to a value of 65,536 steps, in this machine's byte order.
fn eight_bit(bytes: &[u8]) -> u8 {
    let value = u32::from(u16::from_ne_bytes([bytes[0], bytes[1]]));
    // At most (65535 + 128) / 257.
    ((value + 128) / 257) as u8
}

/// Transparent pixels carry arbitrary colours; people see them on the page's white.
fn on_white([r, g, b, a]: [u8; 4]) -> [u8; 3] {
    let blend = |c: u8| {
        let sum = u32::from(c) * u32::from(a) + 255 * (255 - u32::from(a));
        // At most 255 * 255 / 255.
        ((sum + 127) / 255) as u8
    };
    [blend(r), blend(g), blend(b)]
}

fn converted(picture: DynamicImage) -> RgbImage {
    if !picture.color().has_alpha() {
        return picture.into_rgb8();
    }
    let rgba = picture.into_rgba8();
    let (width, height) = rgba.dimensions();
    RgbImage::from_fn(width, height, |x, y| Rgb(on_white(rgba.get_pixel(x, y).0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::codecs::png::PngDecoder;
    use image::{ImageBuffer, ImageFormat, Luma, LumaA, Rgba};
    use std::io::Cursor;

    /// Every 16-bit value is in it somewhere.
    fn value(x: u32, y: u32, channel: u32) -> u16 {
        (x * 257 + y * 769 + channel * 21_931) as u16
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
            let rgb = rgb_of(decoder()).unwrap();
            assert_eq!(rgb, converted(picture), "{color:?}");
        }
    }
}
