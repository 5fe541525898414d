//! Reading entries one after the other.

use std::io;
use std::path::Path;

use super::format::{HEADER, Header, Row, SEGMENT_HEADER, elsewhere};
use super::{ClosedSegment, Log, Position};
use crate::picture::PictureId;
use crate::store::embedded::disk::{Disk, DiskFile};
use crate::store::entry::SectionKind;
use crate::store::{EntryLocation, StoreError};

/// Read at once: an entry without its thumbnail and its payload fits.
const AT_ONCE: u64 = 4096;
/// Read at once where all of an entry is checked.
const CHUNK: usize = 1 << 20;
/// Entries begin at multiples of this.
const STEP: u64 = 64;

/// An entry of the log, without its large parts.
#[derive(Debug)]
pub(in crate::store) struct LoggedEntry {
    /// Its number.
    pub(in crate::store) number: u64,
    /// The picture that it is of.
    pub(in crate::store) picture: PictureId,
    /// Where it lies.
    pub(in crate::store) location: EntryLocation,
    /// Its length in bytes.
    pub(in crate::store) length: u64,
    /// Its small sections, in order.
    pub(in crate::store) sections: Vec<(SectionKind, Vec<u8>)>,
    rows: Vec<Row>,
}

impl LoggedEntry {
    /// The bytes of its section of a kind, if it has one.
    pub(in crate::store) fn section(&self, kind: SectionKind) -> Option<&[u8]> {
        let section = self.sections.iter().find(|(of, _)| *of == kind);
        section.map(|(_, bytes)| &bytes[..])
    }

    /// What its table says of its sections.
    pub(super) fn rows(&self) -> &[Row] {
        &self.rows
    }
}

/// Bytes of a segment that are no entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) struct Damage {
    /// The segment.
    pub(in crate::store) segment: u32,
    /// Where they begin.
    pub(in crate::store) from: u64,
    /// Where the next entry begins, or the segment ends.
    pub(in crate::store) to: u64,
}

impl Log {
    /// Hands all entries to `take`, segment by segment, from a position on; those of one segment
    /// in their order. What is no entry is handed to it, too, and passed over.
    ///
    /// # Errors
    /// If a segment cannot be read, or `take` fails.
    pub(in crate::store) fn for_each_entry(
        &self,
        from: Position,
        take: &mut dyn FnMut(Result<LoggedEntry, Damage>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let (mut segments, end) = {
            let writer = self.writer();
            (writer.list.closed.clone(), writer.position)
        };
        segments.push(ClosedSegment {
            number: end.segment,
            length: end.length,
            is_old: false,
        });
        for segment in segments {
            if segment.number >= from.segment {
                let start = match segment.number == from.segment {
                    true => from.length,
                    false => 0,
                };
                self.entries_of(segment, start, take)?;
            }
        }
        Ok(())
    }

    /// The entry at a place.
    ///
    /// # Errors
    /// If it cannot be read, or there is none.
    pub(in crate::store) fn entry_at(
        &self,
        segment: u32,
        offset: u64,
    ) -> Result<LoggedEntry, StoreError> {
        let path = self.path(segment);
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => StoreError::Log {
                path: path.clone(),
                message: "it is missing".to_owned(),
            },
            _ => StoreError::io(&path, error),
        };
        let file = self.disk.open(&path).map_err(failed)?;
        let end = file.length().map_err(failed)?;
        let entry = read_entry(&*file, segment, offset, end).map_err(failed)?;
        entry.ok_or_else(|| StoreError::Log {
            path: path.clone(),
            message: format!("it is damaged at byte {offset}"),
        })
    }

