//! How entries and segments look on disk. Integers are little-endian.
//!
//! A segment begins with 64 bytes: magic, CRC-32 of the rest, the store's identity, its own
//! number. Entries follow. Each begins with 64 bytes: magic, CRC-32 of the rest of the header
//! and of the table, length of the whole entry, its number, the picture, the number of
//! sections. The table has 24 bytes a section: kind, version, CRC-32, offset from the entry's
//! beginning, length. The sections follow, each at a multiple of 64 bytes.

use std::borrow::Cow;

use crate::picture::PictureId;
use crate::store::entry::{Elsewhere, Entry, Section, SectionKind, read_record};
use crate::store::{EntryLocation, Span};

/// Bytes of a segment's header.
pub const SEGMENT_HEADER: u64 = 64;
const SEGMENT_MAGIC: [u8; 4] = *b"SXS1";
const MAGIC: [u8; 4] = *b"SXE1";
/// What a block of format 3 or older begins with, and so do its segments.
pub const OLD_MAGIC: [u8; 4] = *b"SXA1";
/// Bytes of an entry's header, without its table.
pub const HEADER: usize = 64;
/// Bytes of a section in the table.
pub const ROW: usize = 24;
/// What everything is aligned to.
const ALIGN: u64 = 64;
/// Most sections that an entry can have; more are no entry but damage.
const MOST_SECTIONS: u16 = 4096;
/// The version of all kinds of sections so far.
const VERSION: u16 = 1;

/// Tells a store from all others: the number in its header.
pub type StoreId = [u8; 16];

/// The first bytes of a segment.
pub fn segment_header(store: StoreId, number: u32) -> [u8; SEGMENT_HEADER as usize] {
    let mut header = [0; SEGMENT_HEADER as usize];
    header[..4].copy_from_slice(&SEGMENT_MAGIC);
    header[8..24].copy_from_slice(&store);
    header[24..28].copy_from_slice(&number.to_le_bytes());
    let checksum = crc32fast::hash(&header[8..]);
    header[4..8].copy_from_slice(&checksum.to_le_bytes());
    header
}

/// Of which store a segment's header is, and of which segment; `None` if it is no whole one.
pub fn parse_segment_header(header: &[u8; SEGMENT_HEADER as usize]) -> Option<(StoreId, u32)> {
    let checksum = crc32fast::hash(&header[8..]).to_le_bytes();
    let is_whole = header[..4] == SEGMENT_MAGIC && header[4..8] == checksum;
    let store = header[8..24].try_into().ok()?;
    let number = u32::from_le_bytes(header[24..28].try_into().ok()?);
    is_whole.then_some((store, number))
}

/// An entry as bytes, but its payload, which is written as it is.
pub struct Encoded<'a> {
    /// Header, table, and the sections in front of the payload.
    pub head: Vec<u8>,
    /// The payload, if there is one.
    pub payload: Cow<'a, [u8]>,
    /// Zeros behind it.
    pub padding: usize,
    /// Where its parts lie.
    pub location: EntryLocation,
    /// Length of the whole entry.
    pub length: u64,
}

/// A section as it is written, also one that only a later version knows.
#[derive(Debug, Clone)]
pub struct RawSection<'a> {
    /// [`SectionKind`], or one of a later version.
    kind: u16,
    version: u16,
    /// CRC-32 of what the bytes are to be.
    checksum: u32,
    bytes: Cow<'a, [u8]>,
}

impl<'a> RawSection<'a> {
    /// Of what is to be written.
    pub fn of(section: &'a Section<'_>) -> Self {
        let checksum = section.damaged;
        Self {
            kind: section.kind as u16,
            version: VERSION,
            checksum: checksum.unwrap_or_else(|| crc32fast::hash(&section.bytes)),
            bytes: Cow::Borrowed(&section.bytes),
        }
    }

    fn kind(&self) -> Option<SectionKind> {
        known(self.kind, self.version)
    }

    /// Whether it is the large part of an entry.
    pub fn is_payload(&self) -> bool {
        self.kind().is_some_and(SectionKind::is_payload)
    }
}

