//! Undoing content codings, leniently where nothing is lost by it.

mod brotli;
mod zstd;

use flate2::{Crc, Decompress, FlushDecompress, Status};

use super::content_coding::ContentCoding;

/// What decoding gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decoded {
    pub(super) bytes: Vec<u8>,
    pub(super) end: End,
}

/// How a decoded body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// It is whole, though a checksum behind it may be missing.
    Whole,
    /// The coded bytes end before it does.
    Early,
    /// It is longer than it may be.
    Overlong,
}

/// These bytes are not in the coding that is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Corrupt;

/// Bytes that are decoded at once.
const PIECE: usize = 64 << 10;
/// What each member of a gzip file begins with.
const GZIP: [u8; 2] = [0x1F, 0x8B];

/// Undoes codings, the last first, to at most `cap` bytes. A coding that is named again right
/// after itself may have been applied once.
///
/// # Errors
/// If the bytes are not in these codings.
pub(super) fn decode_all(
    bytes: Vec<u8>,
    codings: &[ContentCoding],
    cap: usize,
) -> Result<Decoded, Corrupt> {
    let mut decoded = Decoded {
        bytes,
        end: End::Whole,
    };
    for (at, coding) in codings.iter().enumerate().rev() {
        // An empty body was never coded.
        if decoded.bytes.is_empty() {
            break;
        }
        let is_repeated = codings.get(at + 1) == Some(coding);
        if is_repeated && !looks_like(*coding, &decoded.bytes) {
            continue;
        }
        let next = decode(*coding, &decoded.bytes, cap)?;
        decoded.bytes = next.bytes;
        // What is cut anywhere is cut.
        if decoded.end == End::Whole {
            decoded.end = next.end;
        }
    }
    Ok(decoded)
}

/// Whether bytes begin as a coding does; Brotli and bare deflate have no mark.
pub(super) fn looks_like(coding: ContentCoding, bytes: &[u8]) -> bool {
    match coding {
        ContentCoding::Gzip => bytes.starts_with(&GZIP),
        ContentCoding::Zstd => bytes.starts_with(&zstd::MAGIC),
        ContentCoding::Deflate => is_zlib(bytes),
        ContentCoding::Brotli => false,
    }
}

fn decode(coding: ContentCoding, bytes: &[u8], cap: usize) -> Result<Decoded, Corrupt> {
    match coding {
        // Some servers take the one for the other.
        ContentCoding::Gzip if is_zlib(bytes) => inflate_either(bytes, cap),
        ContentCoding::Gzip => gunzip(bytes, cap),
        ContentCoding::Deflate => inflate_either(bytes, cap),
        ContentCoding::Brotli => brotli::decode(bytes, cap),
        ContentCoding::Zstd => zstd::decode(bytes, cap),
    }
}

/// All members of a gzip file; what follows them and is none is passed over. A trailer that is
/// not all there is no loss; one that contradicts says that the file is not whole.
pub(super) fn gunzip(bytes: &[u8], cap: usize) -> Result<Decoded, Corrupt> {
    let mut out = Vec::new();
    let mut rest = bytes;
    loop {
        let begun = out.len();
        let Some(start) = gzip_header(rest)? else {
            return Ok(early(out));
        };
        let (end, used) = inflate(&rest[start..], cap, &mut out)?;
        if end != End::Whole {
            return Ok(Decoded { bytes: out, end });
        }
        let trailer = &rest[start + used..];
        if let Some(trailer) = trailer.first_chunk::<8>() {
            let mut crc = Crc::new();
            crc.update(&out[begun..]);
            let expected = [crc.sum().to_le_bytes(), crc.amount().to_le_bytes()].concat();
            // All was unpacked; but something in it, or the trailer, is not what it was.
            if trailer[..] != expected {
                return Ok(early(out));
            }
        }
        rest = trailer.get(8..).unwrap_or_default();
        if !rest.starts_with(&GZIP) {
            return Ok(Decoded {
                bytes: out,
                end: End::Whole,
            });
        }
    }
}

/// The length of the header of a gzip member; `None` if it is not all there.
fn gzip_header(bytes: &[u8]) -> Result<Option<usize>, Corrupt> {
    let [extra, name, comment, crc] = [4, 8, 16, 2];
    if !bytes.starts_with(&GZIP[..bytes.len().min(2)]) || bytes.get(2).is_some_and(|it| *it != 8) {
        return Err(Corrupt);
    }
    let length = || {
        let flags = *bytes.get(3)?;
        let mut at = 10;
        if flags & extra != 0 {
            let length = bytes.get(at..)?.first_chunk::<2>()?;
            at += 2 + usize::from(u16::from_le_bytes(*length));
        }
        for text in [name, comment] {
            if flags & text != 0 {
                at += 1 + bytes.get(at..)?.iter().position(|byte| *byte == 0)?;
            }
        }
        if flags & crc != 0 {
            at += 2;
        }
        (at <= bytes.len()).then_some(at)
    };
    Ok(length())
}

/// Deflate with the wrapping of zlib that belongs to it, or without.
fn inflate_either(bytes: &[u8], cap: usize) -> Result<Decoded, Corrupt> {
    let mut out = Vec::new();
    if is_zlib(bytes) {
        // Without its wrapping, so that a missing checksum is no loss.
        let inflated = inflate(&bytes[2..], cap, &mut out);
        if let Ok((end, _)) = inflated {
            return Ok(Decoded { bytes: out, end });
        }
        out.clear();
    }
    let (end, _) = inflate(bytes, cap, &mut out)?;
    Ok(Decoded { bytes: out, end })
}

/// Whether bytes begin with the header of zlib, without a preset dictionary (RFC 1950).
fn is_zlib(bytes: &[u8]) -> bool {
    let Some(&[method, flags]) = bytes.first_chunk::<2>() else {
        return false;
    };
    let check = u16::from_be_bytes([method, flags]);
    method & 0x0F == 8 && method >> 4 <= 7 && check.is_multiple_of(31) && flags & 0x20 == 0
}

/// Inflates one stream onto `out`, up to `cap` bytes in all; gives how it ends and how many
/// bytes it took.
fn inflate(bytes: &[u8], cap: usize, out: &mut Vec<u8>) -> Result<(End, usize), Corrupt> {
    let mut decoder = Decompress::new(false);
    let mut piece = vec![0; PIECE];
    loop {
        let (taken, given) = (decoder.total_in(), decoder.total_out());
        // The lengths of slices.
        let rest = &bytes[taken as usize..];
        let status = decoder.decompress(rest, &mut piece, FlushDecompress::None);
        let status = status.map_err(|_| Corrupt)?;
        let fresh = &piece[..(decoder.total_out() - given) as usize];
        let room = cap.saturating_sub(out.len());
        if fresh.len() > room {
            out.extend_from_slice(&fresh[..room]);
            return Ok((End::Overlong, decoder.total_in() as usize));
        }
        out.extend_from_slice(fresh);
        if status == Status::StreamEnd {
            return Ok((End::Whole, decoder.total_in() as usize));
        }
        if decoder.total_in() == taken && fresh.is_empty() {
            return Ok((End::Early, decoder.total_in() as usize));
        }
    }
}

fn early(bytes: Vec<u8>) -> Decoded {
    Decoded {
        bytes,
        end: End::Early,
    }
}

#[cfg(test)]
mod tests;
