//! TIFF: strips and tiles of many kinds, one picture a file.
//!
//! Ours, on kept decoders of what is packed in it: the `tiff` crate reads no palettes, no 2 or
//! 4 bits and no unused channels, and mixes up which channels a predictor runs over.

mod directory;
mod layout;
mod unpack;

use image::metadata::Orientation;

use self::directory::Directory;
use self::layout::{Alpha, Chunk, Layout, Meaning, Packing};
use super::header::Opened;
use super::raster::{Raster, divide};
use crate::picture::{Format, PictureError};

pub(super) fn open(bytes: &[u8]) -> Result<Opened<'_>, PictureError> {
    let no_tags = || PictureError::Broken("the TIFF has no tags".to_owned());
    let tags = Directory::read(bytes).ok_or_else(no_tags)?;
    // What cameras write is TIFF in form; its first picture is a small preview.
    if tags.has(50_706) {
        let (format, kind) = (Format::CameraRaw, None);
        return Err(PictureError::Unread { format, kind });
    }
    let layout = Layout::read(&tags, bytes.len())?;
    let pixels = layout.width as u64 * layout.height as u64;
    let of_chunk = layout.chunks.iter().map(|chunk| layout.bytes_of(chunk).1);
    let of_chunk = of_chunk.max().unwrap_or(0) as u64;
    // A JPEG's pixels are there as coefficients and planes, too.
    let times = if layout.packing == Packing::Jpeg {
        6
    } else {
        2
    };
    let decoding = pixels.saturating_mul(layout.kept().max(3) as u64 + 4);
    let decoding = decoding.saturating_add(of_chunk.saturating_mul(times));
    let orientation = tags
        .number_at(274)
        .and_then(|number| u8::try_from(number).ok());
    Ok(Opened {
        format: Format::Tiff,
        // Both were read as u32.
        width: layout.width as u32,
        height: layout.height as u32,
        orientation: orientation
            .and_then(Orientation::from_exif)
            .unwrap_or(Orientation::NoTransforms),
        decoding,
        read: Box::new(move || pixels_of(bytes, &tags, &layout)),
    })
}

fn unread(kind: &str) -> PictureError {
    PictureError::Unread {
        format: Format::Tiff,
        kind: Some(kind.to_owned()),
    }
}

fn pixels_of(bytes: &[u8], tags: &Directory<'_>, layout: &Layout) -> Result<Raster, PictureError> {
    let kept = layout.kept();
    let mut canvas = vec![0; layout.width * layout.height * kept];
    for chunk in &layout.chunks {
        // A channel that is not kept.
        if layout.is_planar && chunk.plane >= kept {
            continue;
        }
        let plain = unpack::unpacked(layout, chunk, bytes, tags)?;
        if layout.shared == (1, 1) {
            place(layout, chunk, &plain, tags, &mut canvas);
        } else {
            place_shared(layout, chunk, &plain, &mut canvas);
        }
    }
    coloured(layout, tags, canvas)
}

/// Writes a chunk's numbers, as bytes, to where they belong.
fn place(layout: &Layout, chunk: &Chunk, plain: &[u8], tags: &Directory<'_>, canvas: &mut [u8]) {
    let (row, _) = layout.bytes_of(chunk);
    let (kept, in_chunk) = (layout.kept(), layout.samples_of_chunk());
    let width = chunk.width.min(layout.width - chunk.x);
    let height = chunk.height.min(layout.height - chunk.y);
    let taken = if layout.is_planar { 1 } else { kept };
    for (y, line) in plain.chunks_exact(row).take(height).enumerate() {
        let start = ((chunk.y + y) * layout.width + chunk.x) * kept + chunk.plane;
        let target = canvas[start..].chunks_mut(kept).take(width);
        for (x, pixel) in target.enumerate() {
            for (sample, value) in pixel[..taken].iter_mut().enumerate() {
                *value = number(layout, line, x * in_chunk + sample, tags);
            }
        }
    }
}

