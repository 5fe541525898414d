//! The files in the folder of segments, by their headers: those say of which store a segment is
//! and which one, whatever its file is called.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};

use super::entries::entries_in;
use super::format::{OLD_MAGIC, SEGMENT_HEADER, StoreId, parse_segment_header, segment_header};
use super::mark::Mark;
use super::segment_headers::read_head;
use super::segment_list::SegmentList;
use super::{ClosedSegment, FOLDER, LoggedEntry, file_name, number_of};
use crate::picture::PictureId;
use crate::store::StoreError;
use crate::store::embedded::disk::{Disk, aside};
use crate::store::entry::SectionKind;

/// A file with a segment's header.
#[derive(Debug, Clone)]
pub(in crate::store) struct SegmentFile {
    /// Where it is.
    pub(in crate::store) path: PathBuf,
    /// Whose it is.
    pub(in crate::store) store: StoreId,
    /// Which segment it is.
    number: u32,
    length: u64,
}

impl SegmentFile {
    fn name(&self) -> String {
        let name = self.path.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    fn is_in_place(&self) -> bool {
        self.name() == file_name(self.number)
    }

    /// Hands its entries to `take`; what is no entry is passed over.
    fn entries(
        &self,
        disk: &dyn Disk,
        take: &mut dyn FnMut(&LoggedEntry),
    ) -> Result<(), StoreError> {
        let all = ClosedSegment {
            number: self.number,
            length: self.length,
            is_old: false,
        };
        entries_in(disk, &self.path, all, 0, &mut |entry| {
            if let Ok(entry) = entry {
                take(&entry);
            }
            Ok(())
        })
    }
}

/// All files in a store's folder of segments that have a segment's header, by name.
///
/// # Errors
/// If the folder or a file cannot be read.
pub(in crate::store) fn segment_files(
    disk: &dyn Disk,
    dir: &Path,
) -> Result<Vec<SegmentFile>, StoreError> {
    let folder = dir.join(FOLDER);
    let mut names = match disk.list(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        names => names.map_err(|error| StoreError::io(&folder, error))?,
    };
    names.sort_unstable();
    let mut files = Vec::new();
    for path in names.into_iter().map(|name| folder.join(name)) {
        let read = || {
            let file = disk.open(&path)?;
            let length = file.length()?;
            let mut head = [0; SEGMENT_HEADER as usize];
            if length >= SEGMENT_HEADER {
                file.read_at(&mut head, 0)?;
            }
            Ok((parse_segment_header(&head), length))
        };
        let (header, length) = read().map_err(|error| StoreError::io(&path, error))?;
        if let Some((store, number)) = header {
            files.push(SegmentFile {
                path,
                store,
                number,
                length,
            });
        }
    }
    Ok(files)
}

/// The pictures that a file has entries of, if it is a segment of whichever store. Its header may
/// be damaged.
///
/// # Errors
/// If it cannot be read.
pub(in crate::store) fn pictures_in(
    disk: &dyn Disk,
    path: &Path,
) -> Result<HashSet<PictureId>, StoreError> {
    let failed = |error| StoreError::io(path, error);
    let file = disk.open(path).map_err(failed)?;
    let head = read_head(&*file).map_err(failed)?;
    let mut said = Said::default();
    // Those of older formats have no entries.
    if head.is_some_and(|head| head[..4] != OLD_MAGIC) {
        let all = ClosedSegment {
            number: 0,
            length: file.length().map_err(failed)?,
            is_old: false,
        };
        entries_in(disk, path, all, 0, &mut |entry| {
            if let Ok(entry) = entry {
                said.add(&entry);
            }
            Ok(())
        })?;
    }
    Ok(said.pictures)
}

/// The lengths that pictures' activations have in the segments of a store.
///
/// # Errors
/// If they cannot be read.
pub(in crate::store) fn block_lengths(
    disk: &dyn Disk,
    dir: &Path,
    store: StoreId,
) -> Result<BTreeSet<u64>, StoreError> {
    let mut lengths = BTreeSet::new();
    for file in segment_files(disk, dir)?
        .iter()
        .filter(|file| file.store == store)
    {
        file.entries(disk, &mut |entry| {
            let is_picture = entry.section(SectionKind::Record).is_some();
            let block = entry.location.payload.filter(|_| is_picture);
            lengths.extend(block.map(|span| span.length));
        })?;
    }
    Ok(lengths)
}

/// What entries say that only they can.
#[derive(Debug, Default)]
struct Said {
    /// Pictures of which there is a payload.
    pictures: HashSet<PictureId>,
    /// When pictures were removed last, as an entry's number.
    removed: HashMap<PictureId, u64>,
    /// Entries that are never dropped.
    kept: HashSet<u64>,
}

impl Said {
    fn add(&mut self, entry: &LoggedEntry) {
        if entry.location.payload.is_some() {
            self.pictures.insert(entry.picture);
        }
        if entry.section(SectionKind::Removed).is_some() {
            let last = self.removed.entry(entry.picture).or_default();
            *last = entry.number.max(*last);
        }
        if is_kept(entry) {
            self.kept.insert(entry.number);
        }
    }