    /// The entries of one segment, from an offset on.
    pub(super) fn entries_of(
        &self,
        segment: ClosedSegment,
        from: u64,
        take: &mut dyn FnMut(Result<LoggedEntry, Damage>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        if segment.is_old || segment.length <= SEGMENT_HEADER {
            return Ok(());
        }
        entries_in(&*self.disk, &self.path(segment.number), segment, from, take)
    }
}

/// The entries of a segment in a file, from an offset on.
pub(super) fn entries_in(
    disk: &dyn Disk,
    path: &Path,
    segment: ClosedSegment,
    from: u64,
    take: &mut dyn FnMut(Result<LoggedEntry, Damage>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let failed = |error| StoreError::io(path, error);
    let file = disk.open(path).map_err(failed)?;
    let end = segment.length.min(file.length().map_err(failed)?);
    let mut at = from.max(SEGMENT_HEADER);
    while at < end {
        if let Some(entry) = read_entry(&*file, segment.number, at, end).map_err(failed)? {
            at += entry.length;
            take(Ok(entry))?;
            continue;
        }
        let damaged_from = at;
        at += STEP;
        while at < end
            && read_entry(&*file, segment.number, at, end)
                .map_err(failed)?
                .is_none()
        {
            at += STEP;
        }
        let damage = Damage {
            segment: segment.number,
            from: damaged_from,
            to: at.min(end),
        };
        take(Err(damage))?;
    }
    if end < segment.length {
        let damage = Damage {
            segment: segment.number,
            from: end,
            to: segment.length,
        };
        take(Err(damage))?;
    }
    Ok(())
}

/// Reads an entry; `None` if there is none that is sound in all that is read of it.
pub(super) fn read_entry(
    file: &dyn DiskFile,
    segment: u32,
    at: u64,
    end: u64,
) -> io::Result<Option<LoggedEntry>> {
    let there = end.saturating_sub(at).min(AT_ONCE);
    let mut start = vec![0; there as usize];
    file.read_at(&mut start, at)?;
    let Some(head) = start.first_chunk::<HEADER>() else {
        return Ok(None);
    };
    let Some(header) = Header::parse(head).filter(|header| header.length <= end - at) else {
        return Ok(None);
    };
    let part = |offset: u64, length: u64| -> io::Result<Vec<u8>> {
        let range = offset as usize..(offset + length) as usize;
        match start.get(range) {
            Some(bytes) => Ok(bytes.to_vec()),
            None => {
                let mut bytes = vec![0; length as usize];
                file.read_at(&mut bytes, at + offset)?;
                Ok(bytes)
            }
        }
    };
    let table = part(HEADER as u64, header.table_len() as u64)?;
    let Some(rows) = header.rows(head, &table) else {
        return Ok(None);
    };
    let mut entry = LoggedEntry {
        number: header.number,
        picture: header.picture,
        location: EntryLocation {
            segment,
            offset: at,
            payload: None,
            thumbnail: None,
        },
        length: header.length,
        sections: Vec::new(),
        rows,
    };
    for row in &entry.rows {
        let Some(kind) = row.kind() else {
            continue;
        };
        if kind.is_payload() {
            entry.location.payload = Some(row.span(segment, at));
        } else if kind == SectionKind::Thumbnail {
            entry.location.thumbnail = Some(row.span(segment, at));
        }
        if kind.is_read_with_entry() {
            let bytes = part(row.offset, row.length)?;
            if crc32fast::hash(&bytes) != row.checksum {
                return Ok(None);
            }
            if kind == SectionKind::BlockElsewhere {
                entry.location.payload = elsewhere(&bytes);
            }
            entry.sections.push((kind, bytes));
        }
    }
    Ok(Some(entry))
}

/// Whether all of an entry is what was written, its large parts, too.
pub(super) fn is_whole(file: &dyn DiskFile, entry: &LoggedEntry) -> io::Result<bool> {
    are_whole(file, entry, &entry.rows)
}

/// Whether sections of an entry are what was written.
pub(super) fn are_whole(
    file: &dyn DiskFile,
    entry: &LoggedEntry,
    rows: &[Row],
) -> io::Result<bool> {
    let mut buffer = vec![0; CHUNK];
    for row in rows {
        let mut hasher = crc32fast::Hasher::new();
        let (mut at, end) = (row.offset, row.offset + row.length);
        while at < end {
            let part = &mut buffer[..CHUNK.min((end - at) as usize)];
            file.read_at(part, entry.location.offset + at)?;
            hasher.update(part);
            at += part.len() as u64;
        }
        if hasher.finalize() != row.checksum {
            return Ok(false);
        }
    }
    Ok(true)
}
