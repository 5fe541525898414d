//! Small files that grow when unpacked, made once.

use std::io::Write;
use std::sync::{Arc, LazyLock};

use flate2::{Compress, Compression, Crc, FlushCompress};

/// What each bomb unpacks to, in bytes: a gibibyte.
pub const UNPACKED: u64 = 1 << 30;

/// How much is really compressed; the rest is repeated.
const PIECE: usize = 16 << 20;

/// A gibibyte of zeros as gzip (RFC 1952), about a megabyte.
pub(super) static GZIP: LazyLock<Arc<[u8]>> = LazyLock::new(|| gzip().into());

/// A gibibyte of zeros as Brotli (RFC 7932), a few kilobytes.
pub(super) static BROTLI: LazyLock<Arc<[u8]>> = LazyLock::new(|| brotli().into());

/// A PNG that claims 60,000 by 60,000 pixels and holds one row of none.
pub(super) static PNG: LazyLock<Arc<[u8]>> = LazyLock::new(|| png().into());

/// Makes the bombs now, lest the first request for one wait.
pub(super) fn prepare() {
    LazyLock::force(&GZIP);
    LazyLock::force(&BROTLI);
}

fn gzip() -> Vec<u8> {
    let zeros = vec![0; PIECE];
    // After a full flush a block ends at a byte and refers to nothing before, so it can be
    // written again and again.
    let mut block = Vec::with_capacity(1 << 20);
    // The fast levels of zlib-rs leave ten times as much.
    let mut compress = Compress::new(Compression::default(), false);
    let mut taken = 0;
    while taken < PIECE || block.len() == block.capacity() {
        block.reserve(1 << 16);
        let written = compress.compress_vec(&zeros[taken..], &mut block, FlushCompress::Full);
        // In-memory compression of zeros cannot fail; an empty file would fail the tests.
        if written.is_err() {
            return Vec::new();
        }
        taken = compress.total_in() as usize;
    }
    let mut crc = Crc::new();
    let mut piece_crc = Crc::new();
    piece_crc.update(&zeros);
    let mut file = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    for _ in 0..UNPACKED / PIECE as u64 {
        file.extend_from_slice(&block);
        crc.combine(&piece_crc);
    }
    // An empty last block with fixed codes.
    file.extend_from_slice(&[3, 0]);
    file.extend_from_slice(&crc.sum().to_le_bytes());
    file.extend_from_slice(&(UNPACKED as u32).to_le_bytes());
    file
}

fn brotli() -> Vec<u8> {
    let zeros = vec![0; PIECE];
    let mut compress = brotli::CompressorWriter::new(Vec::new(), 1 << 16, 5, 22);
    // Each flush ends at a byte. From the second piece on they are the same: copies of the
    // zeros before.
    let mut ends = Vec::new();
    for _ in 0..2 {
        let written = compress.write_all(&zeros).and_then(|()| compress.flush());
        // As above.
        if written.is_err() {
            return Vec::new();
        }
        ends.push(compress.get_ref().len());
    }
    let start = compress.into_inner();
    let piece = &start[ends[0]..ends[1]];
    let mut file = start[..ends[0]].to_vec();
    for _ in 1..UNPACKED / PIECE as u64 {
        file.extend_from_slice(piece);
    }
    // An empty last block.
    file.push(3);
    file
}

fn png() -> Vec<u8> {
    let mut header = Vec::new();
    for side in [60_000u32; 2] {
        header.extend_from_slice(&side.to_be_bytes());
    }
    // Eight bits, red, green and blue; no interlacing.
    header.extend_from_slice(&[8, 2, 0, 0, 0]);
    // A zlib stream of nothing.
    let data = [0x78, 0x9c, 3, 0, 0, 0, 0, 1];
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    for (name, content) in [(b"IHDR", &header[..]), (b"IDAT", &data), (b"IEND", &[])] {
        let mut crc = Crc::new();
        crc.update(name);
        crc.update(content);
        file.extend_from_slice(&(content.len() as u32).to_be_bytes());
        file.extend_from_slice(name);
        file.extend_from_slice(content);
        file.extend_from_slice(&crc.sum().to_be_bytes());
    }
    file
}

#[cfg(test)]
mod tests {
    use std::io::{Read, copy, sink};

    use super::*;

    #[test]
    fn unpack_to_a_gibibyte() {
        let unpacked = |mut bomb: &mut dyn Read| copy(&mut bomb, &mut sink()).unwrap();
        // The decoder checks length and checksum too.
        assert_eq!(
            unpacked(&mut flate2::read::GzDecoder::new(&GZIP[..])),
            UNPACKED
        );
        assert_eq!(
            unpacked(&mut brotli::Decompressor::new(&BROTLI[..], 1 << 16)),
            UNPACKED
        );
        assert!(GZIP.len() < 2 << 20 && BROTLI.len() < 1 << 20);
    }

    #[test]
    fn claims_billions_of_pixels() {
        let decoder = image::ImageReader::new(std::io::Cursor::new(&PNG[..]));
        let decoder = decoder.with_guessed_format().unwrap();
        assert_eq!(decoder.into_dimensions().unwrap(), (60_000, 60_000));
    }
}
