//! Kinds of files that decoders get wrong or do not read.

use std::io::Cursor;

use image::{ExtendedColorType, ImageEncoder, ImageFormat, Rgba, RgbaImage};
use moxcms::ColorProfile;

use super::*;
use crate::picture::{Format, Limits};

macro_rules! data {
    ($name:literal) => {
        include_bytes!(concat!("../../../../tests/data/pictures/", $name)).as_slice()
    };
}

#[test]
fn each_kind_of_scans_and_sampling_shows_the_picture() {
    for (name, bytes) in [
        (
            "a scan for each channel",
            data!("scan_for_each_channel_420.jpg"),
        ),
        ("colours finer than brightness", data!("finer_colours.jpg")),
        ("three blocks across", data!("three_blocks_across.jpg")),
        ("progressive", data!("progressive.jpg")),
        ("restarts", data!("restarts.jpg")),
        (
            "a scan for each channel, restarts",
            data!("scan_for_each_channel_restarts.jpg"),
        ),
        #[cfg(feature = "heic")]
        ("HEIC", data!("still.heic")),
        #[cfg(feature = "jxl")]
        ("JPEG XL", data!("still.jxl")),
    ] {
        assert_quarters(bytes, name);
    }
}

#[test]
fn what_is_known_and_not_read_is_named() {
    let arithmetic = error(data!("arithmetic.jpg"));
    assert_eq!(arithmetic.reason(), "unread_format");
    let said = arithmetic.to_string();
    assert!(said.contains("JPEG, but with arithmetic coding"), "{said}");
    let photoshop = error(b"8BPS\0\x01\0\0\0\0\0\0\0\x03");
    assert_eq!(
        photoshop,
        PictureError::Unread {
            format: Format::Psd,
            kind: None
        }
    );
    let said = photoshop.to_string();
    assert!(
        said.contains("Photoshop") && said.contains("it reads JPEG, PNG"),
        "{said}"
    );
}

#[test]
#[cfg(not(feature = "heic"))]
fn what_another_build_reads_says_how_to_get_it() {
    let heic = error(data!("still.heic"));
    assert_eq!(heic.reason(), "unread_format");
    assert!(heic.to_string().contains("--features heic"), "{heic}");
}

#[test]
fn missing_rows_are_missed() {
    let picture = noise(320, 240);
    let sampled = |encoder: &mut jpeg_encoder::Encoder<&mut Vec<u8>>| {
        encoder.set_sampling_factor(jpeg_encoder::SamplingFactor::R_4_2_0);
    };
    let kinds = [
        ("baseline", jpeg(&picture, sampled)),
        (
            "optimised",
            jpeg(&picture, |e| e.set_optimized_huffman_tables(true)),
        ),
        ("progressive", jpeg(&picture, |e| e.set_progressive(true))),
        ("restarts", jpeg(&picture, |e| e.set_restart_interval(7))),
    ];
    let keep = Limits {
        truncated: Truncated::Keep,
        ..LIMITS
    };
    for (kind, whole) in kinds {
        assert!(decode(&whole, &LIMITS).is_ok(), "{kind}");
        let without_end = &whole[..whole.len() - 2];
        assert!(decode(without_end, &LIMITS).is_ok(), "{kind}");
        for part in [3, 5, 8, 9] {
            let cut = &whole[..whole.len() * part / 10];
            let ended = [cut, b"\xff\xd9"].concat();
            let filled = [cut, &vec![0; whole.len() - cut.len()]].concat();
            for (bytes, how) in [
                (cut, "cut"),
                (&ended, "cut and ended"),
                (&filled, "filled with zeros"),
            ] {
                let error = decode(bytes, &LIMITS).map(|decoded| decoded.rgb.dimensions());
                let error = error.expect_err(&format!("{kind} {how} at {part}"));
                assert_eq!(error.reason(), "broken_picture");
                assert!(error.to_string().contains("truncated"), "{kind}: {error}");
                let kept = decode(bytes, &keep).unwrap();
                assert_eq!(kept.rgb.dimensions(), (320, 240));
            }
        }
    }
    // Nothing but white at the end is a picture like any other.
    let white = RgbImage::from_pixel(320, 240, Rgb([255; 3]));
    assert!(decode(&jpeg(&white, sampled), &LIMITS).is_ok());
}

