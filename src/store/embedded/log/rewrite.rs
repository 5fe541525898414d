//! Taking dead entries out of closed segments, and writing others in another way: what stays is
//! copied to a new segment, then the old one is deleted.

use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use super::entries::are_whole;
use super::format::{RawSection, Row, SEGMENT_HEADER, lay_out, segment_header};
use super::{ClosedSegment, Damage, FOLDER, Log, LoggedEntry};
use crate::picture::PictureId;
use crate::store::embedded::disk::{DiskFile, aside};
use crate::store::entry::Section;
use crate::store::{EntryLocation, Span, StoreError};

/// Damaged bytes that are copied at once.
const CHUNK: usize = 1 << 20;
/// Entries that are decided about at once: of each the large part may be read.
const AT_ONCE: usize = 16;

/// What became of a segment.
#[derive(Debug, Default)]
pub(in crate::store) struct Rewritten {
    /// The new segment; `None` if nothing of the old one stayed.
    pub(in crate::store) to: Option<u32>,
    /// Entries in it.
    pub(in crate::store) entries: u64,
    /// Its length in bytes.
    pub(in crate::store) length: u64,
    /// Entries with a payload that have moved: the picture, from where, to where.
    pub(in crate::store) moved: Vec<(PictureId, EntryLocation, EntryLocation)>,
    /// Pictures whose damaged entries were copied as they are.
    pub(in crate::store) damaged: Vec<PictureId>,
    /// Bytes that are no entries, and were copied as they are.
    pub(in crate::store) unreadable: Vec<Region>,
}

/// Bytes that were copied as they are.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct Region {
    /// Where they began, in the old segment.
    from: u64,
    /// Where they begin in the new one.
    to: u64,
    /// How many they are.
    pub(in crate::store) length: u64,
}

impl Region {
    /// Where an entry is now that began in it; `None` if it did not.
    pub(in crate::store) fn moved(self, entry: EntryLocation, to: u32) -> Option<EntryLocation> {
        let within = entry.offset.checked_sub(self.from)?;
        (within < self.length).then(|| moved(entry, to, self.to + within))
    }
}

/// What becomes of an entry when its segment is rewritten.
#[derive(Debug)]
pub(in crate::store) enum Fate {
    /// It says nothing any more, and goes.
    Gone,
    /// It stays as it is.
    Stays,
    /// It stays with these sections in the place of its own of their kinds; what of them it has not
    /// is added.
    Changed(Vec<Section<'static>>),
}

/// Says what becomes of entries.
pub(in crate::store) type Decide<'a> =
    &'a mut dyn FnMut(&[LoggedEntry]) -> Result<Vec<Fate>, StoreError>;

/// A segment that is being copied.
struct Copying<'a> {
    from: &'a dyn DiskFile,
    from_path: &'a Path,
    file: &'a dyn DiskFile,
    path: &'a Path,
    to: u32,
    copied: Rewritten,
}

