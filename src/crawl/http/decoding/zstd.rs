//! Zstandard (RFC 8878).

use std::io::Read;

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::{Corrupt, Decoded, End, early};

/// What each frame begins with.
pub(super) const MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];
/// The largest window (RFC 9659).
const WINDOW: u64 = 8 << 20;
/// Bytes of a block's header.
const HEADER: usize = 3;
/// An empty last block and a checksum, for a frame that lacks its end: the decoder keeps back what later
/// blocks may refer to until it has seen the last one.
const LAST: [u8; 7] = [1, 0, 0, 0, 0, 0, 0];

/// All frames; what follows them and is none is passed over.
pub(super) fn decode(bytes: &[u8], cap: usize) -> Result<Decoded, Corrupt> {
    let mut out = Vec::new();
    let mut rest = bytes;
    let mut decoder = FrameDecoder::new();
    decoder.set_max_window_size(WINDOW);
    loop {
        let end = match begin(&mut decoder, &mut rest)? {
            Begun::Frame => frame(&mut decoder, &mut rest, cap, &mut out)?,
            Begun::Skipped => End::Whole,
            Begun::Early => return Ok(early(out)),
        };
        if end != End::Whole || !rest.starts_with(&MAGIC) {
            return Ok(Decoded { bytes: out, end });
        }
    }
}

enum Begun {
    Frame,
    /// Some bytes of somebody's own, which are not content.
    Skipped,
    Early,
}

fn begin(decoder: &mut FrameDecoder, rest: &mut &[u8]) -> Result<Begun, Corrupt> {
    let all = *rest;
    match decoder.reset(&mut *rest) {
        Ok(()) => Ok(Begun::Frame),
        Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
            length,
            ..
        })) => match rest.get(length as usize..) {
            Some(behind) => {
                *rest = behind;
                Ok(Begun::Skipped)
            }
            None => Ok(Begun::Early),
        },
        Err(_) if rest.is_empty() && MAGIC.starts_with(&all[..all.len().min(MAGIC.len())]) => {
            Ok(Begun::Early)
        }
        Err(_) => Err(Corrupt),
    }
}

/// The blocks of a frame whose header was read.
fn frame(
    decoder: &mut FrameDecoder,
    rest: &mut &[u8],
    cap: usize,
    out: &mut Vec<u8>,
) -> Result<End, Corrupt> {
    let mut next = |decoder: &mut FrameDecoder, source: &mut dyn Read| {
        let is_done = decoder.decode_blocks(source, BlockDecodingStrategy::UptoBlocks(1));
        let is_done = is_done.map_err(|_| Corrupt)?;
        decoder.collect_to_writer(&mut *out).map_err(|_| Corrupt)?;
        let is_overlong = out.len() > cap;
        out.truncate(cap);
        Ok::<_, Corrupt>((is_done, is_overlong))
    };
    loop {
        let Some(length) = block_length(rest).filter(|length| *length <= rest.len()) else {
            let (_, is_overlong) = next(decoder, &mut LAST.as_slice())?;
            return Ok(if is_overlong {
                End::Overlong
            } else {
                End::Early
            });
        };
        let behind = &rest[length..];
        // A checksum that is not all there is no loss.
        let mut padded = rest.chain(&LAST[HEADER..]);
        let (is_done, is_overlong) = next(decoder, &mut padded)?;
        *rest = behind;
        if is_overlong {
            return Ok(End::Overlong);
        }
        if is_done {
            if let Some(expected) = decoder.get_checksum_from_data() {
                let is_there = rest.len() >= size_of::<u32>();
                if is_there && decoder.get_calculated_checksum() != Some(expected) {
                    return Err(Corrupt);
                }
                *rest = &rest[rest.len().min(size_of::<u32>())..];
            }
            return Ok(End::Whole);
        }
    }
}

/// The bytes that a block takes, its header among them; `None` if that is not all there.
fn block_length(bytes: &[u8]) -> Option<usize> {
    let [a, b, c] = *bytes.first_chunk::<HEADER>()?;
    let header = u32::from_le_bytes([a, b, c, 0]);
    // One byte that is repeated; all others are as long as they say.
    let is_repeated = header >> 1 & 3 == 1;
    let length = if is_repeated { 1 } else { header >> 3 };
    Some(HEADER + length as usize)
}