/// A row's number at a place, as a byte: of a palette the index, else the nearest of 256 steps.
fn number(layout: &Layout, line: &[u8], place: usize, tags: &Directory<'_>) -> u8 {
    let bits = layout.bits;
    match bits {
        8 => line[place],
        32 => {
            // At most 32 bits.
            let value = tags.number_of(&line[4 * place..4 * place + 4]) as u32;
            (f32::from_bits(value).clamp(0.0, 1.0) * 255.0).round() as u8
        }
        16 => {
            let value = tags.number_of(&line[2 * place..2 * place + 2]);
            // At most (65535 + 128) / 257.
            ((value + 128) / 257) as u8
        }
        _ => {
            let mut value = 0u32;
            for bit in place * bits..(place + 1) * bits {
                value = value << 1 | u32::from(line[bit / 8] >> (7 - bit % 8) & 1);
            }
            let most = (1 << bits) - 1;
            match layout.meaning {
                // At most 8 bits.
                Meaning::Palette => value as u8,
                // At most 255.
                _ => ((value * 255 + most / 2) / most) as u8,
            }
        }
    }
}

/// Brightness of a block of pixels, and the colour that they share.
fn place_shared(layout: &Layout, chunk: &Chunk, plain: &[u8], canvas: &mut [u8]) {
    let (across, down) = layout.shared;
    let (row, _) = layout.bytes_of(chunk);
    let size = across * down + 2;
    for (block_y, line) in plain.chunks_exact(row).enumerate() {
        for (block_x, block) in line.chunks_exact(size).enumerate() {
            for (i, brightness) in block[..size - 2].iter().enumerate() {
                let x = chunk.x + block_x * across + i % across;
                let y = chunk.y + block_y * down + i / across;
                let is_of_chunk = y - chunk.y < chunk.height && x - chunk.x < chunk.width;
                if is_of_chunk && x < layout.width && y < layout.height {
                    let start = (y * layout.width + x) * layout.kept();
                    let pixel = [*brightness, block[size - 2], block[size - 1]];
                    canvas[start..start + 3].copy_from_slice(&pixel);
                }
            }
        }
    }
}

fn coloured(
    layout: &Layout,
    tags: &Directory<'_>,
    mut canvas: Vec<u8>,
) -> Result<Raster, PictureError> {
    // Read as u32.
    let (width, height) = (layout.width as u32, layout.height as u32);
    let profile = tags.raw(34_675).map(<[u8]>::to_vec);
    let kept = layout.kept();
    match layout.meaning {
        Meaning::WhiteIsZero => {
            for pixel in canvas.chunks_exact_mut(kept) {
                pixel[0] = 255 - pixel[0];
            }
        }
        Meaning::Palette => {
            let colours = palette(tags, layout.bits);
            let pixels = canvas.iter().flat_map(|index| colours[usize::from(*index)]);
            return Raster::rgb(width, height, pixels.collect(), profile);
        }
        Meaning::YCbCr if layout.packing != Packing::Jpeg => {
            let weights = tags.fractions(529).filter(|weights| weights.len() == 3);
            let weights = weights.map_or([0.299, 0.587, 0.114], |w| [w[0], w[1], w[2]]);
            let range = tags.fractions(532).filter(|range| range.len() == 6);
            let range = range.unwrap_or_else(|| vec![0.0, 255.0, 128.0, 255.0, 128.0, 255.0]);
            for pixel in canvas.chunks_exact_mut(kept) {
                let rgb = from_brightness([pixel[0], pixel[1], pixel[2]], weights, &range);
                pixel[..3].copy_from_slice(&rgb);
            }
        }
        Meaning::Lab => {
            for pixel in canvas.chunks_exact_mut(kept) {
                let rgb = from_lab([pixel[0], pixel[1], pixel[2]]);
                pixel[..3].copy_from_slice(&rgb);
            }
        }
        Meaning::Cmyk => return Raster::cmyk(width, height, canvas, profile.as_deref()),
        Meaning::BlackIsZero | Meaning::Rgb | Meaning::YCbCr => {}
    }
    if kept != layout.colours {
        // A channel that hides all was not meant to.
        if canvas.chunks_exact(kept).all(|pixel| pixel[kept - 1] == 0) {
            canvas
                .chunks_exact_mut(kept)
                .for_each(|pixel| pixel[kept - 1] = 255);
        } else if layout.alpha == Alpha::Multiplied {
            canvas.chunks_exact_mut(kept).for_each(divide);
        }
    }
    let of_lab = layout.meaning == Meaning::Lab;
    let profile = profile.filter(|_| !of_lab);
    match kept {
        1 => Raster::grey(width, height, canvas, profile),
        2 => {
            let pixels = canvas.as_chunks::<2>().0.iter();
            let pixels = pixels.flat_map(|[value, alpha]| [*value, *value, *value, *alpha]);
            Raster::rgba(width, height, pixels.collect(), profile)
        }
        3 => Raster::rgb(width, height, canvas, profile),
        _ => Raster::rgba(width, height, canvas, profile),
    }
}

