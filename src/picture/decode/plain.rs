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
    if orientation == Orientation::NoTransforms && format == Format::Png {
        orientation = late_orientation(&bytes).unwrap_or(orientation);
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

/// A chunk of a PNG: where it begins and ends, and its kind. The end may lie behind that of the file.
struct Chunk {
    start: usize,
    end: usize,
    kind: [u8; 4],
}

/// The chunks of a PNG.
fn chunks(bytes: &[u8]) -> impl Iterator<Item = Chunk> {
    let mut start = 8;
    std::iter::from_fn(move || {
        let [a, b, c, d, kind @ ..] = *bytes.get(start..)?.first_chunk::<8>()?;
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        let end = start.saturating_add(length).saturating_add(12);
        let chunk = Chunk { start, end, kind };
        start = end;
        Some(chunk)
    })
}

/// A PNG with its end, which may be missing where all pixels are there: what is cut behind them
/// matters to nobody.
fn with_end(bytes: &[u8]) -> Cow<'_, [u8]> {
    let mut whole = 8.min(bytes.len());
    for chunk in chunks(bytes) {
        // Of pixels that are cut, the decoder says so.
        if &chunk.kind == b"IEND" || (&chunk.kind == b"IDAT" && chunk.end > bytes.len()) {
            return Cow::Borrowed(bytes);
        }
        if chunk.end > bytes.len() {
            break;
        }
        whole = chunk.end;
    }
    Cow::Owned([&bytes[..whole], &IEND].concat())
}

/// What a PNG says of its orientation behind its pixels, where decoders do not look before they
/// have read those.
fn late_orientation(bytes: &[u8]) -> Option<Orientation> {
    let mut chunks = chunks(bytes).take_while(|chunk| &chunk.kind != b"IEND");
    let exif = chunks.find(|chunk| &chunk.kind == b"eXIf")?;
    exif_orientation(bytes.get(exif.start + 8..exif.end - 4)?)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_png_may_say_behind_its_pixels_how_it_stands() {
        let mut png = Cursor::new(Vec::new());
        let picture = image::RgbImage::new(3, 2);
        picture.write_to(&mut png, ImageFormat::Png).unwrap();
        let png = png.into_inner();
        // One entry: orientation (0x112), a SHORT, 6.
        let exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
        let kind = [b"eXIf", &exif[..]].concat();
        let length = u32::try_from(exif.len()).unwrap().to_be_bytes();
        let crc = crc32fast::hash(&kind).to_be_bytes();
        let chunk = [&length[..], &kind, &crc].concat();
        let end = png.len() - IEND.len();
        let late = [&png[..end], &chunk, &IEND].concat();
        let opened = open(Format::Png, &late).unwrap();
        assert_eq!(opened.orientation, Orientation::Rotate90);
        for cut in 0..late.len() {
            // Whatever is missing, nothing is read that is not there.
            let _ = open(Format::Png, &late[..cut]);
        }
    }
}
