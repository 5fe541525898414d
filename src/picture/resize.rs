//! Making pictures larger and smaller.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x3;
use fast_image_resize::{ResizeAlg, ResizeOptions, Resizer};
use image::RgbImage;

/// Draws a picture in the size of another.
///
/// Of the library only what works on 8-bit RGB is built: all of its kinds of pixels were a tenth of what is
/// generated for this crate.
pub(super) fn resize(picture: &RgbImage, to: &mut RgbImage, algorithm: ResizeAlg) {
    const FITS: &str = "three bytes a pixel are what an RGB picture has";
    let (width, height) = picture.dimensions();
    let from = TypedImageRef::<U8x3>::from_buffer(width, height, picture.as_raw()).expect(FITS);
    let (width, height) = to.dimensions();
    let mut to = TypedImage::<U8x3>::from_buffer(width, height, to).expect(FITS);
    let options = ResizeOptions::new().resize_alg(algorithm);
    Resizer::new()
        .resize_typed(&from, &mut to, &options)
        .expect("only a part that is asked for can lie outside, and none is");
}
