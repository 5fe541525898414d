//! AVIF: files by avifenc, and such as it does not make.

use super::*;
use crate::picture::Format;

macro_rules! data {
    ($name:literal) => {
        include_bytes!(concat!("../../../../tests/data/pictures/", $name)).as_slice()
    };
}

#[test]
fn each_depth_sampling_range_and_matrix_shows_the_picture() {
    for (name, bytes) in [
        ("8 bits, 4:2:0", data!("still_420.avif")),
        (
            "10 bits, 4:4:4, limited, BT.709",
            data!("ten_bits_444_limited.avif"),
        ),
        (
            "12 bits, 4:2:2, BT.2020",
            data!("twelve_bits_422_2020.avif"),
        ),
        ("identity", data!("identity.avif")),
        ("a part of the picture", data!("clean_aperture.avif")),
        ("transparent in the middle", data!("transparent.avif")),
        ("the same, premultiplied", data!("premultiplied.avif")),
    ] {
        assert_quarters(bytes, name);
    }
    for bytes in [data!("transparent.avif"), data!("premultiplied.avif")] {
        let shown = decode(bytes, &LIMITS).unwrap().rgb.get_pixel(48, 9).0;
        assert!(shown.iter().all(|value| *value > 250), "{shown:?}");
    }
    let grey = decode(data!("grey.avif"), &LIMITS).unwrap().rgb;
    for (x, y, brightness) in [(9, 9, 88), (60, 9, 124), (9, 40, 70), (60, 40, 128)] {
        let [r, g, b] = grey.get_pixel(x, y).0;
        assert!(
            r == g && g == b && r.abs_diff(brightness) < 4,
            "{r} {g} {b}"
        );
    }
}

