//! Which format bytes are of, by their first bytes.

use std::io::Read;

use super::Format;

/// Bytes at the start of a file, and what they mean.
const MAGIC: [(&[u8], Format); 38] = [
    (b"\xff\xd8", Format::Jpeg),
    (b"\x89PNG\r\n\x1a\n", Format::Png),
    (b"GIF87a", Format::Gif),
    (b"GIF89a", Format::Gif),
    (b"qoif", Format::Qoi),
    (b"\xff\x0a", Format::Jxl),
    (b"\0\0\0\x0cJXL \r\n\x87\n", Format::Jxl),
    (b"\0\0\0\x0cjP  \r\n\x87\n", Format::Jpeg2000),
    (b"\xff\x4f\xff\x51", Format::Jpeg2000),
    (b"II\xbc", Format::JpegXr),
    (b"8BPS", Format::Psd),
    (b"gimp xcf", Format::Xcf),
    (b"\x76\x2f\x31\x01", Format::Exr),
    (b"#?RADIANCE", Format::Hdr),
    (b"#?RGBE", Format::Hdr),
    (b"DDS ", Format::Dds),
    (b"farbfeld", Format::Farbfeld),
    (b"FUJIFILMCCD-RAW", Format::CameraRaw),
    (b"IIU\0", Format::CameraRaw),
    (b"IIRO", Format::CameraRaw),
    (b"IIRS", Format::CameraRaw),
    (b"MMOR", Format::CameraRaw),
    (b"FOVb", Format::CameraRaw),
    (b"\0MRM", Format::CameraRaw),
    (b"II*\0", Format::Tiff),
    (b"MM\0*", Format::Tiff),
    (b"II+\0", Format::Tiff),
    (b"MM\0+", Format::Tiff),
    (b"%!PS", Format::PostScript),
    (b"\xc5\xd0\xd3\xc6", Format::PostScript),
    (b"%PDF-", Format::Pdf),
    (b"AT&TFORM", Format::Djvu),
    (b"\xd7\xcd\xc6\x9a", Format::Metafile),
    (b"\x1a\x45\xdf\xa3", Format::Video),
    (b"BM", Format::Bmp),
    (b"BA", Format::Bmp),
    (b"\0\0\x01\0", Format::Ico),
    (b"\0\0\x02\0", Format::Ico),
];

/// How far into a text the root of an SVG is looked for: behind a prologue, comments and a
/// document type.
const TEXT: usize = 16 << 10;

impl Format {
    /// The format of these bytes, whether it can be read or not; `None` if they are of none that
    /// is known.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        sniff(bytes)
    }
}

fn sniff(bytes: &[u8]) -> Option<Format> {
    let magic = MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic));
    match magic.map(|(_, format)| *format) {
        Some(Format::Ico) if !is_ico(bytes) => {}
        Some(Format::Bmp) if !is_bmp(bytes) => {}
        Some(Format::Tiff) if bytes.get(8..10) == Some(b"CR") => return Some(Format::CameraRaw),
        Some(format) => return Some(format),
        None => {}
    }
    if bytes.starts_with(b"RIFF") {
        return match bytes.get(8..12) {
            Some(b"WEBP") => Some(Format::WebP),
            Some(b"AVI ") => Some(Format::Video),
            _ => None,
        };
    }
    if bytes.get(4..8) == Some(b"ftyp") {
        return boxed(bytes);
    }
    match bytes {
        [b'P', b'1'..=b'7', next, ..] if next.is_ascii_whitespace() || *next == b'#' => {
            return Some(Format::Pnm);
        }
        [0x0a, 0..=5, 0 | 1, 1 | 2 | 4 | 8, ..] => return Some(Format::Pcx),
        // A metafile's first record: its type, and its own length.
        [1, 0, 0, 0, rest @ ..] if rest.get(36..40) == Some(b" EMF") => {
            return Some(Format::Metafile);
        }
        _ => {}
    }
    if is_svg(bytes) {
        Some(Format::Svg)
    } else if is_tga(bytes) {
        Some(Format::Tga)
    } else {
        None
    }
}

