//! Copies of a store, made while it is in use: what the mark covers of the segments, which are
//! only ever added to. The records are not copied; they are made anew from the log.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::private_folder;
use crate::store::embedded::Embedded;
use crate::store::embedded::disk::{Disk, SystemDisk};
use crate::store::embedded::files::{HEADER_FILE, Header, LATEST, Lock};
use crate::store::embedded::log::{
    ClosedSegment, FOLDER, Mark, Position, SegmentList, StoreId, check_segment, file_name,
    number_of, write_mark,
};
use crate::store::ledger;
use crate::store::{BackedUp, BackupOptions, Repaired, StoreError, StoreOptions};

/// How often a list that changes under our hands is read again.
const TRIES: usize = 100;
const PAUSE: Duration = Duration::from_millis(50);
/// In a folder that a backup is being copied into.
const UNFINISHED: &str = "restoring";

/// What a backup is of.
struct Plan {
    header: Header,
    store: StoreId,
    list: SegmentList,
    mark: Mark,
}

impl Plan {
    /// Reads what a store, which may be in use, has at one moment.
    fn of(dir: &Path) -> Result<Self, StoreError> {
        let header = Header::read(dir)?.ok_or_else(|| StoreError::NoHeader {
            dir: dir.to_owned(),
        })?;
        if header.format < LATEST {
            return Err(StoreError::Header {
                path: dir.join(HEADER_FILE),
                message: "it is of an older format: `simdex status` brings it up".to_owned(),
            });
        }
        let store = header.store_id(dir)?;
        let missing = |file: &str| StoreError::Log {
            path: dir.join(file),
            message: "it is missing".to_owned(),
        };
        let read_list = || {
            let list = SegmentList::read(&SystemDisk, dir, store)?;
            list.ok_or_else(|| missing(crate::store::embedded::log::LIST_FILE))
        };
        for _ in 0..TRIES {
            let list = read_list()?;
            let mark = Mark::read(&SystemDisk, dir, store)?;
            let mark = mark.ok_or_else(|| missing(crate::store::embedded::log::MARK_FILE))?;
            if read_list()? == list {
                return Ok(Self {
                    header,
                    store,
                    list,
                    mark,
                });
            }
            std::thread::sleep(PAUSE);
        }
        Err(StoreError::Log {
            path: dir.join(crate::store::embedded::log::LIST_FILE),
            message: "it keeps changing; try again".to_owned(),
        })
    }

    /// The segments to copy, with the open one as far as the mark covers it.
    fn segments(&self) -> Vec<ClosedSegment> {
        let mut segments = self.list.closed.clone();
        let Position {
            segment, length, ..
        } = self.mark.position;
        if segment == self.list.open && length > 0 {
            segments.push(ClosedSegment {
                number: segment,
                length,
                is_old: false,
            });
        }
        segments
    }
}