impl Copying<'_> {
    /// Copies what is kept of some entries.
    fn take(&mut self, entries: Vec<LoggedEntry>, decide: Decide<'_>) -> Result<(), StoreError> {
        if entries.is_empty() {
            return Ok(());
        }
        let fates = decide(&entries)?;
        assert_eq!(fates.len(), entries.len(), "each entry has a fate");
        for (entry, fate) in entries.iter().zip(fates) {
            let (location, length) = match fate {
                Fate::Gone => continue,
                Fate::Stays => self.copy(entry)?,
                Fate::Changed(sections) => self.write(entry, &sections)?,
            };
            if location.payload.is_some() || location.thumbnail.is_some() {
                let moved = (entry.picture, entry.location, location);
                self.copied.moved.push(moved);
            }
            self.copied.entries += 1;
            self.copied.length += length;
        }
        Ok(())
    }

    /// Copies an entry as it is. Returns where it lies then, and its length.
    fn copy(&mut self, entry: &LoggedEntry) -> Result<(EntryLocation, u64), StoreError> {
        self.note_damage(entry, entry.rows())?;
        self.take_over(entry.location.offset, entry.length, self.copied.length)?;
        let location = moved(entry.location, self.to, self.copied.length);
        Ok((location, entry.length))
    }

    /// Writes an entry with some other sections. Its number stays, and so do its other sections,
    /// byte for byte.
    fn write(
        &mut self,
        entry: &LoggedEntry,
        changed: &[Section<'_>],
    ) -> Result<(EntryLocation, u64), StoreError> {
        let of_kind = |row: &Row| changed.iter().find(|it| Some(it.kind) == row.kind());
        let rows = entry.rows().iter();
        let kept: Vec<Row> = rows.filter(|row| of_kind(row).is_none()).copied().collect();
        self.note_damage(entry, &kept)?;
        let mut sections = Vec::new();
        for row in entry.rows() {
            sections.push(match of_kind(row) {
                Some(section) => RawSection::of(section),
                None => row.section(self.read(entry.location.offset + row.offset, row.length)?),
            });
        }
        let is_there = |kind| entry.rows().iter().any(|row| row.kind() == Some(kind));
        for section in changed.iter().filter(|section| !is_there(section.kind)) {
            // The large part comes last.
            let before = sections.iter().position(RawSection::is_payload);
            sections.insert(before.unwrap_or(sections.len()), RawSection::of(section));
        }
        let at = self.copied.length;
        let encoded = lay_out(entry.picture, sections, entry.number, self.to, at);
        let write = || {
            self.file.write_at(&encoded.head, at)?;
            let behind = at + encoded.head.len() as u64;
            self.file.write_at(&encoded.payload, behind)?;
            let behind = behind + encoded.payload.len() as u64;
            self.file.write_at(&vec![0; encoded.padding], behind)
        };
        write().map_err(|error| StoreError::io(self.path, error))?;
        Ok((encoded.location, encoded.length))
    }

    /// Copies bytes of which nobody knows of what they are.
    fn carry_along(&mut self, damage: Damage) -> Result<(), StoreError> {
        let end = self.from.length();
        let end = end.map_err(|error| StoreError::io(self.from_path, error))?;
        let (from, to) = (damage.from, self.copied.length);
        let length = damage.to.min(end).saturating_sub(from);
        for at in (0..length).step_by(CHUNK) {
            let some = (length - at).min(CHUNK as u64);
            self.take_over(from + at, some, to + at)?;
        }
        self.copied.length += length;
        self.copied.unreadable.push(Region { from, to, length });
        Ok(())
    }

    /// Notes if sections are not what was written: they are copied as they are.
    fn note_damage(&mut self, entry: &LoggedEntry, rows: &[Row]) -> Result<(), StoreError> {
        let are_whole = are_whole(self.from, entry, rows);
        if !are_whole.map_err(|error| StoreError::io(self.from_path, error))? {
            self.copied.damaged.push(entry.picture);
        }
        Ok(())
    }

    fn take_over(&self, at: u64, length: u64, to: u64) -> Result<(), StoreError> {
        let bytes = self.read(at, length)?;
        let written = self.file.write_at(&bytes, to);
        written.map_err(|error| StoreError::io(self.path, error))
    }

    fn read(&self, at: u64, length: u64) -> Result<Vec<u8>, StoreError> {
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
        let read = self.from.read_at(&mut bytes, at);
        read.map_err(|error| StoreError::io(self.from_path, error))?;
        Ok(bytes)
    }
}

impl Log {
    /// Copies what `decide` keeps of a closed segment to a new one, which takes its place. It is
    /// asked about a few entries at once, and says what becomes of each. The old segment stays until
    /// [`Self::delete_retired`]. What is damaged is copied as it is, for `verify` to name;
    /// `past_damage` leaves out what is no entry.
    ///
    /// # Errors
    /// If the disk is full or fails, or `decide` does; the segment stays as it is then.
    pub(in crate::store) fn rewrite(
        &self,
        segment: ClosedSegment,
        past_damage: bool,
        decide: Decide<'_>,
    ) -> Result<Rewritten, StoreError> {
        let to = {
            let mut writer = self.writer();
            writer.check(&self.dir)?;
            if writer.position.length > SEGMENT_HEADER {
                self.close(&mut writer)?;
            }
            // The copy comes before what is appended from now on, so that only that is looked
            // at when the log is opened.
            let mut list = writer.list.clone();
            let to = list.open;
            list.open += 1;
            list.copying = Some(to);
            self.replace_list(&mut writer, list)?;
            writer.file = None;
            writer.position.segment += 1;
            writer.position.length = 0;
            to
        };
        let copied = self.copy(segment, to, past_damage, decide);
        let mut writer = self.writer();
        let mut list = writer.list.clone();
        list.copying = None;
        match &copied {
            Ok(copied) => {
                list.closed.retain(|closed| closed.number != segment.number);
                if copied.to.is_some() {
                    let at = list.closed.partition_point(|closed| closed.number < to);
                    let closed = ClosedSegment {
                        number: to,
                        length: copied.length,
                        is_old: false,
                    };
                    list.closed.insert(at, closed);
                }
                list.retired.push(segment.number);
                list.rewrites += 1;
            }
            Err(_) => {
                // It is a copy; what is left of it is deleted when the store is opened.
                list.copying = self.disk.remove(&self.path(to)).is_err().then_some(to);
            }
        }
        self.replace_list(&mut writer, list)?;
        copied
    }

