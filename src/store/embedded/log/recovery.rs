//! Opening the log: what is there is compared with what was committed.
//!
//! Nothing that may have been committed is cut. Behind the mark lies at most what was being
//! appended when the process or the machine stopped: its whole entries are kept, the torn one is
//! cut off. Files that the list does not know get another name, and are left.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::entries::{is_whole, read_entry};
use super::format::{OLD_MAGIC, SEGMENT_HEADER, StoreId, segment_header};
use super::mark::{Mark, MarkFile};
use super::segment_files::segment_files;
use super::segment_headers::read_head;
use super::segment_list::{ClosedSegment, SegmentList};
use super::{FOLDER, Log, Position, SEGMENT_BYTES, Totals, Writer, number_of};
use crate::store::StoreError;
use crate::store::embedded::disk::{Disk, aside};

/// A log that was opened.
#[derive(Debug)]
pub(in crate::store) struct Opened {
    /// The log.
    pub(in crate::store) log: Log,
    /// The mark as it was found.
    pub(in crate::store) mark: Mark,
    /// What files are called now that the store does not know.
    pub(in crate::store) aside: Vec<PathBuf>,
}

impl Log {
    /// A new log in a store's folder, after segments of older formats, if there are any.
    ///
    /// # Errors
    /// If the disk is full or fails.
    pub(in crate::store) fn create(
        disk: Arc<dyn Disk>,
        dir: &Path,
        store: StoreId,
        old: Vec<ClosedSegment>,
    ) -> Result<Self, StoreError> {
        let folder = dir.join(FOLDER);
        disk.create_folder(&folder)
            .map_err(|error| StoreError::io(&folder, error))?;
        let mut list = SegmentList::new(store);
        list.closed = old;
        list.open = match list.closed.is_empty() {
            true => 0,
            false => list.next_number(),
        };
        let mut mark = MarkFile::create(&*disk, dir, store)?;
        let position = Position {
            segment: list.open,
            ..Position::default()
        };
        mark.write(position, Totals::default())?;
        list.write(&*disk, dir)?;
        Ok(Self::with(disk, dir, store, list, mark, position))
    }

    fn with(
        disk: Arc<dyn Disk>,
        dir: &Path,
        store: StoreId,
        list: SegmentList,
        mark: MarkFile,
        position: Position,
    ) -> Self {
        Self {
            disk,
            dir: dir.to_owned(),
            store,
            writer: Mutex::new(Writer {
                list,
                mark,
                file: None,
                position,
                has_failed: false,
                is_frozen: false,
            }),
            maps: Mutex::default(),
            checked: Mutex::default(),
            segment_bytes: SEGMENT_BYTES,
        }
    }

    /// Opens the log of a store.
    ///
    /// # Errors
    /// If its files are not what was committed; nothing was changed then.
    pub(in crate::store) fn open(
        disk: Arc<dyn Disk>,
        dir: &Path,
        store: StoreId,
    ) -> Result<Opened, StoreError> {
        let missing = |file: &str| StoreError::Log {
            path: dir.join(file),
            message: "it is missing".to_owned(),
        };
        let list = SegmentList::read(&*disk, dir, store)?;
        let list = list.ok_or_else(|| missing(super::LIST_FILE))?;
        let mark = MarkFile::open(&*disk, dir, store)?;
        let (file, mark) = mark.ok_or_else(|| missing(super::MARK_FILE))?;
        if mark.position.segment > list.open {
            return Err(StoreError::Log {
                path: dir.join(super::LIST_FILE),
                message: "it is older than the mark".to_owned(),
            });
        }
        let log = Self::with(disk, dir, store, list, file, mark.position);
        let lengths = log.lengths()?;
        log.check_closed(&lengths)?;
        let aside = log.tidy(&lengths)?;
        log.take_in_tail(&lengths)?;
        Ok(Opened { log, mark, aside })
    }

