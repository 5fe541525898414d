//! Copying segments to a backup and out of one. Every copy is read back; what is there already is
//! read, too, before it is counted on. Damage of the source goes along and is told: the rest of a
//! segment is worth more than none of it.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::store::embedded::disk::{Disk, SystemDisk, TolerantDisk};
use crate::store::embedded::log::{ClosedSegment, FOLDER, SegmentFlaw, StoreId, check_segment};
use crate::store::embedded::recovery::plan::{make_private, path};
use crate::store::{BackedUp, BackupOptions, StoreError};

/// Flaws of a segment that are told one by one.
const MOST_TOLD: usize = 5;
/// Bytes that are copied at once where not all can be read.
const CHUNK: usize = 1 << 20;

/// The copying of a store's segments.
pub(super) struct SegmentCopies<'a> {
    pub(super) from: &'a Path,
    pub(super) to: &'a Path,
    pub(super) store: StoreId,
    pub(super) segments: &'a [ClosedSegment],
    /// The one that is written to: it must not be linked.
    pub(super) open: Option<u32>,
    pub(super) options: BackupOptions,
    /// Whether a store is made of a backup: what is missing is told and does without.
    pub(super) is_restoring: bool,
}

impl SegmentCopies<'_> {
    /// Refuses to write over what the store never had.
    ///
    /// # Errors
    /// [`StoreError::BackupAhead`], or if a file cannot be read.
    pub(super) fn check_that_nothing_is_ahead(&self) -> Result<(), StoreError> {
        for segment in self.segments {
            if self.has_diverged(*segment)? {
                return Err(StoreError::BackupAhead {
                    dir: self.to.to_owned(),
                });
            }
        }
        Ok(())
    }

    /// Copies what is not there or not whole there.
    ///
    /// # Errors
    /// If a file of a store is missing, one cannot be read, or a copy is not what was written.
    pub(super) fn run(
        &self,
        done: &mut BackedUp,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<(), StoreError> {
        let folder = self.to.join(FOLDER);
        make_private(&folder)?;
        let total = self.segments.iter().map(|segment| segment.length).sum();
        let mut bytes = 0;
        for segment in self.segments {
            self.copy(*segment, done)?;
            bytes += segment.length;
            progress(bytes, total);
        }
        done.bytes = bytes;
        SystemDisk
            .sync_folder(&folder)
            .map_err(|error| StoreError::io(&folder, error))
    }

    fn copy(&self, segment: ClosedSegment, done: &mut BackedUp) -> Result<(), StoreError> {
        let (source, target) = (
            path(self.from, segment.number),
            path(self.to, segment.number),
        );
        let disk = Arc::new(SystemDisk);
        let from = TolerantDisk::over(disk, self.from.join(FOLDER));
        let check_source = || check_segment(&from, &source, self.store, segment);
        let check = |path: &Path| check_segment(&SystemDisk, path, self.store, segment);
        let there = length_of(&target)?;
        let mut before = None;
        // Segments are only added to: one of the same length is the same, unless it has rotted.
        if there == segment.length {
            if self.options.quick {
                return Ok(());
            }
            let flaws = check(&target)?;
            if flaws.is_empty() {
                return Ok(());
            }
            tracing::warn!(path = %target.display(), "it is damaged, and is copied anew");
            before = Some(flaws);
        }
        let length = length_of(&source)?;
        if length < segment.length && !self.is_restoring {
            return Err(StoreError::Truncated {
                path: source,
                length,
                committed: segment.length,
            });
        }
        if length == 0 {
            let text = format!("{}: it is missing or empty", source.display());
            done.damaged.push(text);
            return Ok(());
        }
        // What is there may be no worse.
        let is_better = |flaws: &[SegmentFlaw]| {
            let before = before.as_deref();
            before.is_some_and(|before| lost(before) <= lost(flaws))
        };
        if self.options.link && self.open != Some(segment.number) {
            let flaws = check_source()?;
            let is_kept = is_better(&flaws);
            if is_kept || link(&source, &target)? {
                done.tell(&source, &flaws);
                done.segments += u64::from(!is_kept);
                return Ok(());
            }
        }
        let length = length.min(segment.length);
        let new = write_new(&from, &source, &target, length)?;
        let mut flaws = check(&new)?;
        if !flaws.is_empty() && check_source()?.is_empty() {
            // What could not be read for a moment can be now.
            write_new(&from, &source, &target, length)?;
            flaws = check(&new)?;
            if !flaws.is_empty() {
                return Err(StoreError::BadCopy { path: target });
            }
        }
        done.tell(&source, &flaws);
        if is_better(&flaws) {
            return std::fs::remove_file(&new).map_err(|error| StoreError::io(&new, error));
        }
        std::fs::rename(&new, &target).map_err(|error| StoreError::io(&target, error))?;
        done.copied_bytes += segment.length;
        done.segments += 1;
        Ok(())
    }

    /// Whether the copy of a segment is whole and not what the store's begins with:
    /// segments are only added to, so the store is not the one that was copied, or an older state
    /// of it.
    fn has_diverged(&self, segment: ClosedSegment) -> Result<bool, StoreError> {
        let there = length_of(&path(self.to, segment.number))?;
        if there == 0 || there == segment.length || segment.is_old {
            return Ok(false);
        }
        let (source, target) = (
            path(self.from, segment.number),
            path(self.to, segment.number),
        );
        let copy = ClosedSegment {
            length: there,
            ..segment
        };
        let flaws = check_segment(&SystemDisk, &target, self.store, copy)?;
        Ok(flaws.is_empty() && (there > segment.length || !begins_with(&source, &target)?))
    }
}