#[test]
fn a_progressive_jpeg_may_end_before_it_is_fine() {
    let progressive = jpeg(&quarters(), |e| e.set_progressive(true));
    let scans = progressive.windows(2).enumerate();
    let scans: Vec<usize> = scans
        .filter_map(|(at, pair)| (pair == b"\xff\xda").then_some(at))
        .collect();
    // The means of the three components come first, a scan for each.
    for (number, start) in scans.iter().enumerate().skip(1) {
        let first = &progressive[..*start];
        let ended = [first, b"\xff\xd9"].concat();
        if number < 3 {
            assert_eq!(error(&ended).reason(), "broken_picture", "{number}");
        } else {
            assert_quarters(&ended, &format!("{number} scans of {}", scans.len()));
        }
        // Without its end marker it was cut, unless all of brightness is there: with the tenth.
        if number < 10 {
            assert_eq!(error(first).reason(), "broken_picture", "{number}");
        }
    }
}

#[test]
fn colours_of_a_profile_are_shown_as_srgb() {
    // The red of sRGB, as Display P3 has it.
    let red = RgbImage::from_pixel(40, 40, Rgb([234, 51, 35]));
    let p3 = ColorProfile::new_display_p3().encode().unwrap();
    let files = [
        png(&red, Some(p3.clone())),
        jpeg(&red, |encoder| encoder.add_icc_profile(&p3).unwrap()),
    ];
    for file in files {
        let shown = decode(&file, &LIMITS).unwrap().rgb.get_pixel(20, 20).0;
        let is_red = shown
            .iter()
            .zip([255, 0, 0])
            .all(|(a, b)| a.abs_diff(b) < 8);
        assert!(is_red, "{shown:?}");
    }
    let adobe = ColorProfile::new_adobe_rgb().encode().unwrap();
    let green = RgbImage::from_pixel(40, 40, Rgb([144, 255, 60]));
    let shown = decode(&png(&green, Some(adobe)), &LIMITS).unwrap().rgb;
    let [r, g, b] = shown.get_pixel(9, 9).0;
    assert!(r < 30 && g > 250 && b < 30, "{r} {g} {b}");
}

#[test]
fn a_profile_of_srgb_or_of_nothing_changes_nothing() {
    let picture = noise(64, 64);
    let srgb = ColorProfile::new_srgb().encode().unwrap();
    for profile in [None, Some(srgb), Some(vec![7; 200])] {
        let file = png(&picture, profile);
        assert_eq!(decode(&file, &LIMITS).unwrap().rgb, picture);
    }
}

#[test]
fn exif_turns_however_it_begins() {
    let exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0".to_vec();
    let mut sizes = Vec::new();
    for exif in [exif.clone(), [b"Exif\0\0".to_vec(), exif].concat()] {
        let mut bytes = Vec::new();
        let mut encoder = image::codecs::webp::WebPEncoder::new_lossless(&mut bytes);
        encoder.set_exif_metadata(exif).unwrap();
        encoder
            .write_image(&quarters(), 96, 64, ExtendedColorType::Rgb8)
            .unwrap();
        let rgb = decode(&bytes, &LIMITS).unwrap().rgb;
        // A quarter turn to the right brings the lower left up.
        assert_eq!(rgb.get_pixel(10, 10).0, QUARTERS[2]);
        sizes.push(rgb.dimensions());
    }
    assert_eq!(sizes, [(64, 96); 2]);
}

#[test]
fn white_logos_differ() {
    let logo = |shape: fn(u32, u32) -> bool| {
        let picture = RgbaImage::from_fn(60, 60, |x, y| {
            Rgba([255, 255, 255, if shape(x, y) { 255 } else { 0 }])
        });
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, ImageFormat::Png).unwrap();
        decode(&bytes.into_inner(), &LIMITS).unwrap().rgb
    };
    let bar = logo(|x, _| (20..40).contains(&x));
    assert_eq!(
        (bar.get_pixel(30, 30).0, bar.get_pixel(3, 3).0),
        ([255; 3], [0; 3])
    );
    assert_ne!(bar, logo(|_, y| (20..40).contains(&y)));
}