/// Lays out an entry at a place in a segment.
pub fn encode<'a>(entry: &'a Entry<'_>, number: u64, segment: u32, at: u64) -> Encoded<'a> {
    let sections = entry.sections.iter().map(RawSection::of).collect();
    lay_out(entry.picture, sections, number, segment, at)
}

/// Lays out a picture's sections, the large one last, at a place in a segment.
pub fn lay_out(
    picture: PictureId,
    sections: Vec<RawSection<'_>>,
    number: u64,
    segment: u32,
    at: u64,
) -> Encoded<'_> {
    let count = sections.len();
    let table = HEADER + ROW * count;
    let mut head = vec![0; table];
    let mut location = EntryLocation {
        segment,
        offset: at,
        payload: None,
        thumbnail: None,
    };
    let mut payload = Cow::Borrowed(&[][..]);
    let mut end = table as u64;
    for (i, section) in sections.into_iter().enumerate() {
        let offset = end.next_multiple_of(ALIGN);
        let length = section.bytes.len() as u64;
        let row = &mut head[HEADER + ROW * i..][..ROW];
        row[..2].copy_from_slice(&section.kind.to_le_bytes());
        row[2..4].copy_from_slice(&section.version.to_le_bytes());
        row[4..8].copy_from_slice(&section.checksum.to_le_bytes());
        row[8..16].copy_from_slice(&offset.to_le_bytes());
        row[16..24].copy_from_slice(&length.to_le_bytes());
        let span = Span {
            segment,
            offset: at + offset,
            length,
            checksum: section.checksum,
        };
        head.resize(usize::try_from(offset).unwrap_or(usize::MAX), 0);
        match section.kind() {
            Some(SectionKind::Thumbnail) => location.thumbnail = Some(span),
            Some(SectionKind::BlockElsewhere) => location.payload = elsewhere(&section.bytes),
            _ => {}
        }
        if section.is_payload() {
            assert_eq!(i + 1, count, "the payload is the last section");
            location.payload = Some(span);
            payload = section.bytes;
        } else {
            head.extend_from_slice(&section.bytes);
        }
        end = offset + length;
    }
    let length = end.next_multiple_of(ALIGN);
    head[..4].copy_from_slice(&MAGIC);
    head[8..16].copy_from_slice(&length.to_le_bytes());
    head[16..24].copy_from_slice(&number.to_le_bytes());
    head[24..56].copy_from_slice(picture.as_bytes());
    let sections = u16::try_from(count).unwrap_or(u16::MAX);
    assert!(sections < MOST_SECTIONS, "an entry has few sections");
    head[56..58].copy_from_slice(&sections.to_le_bytes());
    let checksum = crc32fast::hash(&head[8..table]);
    head[4..8].copy_from_slice(&checksum.to_le_bytes());
    let padding = length as usize - head.len() - payload.len();
    Encoded {
        head,
        payload,
        padding,
        location,
        length,
    }
}

/// The kind of a number; `None` if only a later version knows it.
fn known(kind: u16, version: u16) -> Option<SectionKind> {
    SectionKind::of(kind).filter(|_| version == VERSION)
}

/// Where a section says that the block is.
pub fn elsewhere(section: &[u8]) -> Option<Span> {
    let at: Elsewhere = read_record(section).ok()?;
    Some(Span {
        segment: at.segment,
        offset: at.offset,
        length: at.length,
        checksum: at.checksum,
    })
}

/// The beginning of an entry.
#[derive(Debug, Clone, Copy)]
pub struct Header {
    /// CRC-32 of the rest of the header and of the table.
    checksum: u32,
    /// Of the whole entry, in bytes.
    pub length: u64,
    /// The entry's number.
    pub number: u64,
    /// The picture.
    pub picture: PictureId,
    /// Sections in it.
    pub sections: u16,
}