impl Embedded {
    /// Brings the backup in `to` up to what the store in `from` has, making it where there is
    /// none. The store may be in use.
    ///
    /// # Errors
    /// If `from` is no store or damaged, `to` is a backup of another one, or the disk fails.
    pub(in crate::store) fn backup(
        from: &Path,
        to: &Path,
        options: BackupOptions,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<BackedUp, StoreError> {
        make_private(to)?;
        let _lock = Lock::take(to)?;
        if let Some(before) = Header::read(to)? {
            let of = Plan::of(from)?.header.id;
            if before.id != of || Self::has_records(to) {
                return Err(StoreError::NotEmpty { dir: to.to_owned() });
            }
        }
        let mut done = BackedUp::default();
        let plan = loop {
            let plan = Plan::of(from)?;
            match copy_segments(from, to, &plan, options, &mut done, progress) {
                Ok(()) => break plan,
                // It was rewritten, and the old one deleted.
                Err(StoreError::Io { source, .. })
                    if source.kind() == io::ErrorKind::NotFound
                        && Plan::of(from)?.list != plan.list => {}
                Err(error) => return Err(error),
            }
        };
        copy_ledger(from, to)?;
        plan.list.write(&SystemDisk, to)?;
        write_mark(&SystemDisk, to, plan.store, plan.mark)?;
        plan.header.write(to)?;
        if options.prune {
            done.pruned_bytes = prune(to, &plan)?;
        }
        done.pictures = plan.mark.totals.pictures;
        done.waiting = plan.mark.totals.waiting;
        Ok(done)
    }

    fn has_records(dir: &Path) -> bool {
        dir.join(crate::store::embedded::RECORDS).exists()
    }

    /// Makes a store in `dir` of the backup in `from`.
    ///
    /// # Errors
    /// If `from` is no backup or damaged, something is in `dir`, or the disk is full or fails.
    pub(in crate::store) fn restore(
        from: &Path,
        dir: &Path,
        options: &StoreOptions<'_>,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Repaired, StoreError> {
        let plan = Plan::of(from)?;
        plan.header.check(from, options.network.id())?;
        make_private(dir)?;
        let failed = |error| StoreError::io(dir, error);
        let unfinished = dir.join(UNFINISHED);
        let is_empty = std::fs::read_dir(dir).map_err(failed)?.next().is_none();
        if !is_empty && !unfinished.exists() {
            return Err(StoreError::NotEmpty {
                dir: dir.to_owned(),
            });
        }
        std::fs::write(&unfinished, b"").map_err(failed)?;
        let copied = BackupOptions::default();
        copy_segments(from, dir, &plan, copied, &mut BackedUp::default(), progress)?;
        copy_ledger(from, dir)?;
        plan.list.write(&SystemDisk, dir)?;
        write_mark(&SystemDisk, dir, plan.store, plan.mark)?;
        plan.header.write(dir)?;
        let repaired = Self::repair(dir, options)?;
        std::fs::remove_file(&unfinished).map_err(failed)?;
        Ok(repaired)
    }
}

fn copy_segments(
    from: &Path,
    to: &Path,
    plan: &Plan,
    options: BackupOptions,
    done: &mut BackedUp,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(), StoreError> {
    let folder = to.join(FOLDER);
    make_private(&folder)?;
    let segments = plan.segments();
    let total = segments.iter().map(|segment| segment.length).sum();
    let mut bytes = 0;
    for segment in segments {
        let (source, target) = (path(from, segment.number), path(to, segment.number));
        let is_closed = plan.list.closed.contains(&segment);
        let there = target.metadata().map_or(0, |data| data.len());
        // Segments are only added to, and this copy was checked.
        if there != segment.length {
            let check = |path: &Path| check_segment(path, plan.store, segment);
            let is_linked = is_closed && options.link && link(&source, &target, &check)?;
            if !is_linked {
                copy(&source, &target, segment.length, &check)?;
            }
            done.segments += 1;
            done.copied_bytes += if is_linked { 0 } else { segment.length };
        }
        bytes += segment.length;
        progress(bytes, total);
    }
    done.bytes = bytes;
    SystemDisk
        .sync_folder(&folder)
        .map_err(|error| StoreError::io(&folder, error))
}

/// Copies the first bytes of a file, in one step, if the copy is sound.
fn copy(
    source: &Path,
    target: &Path,
    length: u64,
    check: &dyn Fn(&Path) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
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
    let failed = |error| StoreError::io(target, error);
    write().map_err(failed)?;
    check(&new)?;
    std::fs::rename(&new, target).map_err(failed)
}

/// Links a file; `false` where that cannot be done, as on another disk.
fn link(
    source: &Path,
    target: &Path,
    check: &dyn Fn(&Path) -> Result<(), StoreError>,
) -> Result<bool, StoreError> {
    match std::fs::remove_file(target) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(StoreError::io(target, error));
        }
        _ => {}
    }
    match std::fs::hard_link(source, target) {
        Ok(()) => match check(target) {
            Ok(()) => Ok(true),
            Err(error) => {
                // It is not to be taken for a sound one by the next backup.
                let _ = std::fs::remove_file(target);
                Err(error)
            }
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(StoreError::io(source, error)),
        Err(_) => Ok(false),
    }
}

/// The proof of politeness goes along; its last record may be half written.
fn copy_ledger(from: &Path, to: &Path) -> Result<(), StoreError> {
    let names = SystemDisk.list(from);
    let names = names.map_err(|error| StoreError::io(from, error))?;
    for name in names.iter().filter(|name| ledger::is_file_name(name)) {
        let source = from.join(name);
        let length = source.metadata();
        let length = length
            .map_err(|error| StoreError::io(&source, error))?
            .len();
        copy(&source, &to.join(name), length, &|_| Ok(()))?;
    }
    Ok(())
}

/// Deletes the segments that the store no longer has, and with them what was removed from it.
fn prune(to: &Path, plan: &Plan) -> Result<u64, StoreError> {
    let folder = to.join(FOLDER);
    let kept: HashSet<u32> = plan.segments().iter().map(|it| it.number).collect();
    let names = SystemDisk.list(&folder);
    let mut freed = 0;
    for name in names.map_err(|error| StoreError::io(&folder, error))? {
        if number_of(&name).is_some_and(|number| !kept.contains(&number)) {
            let path = folder.join(name);
            let failed = |error| StoreError::io(&path, error);
            freed += path.metadata().map_err(failed)?.len();
            std::fs::remove_file(&path).map_err(failed)?;
        }
    }
    Ok(freed)
}

fn path(dir: &Path, segment: u32) -> PathBuf {
    dir.join(FOLDER).join(file_name(segment))
}

fn make_private(dir: &Path) -> Result<(), StoreError> {
    private_folder::create(dir).map_err(|error| StoreError::io(dir, error))
}
