//! Copying segments to a backup and out of one. Every copy is read back; what is there already is
//! read, too, before it is counted on. Damage of the source goes along and is told: the rest of a
//! segment is worth more than none of it.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::store::embedded::disk::{Disk, SystemDisk};
use crate::store::embedded::log::{ClosedSegment, FOLDER, SegmentFlaw, check_segment};
use crate::store::embedded::recovery::plan::{Plan, make_private, path};
use crate::store::{BackedUp, BackupOptions, StoreError};

/// Flaws of a segment that are told one by one.
const MOST_TOLD: usize = 5;

/// The copying of a plan's segments.
pub(super) struct SegmentCopies<'a> {
    pub(super) from: &'a Path,
    pub(super) to: &'a Path,
    pub(super) plan: &'a Plan,
    pub(super) options: BackupOptions,
    /// Whether a store is made of a backup: what is missing is told and does without.
    pub(super) is_restoring: bool,
}

impl SegmentCopies<'_> {
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
        let segments = self.plan.segments();
        let total = segments.iter().map(|segment| segment.length).sum();
        let mut bytes = 0;
        for segment in segments {
            self.copy(segment, done)?;
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
        let check = |path: &Path| check_segment(path, self.plan.store, segment);
        let there = target.metadata().map_or(0, |data| data.len());
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
        let is_closed = self.plan.list.closed.contains(&segment);
        let is_linked = is_closed && self.options.link && link(&source, &target)?;
        let new = match is_linked {
            true => target.clone(),
            false => write_new(&source, &target, length.min(segment.length))?,
        };
        let flaws = check(&new)?;
        if !flaws.is_empty() {
            if check(&source)?.is_empty() {
                return Err(StoreError::BadCopy { path: target });
            }
            done.damaged.push(told(&source, &flaws));
        }
        if !is_linked {
            // What is there may be no worse.
            if before.is_some_and(|before| lost(&before) <= lost(&flaws)) {
                return std::fs::remove_file(&new).map_err(|error| StoreError::io(&new, error));
            }
            std::fs::rename(&new, &target).map_err(|error| StoreError::io(&target, error))?;
            done.copied_bytes += segment.length;
        }
        done.segments += 1;
        Ok(())
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
    format!("{}: {some}{more} are damaged", source.display())
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
    let new = write_new(source, target, length)?;
    std::fs::rename(&new, target).map_err(|error| StoreError::io(target, error))
}

/// Writes the first bytes of a file to a new one beside the copy's place.
fn write_new(source: &Path, target: &Path, length: u64) -> Result<PathBuf, StoreError> {
    let file = File::open(source).map_err(|error| StoreError::io(source, error))?;
    let new = target.with_extension("new");
    let write = || {
        let mut options = File::options();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut written = options.open(&new)?;
        let copied = io::copy(&mut io::Read::take(file, length), &mut written)?;
        if copied < length {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
        }
        written.sync_all()
    };
    write().map_err(|error| StoreError::io(target, error))?;
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
