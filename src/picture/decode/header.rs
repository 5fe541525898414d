//! What a picture file says of itself before it is decoded.

use image::ImageError;
use image::error::UnsupportedErrorKind;
use image::metadata::Orientation;

use super::raster::Raster;
use crate::picture::{Format, Limits, PictureError};

/// A picture whose header was read, and whose pixels can be.
pub(super) struct Opened<'a> {
    pub(super) format: Format,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) orientation: Orientation,
    /// Bytes that reading the pixels takes at most.
    pub(super) decoding: u64,
    pub(super) read: Box<dyn FnOnce() -> Result<Raster, PictureError> + 'a>,
}

impl Opened<'_> {
    /// Bytes that decoding takes at most, if that and the picture's size are within `limits`.
    pub(super) fn peak(&self, limits: &Limits) -> Result<u64, PictureError> {
        let (width, height) = (self.width, self.height);
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
        // Turning makes a second picture.
        let turning = match self.orientation {
            Orientation::NoTransforms
            | Orientation::Rotate180
            | Orientation::FlipHorizontal
            | Orientation::FlipVertical => 0,
            _ => pixels.saturating_mul(6),
        };
        let peak = self.decoding.max(turning);
        if peak > limits.decode_bytes {
            return Err(PictureError::TooMuchMemory {
                bytes: peak,
                limit: limits.decode_bytes,
            });
        }
        Ok(peak)
    }
}

/// The orientation in an EXIF block. Some programs put the name of JPEG's segment before it.
pub(super) fn exif_orientation(exif: &[u8]) -> Option<Orientation> {
    let exif = exif.strip_prefix(b"Exif\0\0").unwrap_or(exif);
    Orientation::from_exif_chunk(exif)
}

/// A decoder's error as one of ours.
pub(super) fn broken(format: Format, error: ImageError) -> PictureError {
    match error {
        ImageError::Unsupported(error) => PictureError::Unread {
            format,
            kind: Some(match error.kind() {
                UnsupportedErrorKind::GenericFeature(feature) => {
                    format!("with a feature that its decoder lacks ({feature})")
                }
                _ => error.to_string(),
            }),
        },
        other => PictureError::Broken(other.to_string()),
    }
}

pub(super) fn unknown(bytes: &[u8]) -> PictureError {
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