    /// Opens a log whose mark or list is lost, and makes them anew: every segment of this store
    /// is taken as closed. Returns what the others are called now, too.
    ///
    /// # Errors
    /// If the disk is full or fails.
    pub(in crate::store) fn salvage(
        disk: Arc<dyn Disk>,
        dir: &Path,
        store: StoreId,
    ) -> Result<(Self, Vec<PathBuf>), StoreError> {
        let known = SegmentList::read(&*disk, dir, store).ok().flatten();
        let (file, mut position) = match MarkFile::open(&*disk, dir, store) {
            Ok(Some((file, mark))) => (file, mark.position),
            _ => (MarkFile::create(&*disk, dir, store)?, Position::default()),
        };
        let mut list = known.clone().unwrap_or_else(|| SegmentList::new(store));
        // Where the rewriting of segments stood is not known: all places count as moved.
        list.rewrites = list.rewrites.max(position.rewrites) + 1;
        let log = Self::with(Arc::clone(&disk), dir, store, list.clone(), file, position);
        list.closed.clear();
        let lengths = log.lengths()?;
        for (&number, &length) in &lengths {
            let is_old = log.is_old(number)?;
            let is_retired = known.as_ref().is_some_and(|known| {
                known.retired.contains(&number) || known.copying == Some(number)
            });
            if !is_retired && let Some(is_old) = is_old {
                list.closed.push(ClosedSegment {
                    number,
                    length,
                    is_old,
                });
            }
        }
        // Behind the files of other stores, too.
        let behind = lengths.last_key_value().map_or(0, |(last, _)| last + 1);
        list.open = list.next_number().max(behind);
        position.segment = list.open;
        position.length = 0;
        position.rewrites = list.rewrites;
        let last = ClosedSegment {
            number: list.open,
            length: 0,
            is_old: false,
        };
        for segment in list.closed.iter().copied().chain([last]) {
            log.entries_of(segment, 0, &mut |entry| {
                if let Ok(entry) = entry {
                    position.next = position.next.max(entry.number + 1);
                }
                Ok(())
            })?;
        }
        {
            let mut writer = log.writer();
            log.replace_list(&mut writer, list)?;
            writer.position = position;
        }
        let lengths = log.lengths()?;
        let aside = log.tidy(&lengths)?;
        Ok((log, aside))
    }

    /// Whether a file is a segment of an older format; `None` if it is none of this store.
    fn is_old(&self, number: u32) -> Result<Option<bool>, StoreError> {
        let Some(head) = self.head(number)? else {
            return Ok(None);
        };
        Ok(match head == segment_header(self.store, number) {
            true => Some(false),
            false => (head[..4] == OLD_MAGIC).then_some(true),
        })
    }

    /// The first bytes of a file; `None` if it is too short for a segment.
    fn head(&self, number: u32) -> Result<Option<[u8; SEGMENT_HEADER as usize]>, StoreError> {
        let path = self.path(number);
        let head = self.disk.open(&path).and_then(|file| read_head(&*file));
        head.map_err(|error| StoreError::io(&path, error))
    }

    /// The lengths of the files that have a segment's name.
    fn lengths(&self) -> Result<BTreeMap<u32, u64>, StoreError> {
        let folder = self.dir.join(FOLDER);
        let failed = |error| StoreError::io(&folder, error);
        let names = match self.disk.list(&folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            names => names.map_err(failed)?,
        };
        let mut lengths = BTreeMap::new();
        for number in names.iter().filter_map(|name| number_of(name)) {
            let length = self.disk.length(&self.path(number)).map_err(failed)?;
            lengths.insert(number, length);
        }
        Ok(lengths)
    }

    /// All closed segments must be there, of this store, and as long as they were.
    fn check_closed(&self, lengths: &BTreeMap<u32, u64>) -> Result<(), StoreError> {
        let writer = self.writer();
        for segment in &writer.list.closed {
            let path = self.path(segment.number);
            let length = lengths.get(&segment.number).copied().unwrap_or(0);
            if length < segment.length {
                return Err(StoreError::Truncated {
                    path,
                    length,
                    committed: segment.length,
                });
            }
            self.check_header(segment.number, segment.is_old)?;
        }
        let Position {
            segment,
            length: committed,
            ..
        } = writer.position;
        let list = &writer.list;
        let is_listed = list.closed.iter().any(|closed| closed.number == segment);
        if segment != list.open && !is_listed {
            // It was rewritten since the mark was set.
            return Ok(());
        }
        let length = lengths.get(&segment).copied().unwrap_or(0);
        if length < committed {
            let path = self.path(segment);
            return Err(StoreError::Truncated {
                path,
                length,
                committed,
            });
        }
        if committed > 0 {
            self.check_header(segment, false)?;
        }
        Ok(())
    }

    fn check_header(&self, number: u32, is_old: bool) -> Result<(), StoreError> {
        match self.is_old(number)? {
            Some(found) if found == is_old => Ok(()),
            _ => Err(StoreError::Log {
                path: self.path(number),
                message: "it is damaged, or of another store".to_owned(),
            }),
        }
    }