    fn copy(
        &self,
        segment: ClosedSegment,
        to: u32,
        past_damage: bool,
        decide: Decide<'_>,
    ) -> Result<Rewritten, StoreError> {
        let from_path = self.path(segment.number);
        let from = self.disk.open(&from_path);
        let from = from.map_err(|error| StoreError::io(&from_path, error))?;
        let path = self.path(to);
        let failed = |error| StoreError::io(&path, error);
        let file = self.disk.create(&path).map_err(failed)?;
        file.set_length(0).map_err(failed)?;
        file.write_at(&segment_header(self.store, to), 0)
            .map_err(failed)?;
        let mut copying = Copying {
            from: &*from,
            from_path: &from_path,
            file: &*file,
            path: &path,
            to,
            copied: Rewritten {
                length: SEGMENT_HEADER,
                ..Rewritten::default()
            },
        };
        let mut some = Vec::new();
        self.entries_of(segment, 0, &mut |entry| {
            match entry {
                Ok(entry) => {
                    some.push(entry);
                    if some.len() == AT_ONCE {
                        copying.take(std::mem::take(&mut some), decide)?;
                    }
                }
                Err(damage) => {
                    copying.take(std::mem::take(&mut some), decide)?;
                    if !past_damage {
                        copying.carry_along(damage)?;
                    }
                }
            }
            Ok(())
        })?;
        copying.take(some, decide)?;
        let mut copied = copying.copied;
        if copied.length == SEGMENT_HEADER {
            drop(file);
            self.disk.remove(&path).map_err(failed)?;
            return Ok(copied);
        }
        file.sync().map_err(failed)?;
        self.disk
            .sync_folder(&self.dir.join(FOLDER))
            .map_err(failed)?;
        copied.to = Some(to);
        Ok(copied)
    }

    /// Takes a segment of an older format out of the log, once nothing names its blocks.
    ///
    /// # Errors
    /// If the disk is full or fails.
    pub(in crate::store) fn retire(&self, segment: u32) -> Result<(), StoreError> {
        let mut writer = self.writer();
        let mut list = writer.list.clone();
        list.closed.retain(|closed| closed.number != segment);
        list.retired.push(segment);
        list.rewrites += 1;
        self.replace_list(&mut writer, list)
    }

    /// Gives the segments that were copied another name, since not all of them could be read.
    /// Returns the names.
    ///
    /// # Errors
    /// If the disk is full or fails.
    pub(in crate::store) fn set_retired_aside(&self) -> Result<Vec<PathBuf>, StoreError> {
        let mut writer = self.writer();
        let mut list = writer.list.clone();
        let mut names = Vec::new();
        for number in std::mem::take(&mut list.retired) {
            let mut maps = self.maps.lock().unwrap_or_else(PoisonError::into_inner);
            maps.remove(&number);
            names.push(aside(&*self.disk, &self.path(number))?);
        }
        self.replace_list(&mut writer, list)?;
        Ok(names)
    }

    /// Deletes the segments that were copied, once the records name the copies.
    ///
    /// # Errors
    /// If one cannot be deleted.
    pub(in crate::store) fn delete_retired(&self) -> Result<(), StoreError> {
        let mut writer = self.writer();
        let mut list = writer.list.clone();
        for number in std::mem::take(&mut list.retired) {
            let mut maps = self.maps.lock().unwrap_or_else(PoisonError::into_inner);
            maps.remove(&number);
            let path = self.path(number);
            match self.disk.remove(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(StoreError::io(&path, error));
                }
                _ => {}
            }
        }
        let folder = self.dir.join(FOLDER);
        self.disk
            .sync_folder(&folder)
            .map_err(|error| StoreError::io(&folder, error))?;
        self.replace_list(&mut writer, list)
    }
}

fn moved(from: EntryLocation, segment: u32, offset: u64) -> EntryLocation {
    let span = |span: Span| match span.segment == from.segment {
        true => Span {
            segment,
            offset: span.offset - from.offset + offset,
            ..span
        },
        false => span,
    };
    EntryLocation {
        segment,
        offset,
        payload: from.payload.map(span),
        thumbnail: from.thumbnail.map(span),
    }
}
