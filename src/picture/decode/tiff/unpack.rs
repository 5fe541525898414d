//! The bytes of a strip or tile, unpacked.

use std::io::Read;

use hayro_ccitt::{DecodeSettings, DecoderContext, EncodingMode};
use jpeg_decoder::{ColorTransform, Decoder, PixelFormat};

use super::directory::Directory;
use super::layout::{Chunk, Layout, Meaning, Packing, Predictor};
use crate::picture::PictureError;

/// A chunk's bytes, as many as its pixels take; what is missing is an error.
pub(super) fn unpacked(
    layout: &Layout,
    chunk: &Chunk,
    bytes: &[u8],
    tags: &Directory<'_>,
) -> Result<Vec<u8>, PictureError> {
    let (row, length) = layout.bytes_of(chunk);
    let packed = &bytes[chunk.start..chunk.end];
    let mut reversed = Vec::new();
    let packed = if layout.is_bit_reversed && layout.packing != Packing::Jpeg {
        reversed.extend(packed.iter().map(|byte| byte.reverse_bits()));
        &reversed
    } else {
        packed
    };
    // At most what the budget was asked for.
    let mut plain = Vec::new();
    match layout.packing {
        Packing::Plain => plain.extend_from_slice(&packed[..packed.len().min(length)]),
        Packing::PackBits => unpack_bits(packed, length, &mut plain),
        Packing::Lzw => unpack_lzw(packed, length, &mut plain),
        Packing::Deflate => {
            let stream = flate2::read::ZlibDecoder::new(packed);
            // What came before an error counts.
            let _ = stream.take(length as u64).read_to_end(&mut plain);
        }
        Packing::FaxRows | Packing::Fax3 | Packing::Fax4 => {
            unpack_fax(layout, chunk, packed, row, &mut plain);
        }
        Packing::Jpeg => plain = unpack_jpeg(layout, chunk, packed, tags)?,
    }
    if plain.len() < length {
        let said = "of the TIFF: a strip or tile ends early";
        return Err(PictureError::Broken(said.to_owned()));
    }
    plain.truncate(length);
    let samples = layout.samples_of_chunk();
    match layout.predictor {
        Predictor::None => {}
        Predictor::Difference => {
            for line in plain.chunks_exact_mut(row) {
                add_up(line, samples, layout.bits / 8, tags);
            }
        }
        Predictor::Float => {
            for line in plain.chunks_exact_mut(row) {
                join_bytes(line, samples, tags);
            }
        }
    }
    Ok(plain)
}

fn unpack_bits(mut packed: &[u8], length: usize, plain: &mut Vec<u8>) {
    while plain.len() < length
        && let Some((&head, rest)) = packed.split_first()
    {
        packed = rest;
        match head {
            0..=127 => {
                let (bytes, rest) = packed.split_at(packed.len().min(usize::from(head) + 1));
                plain.extend_from_slice(bytes);
                packed = rest;
            }
            128 => {}
            129.. => {
                if let Some((&byte, rest)) = packed.split_first() {
                    plain.resize(plain.len() + 257 - usize::from(head), byte);
                    packed = rest;
                }
            }
        }
    }
}

fn unpack_lzw(packed: &[u8], length: usize, plain: &mut Vec<u8>) {
    use weezl::{BitOrder, LzwStatus, decode::Decoder};
    // Before 1988 bits came in the other order.
    let mut decoder = match packed {
        [0, second, ..] if second & 1 == 1 => Decoder::new(BitOrder::Lsb, 8),
        _ => Decoder::with_tiff_size_switch(BitOrder::Msb, 8),
    };
    plain.resize(length, 0);
    let (mut read, mut written) = (0, 0);
    while written < length {
        let result = decoder.decode_bytes(&packed[read..], &mut plain[written..]);
        read += result.consumed_in;
        written += result.consumed_out;
        match result.status {
            Ok(LzwStatus::Ok) if result.consumed_in + result.consumed_out > 0 => {}
            _ => break,
        }
    }
    plain.truncate(written);
}

/// Rows of black and white, as bits: white is 0.
struct Rows<'a> {
    plain: &'a mut Vec<u8>,
    row: usize,
    width: usize,
}

impl hayro_ccitt::Decoder for Rows<'_> {
    fn push_row(&mut self, changes: &[u32]) {
        let start = self.plain.len();
        self.plain.resize(start + self.row, 0);
        let line = &mut self.plain[start..];
        for run in changes.chunks(2) {
            let from = (run[0] as usize).min(self.width);
            let to = run
                .get(1)
                .map_or(self.width, |to| (*to as usize).min(self.width));
            for x in from..to {
                line[x / 8] |= 0x80 >> (x % 8);
            }
        }
    }
}

