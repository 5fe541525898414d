//! What a picture file says of itself before it is decoded.

use std::io::Cursor;

use image::metadata::Orientation;
use image::{ImageDecoder, ImageError, ImageFormat, ImageReader};

use super::rgb::bytes_per_pixel;
use super::{Limits, PictureError};

/// What a picture's header says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    pub(super) format: ImageFormat,
    pub(super) orientation: Orientation,
    /// Bytes that decoding it takes at most.
    pub(super) peak: u64,
}

impl Header {
    /// Reads it and holds it against `limits`.
    pub(super) fn read(bytes: &[u8], limits: &Limits) -> Result<Self, PictureError> {
        let reader = ImageReader::new(Cursor::new(bytes))
            .with_guessed_format()
            .map_err(|error| PictureError::Broken(error.to_string()))?;
        let format = reader.format().ok_or_else(|| unknown(bytes))?;
        if !format.reading_enabled() {
            return Err(PictureError::Unknown);
        }
        // Without our limits: a decoder that meets one does not say by how much it was exceeded.
        let reader = ImageReader::with_format(Cursor::new(bytes), format);
        let mut decoder = reader.into_decoder().map_err(broken)?;
        let (width, height) = decoder.dimensions();
        let pixels = u64::from(width) * u64::from(height);
        if pixels > limits.max_pixels {
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
        let orientation = decoder.orientation().map_err(broken)?;
        let ours = pixels.saturating_mul(bytes_per_pixel(decoder.color_type()));
        let working = working_space(format, bytes, pixels, decoder.total_bytes());
        let decoding = ours.saturating_add(working);
        // Turning makes a second picture.
        let turning = match orientation {
            Orientation::NoTransforms
            | Orientation::Rotate180
            | Orientation::FlipHorizontal
            | Orientation::FlipVertical => 0,
            _ => pixels.saturating_mul(6),
        };
        let peak = decoding.max(turning);
        if peak > limits.decode_bytes {
            return Err(PictureError::TooMuchMemory {
                bytes: peak,
                limit: limits.decode_bytes,
            });
        }
        Ok(Self {
            format,
            orientation,
            peak,
        })
    }
}

/// Bytes that a decoder takes at most for itself, besides those of the pixels that it gives.
fn working_space(format: ImageFormat, bytes: &[u8], pixels: u64, given: u64) -> u64 {
    match format {
        ImageFormat::Jpeg => progressive_jpeg(bytes).map_or(0, |(blocks, all)| {
            // Two bytes for each coefficient of each component, until all scans are read.
            pixels.saturating_mul(2 * blocks) / all.max(1)
        }),
        // The planes of brightness and colour, or a canvas of RGBA, and transparency.
        ImageFormat::WebP => pixels.saturating_mul(6),
        // A frame, which may be smaller than the picture.
        ImageFormat::Gif => pixels.saturating_mul(4),
        // The pixels as they are in the file, up to four channels for three.
        ImageFormat::Tiff => given.saturating_mul(4) / 3,
        // Row by row.
        _ => 0,
    }
}

/// If a JPEG is progressive: blocks of coefficients of all its components for so many blocks of
/// pixels.
fn progressive_jpeg(bytes: &[u8]) -> Option<(u64, u64)> {
    let mut rest = bytes.get(2..)?;
    loop {
        let (&[first, kind], after) = rest.split_first_chunk::<2>()?;
        if first != 0xff {
            // Decoders pass over what stands between segments.
            rest = &rest[1..];
            continue;
        }
        // Filling, and markers without a segment.
        if kind == 0xff {
            rest = &rest[1..];
            continue;
        }
        if matches!(kind, 0x01 | 0xd0..=0xd8) {
            rest = after;
            continue;
        }
        let length = usize::from(u16::from_be_bytes(*after.first_chunk()?));
        let segment = after.get(2..length)?;
        match kind {
            // Frames that are coded in more than one scan.
            0xc2 | 0xc6 | 0xca | 0xce => {
                let components = segment.get(6..)?.chunks_exact(3);
                let sampling = components.map(|component| {
                    let (across, down) = (component[1] >> 4, component[1] & 15);
                    u64::from(across) * u64::from(down)
                });
                let sampling: Vec<u64> = sampling.collect();
                let most = sampling.iter().max().copied()?;
                return Some((sampling.iter().sum(), most));
            }
            // Another kind of frame, or the first scan.
            0xc0 | 0xc1 | 0xc3 | 0xda => return None,
            _ => rest = after.get(length..)?,
        }
    }
}

pub(super) fn broken(error: ImageError) -> PictureError {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_progressive_jpeg_is_known_by_its_frame() {
        let baseline = [
            0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff, 0xc0, 0, 11, 8, 0, 9, 0, 9, 1, 1, 0x11, 0,
        ];
        assert_eq!(progressive_jpeg(&baseline), None);
        let mut progressive = vec![0xff, 0xd8, 0xff, 0xff, 0xe0, 0, 4, 1, 2, 0xff, 0xc2, 0, 17];
        progressive.extend([8, 0, 9, 0, 9, 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1]);
        assert_eq!(progressive_jpeg(&progressive), Some((6, 4)));
        for end in 0..progressive.len() {
            assert_eq!(progressive_jpeg(&progressive[..end]), None);
        }
    }
}
