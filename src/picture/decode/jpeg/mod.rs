//! JPEG: one decoder for what nearly all pictures are, another for the rest, and a look at the
//! end of the data.

mod bits;
mod frame;
mod rows;

use std::io::{Cursor, Read};

use image::ImageDecoder;
use image::codecs::jpeg::JpegDecoder;
use image::metadata::Orientation;
use jpeg_decoder::{ColorTransform, Decoder, PixelFormat};

use self::frame::Frame;
use super::colour::Profile;
use super::header::{Opened, broken, exif_orientation};
use super::raster::{Raster, bytes_per_pixel, eight_bit};
use crate::picture::{Format, Limits, PictureError, Truncated};

pub(super) fn open<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Opened<'a>, PictureError> {
    let frame = Frame::read(bytes);
    if let Some(frame) = &frame
        && (frame.is_progressive() || frame.scan_components < frame.components.len())
        && has_too_many_scans(bytes)
    {
        let said = format!("over {} scans", rows::MOST_SCANS);
        return Err(PictureError::Broken(said));
    }
    let refuses = limits.truncated == Truncated::Refuse;
    let is_usual = frame.as_ref().is_none_or(Frame::is_usual);
    let second = |frame| open_unusual(bytes, frame, refuses);
    match (usual(bytes, frame.as_ref(), refuses), frame) {
        (Ok(first), Some(frame)) if !is_usual => Ok(second(&frame).unwrap_or(first)),
        (Ok(first), _) => Ok(first),
        (Err(error), Some(frame)) => match second(&frame) {
            Ok(second) => Ok(second),
            Err(PictureError::Broken(_)) => Err(named(error, &frame)),
            Err(other) => Err(named(other, &frame)),
        },
        (Err(error), None) => Err(error),
    }
}

/// Each scan goes over the whole picture again, however little is in it.
fn has_too_many_scans(bytes: &[u8]) -> bool {
    let pairs = bytes.windows(2).filter(|pair| *pair == b"\xff\xda");
    pairs.take(rows::MOST_SCANS + 1).count() > rows::MOST_SCANS
}

/// Coding that no decoder here knows.
fn named(error: PictureError, frame: &Frame) -> PictureError {
    let kind = match frame.kind {
        0xc9..=0xcf => "with arithmetic coding",
        0xc3 | 0xc7 => "of the lossless kind",
        0xc5 | 0xc6 => "of the hierarchical kind",
        _ if frame.precision != 8 => "with more than 8 bits",
        _ => return error,
    };
    PictureError::Unread {
        format: Format::Jpeg,
        kind: Some(kind.to_owned()),
    }
}

fn usual<'a>(
    bytes: &'a [u8],
    frame: Option<&Frame>,
    refuses: bool,
) -> Result<Opened<'a>, PictureError> {
    let broken = |error| broken(Format::Jpeg, error);
    let mut decoder = JpegDecoder::new(Cursor::new(bytes)).map_err(broken)?;
    let (width, height) = decoder.dimensions();
    let exif = decoder.exif_metadata().map_err(broken)?;
    let orientation = exif.as_deref().and_then(exif_orientation);
    let pixels = u64::from(width) * u64::from(height);
    let ours = pixels.saturating_mul(bytes_per_pixel(decoder.color_type()));
    // Two bytes for each coefficient of each component, until all scans are read.
    let is_kept =
        |frame: &&Frame| frame.is_progressive() || frame.scan_components < frame.components.len();
    let coefficients = frame.filter(is_kept).map(|frame| 2 * frame.samples(pixels));
    let frame = frame.cloned();
    let profile = decoder.icc_profile().ok().flatten();
    // Only the other decoder gives inks as they are.
    if let Some(frame) = frame.as_ref().filter(|frame| frame.components.len() == 4)
        && profile
            .as_deref()
            .and_then(Profile::read)
            .is_some_and(|profile| profile.is_cmyk())
        && let Ok(opened) = open_unusual(bytes, frame, refuses)
    {
        return Ok(opened);
    }
    let read = move || {
        let first = Raster::of(decoder).map_err(broken);
        let raster = match (first, frame) {
            (Ok(raster), _) => raster,
            (Err(error), Some(frame)) => second(bytes, &frame).map_err(|_| error)?,
            (Err(error), None) => return Err(error),
        };
        whole(bytes, raster, refuses)
    };
    Ok(Opened {
        format: Format::Jpeg,
        width,
        height,
        orientation: orientation.unwrap_or(Orientation::NoTransforms),
        decoding: ours.saturating_add(coefficients.unwrap_or(0)),
        read: Box::new(read),
    })
}

