//! From bytes to pixels, within limits.

use std::cell::Cell;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Rgb, RgbImage};

/// What simdex accepts as a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Largest file, in bytes.
    pub max_bytes: u64,
    /// Largest width times height, in pixels, checked before decoding.
    pub max_pixels: u64,
    /// Smallest width and height, in pixels; smaller pictures are icons and spacers.
    pub min_side: u32,
}

/// A decoded picture, upright, on white where it was transparent.
#[derive(Debug, Clone)]
pub struct Decoded {
    /// The pixels, after the EXIF orientation was applied.
    pub rgb: RgbImage,
    /// The file's format.
    pub format: ImageFormat,
}

/// Why bytes are not a picture that simdex can use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PictureError {
    /// There are no bytes at all.
    #[error("the file is empty")]
    Empty,
    /// More bytes than `[picture] max_bytes`.
    #[error("the file has {bytes} bytes, over the limit of {limit} ([picture] max_bytes)")]
    TooLarge {
        /// The file's size.
        bytes: u64,
        /// The limit in force.
        limit: u64,
    },
    /// A web page where a picture was promised.
    #[error("this is an HTML page, not a picture")]
    Html,
    /// Bytes of no format that simdex reads.
    #[error("not a picture in a format simdex reads (JPEG, PNG, GIF, WebP, BMP, TIFF)")]
    Unknown,
    /// More pixels than `[picture] max_pixels`.
    #[error("{width}x{height} pixels are over the limit of {limit} ([picture] max_pixels)")]
    TooManyPixels {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// The limit in force, in pixels.
        limit: u64,
    },
    /// A side shorter than `[picture] min_side`.
    #[error("{width}x{height} pixels are under the smallest side of {limit} ([picture] min_side)")]
    TooSmall {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// The limit in force, in pixels.
        limit: u32,
    },
    /// The decoder refused the bytes.
    #[error("the picture is broken: {0}")]
    Broken(String),
    /// The decoder panicked; the panic was caught.
    #[error("the picture is broken (its decoder gave up)")]
    DecoderPanicked,
}

impl PictureError {
    /// A short, stable name for summaries and JSON.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLarge { .. } => "too_large",
            Self::Html => "html_not_picture",
            Self::Unknown => "unknown_format",
            Self::TooManyPixels { .. } => "too_many_pixels",
            Self::TooSmall { .. } => "too_small",
            Self::Broken(_) | Self::DecoderPanicked => "broken_picture",
        }
    }

    /// Whether a limit of the user's own refused it, rather than the bytes being bad.
    pub fn is_limit(&self) -> bool {
        matches!(
            self,
            Self::TooLarge { .. } | Self::TooManyPixels { .. } | Self::TooSmall { .. }
        )
    }
}

/// Bytes a decoder may allocate per pixel that the limits allow: 16-bit RGBA, twice over
/// for the decoder's own working space.
const DECODER_BYTES_PER_PIXEL: u64 = 16;

/// Decodes a picture within `limits`.
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
        header(bytes, limits).map(drop)
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

/// A picture's format, if its width and height are within `limits`.
fn header(bytes: &[u8], limits: &Limits) -> Result<ImageFormat, PictureError> {
    let reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|error| PictureError::Broken(error.to_string()))?;
    let format = reader.format().ok_or_else(|| unknown(bytes))?;
    if !format.reading_enabled() {
        return Err(PictureError::Unknown);
    }
    // The dimensions first, from the header alone: a decoder that meets its allocation limit
    // does not say by how much it was exceeded.
    let (width, height) = ImageReader::with_format(Cursor::new(bytes), format)
        .into_dimensions()
        .map_err(broken)?;
    if u64::from(width) * u64::from(height) > limits.max_pixels {
        return Err(PictureError::TooManyPixels {
            width,
            height,
            limit: limits.max_pixels,
        });
    }
    if width.min(height) < limits.min_side.max(1) {
        return Err(PictureError::TooSmall {
            width,
            height,
            limit: limits.min_side,
        });
    }
    Ok(format)
}

fn decode_checked(bytes: &[u8], limits: &Limits) -> Result<Decoded, PictureError> {
    let format = header(bytes, limits)?;
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut decoder_limits = image::Limits::default();
    decoder_limits.max_alloc = Some(limits.max_pixels.saturating_mul(DECODER_BYTES_PER_PIXEL));
    reader.limits(decoder_limits);
    let mut decoder = reader.into_decoder().map_err(broken)?;
    let orientation = decoder.orientation().map_err(broken)?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(broken)?;
    picture.apply_orientation(orientation);
    Ok(Decoded {
        rgb: on_white(picture),
        format,
    })
}

/// Transparent pixels carry arbitrary colours; people see them on the page's white.
fn on_white(picture: DynamicImage) -> RgbImage {
    if !picture.color().has_alpha() {
        return picture.into_rgb8();
    }
    let rgba = picture.into_rgba8();
    let (width, height) = rgba.dimensions();
    RgbImage::from_fn(width, height, |x, y| {
        let [r, g, b, a] = rgba.get_pixel(x, y).0;
        let blend = |c: u8| {
            let sum = u32::from(c) * u32::from(a) + 255 * (255 - u32::from(a));
            // At most 255 * 255 / 255.
            ((sum + 127) / 255) as u8
        };
        Rgb([blend(r), blend(g), blend(b)])
    })
}

fn broken(error: ImageError) -> PictureError {
    match error {
        ImageError::Unsupported(_) => PictureError::Unknown,
        other => PictureError::Broken(other.to_string()),
    }
}

fn unknown(bytes: &[u8]) -> PictureError {
    let head: Vec<u8> = bytes
        .iter()
        .copied()
        .skip_while(|byte| byte.is_ascii_whitespace() || *byte >= 0x80)
        .take(16)
        .map(|byte| byte.to_ascii_lowercase())
        .collect();
    // The tags by which the MIME sniffing standard recognises HTML (section 7.1), the usual
    // ones.
    let tags: [&[u8]; 12] = [
        b"<!doctype",
        b"<html",
        b"<head",
        b"<body",
        b"<!--",
        b"<title",
        b"<script",
        b"<div",
        b"<table",
        b"<h1",
        b"<p>",
        b"<a ",
    ];
    if tags.iter().any(|tag| head.starts_with(tag)) {
        PictureError::Html
    } else {
        PictureError::Unknown
    }
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
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        max_bytes: 1 << 20,
        max_pixels: 10_000,
        min_side: 8,
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
