//! From bytes to pixels, within limits.

#[cfg(feature = "avif")]
mod avif;
mod bmp;
mod colour;
mod ground;
mod header;
#[cfg(feature = "heic")]
mod heic;
mod ico;
mod jpeg;
#[cfg(feature = "jxl")]
mod jxl;
mod plain;
mod raster;
#[cfg(feature = "svg")]
mod svg;
#[cfg(test)]
mod tests;
mod tiff;

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use image::{DynamicImage, RgbImage};

use super::budget::{BUDGET, Share};
use super::{Format, Limits, PictureError};
use header::Opened;

/// A decoded picture, upright, in sRGB, on a plain ground where it was transparent. While it lives
/// its bytes count against [`Limits::decode_bytes`], so it should be dropped soon; it stays in its
/// thread, and a thread that has one does not wait for room for another.
#[derive(Debug)]
pub struct Decoded {
    /// The pixels, after the EXIF orientation was applied.
    pub rgb: RgbImage,
    /// The file's format.
    pub format: Format,
    _share: Share,
}

/// Decodes a picture within `limits`; waits while others take the memory that it needs.
///
/// # Errors
/// Every kind of bad input is a [`PictureError`]; nothing panics.
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Decoded, PictureError> {
    guarded(bytes, limits, decode_checked)
}

/// Reads a picture's header and holds it against `limits`; its pixels may still be broken.
///
/// # Errors
/// As [`decode`].
pub fn check_header(bytes: &[u8], limits: &Limits) -> Result<(), PictureError> {
    guarded(bytes, limits, |bytes, limits| {
        open(bytes, limits)?.peak(limits).map(drop)
    })
}

fn guarded<T>(
    bytes: &[u8],
    limits: &Limits,
    read: impl FnOnce(&[u8], &Limits) -> Result<T, PictureError>,
) -> Result<T, PictureError> {
    if bytes.is_empty() {
        return Err(PictureError::Empty);
    }
    if bytes.len() as u64 > limits.max_bytes {
        return Err(PictureError::TooLarge {
            bytes: bytes.len() as u64,
            limit: limits.max_bytes,
        });
    }
    IN_DECODER.set(true);
    // A decoder holds no state of ours, so nothing can be left half-changed.
    let result = catch_unwind(AssertUnwindSafe(|| read(bytes, limits)));
    IN_DECODER.set(false);
    result.unwrap_or(Err(PictureError::DecoderPanicked))
}

fn open<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Opened<'a>, PictureError> {
    let format = Format::of(bytes).ok_or_else(|| header::unknown(bytes))?;
    match format {
        Format::Jpeg => jpeg::open(bytes, limits),
        Format::Ico => ico::open(bytes),
        Format::Tiff => tiff::open(bytes),
        #[cfg(feature = "svg")]
        Format::Svg => svg::open(bytes),
        #[cfg(feature = "jxl")]
        Format::Jxl => jxl::open(bytes),
        #[cfg(feature = "heic")]
        Format::Heic => heic::open(bytes),
        #[cfg(feature = "avif")]
        Format::Avif => avif::open(bytes),
        _ => plain::open(format, bytes),
    }
}

fn decode_checked(bytes: &[u8], limits: &Limits) -> Result<Decoded, PictureError> {
    let opened = open(bytes, limits)?;
    let mut share = BUDGET.take(opened.peak(limits)?, limits.decode_bytes);
    let (format, orientation) = (opened.format, opened.orientation);
    let mut picture = DynamicImage::ImageRgb8((opened.read)()?.into_rgb()?);
    picture.apply_orientation(orientation);
    let rgb = picture.into_rgb8();
    share.shrink(rgb.as_raw().len() as u64);
    Ok(Decoded {
        rgb,
        format,
        _share: share,
    })
}

thread_local! {
    static IN_DECODER: Cell<bool> = const { Cell::new(false) };
}

/// Keeps panics that [`decode`] catches off the user's terminal; all others print as usual.
pub fn silence_decoder_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let default = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if IN_DECODER.get() {
                tracing::debug!(%info, "a picture decoder panicked");
            } else {
                default(info);
            }
        }));
    });
}

#[cfg(test)]
mod limit_tests {
    use super::*;
    use std::io::Cursor;

    use crate::picture::Truncated;

    use image::{ImageFormat, Rgb};