    /// Deletes what a rewriting left behind, and gives what is not known another name.
    fn tidy(&self, lengths: &BTreeMap<u32, u64>) -> Result<Vec<PathBuf>, StoreError> {
        let mut set_aside = Vec::new();
        let mut writer = self.writer();
        let list = &writer.list;
        let listed = list.closed.iter().map(|segment| segment.number);
        let listed: HashSet<u32> = listed.chain([list.open]).collect();
        let ours: HashSet<u32> = list.retired.iter().copied().chain(list.copying).collect();
        let strangers = lengths.keys().filter(|number| {
            let is_marked = **number == writer.position.segment && !ours.contains(number);
            !listed.contains(number) && !is_marked
        });
        for number in strangers {
            let path = self.path(*number);
            let failed = |error| StoreError::io(&path, error);
            if ours.contains(number) {
                tracing::debug!(path = %path.display(), "deleting a segment that was copied");
                self.disk.remove(&path).map_err(failed)?;
            } else {
                let aside = aside(&*self.disk, &path)?;
                let advice = match self.is_own(&aside)? {
                    true => "; it is this store's, and `simdex repair` takes it back",
                    false => "",
                };
                tracing::warn!(
                    path = %path.display(),
                    aside = %aside.display(),
                    "a segment that is not on the store's list: it is left under another name{advice}"
                );
                set_aside.push(aside);
            }
        }
        if !writer.list.retired.is_empty() || writer.list.copying.is_some() {
            let folder = self.dir.join(FOLDER);
            self.disk
                .sync_folder(&folder)
                .map_err(|error| StoreError::io(&folder, error))?;
            let mut list = writer.list.clone();
            list.retired.clear();
            list.copying = None;
            self.replace_list(&mut writer, list)?;
        }
        Ok(set_aside)
    }

    fn is_own(&self, path: &Path) -> Result<bool, StoreError> {
        let mut files = segment_files(&*self.disk, &self.dir)?.into_iter();
        Ok(files.any(|file| file.path == path && file.store == self.store))
    }

    /// Takes in the whole entries behind the mark, and cuts off a torn one.
    fn take_in_tail(&self, lengths: &BTreeMap<u32, u64>) -> Result<(), StoreError> {
        let mut writer = self.writer();
        let open = writer.list.open;
        // Segments that were closed since the mark was set.
        let mut through: Vec<(u32, u64)> = Vec::new();
        for segment in &writer.list.closed {
            if segment.number >= writer.position.segment && !segment.is_old {
                through.push((segment.number, segment.length));
            }
        }
        let of_open = lengths.get(&open).copied().unwrap_or(0);
        through.push((open, of_open));
        for (number, length) in through {
            let from = match number == writer.position.segment {
                true => writer.position.length.max(SEGMENT_HEADER),
                false => SEGMENT_HEADER,
            };
            if length <= from && number != open {
                continue;
            }
            let (at, next) = self.whole_entries(number, from, length, writer.position.next)?;
            if number == open {
                writer.position.segment = open;
                writer.position.length = at;
                if of_open > at {
                    self.cut(open, at)?;
                }
            } else if at < length {
                return Err(StoreError::Log {
                    path: self.path(number),
                    message: format!("it is damaged at byte {at}"),
                });
            }
            writer.position.next = next;
        }
        writer.position.rewrites = writer.list.rewrites;
        Ok(())
    }

    /// Where the whole entries of a segment end, and the number after the last. They are written
    /// anew in place: after a failed sync the system may have them in memory only, and count
    /// them as written.
    fn whole_entries(
        &self,
        number: u32,
        from: u64,
        length: u64,
        mut next: u64,
    ) -> Result<(u64, u64), StoreError> {
        if length == 0 || self.is_old(number)? != Some(false) {
            // Not even the header was written.
            return Ok((0, next));
        }
        if length <= from {
            return Ok((from, next));
        }
        let path = self.path(number);
        let failed = |error| StoreError::io(&path, error);
        let file = self.disk.create(&path).map_err(failed)?;
        let mut at = from;
        while let Some(entry) = read_entry(&*file, number, at, length).map_err(failed)?
            && is_whole(&*file, &entry).map_err(failed)?
        {
            let mut bytes = vec![0; usize::try_from(entry.length).unwrap_or(usize::MAX)];
            file.read_at(&mut bytes, at).map_err(failed)?;
            file.write_at(&bytes, at).map_err(failed)?;
            at += entry.length;
            next = next.max(entry.number + 1);
        }
        if at > from {
            file.sync().map_err(failed)?;
        }
        Ok((at, next))
    }

    fn cut(&self, number: u32, at: u64) -> Result<(), StoreError> {
        let path = self.path(number);
        tracing::debug!(path = %path.display(), at, "cutting off a torn write");
        let cut = || {
            let file = self.disk.create(&path)?;
            file.set_length(at)?;
            file.sync()
        };
        cut().map_err(|error| StoreError::io(&path, error))
    }
}
