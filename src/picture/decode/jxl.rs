//! JPEG XL.

use image::metadata::Orientation;
use jxl_oxide::{AllocTracker, EnumColourEncoding, JxlImage, JxlThreadPool, RenderingIntent};

use super::header::Opened;
use super::raster::Raster;
use crate::picture::{Format, PictureError};

/// Bytes for each pixel that the decoder may take: numbers of 32 bits, some times over.
const WORKING: u64 = 48;
/// What it may take besides: tables and codes.
const SMALL: u64 = 64 << 20;

pub(super) fn open(bytes: &[u8]) -> Result<Opened<'_>, PictureError> {
    // Only the header is read for this.
    let header = image(bytes, SMALL)?;
    let (width, height) = (header.width(), header.height());
    let pixels = u64::from(width) * u64::from(height);
    let working = pixels.saturating_mul(WORKING).saturating_add(SMALL);
    Ok(Opened {
        format: Format::Jxl,
        width,
        height,
        // The decoder turns it.
        orientation: Orientation::NoTransforms,
        decoding: working.saturating_add(pixels.saturating_mul(4)),
        read: Box::new(move || pixels_of(bytes, working)),
    })
}

fn image(bytes: &[u8], most: u64) -> Result<JxlImage, PictureError> {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    JxlImage::builder()
        .pool(JxlThreadPool::none())
        .alloc_tracker(AllocTracker::with_limit(most))
        .read(bytes)
        .map_err(|error| PictureError::Broken(error.to_string()))
}

fn pixels_of(bytes: &[u8], most: u64) -> Result<Raster, PictureError> {
    let broken = |said: String| PictureError::Broken(said);
    let mut image = image(bytes, most)?;
    if !image.is_loading_done() && image.num_loaded_keyframes() == 0 {
        return Err(broken("the JPEG XL ends early".to_owned()));
    }
    if image.pixel_format().has_black() {
        return Err(PictureError::Unread {
            format: Format::Jxl,
            kind: Some("with four inks".to_owned()),
        });
    }
    // With a profile the pixels come in its colours.
    if image.original_icc().is_none() {
        image.request_color_encoding(EnumColourEncoding::srgb(RenderingIntent::Relative));
    }
    let render = image
        .render_frame(0)
        .map_err(|error| broken(error.to_string()))?;
    let profile = Some(image.rendered_icc());
    let mut stream = render.stream();
    let (width, height) = (stream.width(), stream.height());
    let channels = stream.channels() as usize;
    let length = width as usize * height as usize * channels;
    let mut pixels = vec![0u8; length];
    stream.write_to_buffer(&mut pixels);
    match channels {
        1 => Raster::grey(width, height, pixels, profile),
        2 => {
            let pairs = pixels.as_chunks::<2>().0.iter();
            let pixels = pairs.flat_map(|[value, alpha]| [*value, *value, *value, *alpha]);
            Raster::rgba(width, height, pixels.collect(), profile)
        }
        3 => Raster::rgb(width, height, pixels, profile),
        _ => Raster::rgba(width, height, pixels, profile),
    }
}
