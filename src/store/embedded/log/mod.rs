//! The log: segment files of entries, the one truth about what pictures are stored. The records
//! are an index over it and can be made anew from it.
//!
//! ```text
//!   data-dir/log.segments   which files there are, and the lengths of the closed ones
//!   data-dir/log.mark       how far the log reached with the last commit
//!   data-dir/activations/   the segments: NUMBER.activations
//! ```
//!
//! Entries are appended to the open segment only. A closed one is never written again: to take
//! something out of it, what stays is copied to a new one. Numbers of entries only grow, and
//! copies keep theirs, so that their order is the order in which things happened.

mod check;
mod entries;
mod format;
mod mark;
mod read;
mod recovery;
mod rewrite;
mod segment_files;
mod segment_headers;
mod segment_list;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(in crate::store) use check::{SegmentFlaw, check_segment};
pub(in crate::store) use entries::{Damage, LoggedEntry};
pub(in crate::store) use format::StoreId;
pub(in crate::store) use mark::{FILE as MARK_FILE, Mark, Position, Totals, write as write_mark};
pub(in crate::store) use recovery::Opened;
pub(in crate::store) use rewrite::{Decide, Fate};
pub(in crate::store) use segment_files::{block_lengths, pictures_in, segment_files, take_back};
pub(in crate::store) use segment_headers::{
    is_old_segment, mend_headers, old_block_length, segment_numbers, sound,
};
pub(in crate::store) use segment_list::{ClosedSegment, FILE as LIST_FILE, SegmentList};

use super::disk::{Disk, DiskFile, Mapped};
use crate::store::entry::Entry;
use crate::store::{EntryLocation, StoreError};
use mark::MarkFile;

/// The folder of the segments, in the store's.
pub(in crate::store) const FOLDER: &str = "activations";
/// A segment is closed when it has grown past this many bytes.
const SEGMENT_BYTES: u64 = 256 << 20;

/// The segment files of a store, and what is known of them.
#[derive(Debug)]
pub(in crate::store) struct Log {
    disk: Arc<dyn Disk>,
    /// The store's folder.
    dir: PathBuf,
    store: StoreId,
    writer: Mutex<Writer>,
    /// Segments as they are read; replaced when a segment has outgrown it.
    maps: Mutex<HashMap<u32, Map>>,
    /// Payloads that were compared with their checksums, by segment and offset: once is enough
    /// for a process.
    checked: Mutex<HashSet<(u32, u64)>>,
    /// A segment is closed when it has grown past this many bytes.
    segment_bytes: u64,
}

/// A segment that was mapped.
#[derive(Clone)]
struct Map(Mapped);

impl std::fmt::Debug for Map {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", (*self.0).as_ref().len())
    }
}

#[derive(Debug)]
struct Writer {
    list: SegmentList,
    mark: MarkFile,
    /// The open segment.
    file: Option<Box<dyn DiskFile>>,
    /// Where the next entry goes.
    position: Position,
    /// A write could neither be made safe nor be taken back: what is on the disk is not known
    /// until the store is opened again.
    has_failed: bool,
    /// Nothing may be written.
    is_frozen: bool,
}