fn unpack_fax(layout: &Layout, chunk: &Chunk, packed: &[u8], row: usize, plain: &mut Vec<u8>) {
    let encoding = match layout.packing {
        Packing::Fax4 => EncodingMode::Group4,
        Packing::Fax3 if layout.is_fax_2d => EncodingMode::Group3_2D,
        _ => EncodingMode::Group3_1D,
    };
    // At most 2^32, as TIFF's numbers are.
    let (columns, rows) = (chunk.width as u32, chunk.height as u32);
    let settings = DecodeSettings {
        columns,
        rows,
        end_of_block: true,
        end_of_line: layout.packing == Packing::Fax3,
        rows_are_byte_aligned: layout.packing == Packing::FaxRows,
        encoding,
        strict: false,
    };
    let mut sink = Rows {
        plain: &mut *plain,
        row,
        width: chunk.width,
    };
    // Rows before an error count.
    let _ = hayro_ccitt::decode(packed, &mut sink, &mut DecoderContext::new(settings));
    // A fax whose last rows were lost on the line is a usual fax.
    if plain.len() >= row * chunk.height / 2 {
        plain.resize((row * chunk.height).max(plain.len()), 0);
    }
}

fn unpack_jpeg(
    layout: &Layout,
    chunk: &Chunk,
    packed: &[u8],
    tags: &Directory<'_>,
) -> Result<Vec<u8>, PictureError> {
    let broken = |error: jpeg_decoder::Error| PictureError::Broken(format!("of the TIFF: {error}"));
    // Tables that all chunks share stand in a tag, as a JPEG without a picture.
    let tables = tags
        .raw(347)
        .and_then(|tables| tables.strip_suffix(b"\xff\xd9"));
    let joined = match (tables, packed.get(2..)) {
        (Some(tables), Some(rest)) => [tables, rest].concat(),
        _ => packed.to_vec(),
    };
    let mut decoder = Decoder::new(joined.as_slice());
    let samples = layout.samples_of_chunk();
    if samples == 3 {
        decoder.set_color_transform(match layout.meaning {
            Meaning::YCbCr => ColorTransform::YCbCr,
            _ => ColorTransform::RGB,
        });
    }
    let (row, length) = layout.bytes_of(chunk);
    decoder.set_max_decoding_buffer_size(length.saturating_mul(4).max(1 << 20));
    decoder.read_info().map_err(broken)?;
    let info = decoder.info().ok_or(PictureError::Truncated)?;
    let (width, height) = (usize::from(info.width), usize::from(info.height));
    let size = info.pixel_format.pixel_bytes();
    if width.saturating_mul(height) > (chunk.width + 64).saturating_mul(chunk.height + 64)
        || size != samples
        || layout.bits != 8
    {
        let said = "of the TIFF: its JPEG does not fit";
        return Err(PictureError::Broken(said.to_owned()));
    }
    let mut pixels = decoder.decode().map_err(broken)?;
    if info.pixel_format == PixelFormat::CMYK32 {
        // That decoder takes inks for Photoshop's, which are the other way round.
        pixels.iter_mut().for_each(|ink| *ink = 255 - *ink);
    }
    if width == chunk.width {
        return Ok(pixels);
    }
    let mut plain = vec![0; length];
    let theirs = pixels.chunks_exact(width * size);
    for (line, theirs) in plain.chunks_exact_mut(row).zip(theirs) {
        let shared = line.len().min(theirs.len());
        line[..shared].copy_from_slice(&theirs[..shared]);
    }
    plain.truncate(row * height.min(chunk.height));
    Ok(plain)
}

/// Each number was stored as its difference to that of the pixel before.
fn add_up(line: &mut [u8], samples: usize, size: usize, tags: &Directory<'_>) {
    let step = samples * size;
    if size == 1 {
        for i in step..line.len() {
            line[i] = line[i].wrapping_add(line[i - step]);
        }
        return;
    }
    for at in (step..line.len().saturating_sub(size - 1)).step_by(size) {
        let before = tags.number_of(&line[at - step..at - step + size]);
        let sum = before.wrapping_add(tags.number_of(&line[at..at + size]));
        // Its low bytes, in the file's order.
        let is_big_endian = tags.number_of(&[0, 1]) == 1;
        let bytes = sum.to_be_bytes();
        let target = &mut line[at..at + size];
        target.copy_from_slice(&bytes[8 - size..]);
        if !is_big_endian {
            target.reverse();
        }
    }
}

/// Floats were cut into their first bytes, their second bytes and so on, and those stored as
/// differences; the highest byte comes first whatever the file's order.
fn join_bytes(line: &mut [u8], samples: usize, tags: &Directory<'_>) {
    for i in samples..line.len() {
        line[i] = line[i].wrapping_add(line[i - samples]);
    }
    let count = line.len() / 4;
    let apart = line.to_vec();
    let is_big_endian = tags.number_of(&[0, 1]) == 1;
    for i in 0..count {
        for byte in 0..4 {
            let place = if is_big_endian { byte } else { 3 - byte };
            line[4 * i + place] = apart[byte * count + i];
        }
    }
}