#[test]
fn formats_that_people_have_are_read() {
    let bitmap = |header: &[u8]| {
        let offset = 14 + header.len() as u32;
        let mut bytes = b"BM\0\0\0\0\0\0\0\0".to_vec();
        bytes.extend(offset.to_le_bytes());
        bytes.extend(header);
        for y in (0..64).rev() {
            bytes.extend((0..96).flat_map(|x| {
                let [r, g, b] = quarter(x, y);
                [b, g, r]
            }));
        }
        bytes
    };
    let os2 = bitmap(&[12, 0, 0, 0, 96, 0, 64, 0, 1, 0, 24, 0]);
    assert_quarters(&os2, "OS/2");
    let mut header = vec![64, 0, 0, 0, 96, 0, 0, 0, 64, 0, 0, 0, 1, 0, 24, 0];
    header.resize(64, 0);
    assert_quarters(&bitmap(&header), "OS/2, second version");
    let inside = png(&quarters(), None);
    let mut icon = b"\0\0\x01\0\x02\0\x10\x10\0\0\x01\0\x20\0\x09\0\0\0\x07\0\0\0".to_vec();
    icon.extend([96, 64, 0, 0, 1, 0, 24, 0]);
    icon.extend((inside.len() as u32).to_le_bytes());
    icon.extend(38u32.to_le_bytes());
    icon.extend(inside);
    assert_quarters(&icon, "an icon with a small one before it");
    for format in [ImageFormat::Pnm, ImageFormat::Qoi, ImageFormat::Tga] {
        let mut bytes = Cursor::new(Vec::new());
        quarters().write_to(&mut bytes, format).unwrap();
        assert_quarters(bytes.get_ref(), &format!("{format:?}"));
    }
}

#[cfg(feature = "svg")]
const QUARTERS_SVG: &str = "<rect width='48' height='32' fill='#c82828'/>\
    <rect x='48' width='48' height='32' fill='#28b43c'/>\
    <rect y='32' width='48' height='32' fill='#283cc8'/>\
    <rect x='48' y='32' width='48' height='32' fill='#808080'/>";

#[cfg(feature = "svg")]
fn svg(inner: &str) -> Vec<u8> {
    let start = "<svg xmlns='http://www.w3.org/2000/svg' width='96' height='64'>";
    format!("{start}{inner}</svg>").into_bytes()
}

#[cfg(feature = "svg")]
#[test]
fn a_drawing_is_drawn() {
    assert_quarters(&svg(QUARTERS_SVG), "SVG");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, &svg(QUARTERS_SVG)).unwrap();
    assert_quarters(&packed.finish().unwrap(), "SVGZ");
    // Nothing is asked of anybody else.
    let outside = "<image href='/etc/passwd' width='9' height='9'/>\
        <image href='http://127.0.0.1:9/x.png' width='9' height='9'/><script>while(1);</script>";
    assert_quarters(&svg(&format!("{QUARTERS_SVG}{outside}")), "SVG with links");
    let text = error(&svg("<text y='9'>All of it is text</text>"));
    assert!(text.to_string().contains("fonts"), "{text}");
}

#[cfg(feature = "svg")]
#[test]
fn a_drawing_that_would_not_end_is_refused() {
    let started = std::time::Instant::now();
    let mut uses = "<g id='a0'><path d='M0 0h9v9z'/></g>".to_owned();
    for level in 1..12 {
        let many = format!("<use href='#a{}'/>", level - 1).repeat(10);
        uses += &format!("<g id='a{level}'>{many}</g>");
    }
    let covers = "<rect width='96' height='64' fill-opacity='.01'/>".repeat(15_000);
    let deep = format!("{}{}", "<g opacity='.9'>".repeat(900), "</g>".repeat(900));
    let endless = "<path stroke='red' stroke-dasharray='.00001' d='M0 0h90v60h-90z'/>";
    for inner in [&uses, &covers, &deep, endless] {
        let error = error(&svg(inner));
        assert!(
            matches!(error.reason(), "broken_picture" | "unread_format"),
            "{error}"
        );
    }
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}
