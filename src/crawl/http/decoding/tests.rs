//! Bodies in codings, whole and not.

use std::io::Write;

use compression_codecs::brotli::params::EncoderParams;
use compression_codecs::core::util::{PartialBuffer, WriteBuffer};
use compression_codecs::{BrotliEncoder, EncodeV2, ZstdEncoder};
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

use super::ContentCoding::{Brotli, Deflate, Gzip, Zstd};
use super::*;

const CAP: usize = 1 << 20;

/// Not so regular that it becomes a handful of bytes.
fn text() -> Vec<u8> {
    let lines = (0..80_000u32).map(|n| format!("{} ", n.wrapping_mul(2_654_435_761)));
    lines.collect::<String>().into_bytes()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn bare(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn with(mut encoder: impl EncodeV2, bytes: &[u8]) -> Vec<u8> {
    let mut input = PartialBuffer::new(bytes);
    let mut space = vec![0; 2 * bytes.len() + 1_024];
    let mut output = WriteBuffer::new_initialized(&mut space);
    while !input.unwritten().is_empty() {
        encoder.encode(&mut input, &mut output).unwrap();
    }
    while !encoder.finish(&mut output).unwrap() {}
    output.written().to_vec()
}

fn brotli() -> BrotliEncoder {
    BrotliEncoder::new(EncoderParams::default())
}

fn all() -> Vec<(ContentCoding, Vec<u8>)> {
    let text = text();
    vec![
        (Gzip, gzip(&text)),
        (Deflate, zlib(&text)),
        (Deflate, bare(&text)),
        (Brotli, with(brotli(), &text)),
        (Zstd, with(ZstdEncoder::new(3), &text)),
    ]
}

fn whole(bytes: Vec<u8>) -> Result<Decoded, Corrupt> {
    Ok(Decoded {
        bytes,
        end: End::Whole,
    })
}

#[test]
fn every_coding_is_undone() {
    for (coding, coded) in all() {
        assert_eq!(
            decode_all(coded, &[coding], CAP),
            whole(text()),
            "{coding:?}"
        );
    }
    assert_eq!(decode_all(zlib(&text()), &[Gzip], CAP), whole(text()));
    for coding in [Gzip, Deflate, Brotli, Zstd] {
        let nothing = decode_all(Vec::new(), &[coding], CAP);
        assert_eq!(nothing, whole(Vec::new()), "an empty body was not coded");
    }
}

#[test]
fn lists_are_undone_from_their_end() {
    let both = gzip(&zlib(&text()));
    assert_eq!(decode_all(both, &[Deflate, Gzip], CAP), whole(text()));
    let twice = gzip(&gzip(&text()));
    assert_eq!(decode_all(twice, &[Gzip, Gzip], CAP), whole(text()));
    // Named twice by two programs, of which one has coded.
    let once = gzip(&text());
    assert_eq!(decode_all(once, &[Gzip, Gzip], CAP), whole(text()));
    assert_eq!(
        decode_all(gzip(&text()), &[Deflate, Gzip], CAP),
        Err(Corrupt)
    );
}

#[test]
fn a_missing_trailer_is_no_loss_and_a_wrong_one_is() {
    let coded = gzip(&text());
    for length in coded.len() - 8..coded.len() {
        let cut = coded[..length].to_vec();
        assert_eq!(decode_all(cut, &[Gzip], CAP), whole(text()), "{length}");
    }
    let coded_zlib = zlib(&text());
    for length in coded_zlib.len() - 4..coded_zlib.len() {
        let cut = coded_zlib[..length].to_vec();
        assert_eq!(decode_all(cut, &[Deflate], CAP), whole(text()), "{length}");
    }
    for at in coded.len() - 8..coded.len() {
        let mut wrong = coded.clone();
        wrong[at] ^= 1;
        let decoded = decode_all(wrong, &[Gzip], CAP).unwrap();
        assert_eq!((decoded.bytes, decoded.end), (text(), End::Early), "{at}");
    }
}

#[test]
fn members_follow_one_another_and_rubbish_behind_them_is_passed_over() {
    let two = [gzip(b"one "), gzip(b"two")].concat();
    assert_eq!(
        decode_all(two.clone(), &[Gzip], CAP),
        whole(b"one two".to_vec())
    );
    let more = [&two[..], b"\0\0\0 rubbish"].concat();
    assert_eq!(decode_all(more, &[Gzip], CAP), whole(b"one two".to_vec()));
    let frames = [
        with(ZstdEncoder::new(3), b"one "),
        with(ZstdEncoder::new(3), b"two"),
    ];
    assert_eq!(
        decode_all(frames.concat(), &[Zstd], CAP),
        whole(b"one two".to_vec())
    );
}

#[test]
fn what_ends_early_gives_its_beginning() {
    for (coding, coded) in all() {
        let half = coded[..coded.len() / 2].to_vec();
        let decoded = decode_all(half, &[coding], CAP).unwrap();
        assert_eq!(decoded.end, End::Early, "{coding:?}");
        assert!(decoded.bytes.len() > 1_000, "{coding:?}");
        assert!(text().starts_with(&decoded.bytes), "{coding:?}");
    }
    for length in 1..12 {
        let decoded = decode_all(gzip(&text())[..length].to_vec(), &[Gzip], CAP);
        let expected = Decoded {
            bytes: Vec::new(),
            end: End::Early,
        };
        assert_eq!(decoded, Ok(expected), "{length}");
    }
}

#[test]
fn no_body_becomes_longer_than_its_cap() {
    let zeros = vec![0; 50 << 20];
    let bombs = [
        (vec![Gzip], gzip(&zeros)),
        (vec![Deflate], zlib(&zeros)),
        (vec![Deflate], bare(&zeros)),
        (vec![Brotli], with(brotli(), &zeros)),
        (vec![Zstd], with(ZstdEncoder::new(3), &zeros)),
        (vec![Gzip, Gzip], gzip(&gzip(&zeros))),
    ];
    for (codings, bomb) in bombs {
        let decoded = decode_all(bomb, &codings, CAP).unwrap();
        let length = decoded.bytes.len();
        assert_eq!((decoded.end, length), (End::Overlong, CAP), "{codings:?}");
    }
    // Exactly as long as it may be.
    let exact = decode_all(gzip(&zeros[..CAP]), &[Gzip], CAP).unwrap();
    assert_eq!((exact.end, exact.bytes.len()), (End::Whole, CAP));
}

#[test]
fn what_is_not_in_the_coding_is_not_content() {
    for coding in [Gzip, Deflate, Brotli, Zstd] {
        let plain = b"User-agent: *\nDisallow: /private/\n".to_vec();
        let decoded = decode_all(plain, &[coding], CAP);
        let is_refused = match &decoded {
            Err(Corrupt) => true,
            // Nothing may come of it.
            Ok(decoded) => decoded.end == End::Early && decoded.bytes.is_empty(),
        };
        assert!(is_refused, "{coding:?}: {decoded:?}");
    }
    for (coding, mut coded) in all() {
        let at = coded.len() / 2;
        for byte in &mut coded[at..at + 64] {
            *byte ^= 0xA5;
        }
        let decoded = decode_all(coded, &[coding], CAP);
        let is_text = decoded.as_ref().is_ok_and(|it| it.bytes == text());
        assert!(!is_text, "{coding:?}");
    }
}
