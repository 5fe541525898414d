//! Brotli (RFC 7932).

use brotli_decompressor::{
    BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc as Alloc,
};

use super::{Corrupt, Decoded, End, PIECE};

/// One stream; what follows it is passed over.
pub(super) fn decode(bytes: &[u8], cap: usize) -> Result<Decoded, Corrupt> {
    let mut state = BrotliState::new(Alloc::default(), Alloc::default(), Alloc::default());
    let mut out = Vec::new();
    let mut piece = vec![0; PIECE];
    let (mut left, mut at, mut total) = (bytes.len(), 0, 0);
    loop {
        let (mut room, mut given) = (piece.len(), 0);
        let result = BrotliDecompressStream(
            &mut left, &mut at, bytes, &mut room, &mut given, &mut piece, &mut total, &mut state,
        );
        let fresh = &piece[..given];
        let room = cap.saturating_sub(out.len());
        out.extend_from_slice(&fresh[..given.min(room)]);
        let end = match result {
            BrotliResult::ResultFailure => return Err(Corrupt),
            _ if given > room => End::Overlong,
            BrotliResult::NeedsMoreOutput => continue,
            BrotliResult::NeedsMoreInput => End::Early,
            BrotliResult::ResultSuccess => End::Whole,
        };
        return Ok(Decoded { bytes: out, end });
    }
}
