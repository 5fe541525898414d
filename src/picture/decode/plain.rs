//! The formats that the `image` crate reads as they are.

use std::borrow::Cow;
use std::io::Cursor;

use image::metadata::Orientation;
use image::{ImageDecoder, ImageFormat, ImageReader};

use super::bmp;
use super::header::{Opened, broken, exif_orientation};
use super::raster::{Raster, bytes_per_pixel};
use crate::picture::{Format, PictureError};

/// What each PNG ends with.
const IEND: [u8; 12] = *b"\0\0\0\0IEND\xAE\x42\x60\x82";

/// Bytes that a decoder may take whatever a picture's size: tables, profiles, rows.
const SMALL: u64 = 64 << 20;

pub(super) fn open(format: Format, bytes: &[u8]) -> Result<Opened<'_>, PictureError> {
    let theirs = match format {
        Format::Png => ImageFormat::Png,
        Format::Gif => ImageFormat::Gif,
        Format::WebP => ImageFormat::WebP,
        Format::Bmp => ImageFormat::Bmp,
        Format::Ico => ImageFormat::Ico,
        Format::Pnm => ImageFormat::Pnm,
        Format::Qoi => ImageFormat::Qoi,
        Format::Tga => ImageFormat::Tga,
        _ => return Err(PictureError::Unread { format, kind: None }),
    };
    let bytes = match format {
        Format::Bmp => bmp::as_of_windows(bytes),
        Format::Png => with_end(bytes),
        _ => Cow::Borrowed(bytes),
    };
    // Without our limits: a decoder that meets one does not say by how much it was exceeded.
    let reader = ImageReader::with_format(Cursor::new(&bytes), theirs);
    let broken = move |error| broken(format, error);
    let mut decoder = reader.into_decoder().map_err(broken)?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    let mut orientation = decoder.orientation().map_err(broken)?;
    if orientation == Orientation::NoTransforms
        && let Ok(Some(exif)) = decoder.exif_metadata()
    {
        orientation = exif_orientation(&exif).unwrap_or(orientation);
    }
    let ours = pixels.saturating_mul(bytes_per_pixel(decoder.color_type()));
    let working = working_space(format, pixels);
    let decoding = ours.saturating_add(working);
    drop(decoder);
    let read = move || {
        let mut reader = ImageReader::with_format(Cursor::new(&bytes), theirs);
        let mut limits = image::Limits::default();
        limits.max_alloc = Some(decoding.max(SMALL));
        reader.limits(limits);
        let decoder = reader.into_decoder().map_err(broken)?;
        Raster::of(decoder).map_err(broken)
    };
    Ok(Opened {
        format,
        width,
        height,
        orientation,
        decoding,
        read: Box::new(read),
    })
}

/// A PNG with its end, which may be missing where all pixels are there: what is cut behind them
/// matters to nobody.
fn with_end(bytes: &[u8]) -> Cow<'_, [u8]> {
    let mut at = 8;
    while let Some(head) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let [a, b, c, d, kind @ ..] = *head;
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        let next = at.saturating_add(length).saturating_add(12);
        // Of pixels that are cut, the decoder says so.
        if &kind == b"IEND" || (&kind == b"IDAT" && next > bytes.len()) {
            return Cow::Borrowed(bytes);
        }
        if next > bytes.len() {
            break;
        }
        at = next;
    }
    Cow::Owned([&bytes[..at.min(bytes.len())], &IEND].concat())
}

/// Bytes that a decoder takes at most for itself, besides those of the pixels that it gives.
fn working_space(format: Format, pixels: u64) -> u64 {
    match format {
        // The planes of brightness and colour, or a canvas of RGBA, and transparency.
        Format::WebP => pixels.saturating_mul(6),
        // A frame, which may be smaller than the picture.
        Format::Gif => pixels.saturating_mul(4),
        // Row by row.
        _ => 0,
    }
}