/// Four bytes are not much: a count of pictures, and the first one's entry behind it.
fn is_ico(bytes: &[u8]) -> bool {
    bytes.get(4..6).is_some_and(|count| count != [0, 0]) && bytes.get(9) == Some(&0)
}

/// Two letters are less: the length of a header that exists.
fn is_bmp(bytes: &[u8]) -> bool {
    // An array of OS/2 has a header of its own before that of its first bitmap.
    let start = if bytes.starts_with(b"BA") { 14 } else { 0 };
    let length = bytes.get(start + 14..start + 18);
    let length = length.and_then(|bytes| bytes.try_into().ok().map(u32::from_le_bytes));
    length.is_some_and(|length| (12..=256).contains(&length))
}

/// The brands of a file in boxes (ISO 14496-12): what it is, and what else may read it.
fn boxed(bytes: &[u8]) -> Option<Format> {
    let length = u32::from_be_bytes(*bytes.first_chunk()?);
    let end = (length as usize).clamp(16, 256).min(bytes.len());
    let brands = bytes.get(8..end)?.as_chunks::<4>().0;
    // The second four bytes are a version.
    let mut brands = brands.iter().enumerate().filter(|(i, _)| *i != 1);
    let found = brands.find_map(|(_, brand)| match brand {
        b"avif" | b"avis" => Some(Format::Avif),
        b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"hevm" | b"hevs" => {
            Some(Format::Heic)
        }
        b"crx " => Some(Format::CameraRaw),
        b"jxl " => Some(Format::Jxl),
        _ => None,
    });
    let is_picture = matches!(bytes.get(8..12)?, b"mif1" | b"msf1" | b"mif2");
    Some(found.unwrap_or(if is_picture {
        Format::Heic
    } else {
        Format::Video
    }))
}

/// A text whose root is `svg`, packed or not.
fn is_svg(bytes: &[u8]) -> bool {
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut text = Vec::new();
        let mut head = flate2::read::GzDecoder::new(bytes).take(TEXT as u64);
        // What came before an error is looked at.
        let _ = head.read_to_end(&mut text);
        return is_svg_text(&text);
    }
    is_svg_text(&bytes[..bytes.len().min(TEXT)])
}

fn is_svg_text(text: &[u8]) -> bool {
    let mut rest = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    loop {
        rest = rest.trim_ascii_start();
        let end: &[u8] = if rest.starts_with(b"<?") {
            b"?>"
        } else if rest.starts_with(b"<!--") {
            b"-->"
        } else if rest.starts_with(b"<!DOCTYPE svg") {
            return true;
        } else {
            break;
        };
        let Some(at) = rest.windows(end.len()).position(|window| window == end) else {
            return false;
        };
        rest = &rest[at + end.len()..];
    }
    // Also with a prefix for the namespace: <svg:svg.
    let Some(name) = rest.strip_prefix(b"<svg") else {
        return false;
    };
    name.strip_prefix(b":svg")
        .unwrap_or(name)
        .first()
        .is_some_and(|next| next.is_ascii_whitespace() || matches!(next, b'>' | b'/'))
}