fn open_unusual<'a>(
    bytes: &'a [u8],
    frame: &Frame,
    refuses: bool,
) -> Result<Opened<'a>, PictureError> {
    // Of the lossless kind it reads what has one channel.
    if frame.kind == 0xc3 && frame.components.len() > 1 {
        let (format, kind) = (Format::Jpeg, None);
        return Err(PictureError::Unread { format, kind });
    }
    let mut decoder = Decoder::new(bytes);
    decoder.read_info().map_err(said)?;
    let info = decoder.info().ok_or_else(no_header)?;
    let (width, height) = (u32::from(info.width), u32::from(info.height));
    let exif = decoder.exif_data().and_then(exif_orientation);
    let frame = frame.clone();
    let decoding = memory(&frame);
    let read = move || match second(bytes, &frame) {
        Ok(raster) => whole(bytes, raster, refuses),
        Err(error) if rows::are_missing(bytes) => match refuses {
            true => Err(PictureError::Truncated),
            // The first one always gives something.
            false => JpegDecoder::new(Cursor::new(bytes))
                .and_then(Raster::of)
                .map_err(|_| error),
        },
        Err(error) => Err(error),
    };
    Ok(Opened {
        format: Format::Jpeg,
        width,
        height,
        orientation: exif.unwrap_or(Orientation::NoTransforms),
        decoding,
        read: Box::new(read),
    })
}

/// What the second decoder takes at most: samples of all components as coefficients and as
/// bytes, and the pixels, as given and as RGB.
fn memory(frame: &Frame) -> u64 {
    let pixels = u64::from(frame.width) * u64::from(frame.height);
    let given = frame.components.len() as u64 * u64::from(frame.precision.div_ceil(8).max(1));
    frame.samples(pixels).saturating_mul(3) + pixels.saturating_mul(given + 4)
}

/// The pixels, by the second decoder.
fn second(bytes: &[u8], frame: &Frame) -> Result<Raster, PictureError> {
    // It asks for an end marker, which is no part of the picture.
    let mut decoder = Decoder::new(bytes.chain(b"\xff\xd9".as_slice()));
    let most = usize::try_from(memory(frame)).unwrap_or(usize::MAX);
    decoder.set_max_decoding_buffer_size(most);
    if frame.components.len() == 3 {
        decoder.set_color_transform(match frame.is_rgb {
            true => ColorTransform::RGB,
            false => ColorTransform::YCbCr,
        });
    }
    let data = decoder.decode().map_err(said)?;
    let info = decoder.info().ok_or_else(no_header)?;
    let (width, height) = (info.width.into(), info.height.into());
    let profile = decoder.icc_profile();
    match info.pixel_format {
        PixelFormat::L8 => Raster::grey(width, height, data, profile),
        PixelFormat::L16 => {
            let data = data.as_chunks::<2>().0.iter();
            let data = data.map(eight_bit).collect();
            Raster::grey(width, height, data, profile)
        }
        PixelFormat::RGB24 => Raster::rgb(width, height, data, profile),
        PixelFormat::CMYK32 => Raster::cmyk(width, height, data, profile.as_deref()),
    }
}

fn said(error: jpeg_decoder::Error) -> PictureError {
    match error {
        jpeg_decoder::Error::Unsupported(feature) => PictureError::Unread {
            format: Format::Jpeg,
            kind: Some(format!("with {feature:?}")),
        },
        other => PictureError::Broken(other.to_string()),
    }
}

fn no_header() -> PictureError {
    PictureError::Broken("the JPEG has no header".to_owned())
}

/// The picture, if it has all its rows or need not have them.
fn whole(bytes: &[u8], raster: Raster, refuses: bool) -> Result<Raster, PictureError> {
    // Brightness may be whole without the colours that come in scans of their own, and all rows be
    // there without the scans that make them finer.
    let in_parts =
        |frame: Frame| frame.is_progressive() || frame.scan_components < frame.components.len();
    let is_cut = refuses
        && (!has_end(bytes)
            || ends_alike(&raster.pixels())
            || Frame::read(bytes).is_some_and(in_parts))
        && rows::are_missing(bytes);
    if is_cut {
        return Err(PictureError::Truncated);
    }
    Ok(raster)
}

/// Whether there is an end marker near the end of the file, or a second picture behind the first.
fn has_end(bytes: &[u8]) -> bool {
    let tail = &bytes[bytes.len().saturating_sub(64)..];
    tail.windows(2).any(|pair| pair == b"\xff\xd9")
}

/// Whether the picture's last units may be what a decoder makes of no data: the last row of
/// them repeats itself, or goes up or down by the same at each step. Costs nothing for a picture
/// whose corner shows something; for others the data is read once more.
fn ends_alike((width, height, channels, pixels): &(u32, u32, usize, &[u8])) -> bool {
    /// As wide as the widest unit.
    const STEP: usize = 32;
    /// What rounding makes of equal steps.
    const ROUNDING: i16 = 6;
    let row = *width as usize * channels;
    let (step, rows) = (STEP * channels, 8.min(*height as usize));
    if row < 2 * step {
        return true;
    }
    let mut range = [(i16::MAX, i16::MIN); 4];
    for y in *height as usize - rows..*height as usize {
        let line = &pixels[y * row..(y + 1) * row];
        let (before, last) = line[row - 2 * step..].split_at(step);
        for (i, (a, b)) in before.iter().zip(last).enumerate() {
            let (least, most) = &mut range[i % channels];
            let apart = i16::from(*b) - i16::from(*a);
            (*least, *most) = ((*least).min(apart), (*most).max(apart));
        }
    }
    range[..*channels]
        .iter()
        .all(|(least, most)| most - least <= ROUNDING)
}
