//! A moving picture of the pages: what was seen, one after another, as an animated PNG.

use std::io::Cursor;

use image::RgbImage;

use super::driver::Browser;

/// The size in which pages are filmed.
pub const SIZE: (u32, u32) = (880, 640);

/// What was seen, and for how long each is shown, in milliseconds.
#[derive(Default)]
pub struct Film {
    frames: Vec<(RgbImage, u16)>,
}

impl Film {
    /// Adds what is seen now.
    pub fn shoot(&mut self, browser: &Browser, milliseconds: u16) {
        let seen = image::load_from_memory(&browser.seen()).unwrap().to_rgb8();
        assert_eq!(seen.dimensions(), SIZE);
        self.frames.push((seen, milliseconds));
    }

    /// The film, which goes on for ever. Of each frame but the first there is what has changed.
    pub fn png(&self) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        let mut encoder = png::Encoder::new(&mut bytes, SIZE.0, SIZE.1);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::High);
        let frames = u32::try_from(self.frames.len()).unwrap();
        encoder.set_animated(frames, 0).unwrap();
        let mut writer = encoder.write_header().unwrap();
        let mut before: Option<&RgbImage> = None;
        for (frame, milliseconds) in &self.frames {
            writer.set_frame_delay(*milliseconds, 1000).unwrap();
            let (x, y, width, height) =
                before.map_or((0, 0, SIZE.0, SIZE.1), |it| changed(it, frame));
            // Neither may lead out of the picture with what the other was before.
            writer.set_frame_position(0, 0).unwrap();
            writer.set_frame_dimension(width, height).unwrap();
            writer.set_frame_position(x, y).unwrap();
            let part = image::imageops::crop_imm(frame, x, y, width, height).to_image();
            writer.write_image_data(&part).unwrap();
            before = Some(frame);
        }
        writer.finish().unwrap();
        bytes.into_inner()
    }
}

/// The smallest rectangle that has all that differs; a pixel where nothing does.
fn changed(before: &RgbImage, now: &RgbImage) -> (u32, u32, u32, u32) {
    let differs = now
        .enumerate_pixels()
        .filter(|(x, y, pixel)| before.get_pixel(*x, *y) != *pixel);
    let (mut left, mut top, mut right, mut bottom) = (u32::MAX, u32::MAX, 0, 0);
    for (x, y, _) in differs {
        (left, top) = (left.min(x), top.min(y));
        (right, bottom) = (right.max(x), bottom.max(y));
    }
    match left {
        u32::MAX => (0, 0, 1, 1),
        _ => (left, top, right - left + 1, bottom - top + 1),
    }
}

#[test]
fn a_film_is_read_as_its_frames() {
    let mut film = Film::default();
    let mut frame = RgbImage::new(SIZE.0, SIZE.1);
    film.frames.push((frame.clone(), 100));
    frame.put_pixel(3, 4, image::Rgb([9, 9, 9]));
    frame.put_pixel(7, 5, image::Rgb([9, 9, 9]));
    assert_eq!(changed(&film.frames[0].0, &frame), (3, 4, 5, 2));
    film.frames.push((frame.clone(), 100));
    film.frames.push((frame.clone(), 100));
    let decoder = image::codecs::png::PngDecoder::new(Cursor::new(film.png())).unwrap();
    let frames = image::AnimationDecoder::into_frames(decoder.apng().unwrap());
    let frames: Vec<_> = frames.map(|frame| frame.unwrap().into_buffer()).collect();
    assert_eq!(frames.len(), 3);
    let last = image::DynamicImage::from(frames[2].clone()).to_rgb8();
    assert!(last == frame);
}