    /// Whether an entry adds to it. One of a picture that was removed later does not.
    fn lacks(&self, entry: &LoggedEntry) -> bool {
        let is_removed = self.removed.get(&entry.picture);
        let is_removed = is_removed.is_some_and(|at| *at > entry.number);
        let has_payload = entry.location.payload.is_some();
        let is_new = has_payload && !is_removed && !self.pictures.contains(&entry.picture);
        is_new || (is_kept(entry) && !self.kept.contains(&entry.number))
    }
}

/// Whether it says something that no rewriting drops.
fn is_kept(entry: &LoggedEntry) -> bool {
    entry.sections.iter().any(|(kind, _)| {
        matches!(
            kind,
            SectionKind::Removed
                | SectionKind::RemovedHost
                | SectionKind::RemovedFile
                | SectionKind::Seed
        )
    })
}

/// What came of looking for segments under other names.
#[derive(Debug)]
pub(in crate::store) struct TakenBack {
    /// Whether the list names all that are in their places; else it has to be made anew.
    pub(in crate::store) is_listed: bool,
    /// What files are called now that are of no use in their places.
    pub(in crate::store) aside: Vec<PathBuf>,
}

/// Gives this store's own segments that lie under other names their places back: those that the
/// list names, and those that have what the log lacks.
///
/// # Errors
/// If the disk fails.
pub(in crate::store) fn take_back(
    disk: &dyn Disk,
    dir: &Path,
    store: StoreId,
) -> Result<TakenBack, StoreError> {
    let mut taken = TakenBack {
        is_listed: true,
        aside: Vec::new(),
    };
    let list = SegmentList::read(disk, dir, store).ok().flatten();
    let mark = Mark::read(disk, dir, store).ok().flatten();
    let mut files = segment_files(disk, dir)?;
    for file in &mut files {
        if number_of(&file.name()).is_some() && !file.is_in_place() {
            file.path = aside(disk, &file.path)?;
            taken.aside.push(file.path.clone());
        }
    }
    let (mut own, others): (Vec<_>, Vec<_>) = files.into_iter().partition(|it| it.store == store);
    let mut listed = BTreeSet::new();
    let mut copied = BTreeSet::new();
    if let Some(list) = &list {
        listed.extend(list.closed.iter().map(|segment| segment.number));
        listed.insert(list.open);
        copied.extend(list.retired.iter().copied().chain(list.copying));
    }
    listed.extend(mark.map(|mark| mark.position.segment));
    for number in listed.iter().filter(|number| !copied.contains(number)) {
        if own
            .iter()
            .any(|it| it.is_in_place() && it.number == *number)
        {
            continue;
        }
        let candidates = own.iter_mut().filter(|it| it.number == *number);
        if let Some(longest) = candidates.max_by_key(|it| it.length) {
            if let Some(other) = others.iter().find(|it| it.name() == file_name(*number)) {
                taken.aside.push(aside(disk, &other.path)?);
            }
            if place(disk, dir, longest, *number)? {
                tracing::warn!(path = %longest.path.display(), "a segment is back in its place");
            }
        }
    }
    let is_in_log =
        |it: &SegmentFile| it.is_in_place() && (list.is_none() || listed.contains(&it.number));
    let (known, strangers): (Vec<_>, Vec<_>) = own
        .into_iter()
        .filter(|it| !(it.is_in_place() && copied.contains(&it.number)))
        .partition(is_in_log);
    let mut said = Said::default();
    // What no stranger is compared with need not be read.
    for file in known.iter().filter(|_| !strangers.is_empty()) {
        file.entries(disk, &mut |entry| said.add(entry))?;
    }
    for mut file in strangers {
        let mut is_wanted = false;
        file.entries(disk, &mut |entry| is_wanted |= said.lacks(entry))?;
        if !is_wanted {
            if file.is_in_place() {
                taken.aside.push(aside(disk, &file.path)?);
            }
            continue;
        }
        file.entries(disk, &mut |entry| said.add(entry))?;
        let number = match file.is_in_place() {
            true => file.number,
            false => free_number(disk, dir, &listed, &copied)?,
        };
        place(disk, dir, &mut file, number)?;
        tracing::warn!(
            path = %file.path.display(),
            "a segment of this store that was not on its list is taken back"
        );
        taken.is_listed = false;
    }
    taken.aside.retain(|path| disk.length(path).is_ok());
    Ok(taken)
}

/// A number above all that were used.
fn free_number(
    disk: &dyn Disk,
    dir: &Path,
    listed: &BTreeSet<u32>,
    copied: &BTreeSet<u32>,
) -> Result<u32, StoreError> {
    let folder = dir.join(FOLDER);
    let names = disk.list(&folder);
    let names = names.map_err(|error| StoreError::io(&folder, error))?;
    let there = names.iter().filter_map(|name| number_of(name));
    let used = there.chain(listed.iter().chain(copied).copied());
    Ok(used.max().map_or(0, |last| last + 1))
}

/// Gives a segment's file the name and the header of a number. Returns whether it had another
/// name; not if something else has that one.
fn place(
    disk: &dyn Disk,
    dir: &Path,
    file: &mut SegmentFile,
    number: u32,
) -> Result<bool, StoreError> {
    let folder = dir.join(FOLDER);
    let path = folder.join(file_name(number));
    let is_free = file.path != path && disk.length(&path).is_err();
    let failed = |error| StoreError::io(&path, error);
    if is_free {
        disk.rename(&file.path, &path).map_err(failed)?;
        disk.sync_folder(&folder).map_err(failed)?;
        file.path.clone_from(&path);
    }
    if file.path == path && file.number != number {
        let write = || {
            let written = disk.create(&path)?;
            written.write_at(&segment_header(file.store, number), 0)?;
            written.sync()
        };
        write().map_err(failed)?;
        file.number = number;
    }
    Ok(is_free)
}