    const LIMITS: Limits = Limits {
        max_bytes: 1 << 20,
        max_pixels: 10_000,
        min_side: 8,
        decode_bytes: 1 << 20,
        truncated: Truncated::Refuse,
    };

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        RgbImage::from_pixel(width, height, Rgb([9, 99, 199]))
            .write_to(&mut bytes, ImageFormat::Png)
            .unwrap();
        bytes.into_inner()
    }

    #[test]
    fn a_picture_decodes() {
        let decoded = decode(&png(20, 10), &LIMITS).unwrap();
        assert_eq!(decoded.rgb.dimensions(), (20, 10));
        assert_eq!(decoded.rgb.get_pixel(3, 3).0, [9, 99, 199]);
    }

    #[test]
    fn transparency_shows_white() {
        let mut bytes = Cursor::new(Vec::new());
        image::RgbaImage::from_pixel(10, 10, image::Rgba([0, 0, 0, 0]))
            .write_to(&mut bytes, ImageFormat::Png)
            .unwrap();
        let decoded = decode(&bytes.into_inner(), &LIMITS).unwrap();
        assert_eq!(decoded.rgb.get_pixel(0, 0).0, [255, 255, 255]);
    }

    #[test]
    fn bad_bytes_are_named() {
        assert_eq!(decode(b"", &LIMITS).unwrap_err(), PictureError::Empty);
        assert_eq!(
            decode(b"\n <!DOCTYPE html><p>no", &LIMITS).unwrap_err(),
            PictureError::Html
        );
        assert_eq!(
            decode(b"plain text", &LIMITS).unwrap_err(),
            PictureError::Unknown
        );
        let whole = png(40, 40);
        let cut = decode(&whole[..whole.len() - 30], &LIMITS).unwrap_err();
        assert_eq!(cut.reason(), "broken_picture");
        // Behind the last pixel nothing is needed.
        for end in [1, 5, 11, 12] {
            let cut = decode(&whole[..whole.len() - end], &LIMITS).unwrap();
            assert_eq!(cut.rgb.dimensions(), (40, 40), "{end}");
        }
    }

    #[test]
    fn limits_hold_before_decoding() {
        assert_eq!(
            decode(&png(200, 100), &LIMITS).unwrap_err().reason(),
            "too_many_pixels"
        );
        assert_eq!(
            decode(&png(200, 4), &LIMITS).unwrap_err().reason(),
            "too_small"
        );
        let few_bytes = Limits {
            max_bytes: 20,
            ..LIMITS
        };
        assert_eq!(
            decode(&png(20, 20), &few_bytes).unwrap_err().reason(),
            "too_large"
        );
    }

    #[test]
    fn what_would_take_all_memory_is_refused_and_what_takes_much_waits() {
        let mut bytes = Cursor::new(Vec::new());
        image::ImageBuffer::from_pixel(100, 100, image::Rgba([0u16, 1, 2, 3]))
            .write_to(&mut bytes, ImageFormat::Png)
            .unwrap();
        let bytes = bytes.into_inner();
        // Four channels of two bytes.
        let [enough, few] = [80_000, 79_999].map(|decode_bytes| Limits {
            decode_bytes,
            ..LIMITS
        });
        let error = decode(&bytes, &few).unwrap_err();
        assert_eq!(
            (error.reason(), error.is_limit()),
            ("too_much_memory", true)
        );
        assert!(error.to_string().contains("decode_budget_mb"), "{error}");
        assert_eq!(check_header(&bytes, &few), Err(error));
        // A thread that has one decodes another without waiting for itself.
        let first = decode(&bytes, &enough).unwrap();
        let second = decode(&bytes, &enough).unwrap();
        assert_eq!(first.rgb, second.rgb);
        // Any other waits for both.
        let (told, tell) = std::sync::mpsc::channel();
        let other = std::thread::spawn(move || {
            let done = decode(&bytes, &enough).is_ok();
            told.send(done).unwrap();
        });
        let wait = std::time::Duration::from_millis(100);
        assert!(tell.recv_timeout(wait).is_err());
        drop((first, second));
        assert_eq!(tell.recv(), Ok(true));
        other.join().unwrap();
    }

    #[test]
    fn a_bomb_is_refused_by_its_header() {
        // A PNG header that claims 60000 x 60000 pixels, with no data behind it.
        let mut bytes = png(20, 20);
        bytes[16..20].copy_from_slice(&60_000u32.to_be_bytes());
        bytes[20..24].copy_from_slice(&60_000u32.to_be_bytes());
        let crc = crc32fast::hash(&bytes[12..29]);
        bytes[29..33].copy_from_slice(&crc.to_be_bytes());
        assert_eq!(
            decode(&bytes, &LIMITS).unwrap_err().reason(),
            "too_many_pixels"
        );
    }
}
