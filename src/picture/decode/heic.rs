//! HEIC: what phones write. Only stills coded with HEVC.

use image::metadata::Orientation;

use super::header::Opened;
use super::raster::Raster;
use crate::picture::{Format, PictureError};

/// Bytes for each pixel that the decoder takes at most: planes of 32-bit numbers of the tiles and
/// of the whole, and what it keeps of each block; then RGB.
const WORKING: u64 = 26;

pub(super) fn open(bytes: &[u8]) -> Result<Opened<'_>, PictureError> {
    let info = heic_decoder::probe(bytes).map_err(said)?;
    let side = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
    let (width, height) = (side(info.width), side(info.height));
    // Cropping comes after decoding.
    let coded = u64::from(side(info.coded_width)) * u64::from(side(info.coded_height));
    let has_alpha = info.alpha_bit_depth.is_some();
    let channels = if has_alpha { 6 } else { 3 };
    Ok(Opened {
        format: Format::Heic,
        width,
        height,
        // The file's own boxes turn it, and the decoder does what they say; EXIF repeats it.
        orientation: Orientation::NoTransforms,
        decoding: coded.saturating_mul(WORKING + channels),
        read: Box::new(move || {
            let decoded = heic_decoder::decode(bytes).map_err(said)?;
            let profile = decoded.metadata.icc_profile.clone();
            let of = |width, height| (side(width), side(height));
            if !has_alpha {
                let rgb = decoded.to_rgb8().map_err(said)?;
                let (width, height) = of(rgb.width, rgb.height);
                return Raster::rgb(width, height, rgb.data, profile);
            }
            let mut rgba = decoded.to_rgba8().map_err(said)?;
            if rgba.premultiplied {
                rgba.data
                    .chunks_exact_mut(4)
                    .for_each(super::raster::divide);
            }
            let (width, height) = of(rgba.width, rgba.height);
            Raster::rgba(width, height, rgba.data, profile)
        }),
    })
}

fn said(error: heic_decoder::HeifError) -> PictureError {
    use heic_decoder::HeifError;
    match error {
        HeifError::Unsupported(_) => PictureError::Unread {
            format: Format::Heic,
            kind: Some(format!("of a kind that is rare: {error}")),
        },
        other => PictureError::Broken(other.to_string()),
    }
}
