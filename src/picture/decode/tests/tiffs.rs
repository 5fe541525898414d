//! TIFFs of all kinds, written tag by tag.

use super::*;
use crate::picture::Format;

/// A tag's number and its values.
type Tag = (u16, Vec<u32>);

const BYTES: u16 = 7;
const LONG: u16 = 4;

/// A file with one strip.
fn tiff(tags: &[Tag], strip: &[u8], raw: &[(u16, &[u8])]) -> Vec<u8> {
    let mut bytes = b"II*\0\0\0\0\0".to_vec();
    let mut entries: Vec<(u16, u16, u32, Vec<u8>)> = Vec::new();
    let mut all: Vec<Tag> = vec![
        (256, vec![96]),
        (257, vec![64]),
        (273, vec![8]),
        (278, vec![64]),
        (279, vec![strip.len() as u32]),
    ];
    all.retain(|(tag, _)| !tags.iter().any(|(own, _)| own == tag));
    all.extend(tags.iter().cloned());
    for (tag, values) in all {
        let data = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        entries.push((tag, LONG, values.len() as u32, data));
    }
    for (tag, data) in raw {
        entries.push((*tag, BYTES, data.len() as u32, data.to_vec()));
    }
    entries.sort();
    bytes.extend(strip);
    let mut table = (entries.len() as u16).to_le_bytes().to_vec();
    for (tag, kind, count, mut data) in entries {
        table.extend(tag.to_le_bytes());
        table.extend(kind.to_le_bytes());
        table.extend(count.to_le_bytes());
        if data.len() > 4 {
            table.extend((bytes.len() as u32).to_le_bytes());
            bytes.extend(data);
        } else {
            data.resize(4, 0);
            table.extend(data);
        }
    }
    let start = bytes.len() as u32;
    bytes[4..8].copy_from_slice(&start.to_le_bytes());
    bytes.extend(table);
    bytes.extend([0; 4]);
    bytes
}

fn rgb_tags(more: &[Tag]) -> Vec<Tag> {
    [&[(258, vec![8; 3]), (262, vec![2]), (277, vec![3])], more].concat()
}

fn pixels<const N: usize>(pixel: impl Fn(u32, u32) -> [u8; N]) -> Vec<u8> {
    let rows = (0..64).flat_map(|y| (0..96).map(move |x| (x, y)));
    rows.flat_map(|(x, y)| pixel(x, y)).collect()
}

/// Each number less that of the pixel before.
fn differences(mut bytes: Vec<u8>, samples: usize) -> Vec<u8> {
    for row in bytes.chunks_exact_mut(96 * samples) {
        for i in (samples..row.len()).rev() {
            row[i] = row[i].wrapping_sub(row[i - samples]);
        }
    }
    bytes
}

fn lzw(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = weezl::encode::Encoder::with_tiff_size_switch(weezl::BitOrder::Msb, 8);
    encoder.encode(bytes).unwrap()
}

#[test]
fn unused_channels_are_left_out() {
    let four = pixels(|x, y| {
        let [r, g, b] = quarter(x, y);
        [r, g, b, (x * 5 + y * 3) as u8]
    });
    let tags = [(258, vec![8; 4]), (262, vec![2]), (277, vec![4])];
    let plain = [&tags[..], &[(338, vec![0])]].concat();
    assert_quarters(&tiff(&plain, &four, &[]), "unspecified");
    let more = [&tags[..], &[(338, vec![0]), (259, vec![5]), (317, vec![2])]].concat();
    let packed = lzw(&differences(four, 4));
    assert_quarters(&tiff(&more, &packed, &[]), "unspecified, with differences");
}

#[test]
fn multiplied_colours_are_divided() {
    // On white it is as light as the quarters are.
    let half = pixels(|x, y| {
        let [r, g, b] = quarter(x, y).map(|c| c / 2);
        [r, g, b, 128]
    });
    let tags = [
        (258, vec![8; 4]),
        (262, vec![2]),
        (277, vec![4]),
        (338, vec![1]),
    ];
    let rgb = decode(&tiff(&tags, &half, &[]), &LIMITS).unwrap().rgb;
    for (x, y) in [(5, 5), (80, 5), (5, 50)] {
        let expected = quarter(x, y).map(|c| c / 2 + 127);
        let shown = rgb.get_pixel(x, y).0;
        assert!(
            shown.iter().zip(expected).all(|(a, b)| a.abs_diff(b) < 4),
            "{shown:?}"
        );
    }
}

