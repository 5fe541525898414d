//! Exif: the first directory of a TIFF, in JPEGs, PNGs, WebPs and TIFFs themselves.

use super::jpeg::segments;
use super::{Rights, decoded, find};

/// The marker of the segments that Exif is in.
const APP1: u8 = 0xE1;
const ARTIST: u16 = 315;
const COPYRIGHT: u16 = 33_432;
/// Most entries of a directory that are read.
const ENTRIES: usize = 1_000;
/// The number of the type of text.
const ASCII: u16 = 2;

/// What the Exif data of a file say.
pub(super) fn rights(bytes: &[u8]) -> Rights {
    let tiff = tiff(bytes).unwrap_or_default();
    Rights {
        license: None,
        copyright: value(tiff, COPYRIGHT),
        creator: value(tiff, ARTIST),
    }
}

/// Where the Exif data are in a file.
fn tiff(bytes: &[u8]) -> Option<&[u8]> {
    if bytes.starts_with(b"II*\0") || bytes.starts_with(b"MM\0*") {
        return Some(bytes);
    }
    if bytes.starts_with(b"\xFF\xD8") {
        return segments(bytes, APP1, b"Exif\0\0").next();
    }
    let name: &[u8] = match bytes {
        [0x89, b'P', b'N', b'G', ..] => b"eXIf",
        [b'R', b'I', b'F', b'F', ..] => b"EXIF",
        _ => return None,
    };
    let at = find(bytes, name, 0)? + name.len();
    // In a WebP its length follows.
    let at = if name == b"EXIF" { at + 4 } else { at };
    let data = bytes.get(at..)?;
    Some(data.strip_prefix(b"Exif\0\0").unwrap_or(data))
}

/// A text of the first directory.
fn value(tiff: &[u8], wanted: u16) -> Option<String> {
    let is_little = match tiff.get(..4)? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    let short = |at: usize| {
        let bytes = *tiff.get(at..)?.first_chunk()?;
        Some(if is_little {
            u16::from_le_bytes(bytes)
        } else {
            u16::from_be_bytes(bytes)
        })
    };
    let long = |at: usize| {
        let bytes = *tiff.get(at..)?.first_chunk()?;
        let number = if is_little {
            u32::from_le_bytes(bytes)
        } else {
            u32::from_be_bytes(bytes)
        };
        usize::try_from(number).ok()
    };
    let directory = long(4)?;
    let count = usize::from(short(directory)?).min(ENTRIES);
    for entry in 0..count {
        let at = directory.checked_add(2 + 12 * entry)?;
        if short(at)? != wanted || short(at + 2)? != ASCII {
            continue;
        }
        let length = long(at + 4)?;
        // What fits into four bytes stands in the entry.
        let from = if length <= 4 { at + 8 } else { long(at + 8)? };
        let text = tiff.get(from..)?.get(..length)?;
        // Exif separates the notices of photographer and editor by a zero.
        return decoded(text);
    }
    None
}
