//! The bytes of a segment: entries one behind the other, each with its picture and a checksum.

use std::fmt;
use std::ops::Range;

use crate::picture::PictureId;
use crate::store::entry::{Entry, SectionKind};
use crate::store::{EntryLocation, Span};

/// What a segment begins with.
const MAGIC: &[u8; 16] = b"simdex-segment-1";
/// Bytes of a segment that are no entry's.
pub(super) const OWN: u64 = MAGIC.len() as u64;
/// A header is the picture (32 bytes), the length (8), the CRC-32 (4), and 4 bytes that are 0.
pub(super) const HEADER: usize = 48;
/// Entries begin at multiples of this.
const ALIGNMENT: usize = 16;

/// How a segment's object is called.
pub(super) struct SegmentName(pub(super) u32);

impl SegmentName {
    /// The number of the segment that is called so.
    pub(super) fn number_of(name: &str) -> Option<u32> {
        let number = name.strip_suffix(".segment")?.parse().ok()?;
        (Self(number).to_string() == name).then_some(number)
    }
}

impl fmt::Display for SegmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:010}.segment", self.0)
    }
}

/// A segment that is being put together.
pub(super) struct Builder {
    number: u32,
    pub(super) bytes: Vec<u8>,
}

impl Builder {
    pub(super) fn new(number: u32) -> Self {
        Self {
            number,
            bytes: MAGIC.to_vec(),
        }
    }

    pub(super) fn number(&self) -> u32 {
        self.number
    }

    /// Adds the activations of an entry. All else that an entry says is in the records.
    pub(super) fn add(&mut self, picture: PictureId, payload: Option<&[u8]>) -> EntryLocation {
        let offset = self.bytes.len();
        let bytes = payload.unwrap_or_default();
        let checksum = crc32fast::hash(bytes);
        self.bytes.extend_from_slice(picture.as_bytes());
        self.bytes
            .extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        self.bytes.extend_from_slice(&checksum.to_le_bytes());
        self.bytes.extend_from_slice(&[0; 4]);
        self.bytes.extend_from_slice(bytes);
        self.bytes
            .resize(self.bytes.len().next_multiple_of(ALIGNMENT), 0);
        EntryLocation {
            segment: self.number,
            offset: offset as u64,
            payload: payload.map(|bytes| Span {
                segment: self.number,
                offset: (offset + HEADER) as u64,
                length: bytes.len() as u64,
                checksum,
            }),
            thumbnail: None,
        }
    }
}

/// Tells an entry that its segment has another number.
pub(super) fn renumber(at: &mut EntryLocation, number: u32) {
    at.segment = number;
    if let Some(span) = &mut at.payload {
        span.segment = number;
    }
}

/// The activations of an entry, if it has any.
pub(super) fn payload<'a>(entry: &'a Entry<'_>) -> Option<&'a [u8]> {
    let mut sections = entry.sections.iter();
    let block = sections.find(|section| section.kind == SectionKind::Block)?;
    Some(&block.bytes)
}

/// Where the bytes of an entry lie, header and all.
pub(super) fn range(at: &EntryLocation) -> Range<u64> {
    let length = at.payload.map_or(0, |span| span.length);
    at.offset..at.offset + HEADER as u64 + length
}

/// Bytes that entries take, and the segment's own.
pub(super) fn bytes_of<'a>(entries: impl Iterator<Item = &'a EntryLocation>) -> u64 {
    OWN + entries.map(bytes_of_entry).sum::<u64>()
}

/// Bytes that an entry takes.
pub(super) fn bytes_of_entry(at: &EntryLocation) -> u64 {
    let range = range(at);
    (range.end - range.start).next_multiple_of(ALIGNMENT as u64)
}

/// Whether bytes are the entry of a picture at a location; `thorough`: to the last byte.
pub(super) fn is_entry(
    bytes: &[u8],
    picture: PictureId,
    at: &EntryLocation,
    thorough: bool,
) -> bool {
    let Some(span) = at.payload else {
        return false;
    };
    let Some((header, payload)) = bytes.split_at_checked(HEADER) else {
        return false;
    };
    let checksum = &header[40..44];
    header.starts_with(picture.as_bytes())
        && header[32..40] == span.length.to_le_bytes()
        && checksum == span.checksum.to_le_bytes()
        && payload.len() as u64 == span.length
        && (!thorough || crc32fast::hash(payload) == span.checksum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_found_again_and_damage_shows() {
        let (a, b) = (PictureId::of(b"a"), PictureId::of(b"b"));
        let mut builder = Builder::new(7);
        let places = [builder.add(a, Some(&[1; 5])), builder.add(b, Some(&[]))];
        assert_eq!(bytes_of(places.iter()), builder.bytes.len() as u64);
        for (picture, at) in [a, b].into_iter().zip(&places) {
            let range = range(at);
            let mut bytes = builder.bytes[range.start as usize..range.end as usize].to_vec();
            assert!(is_entry(&bytes, picture, at, true));
            assert!(!is_entry(&bytes, PictureId::of(b"c"), at, false));
            if let Some(last) = bytes.get_mut(HEADER) {
                *last ^= 1;
                assert!(is_entry(&bytes, picture, at, false), "nobody looks");
                assert!(!is_entry(&bytes, picture, at, true));
            }
        }
    }

    #[test]
    fn names_are_numbers_and_nothing_else() {
        assert_eq!(
            SegmentName::number_of(&SegmentName(42).to_string()),
            Some(42)
        );
        for name in ["42.segment", "0000000042", "x.segment", ""] {
            assert_eq!(SegmentName::number_of(name), None, "{name}");
        }
    }
}