/// A Targa has no first bytes of its own. Its second version has last ones; of the first one only
/// those are taken whose header says nothing that no program writes, and whose length fits it.
fn is_tga(bytes: &[u8]) -> bool {
    let Some(header) = bytes.first_chunk::<18>() else {
        return false;
    };
    let two = |at: usize| usize::from(u16::from_le_bytes([header[at], header[at + 1]]));
    let (has_map, kind, map_bits) = (header[1], header[2], header[7]);
    let (width, height, bits) = (two(12), two(14), header[16]);
    let map_length = two(5);
    let fits = match (kind & 7, has_map) {
        (1, 1) => matches!(map_bits, 15 | 16 | 24 | 32) && map_length > 0 && bits == 8,
        (2, 0 | 1) => matches!(bits, 15 | 16 | 24 | 32),
        (3, 0) => matches!(bits, 8 | 16),
        _ => false,
    };
    if !fits || !matches!(kind, 1..=3 | 9..=11) || width == 0 || height == 0 {
        return false;
    }
    if bytes.ends_with(b"TRUEVISION-XFILE.\0") {
        return true;
    }
    if has_map == 0 && (map_length, map_bits) != (0, 0) {
        return false;
    }
    let map = map_length * usize::from(map_bits).div_ceil(8);
    let start = 18 + usize::from(header[0]) + map;
    let pixels = width * height * usize::from(bits).div_ceil(8);
    let data = bytes.len().saturating_sub(start);
    let is_at_corner = two(8) == 0 && (two(10) == 0 || two(10) == height);
    is_at_corner
        && header[17] & 0xc0 == 0
        && match kind >= 9 {
            // Packed: at best 128 pixels in one packet, at worst a byte more for 128.
            true => data >= pixels / 128 && data <= pixels + pixels / 100 + 64,
            false => data == pixels,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bytes_tell() {
        let mut bmp = b"BM________\0\0\0\0\x28\0\0\0".to_vec();
        for (bytes, format) in [
            (b"\xff\xd8\xff\xe0".as_slice(), Some(Format::Jpeg)),
            (b"MM\0+\0\x08\0\0", Some(Format::Tiff)),
            (b"II*\0\x10\0\0\0CR\x02\0", Some(Format::CameraRaw)),
            (b"RIFF\x10\0\0\0WEBPVP8 ", Some(Format::WebP)),
            (b"\0\0\0\x1cftypheic\0\0\0\0mif1heic", Some(Format::Heic)),
            (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avif", Some(Format::Avif)),
            (b"\0\0\0\x18ftypmif1\0\0\0\0mif1miaf", Some(Format::Heic)),
            (b"\0\0\0\x18ftypisom\0\0\0\0isommp41", Some(Format::Video)),
            (b"\0\0\0\x18ftyp", None),
            (b"\0\0\0\x18ftypmif", None),
            (b"P6\n# by hand\n2 2 255\n", Some(Format::Pnm)),
            (b"Plain text", None),
            (b"P7 is a platform", Some(Format::Pnm)),
            (b"BM is a company", None),
            (b"\0\0\x01\0\x01\0\x10\x10\0\0", Some(Format::Ico)),
            (b"\0\0\x01\0\0\0\x10\x10\0\0", None),
            (&bmp.clone(), Some(Format::Bmp)),
            (b"<svg/>", Some(Format::Svg)),
            (
                b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- <p> --><svg xmlns='x'>",
                Some(Format::Svg),
            ),
            (b"<svgs>", None),
            (b"<?xml version='1.0'?><rss>", None),
            (&[0x89; 5000], None),
            (&[0; 5000], None),
            (b"", None),
        ] {
            assert_eq!(sniff(bytes), format, "{:?}", String::from_utf8_lossy(bytes));
        }
        bmp[14] = 9;
        assert_eq!(sniff(&bmp), None);
    }

    #[test]
    fn a_targa_is_known_by_its_length() {
        let mut tga = vec![0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 40, 0, 30, 0, 24, 0];
        tga.resize(18 + 40 * 30 * 3, 7);
        assert_eq!(sniff(&tga), Some(Format::Tga));
        tga.push(0);
        assert_eq!(sniff(&tga), None);
        tga.extend_from_slice(b"\0\0\0\0\0\0\0\0TRUEVISION-XFILE.\0");
        assert_eq!(sniff(&tga), Some(Format::Tga));
        tga[16] = 23;
        assert_eq!(sniff(&tga), None);
    }
}
