//! Bodies in codings, whole and not.

use std::io::Write;

use ::brotli::CompressorWriter;
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

use super::ContentCoding::{Brotli, Deflate, Gzip, Zstd};
use super::*;

const CAP: usize = 1 << 20;

/// Not so regular that it becomes a handful of bytes.
fn text() -> Vec<u8> {
    let words = (0..60_000u32).map(|n| {
        let number = n.wrapping_mul(2_654_435_761) ^ n.wrapping_mul(n).wrapping_mul(40_503);
        format!("{} words and ", number >> 27)
    });
    words.collect::<String>().into_bytes()
}

/// The text, 50 MiB of zeros, and two words, by zstd 1.5.
const ZSTD_TEXT: &[u8] = include_bytes!("../../../../tests/data/codings/words.zst");
const ZSTD_ZEROS: &[u8] = include_bytes!("../../../../tests/data/codings/zeros.zst");
const ZSTD_ONE: &[u8] = b"\x28\xb5\x2f\xfd\x04\x58\x21\0\0one \x29\x92\x3f\xd7";
const ZSTD_TWO: &[u8] = b"\x28\xb5\x2f\xfd\x04\x58\x19\0\0two\x8b\x44\xf4\xec";

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

fn brotli(bytes: &[u8]) -> Vec<u8> {
    let mut coded = Vec::new();
    // At once, at a middling quality, with the usual window.
    let mut encoder = CompressorWriter::new(&mut coded, 1 << 16, 5, 22);
    encoder.write_all(bytes).unwrap();
    drop(encoder);
    coded
}

fn all() -> Vec<(ContentCoding, Vec<u8>)> {
    let text = text();
    vec![
        (Gzip, gzip(&text)),
        (Deflate, zlib(&text)),
        (Deflate, bare(&text)),
        (Brotli, brotli(&text)),
        (Zstd, ZSTD_TEXT.to_vec()),
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
fn a_checksum_of_zstd_may_be_missing_and_may_not_contradict() {
    let coded = ZSTD_ONE.to_vec();
    for length in coded.len() - 4..coded.len() {
        let cut = coded[..length].to_vec();
        let decoded = decode_all(cut, &[Zstd], CAP);
        assert_eq!(decoded, whole(b"one ".to_vec()), "{length}");
    }
    for at in coded.len() - 8..coded.len() {
        let mut wrong = coded.clone();
        wrong[at] ^= 1;
        assert_eq!(decode_all(wrong, &[Zstd], CAP), Err(Corrupt), "{at}");
    }
    // A window of 16 MiB is more than a body may ask for.
    let mut wide = coded;
    wide[5] = 14 << 3;
    assert_eq!(decode_all(wide, &[Zstd], CAP), Err(Corrupt));
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
    // The one in the middle is somebody's own, to be skipped.
    let skipped = b"\x50\x2a\x4d\x18\x03\0\0\0abc";
    for frames in [
        [ZSTD_ONE, ZSTD_TWO, b""],
        [ZSTD_ONE, ZSTD_TWO, b"rubbish"],
        [ZSTD_ONE, ZSTD_TWO, skipped],
    ] {
        let decoded = decode_all(frames.concat(), &[Zstd], CAP);
        assert_eq!(decoded, whole(b"one two".to_vec()), "{frames:?}");
    }
    let first = [&skipped[..], ZSTD_ONE].concat();
    assert_eq!(decode_all(first, &[Zstd], CAP), whole(b"one ".to_vec()));
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
        (vec![Brotli], brotli(&zeros)),
        (vec![Zstd], ZSTD_ZEROS.to_vec()),
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
