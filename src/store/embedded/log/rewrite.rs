//! Taking dead entries out of closed segments: what stays is copied to a new segment, then the
//! old one is deleted.

use std::path::PathBuf;
use std::sync::PoisonError;

use super::entries::is_whole;
use super::format::{SEGMENT_HEADER, segment_header};
use super::{ClosedSegment, FOLDER, Log, LoggedEntry};
use crate::picture::PictureId;
use crate::store::embedded::disk::aside;
use crate::store::{EntryLocation, Span, StoreError};

/// Damaged bytes that are copied at once.
const CHUNK: usize = 1 << 20;

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

impl Log {
    /// Copies what `keep` wants of a closed segment to a new one, which takes its place. The old
    /// one stays until [`Self::delete_retired`]. What is damaged is copied as it is, for `verify`
    /// to name; `past_damage` leaves out what is no entry.
    ///
    /// # Errors
    /// If the disk is full or fails; the segment stays as it is then.
    pub(in crate::store) fn rewrite(
        &self,
        segment: ClosedSegment,
        past_damage: bool,
        keep: &mut dyn FnMut(&LoggedEntry) -> Result<bool, StoreError>,
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
        let copied = self.copy(segment, to, past_damage, keep);
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
        keep: &mut dyn FnMut(&LoggedEntry) -> Result<bool, StoreError>,
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
        let mut copied = Rewritten {
            length: SEGMENT_HEADER,
            ..Rewritten::default()
        };
        let of_source = |error| StoreError::io(&from_path, error);
        let end = from.length().map_err(of_source)?;
        let take_over = |at: u64, length: u64, to: u64| {
            let mut bytes = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
            from.read_at(&mut bytes, at).map_err(of_source)?;
            file.write_at(&bytes, to).map_err(failed)
        };
        self.entries_of(segment, 0, &mut |entry| {
            let entry = match entry {
                Ok(entry) => entry,
                Err(_) if past_damage => return Ok(()),
                // Nobody knows of what they are.
                Err(damage) => {
                    let (from, to) = (damage.from, copied.length);
                    let length = damage.to.min(end).saturating_sub(from);
                    for at in (0..length).step_by(CHUNK) {
                        let some = (length - at).min(CHUNK as u64);
                        take_over(from + at, some, to + at)?;
                    }
                    copied.length += length;
                    copied.unreadable.push(Region { from, to, length });
                    return Ok(());
                }
            };
            if !keep(&entry)? {
                return Ok(());
            }
            if !is_whole(&*from, &entry).map_err(of_source)? {
                copied.damaged.push(entry.picture);
            }
            take_over(entry.location.offset, entry.length, copied.length)?;
            if entry.location.payload.is_some() || entry.location.thumbnail.is_some() {
                let moved = moved(entry.location, to, copied.length);
                copied.moved.push((entry.picture, entry.location, moved));
            }
            copied.entries += 1;
            copied.length += entry.length;
            Ok(())
        })?;
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