fn palette(tags: &Directory<'_>, bits: usize) -> Vec<[u8; 3]> {
    let values = tags.numbers(320).unwrap_or_default();
    let count = 1 << bits;
    // Some writers used one byte of two.
    let is_small = values.iter().all(|value| *value < 256);
    let colours = (0..256).map(|i| {
        [0, 1, 2].map(|channel| {
            let value = values.get(channel * count + i).filter(|_| i < count);
            let value = value.copied().unwrap_or(0).min(65_535);
            // At most 255.
            (if is_small { value } else { (value + 128) / 257 }) as u8
        })
    });
    colours.collect()
}

fn from_brightness([y, cb, cr]: [u8; 3], [r, g, b]: [f32; 3], range: &[f32]) -> [u8; 3] {
    let stretched = |value: u8, i: usize, to: f32| {
        let width = range[2 * i + 1] - range[2 * i];
        let width = if width == 0.0 { 1.0 } else { width };
        (f32::from(value) - range[2 * i]) * to / width
    };
    let (y, cb, cr) = (
        stretched(y, 0, 255.0),
        stretched(cb, 1, 127.0),
        stretched(cr, 2, 127.0),
    );
    let red = y + cr * (2.0 - 2.0 * r);
    let blue = y + cb * (2.0 - 2.0 * b);
    let green = (y - r * red - b * blue) / if g == 0.0 { 1.0 } else { g };
    [red, green, blue].map(|value| value.round().clamp(0.0, 255.0) as u8)
}

/// CIE L*a*b* of D50 as sRGB.
fn from_lab([l, a, b]: [u8; 3]) -> [u8; 3] {
    let f = f32::from(l) / 2.55 / 116.0 + 16.0 / 116.0;
    let (a, b) = (f32::from(a.cast_signed()), f32::from(b.cast_signed()));
    let cube = |f: f32| match f > 6.0 / 29.0 {
        true => f * f * f,
        false => (f - 4.0 / 29.0) * 108.0 / 841.0,
    };
    let (x, y, z) = (
        0.9642 * cube(f + a / 500.0),
        cube(f),
        0.8249 * cube(f - b / 200.0),
    );
    // Bradford's adaptation to D65 is in the matrix.
    let linear = [
        3.1339 * x - 1.6169 * y - 0.4906 * z,
        -0.9788 * x + 1.9161 * y + 0.0335 * z,
        0.0719 * x - 0.2290 * y + 1.4052 * z,
    ];
    linear.map(|value| {
        let value = value.clamp(0.0, 1.0);
        let curved = match value <= 0.003_130_8 {
            true => 12.92 * value,
            false => 1.055 * value.powf(1.0 / 2.4) - 0.055,
        };
        (curved * 255.0).round() as u8
    })
}