/// An item of a file that is made by hand.
struct Item {
    kind: &'static [u8; 4],
    data: Vec<u8>,
    properties: Vec<Vec<u8>>,
    references: Vec<(&'static [u8; 4], Vec<u16>)>,
}

fn boxed(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let length = 8 + data.len() as u32;
    [&length.to_be_bytes(), &kind[..], data].concat()
}

/// One with a version and flags.
fn full(kind: &[u8; 4], version: u8, data: &[u8]) -> Vec<u8> {
    boxed(kind, &[&[version, 0, 0, 0], data].concat())
}

fn size(width: u32, height: u32) -> Vec<u8> {
    full(
        b"ispe",
        0,
        &[width.to_be_bytes(), height.to_be_bytes()].concat(),
    )
}

/// The AV1 data of a file by avifenc, which puts it at the end.
fn payload(file: &[u8]) -> Vec<u8> {
    let start = file.windows(4).position(|kind| kind == b"mdat").unwrap() + 4;
    file[start..].to_vec()
}

/// A file with these items, numbered from one; the first one is the picture.
fn heif(items: &[Item]) -> Vec<u8> {
    let count = (items.len() as u16).to_be_bytes();
    let (mut kinds, mut places) = (count.to_vec(), vec![0x44, 0]);
    places.extend(count);
    let (mut all, mut associations, mut references) = (Vec::new(), Vec::new(), Vec::new());
    associations.extend((items.len() as u32).to_be_bytes());
    let (mut inner, mut properties) = (Vec::new(), 0);
    for (number, item) in (1u16..).zip(items) {
        let id = number.to_be_bytes();
        kinds.extend(full(
            b"infe",
            2,
            &[&id, &[0, 0], &item.kind[..], &[0]].concat(),
        ));
        let (start, length) = (inner.len() as u32, item.data.len() as u32);
        // In `idat`, in one piece.
        places.extend([&id[..], &[0, 1, 0, 0, 0, 1]].concat());
        places.extend([start.to_be_bytes(), length.to_be_bytes()].concat());
        inner.extend(&item.data);
        associations.extend([&id[..], &[item.properties.len() as u8]].concat());
        for property in &item.properties {
            properties += 1;
            all.extend(property);
            associations.push(0x80 | properties);
        }
        for (kind, to) in &item.references {
            let to: Vec<u8> = to.iter().flat_map(|to| to.to_be_bytes()).collect();
            let count = (to.len() as u16 / 2).to_be_bytes();
            references.extend(boxed(kind, &[&id, &count[..], &to].concat()));
        }
    }
    let properties = [boxed(b"ipco", &all), full(b"ipma", 0, &associations)].concat();
    let meta = [
        full(b"pitm", 0, &[0, 1]),
        full(b"iinf", 0, &kinds),
        full(b"iloc", 1, &places),
        boxed(b"iprp", &properties),
        full(b"iref", 0, &references),
        boxed(b"idat", &inner),
    ];
    [
        boxed(b"ftyp", b"mif1\0\0\0\0avifmif1"),
        full(b"meta", 0, &meta.concat()),
    ]
    .concat()
}

/// The four quarters as tiles of a grid.
fn quarters_in_tiles(more: &[Vec<u8>]) -> Vec<Item> {
    let grid = Item {
        kind: b"grid",
        data: vec![0, 0, 1, 1, 0, 96, 0, 64],
        properties: [&[size(96, 64)], more].concat(),
        references: vec![(b"dimg", vec![2, 3, 4, 5])],
    };
    let files = [
        data!("tile_red.avif"),
        data!("tile_green.avif"),
        data!("tile_blue.avif"),
        data!("tile_grey.avif"),
    ];
    let tiles = files.map(|file| Item {
        kind: b"av01",
        data: payload(file),
        properties: vec![size(48, 32)],
        references: Vec::new(),
    });
    std::iter::once(grid).chain(tiles).collect()
}

#[test]
fn tiles_make_a_picture() {
    assert_quarters(&heif(&quarters_in_tiles(&[])), "tiles");
    let mut odd = quarters_in_tiles(&[]);
    odd[0].data = vec![0, 0, 1, 1, 0, 93, 0, 62];
    let rgb = decode(&heif(&odd), &LIMITS).unwrap().rgb;
    assert_eq!(rgb.dimensions(), (93, 62));
    // Each tile may be transparent by itself.
    let mut transparent = quarters_in_tiles(&[]);
    for tile in 2..=5 {
        let name = b"\0\0\0\0urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0";
        transparent.push(Item {
            kind: b"av01",
            data: payload(data!("tile_grey.avif")),
            properties: vec![size(48, 32), boxed(b"auxC", name)],
            references: vec![(b"auxl", vec![tile])],
        });
    }
    let shown = decode(&heif(&transparent), &LIMITS)
        .unwrap()
        .rgb
        .get_pixel(9, 9)
        .0;
    // Half of red on white.
    let is_pale = shown
        .iter()
        .zip([228, 147, 147])
        .all(|(a, b)| a.abs_diff(b) < 8);
    assert!(is_pale, "{shown:?}");
}

#[test]
fn a_picture_is_turned_and_mirrored() {
    for quarter_turns in 0..4 {
        for mirrored in [None, Some(0), Some(1)] {
            let mut more = vec![boxed(b"irot", &[quarter_turns])];
            more.extend(mirrored.map(|mode| boxed(b"imir", &[mode])));
            let rgb = decode(&heif(&quarters_in_tiles(&more)), &LIMITS)
                .unwrap()
                .rgb;
            let [mut a, mut b, mut c, mut d] = QUARTERS;
            for _ in 0..quarter_turns {
                // Against the clock: what was on the right is above.
                [a, b, c, d] = [b, d, a, c];
            }
            [a, b, c, d] = match mirrored {
                None => [a, b, c, d],
                Some(0) => [c, d, a, b],
                Some(_) => [b, a, d, c],
            };
            let (width, height) = rgb.dimensions();
            for (expected, (x, y)) in [a, b, c, d].iter().zip([(1, 1), (3, 1), (1, 3), (3, 3)]) {
                let shown = rgb.get_pixel(width * x / 4, height * y / 4).0;
                let is_near = shown.iter().zip(expected).all(|(a, b)| a.abs_diff(*b) < 12);
                assert!(
                    is_near,
                    "{quarter_turns} {mirrored:?}: {shown:?} at {x} {y}"
                );
            }
        }
    }
}

#[test]
fn what_cannot_be_shown_is_refused() {
    let rare = |items: Vec<Item>| match error(&heif(&items)) {
        PictureError::Unread { format, kind } => (format, kind.unwrap()),
        other => panic!("{other}"),
    };
    let unknown = quarters_in_tiles(&[boxed(b"zzzz", &[])]);
    assert_eq!(
        rare(unknown),
        (
            Format::Avif,
            "with a property that is rare (zzzz)".to_owned()
        )
    );
    let mut overlay = quarters_in_tiles(&[]);
    overlay[0].kind = b"iovl";
    assert_eq!(rare(overlay).1, "of a kind that is rare (iovl)");
    let mut grid_of_itself = quarters_in_tiles(&[]);
    grid_of_itself[0].references[0].1[2] = 1;
    assert_eq!(rare(grid_of_itself).1, "of tiles that are rare");
    let mut few = quarters_in_tiles(&[]);
    few[0].references[0].1.pop();
    let mut small = quarters_in_tiles(&[]);
    small[0].data[4..6].copy_from_slice(&[1, 0]);
    let mut lies = quarters_in_tiles(&[]);
    for tile in &mut lies[1..] {
        tile.properties = vec![size(96, 32)];
    }
    for broken in [few, small, lies] {
        assert_eq!(error(&heif(&broken)).reason(), "broken_picture");
    }
    let mut large = quarters_in_tiles(&[]);
    large[0] = Item {
        kind: b"av01",
        data: large[1].data.clone(),
        properties: vec![size(60_000, 60_000)],
        references: Vec::new(),
    };
    assert_eq!(error(&heif(&large)).reason(), "too_many_pixels");
    large[0].properties = vec![size(16, 16)];
    let said = error(&heif(&large)).to_string();
    assert!(said.contains("larger than the picture"), "{said}");
}

#[test]
fn a_file_that_is_cut_or_changed_ends_nothing() {
    let whole = data!("still_420.avif");
    for end in 0..whole.len() {
        let error = error(&whole[..end]);
        assert!(error != PictureError::DecoderPanicked, "{end}: {error}");
    }
    for at in 0..whole.len() {
        for bit in [0x01, 0x10, 0x80] {
            let mut changed = whole.to_vec();
            changed[at] ^= bit;
            // Whatever comes of it.
            let _ = decode(&changed, &LIMITS);
        }
    }
}