impl BackedUp {
    fn tell(&mut self, source: &Path, flaws: &[SegmentFlaw]) {
        if !flaws.is_empty() {
            self.damaged.push(told(source, flaws));
        }
    }
}

/// Whether a file begins with all bytes of another; what cannot be read now may be the same.
fn begins_with(whole: &Path, beginning: &Path) -> Result<bool, StoreError> {
    let mut beginning = File::open(beginning).map_err(|error| StoreError::io(beginning, error))?;
    let Ok(mut whole) = File::open(whole) else {
        return Ok(true);
    };
    let (mut own, mut other) = (vec![0; CHUNK], vec![0; CHUNK]);
    loop {
        let Ok(read @ 1..) = beginning.read(&mut own) else {
            return Ok(true);
        };
        match whole.read_exact(&mut other[..read]) {
            Ok(()) if own[..read] == other[..read] => {}
            Ok(()) => return Ok(false),
            Err(_) => return Ok(true),
        }
    }
}

fn lost(flaws: &[SegmentFlaw]) -> u64 {
    flaws.iter().map(|flaw| flaw.bytes()).sum()
}

fn told(source: &Path, flaws: &[SegmentFlaw]) -> String {
    let some = flaws.iter().take(MOST_TOLD).map(ToString::to_string);
    let some = some.collect::<Vec<_>>().join(", ");
    let more = match flaws.len().saturating_sub(MOST_TOLD) {
        0 => String::new(),
        more => format!(" and {more} more places"),
    };
    format!(
        "{}: {some}{more} are damaged, or cannot be read now",
        source.display()
    )
}

fn length_of(path: &Path) -> Result<u64, StoreError> {
    match path.metadata() {
        Ok(data) if data.is_file() => Ok(data.len()),
        Ok(_) => Ok(0),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(StoreError::io(path, error)),
    }
}

/// Copies the first bytes of a file, in one step.
pub(super) fn copy_first(source: &Path, target: &Path, length: u64) -> Result<(), StoreError> {
    let new = write_new(&SystemDisk, source, target, length)?;
    std::fs::rename(&new, target).map_err(|error| StoreError::io(target, error))
}

/// Writes the first bytes of a file to a new one beside the copy's place.
fn write_new(
    disk: &dyn Disk,
    source: &Path,
    target: &Path,
    length: u64,
) -> Result<PathBuf, StoreError> {
    let of_source = |error| StoreError::io(source, error);
    let new = target.with_extension("new");
    let of_target = |error| StoreError::io(target, error);
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut written = options.open(&new).map_err(of_target)?;
    // The system copies whole files best; what it cannot read is found page by page.
    let whole = File::open(source).and_then(|file| {
        let copied = io::copy(&mut file.take(length), &mut written)?;
        Ok(copied == length)
    });
    if !whole.is_ok_and(|is_whole| is_whole) {
        let file = disk.open(source).map_err(of_source)?;
        written.set_len(0).map_err(of_target)?;
        written.rewind().map_err(of_target)?;
        let mut bytes = vec![0; CHUNK];
        let mut at = 0;
        while at < length {
            let rest = usize::try_from(length - at).unwrap_or(usize::MAX);
            let some = &mut bytes[..rest.min(CHUNK)];
            file.read_at(some, at).map_err(of_source)?;
            written.write_all(some).map_err(of_target)?;
            at += some.len() as u64;
        }
    }
    written.sync_all().map_err(of_target)?;
    Ok(new)
}

/// Links a file; `false` where that cannot be done, as on another disk.
fn link(source: &Path, target: &Path) -> Result<bool, StoreError> {
    match std::fs::remove_file(target) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(StoreError::io(target, error));
        }
        _ => {}
    }
    match std::fs::hard_link(source, target) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(StoreError::io(source, error)),
        Err(_) => Ok(false),
    }
}