impl Log {
    /// Appends entries and returns once they would survive a power failure: all, or none.
    ///
    /// # Errors
    /// If the disk is full or fails.
    pub(in crate::store) fn append(
        &self,
        entries: &[Entry<'_>],
    ) -> Result<Vec<EntryLocation>, StoreError> {
        let mut writer = self.writer();
        writer.check(&self.dir)?;
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        if writer.position.length >= self.segment_bytes {
            self.close(&mut writer)?;
        }
        let start = writer.position;
        let path = self.path(start.segment);
        let written = self.write_entries(&mut writer, entries);
        let locations = match written {
            Ok(locations) => locations,
            Err(error) => {
                // Nothing of the batch may stay in the way of the next one.
                let cut = match &writer.file {
                    Some(file) => file.set_length(start.length),
                    None => Ok(()),
                };
                writer.has_failed = cut.is_err();
                writer.position = start;
                writer.file = None;
                return Err(StoreError::io(&path, error));
            }
        };
        let synced = writer.file.as_ref().map_or(Ok(()), |file| file.sync());
        if let Err(error) = synced {
            // The system may have dropped the bytes, and the next sync would not say so.
            writer.has_failed = true;
            return Err(StoreError::io(&path, error));
        }
        Ok(locations)
    }

    fn write_entries(
        &self,
        writer: &mut Writer,
        entries: &[Entry<'_>],
    ) -> std::io::Result<Vec<EntryLocation>> {
        let segment = writer.position.segment;
        let file = match &mut writer.file {
            Some(file) => file,
            none => {
                let path = self.path(segment);
                let file = self.disk.create(&path)?;
                if writer.position.length == 0 {
                    file.set_length(0)?;
                    file.write_at(&format::segment_header(self.store, segment), 0)?;
                    // The name of a new file must survive a power failure too.
                    self.disk.sync_folder(&self.dir.join(FOLDER))?;
                    writer.position.length = format::SEGMENT_HEADER;
                }
                none.insert(file)
            }
        };
        let mut locations = Vec::with_capacity(entries.len());
        let position = &mut writer.position;
        for entry in entries {
            let encoded = format::encode(entry, position.next, segment, position.length);
            file.write_at(&encoded.head, position.length)?;
            let after = position.length + encoded.head.len() as u64;
            file.write_at(&encoded.payload, after)?;
            let after = after + encoded.payload.len() as u64;
            file.write_at(&vec![0; encoded.padding], after)?;
            position.length += encoded.length;
            position.next += 1;
            locations.push(encoded.location);
        }
        Ok(locations)
    }

    /// Where the next entry goes.
    pub(in crate::store) fn position(&self) -> Position {
        self.writer().position
    }

    /// Writes down how far the log reaches, and what the catalogue comes to with it.
    ///
    /// # Errors
    /// If the disk fails. Nothing can be appended any more then.
    pub(in crate::store) fn set_mark(&self, totals: Totals) -> Result<(), StoreError> {
        let mut writer = self.writer();
        writer.check(&self.dir)?;
        let position = writer.position;
        let written = writer.mark.write(position, totals);
        writer.has_failed |= written.is_err();
        written
    }

    /// Refuses everything from now on: what was appended did not reach the records.
    pub(in crate::store) fn fail(&self) {
        self.writer().has_failed = true;
    }

    /// Refuses everything from now on: the store is only read.
    pub(in crate::store) fn freeze(&self) {
        self.writer().is_frozen = true;
    }

    /// Closes the open segment, if there is anything in it.
    ///
    /// # Errors
    /// If the disk is full or fails.
    pub(in crate::store) fn close_segment(&self) -> Result<(), StoreError> {
        let mut writer = self.writer();
        writer.check(&self.dir)?;
        match writer.position.length > format::SEGMENT_HEADER {
            true => self.close(&mut writer),
            false => Ok(()),
        }
    }

    fn close(&self, writer: &mut Writer) -> Result<(), StoreError> {
        let mut list = writer.list.clone();
        list.closed.push(ClosedSegment {
            number: writer.position.segment,
            length: writer.position.length,
            is_old: false,
        });
        list.open = list.next_number();
        self.replace_list(writer, list)?;
        writer.file = None;
        writer.position.segment = writer.list.open;
        writer.position.length = 0;
        Ok(())
    }

    fn replace_list(&self, writer: &mut Writer, list: SegmentList) -> Result<(), StoreError> {
        let written = list.write(&*self.disk, &self.dir);
        if written.is_err() {
            // It may be on the disk or not.
            writer.has_failed = true;
        }
        written?;
        writer.list = list;
        Ok(())
    }

    /// Counts places of entries as those after the last rewriting: the records have moved.
    pub(in crate::store) fn moved(&self) {
        let mut writer = self.writer();
        writer.position.rewrites = writer.list.rewrites;
    }

    /// The closed segments, and the number of the open one.
    pub(in crate::store) fn segments(&self) -> (Vec<ClosedSegment>, u32) {
        let writer = self.writer();
        (writer.list.closed.clone(), writer.position.segment)
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The file of a segment.
    pub(in crate::store) fn path(&self, segment: u32) -> PathBuf {
        self.dir.join(FOLDER).join(file_name(segment))
    }
}

impl Writer {
    fn check(&self, dir: &Path) -> Result<(), StoreError> {
        let dir = || dir.to_owned();
        match (self.has_failed, self.is_frozen) {
            (false, false) => Ok(()),
            (true, _) => Err(StoreError::Failed { dir: dir() }),
            (_, true) => Err(StoreError::ReadOnly { dir: dir() }),
        }
    }
}

/// The name of a segment's file.
pub(in crate::store) fn file_name(segment: u32) -> String {
    format!("{segment:08}.activations")
}

/// The segment of a file's name.
pub(in crate::store) fn number_of(name: &str) -> Option<u32> {
    name.strip_suffix(".activations")?.parse().ok()
}