impl Header {
    /// Reads a header; `None` if it is none. It counts when its table was read, too.
    pub fn parse(bytes: &[u8; HEADER]) -> Option<Self> {
        let picture = PictureId::from_slice(&bytes[24..56])?;
        let header = Self {
            checksum: u32::from_le_bytes(bytes[4..8].try_into().ok()?),
            length: u64::from_le_bytes(bytes[8..16].try_into().ok()?),
            number: u64::from_le_bytes(bytes[16..24].try_into().ok()?),
            picture,
            sections: u16::from_le_bytes(bytes[56..58].try_into().ok()?),
        };
        let fits = bytes[..4] == MAGIC
            && header.sections < MOST_SECTIONS
            && header.length.is_multiple_of(ALIGN)
            && header.length >= (HEADER + header.table_len()) as u64;
        fits.then_some(header)
    }

    /// Bytes of the table behind the header.
    pub fn table_len(self) -> usize {
        ROW * usize::from(self.sections)
    }

    /// The rows of the table; `None` if header and table are not what was written.
    pub fn rows(self, header: &[u8; HEADER], table: &[u8]) -> Option<Vec<Row>> {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&header[8..]);
        hasher.update(table);
        if hasher.finalize() != self.checksum {
            return None;
        }
        let rows = table.chunks_exact(ROW).map(Row::parse);
        let rows: Vec<Row> = rows.collect::<Option<_>>()?;
        let fit = rows.iter().all(|row| {
            let end = row.offset.checked_add(row.length);
            end.is_some_and(|end| end <= self.length)
        });
        fit.then_some(rows)
    }
}

/// A section in an entry's table.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// [`SectionKind`], or one of a later version.
    kind: u16,
    version: u16,
    /// CRC-32 of the section.
    pub checksum: u32,
    /// Where it begins in the entry.
    pub offset: u64,
    /// Its length in bytes.
    pub length: u64,
}

impl Row {
    fn parse(bytes: &[u8]) -> Option<Self> {
        Some(Self {
            kind: u16::from_le_bytes(bytes.get(..2)?.try_into().ok()?),
            version: u16::from_le_bytes(bytes.get(2..4)?.try_into().ok()?),
            checksum: u32::from_le_bytes(bytes.get(4..8)?.try_into().ok()?),
            offset: u64::from_le_bytes(bytes.get(8..16)?.try_into().ok()?),
            length: u64::from_le_bytes(bytes.get(16..24)?.try_into().ok()?),
        })
    }

    /// What it is of; `None` if only a later version knows, which is passed over.
    pub fn kind(self) -> Option<SectionKind> {
        known(self.kind, self.version)
    }

    /// The section as it is written again, whether its bytes are what they were or not.
    pub fn section(self, bytes: Vec<u8>) -> RawSection<'static> {
        RawSection {
            kind: self.kind,
            version: self.version,
            checksum: self.checksum,
            bytes: Cow::Owned(bytes),
        }
    }

    /// Where it lies in the segment.
    pub fn span(self, segment: u32, entry: u64) -> Span {
        Span {
            segment,
            offset: entry + self.offset,
            length: self.length,
            checksum: self.checksum,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::entry::Section;

    #[test]
    fn entries_read_back_and_any_flipped_bit_of_the_head_is_seen() {
        let picture = PictureId::of(b"a");
        let block = vec![7; 1000];
        let entry = Entry {
            picture,
            sections: vec![
                Section::of_bytes(SectionKind::Thumbnail, b"jpeg"),
                Section::of_bytes(SectionKind::Block, &block),
            ],
        };
        let encoded = encode(&entry, 5, 2, 640);
        let read = |head: &[u8]| {
            let header: &[u8; HEADER] = head[..HEADER].try_into().unwrap();
            let parsed = Header::parse(header)?;
            let table = head.get(HEADER..HEADER + parsed.table_len())?;
            Some((parsed, parsed.rows(header, table)?))
        };
        let (header, rows) = read(&encoded.head).unwrap();
        assert_eq!((header.number, header.picture), (5, picture));
        let whole = encoded.head.len() + block.len() + encoded.padding;
        assert_eq!(
            (header.length, encoded.length),
            (whole as u64, whole as u64)
        );
        assert_eq!(Some(rows[1].span(2, 640)), encoded.location.payload);
        assert_eq!(Some(rows[0].span(2, 640)), encoded.location.thumbnail);
        for bit in 0..8 * (HEADER + 2 * ROW) {
            let mut flipped = encoded.head.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(read(&flipped).is_none(), "bit {bit}");
        }
    }
}
