//! IPTC's records (IIM), in JPEGs.

use super::jpeg::segments;
use super::{Rights, decoded};

/// The marker of the segments that Photoshop's resources are in.
const APP13: u8 = 0xED;
/// The resource that has IPTC's records.
const IPTC: u16 = 0x0404;
/// The record of what is said of the picture, and what of it is looked for.
const APPLICATION: u8 = 2;
const BY_LINE: u8 = 80;
const COPYRIGHT: u8 = 116;

/// What the records of a JPEG say.
pub(super) fn rights(bytes: &[u8]) -> Rights {
    let mut rights = Rights::default();
    for resources in segments(bytes, APP13, b"Photoshop 3.0\0") {
        let records = resource(resources, IPTC).unwrap_or_default();
        rights.copyright = rights.copyright.or(dataset(records, COPYRIGHT));
        rights.creator = rights.creator.or(dataset(records, BY_LINE));
    }
    rights
}

/// The contents of a resource.
fn resource(mut rest: &[u8], wanted: u16) -> Option<&[u8]> {
    loop {
        rest = rest.strip_prefix(b"8BIM")?;
        let [high, low, name_length, after @ ..] = rest else {
            return None;
        };
        let number = u16::from_be_bytes([*high, *low]);
        // The name, with its length, has an even number of bytes; so has what follows.
        let name = usize::from(*name_length);
        rest = after.get(name + (name + 1) % 2..)?;
        let length = u32::from_be_bytes(*rest.first_chunk()?) as usize;
        let content = rest.get(4..)?.get(..length)?;
        if number == wanted {
            return Some(content);
        }
        rest = rest.get(4 + length + length % 2..)?;
    }
}

/// The first value of a kind.
fn dataset(mut rest: &[u8], wanted: u8) -> Option<String> {
    loop {
        let [0x1C, record, kind, high, low, after @ ..] = rest else {
            return None;
        };
        // Longer ones say their length in another way, and are none of these.
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let value = after.get(..length)?;
        if (*record, *kind) == (APPLICATION, wanted) {
            return decoded(value);
        }
        rest = &after[length..];
    }
}