#[test]
fn palettes_and_few_bits() {
    let map: Vec<u32> = (0..3)
        .flat_map(|c| (0..16).map(move |i| u32::from(QUARTERS[i % 4][c]) * 257))
        .collect();
    let index = |x: u32, y: u32| u8::from(x >= 48) + 2 * u8::from(y >= 32);
    let nibbles: Vec<u8> = (0..64)
        .flat_map(|y| (0..48).map(move |x| index(2 * x, y) << 4 | index(2 * x + 1, y)))
        .collect();
    let tags = [(258, vec![4]), (262, vec![3]), (277, vec![1]), (320, map)];
    assert_quarters(&tiff(&tags, &nibbles, &[]), "palette");
    let pairs: Vec<u8> = (0..64)
        .flat_map(|_| [0x00, 0x55, 0xaa, 0xff].repeat(6))
        .collect();
    let tags = [(258, vec![2]), (262, vec![1]), (277, vec![1])];
    let rgb = decode(&tiff(&tags, &pairs, &[]), &LIMITS).unwrap().rgb;
    let row: Vec<u8> = (0..16)
        .step_by(4)
        .map(|x| rgb.get_pixel(x, 9).0[1])
        .collect();
    assert_eq!(row, [0, 85, 170, 255]);
}

#[test]
fn packed_in_many_ways() {
    let plain = pixels(quarter);
    let deflated = {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut encoder, &differences(plain.clone(), 3)).unwrap();
        encoder.finish().unwrap()
    };
    let way = |packing: u32, more: &[Tag], strip: &[u8]| {
        let tags = rgb_tags(&[&[(259, vec![packing])], more].concat());
        tiff(&tags, strip, &[])
    };
    assert_quarters(&way(1, &[], &plain), "plain");
    assert_quarters(&way(5, &[], &lzw(&plain)), "LZW");
    assert_quarters(&way(8, &[(317, vec![2])], &deflated), "deflate");
    let runs: Vec<u8> = plain
        .chunks(128)
        .flat_map(|run| [&[run.len() as u8 - 1], run].concat())
        .collect();
    assert_quarters(&way(32_773, &[], &runs), "PackBits");
    let short = error(&way(5, &[], &lzw(&plain[..9000])));
    assert_eq!(short.reason(), "broken_picture");
    let strange = error(&way(50_000, &[], &plain)).to_string();
    assert!(
        strange.contains("TIFF, but Zstandard-compressed"),
        "{strange}"
    );
}

#[test]
fn a_jpeg_in_a_strip() {
    let strip = jpeg(&quarters(), |_| {});
    let tags = [
        (258, vec![8; 3]),
        (259, vec![7]),
        (262, vec![6]),
        (277, vec![3]),
    ];
    assert_quarters(&tiff(&tags, &strip, &[]), "JPEG");
    // Tables apart, as libtiff does.
    let frame = strip
        .windows(2)
        .position(|pair| pair == [0xff, 0xc0])
        .unwrap();
    let tables = [&strip[..frame], &[0xff, 0xd9]].concat();
    let rest = [&[0xff, 0xd8], &strip[frame..]].concat();
    assert_quarters(
        &tiff(&tags, &rest, &[(347, &tables)]),
        "JPEG with its tables apart",
    );
}

#[test]
fn a_fax() {
    // White, black and white again, 32 pixels each; then rows like the first.
    let first = "00100011011000001101010".to_owned() + "1";
    let bits = first + &"111".repeat(63) + &"000000000001".repeat(2);
    let strip: Vec<u8> = bits
        .as_bytes()
        .chunks(8)
        .map(|byte| {
            byte.iter()
                .enumerate()
                .fold(0, |sum, (i, bit)| sum | (bit - b'0') << (7 - i))
        })
        .collect();
    let tags = [
        (258, vec![1]),
        (259, vec![4]),
        (262, vec![0]),
        (277, vec![1]),
    ];
    let rgb = decode(&tiff(&tags, &strip, &[]), &LIMITS).unwrap().rgb;
    for (x, value) in [(5, 255), (31, 255), (32, 0), (63, 0), (64, 255), (95, 255)] {
        for y in [0, 31, 63] {
            assert_eq!(rgb.get_pixel(x, y).0[0], value, "{x} {y}");
        }
    }
}

#[test]
fn brightness_and_shared_colours() {
    let block = |x: u32, y: u32| -> Vec<u8> {
        let [r, g, b] = quarter(x, y).map(f64::from);
        let brightness = 0.299 * r + 0.587 * g + 0.114 * b;
        let (cb, cr) = (
            (b - brightness) / 1.772 + 128.0,
            (r - brightness) / 1.402 + 128.0,
        );
        let mut block = vec![brightness as u8; 4];
        block.extend([cb as u8, cr as u8]);
        block
    };
    let strip: Vec<u8> = (0..32)
        .flat_map(|y| (0..48).flat_map(move |x| block(2 * x, 2 * y)))
        .collect();
    let tags = [
        (258, vec![8; 3]),
        (262, vec![6]),
        (277, vec![3]),
        (530, vec![2, 2]),
    ];
    assert_quarters(&tiff(&tags, &strip, &[]), "YCbCr");
}

#[test]
fn a_big_one_in_tiles_and_planes() {
    // BigTIFF, big-endian, 16 bits, three planes of four tiles of 64 x 48.
    let mut bytes = b"MM\0+\0\x08\0\0\0\0\0\0\0\0\0\x10".to_vec();
    let mut data = Vec::new();
    let table = 16 + 8 + 20 * 11 + 8;
    let (mut offsets, mut counts) = (Vec::new(), Vec::new());
    let start = table + 2 * 12 * 8;
    for plane in 0..3 {
        for (tile_x, tile_y) in [(0, 0), (64, 0), (0, 48), (64, 48)] {
            offsets.push((start + data.len()) as u64);
            for y in tile_y..tile_y + 48 {
                data.extend((tile_x..tile_x + 64).flat_map(|x| [quarter(x, y)[plane]; 2]));
            }
            counts.push(64 * 48 * 2);
        }
    }
    let entries: [(u16, u16, u64, u64); 11] = [
        (256, 4, 1, 96 << 32),
        (257, 4, 1, 64 << 32),
        (258, 3, 3, 0x0010_0010_0010_0000),
        (259, 3, 1, 1 << 48),
        (262, 3, 1, 2 << 48),
        (277, 3, 1, 3 << 48),
        (284, 3, 1, 2 << 48),
        (322, 4, 1, 64 << 32),
        (323, 4, 1, 48 << 32),
        (324, 16, 12, table as u64),
        (325, 16, 12, (table + 96) as u64),
    ];
    bytes.extend(11u64.to_be_bytes());
    for (tag, kind, count, value) in entries {
        bytes.extend(tag.to_be_bytes());
        bytes.extend(kind.to_be_bytes());
        bytes.extend(count.to_be_bytes());
        bytes.extend(value.to_be_bytes());
    }
    bytes.extend([0; 8]);
    assert_eq!(bytes.len(), table);
    bytes.extend(
        offsets
            .iter()
            .chain(&counts)
            .flat_map(|value| value.to_be_bytes()),
    );
    bytes.extend(&data);
    assert_quarters(&bytes, "BigTIFF");
}

#[test]
fn what_claims_too_much_is_refused() {
    let plain = pixels(quarter);
    let tall = rgb_tags(&[(257, vec![4_000_000]), (278, vec![4_000_000])]);
    assert_eq!(error(&tiff(&tall, &plain, &[])).reason(), "too_many_pixels");
    // A tile of the whole address space.
    let tile = [
        (322, vec![u32::MAX]),
        (323, vec![u32::MAX]),
        (324, vec![8]),
        (325, vec![9]),
    ];
    assert_eq!(
        error(&tiff(&rgb_tags(&tile), &plain, &[])).reason(),
        "too_much_memory"
    );
    // Strips that are all the same bytes would be read a thousand times.
    let count = 64;
    let again = [
        (278, vec![1]),
        (273, vec![8; count]),
        (279, vec![plain.len() as u32; count]),
    ];
    let mut tags = rgb_tags(&again);
    tags.push((259, vec![5]));
    let file = tiff(&tags, &plain, &[]);
    assert!(matches!(error(&file), PictureError::Broken(_)));
    let raw = error(&tiff(&rgb_tags(&[(50_706, vec![0x0104])]), &plain, &[]));
    let format = Format::CameraRaw;
    assert_eq!(raw, PictureError::Unread { format, kind: None });
}
