//! Copies of a store, made while it is in use: what the mark covers of the segments, which are
//! only ever added to. The records are not copied; they are made anew from the log.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::store::embedded::Embedded;
use crate::store::embedded::disk::{Disk, SystemDisk};
use crate::store::embedded::files::{Header, Lock, check_places};
use crate::store::embedded::log::{
    FOLDER, Mark, SegmentList, StoreId, number_of, segment_files, sound, write_mark,
};
use crate::store::embedded::recovery::plan::{Plan, make_private};
use crate::store::embedded::recovery::rescue::Rescue;
use crate::store::embedded::recovery::segment_copies::{SegmentCopies, copy_first};
use crate::store::embedded::transfer::check_ended;
use crate::store::ledger;
use crate::store::{BackedUp, BackupOptions, Repaired, StoreError, StoreOptions};

/// In a folder that a backup is being copied into.
const UNFINISHED: &str = "restoring";
/// In a backup that is being brought up to date.
const GROWING: &str = "backing-up";

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
        if are_nested(from, to) {
            return Err(StoreError::Nested { dir: to.to_owned() });
        }
        check_ended(from)?;
        make_private(to)?;
        let _lock = Lock::take(to)?;
        let owner = owner_of(to)?;
        let is_other = |id: StoreId| Ok::<_, StoreError>(Plan::of(from)?.store != id);
        if Self::has_records(to) || owner.map_or(Ok(false), is_other)? {
            return Err(StoreError::NotEmpty { dir: to.to_owned() });
        }
        let growing = to.join(GROWING);
        let failed = |error| StoreError::io(&growing, error);
        let mut done = BackedUp::default();
        let plan = loop {
            let plan = Plan::of(from)?;
            if is_ahead(to, &plan)? {
                return Err(StoreError::BackupAhead { dir: to.to_owned() });
            }
            let copying = SegmentCopies {
                from,
                to,
                store: plan.store,
                segments: &plan.segments(),
                open: Some(plan.list.open),
                options,
                is_restoring: false,
            };
            copying.check_that_nothing_is_ahead()?;
            std::fs::write(&growing, b"").map_err(failed)?;
            match copying.run(&mut done, progress) {
                Ok(()) => break plan,
                // It was rewritten, and the old one deleted.
                Err(error) if error.is_of_a_missing_file() && Plan::of(from)?.list != plan.list => {
                    done.damaged.clear();
                }
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
        std::fs::remove_file(&growing).map_err(failed)?;
        done.pictures = plan.mark.totals.pictures;
        done.waiting = plan.mark.totals.waiting;
        Ok(done)
    }

    fn has_records(dir: &Path) -> bool {
        dir.join(crate::store::embedded::RECORDS).exists()
    }

    /// Makes a store in `dir` of the backup in `from`, or of what is left of it.
    ///
    /// # Errors
    /// If `from` is no backup, something is in `dir`, or the disk is full or fails.
    pub(in crate::store) fn restore(
        from: &Path,
        dir: &Path,
        options: &StoreOptions<'_>,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Repaired, StoreError> {
        let left = Rescue::of(from)?;
        if let Some(header) = &left.header {
            header.check(from, options.network.id())?;
        }
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
        let copying = SegmentCopies {
            from,
            to: dir,
            store: left.store,
            segments: &left.segments,
            open: None,
            options: BackupOptions::default(),
            is_restoring: true,
        };
        let mut done = BackedUp {
            damaged: left.damaged,
            ..BackedUp::default()
        };
        copying.run(&mut done, progress)?;
        copy_ledger(from, dir)?;
        // What is lost of these is made anew by the repair.
        if let Some(list) = &left.list {
            list.write(&SystemDisk, dir)?;
        }
        if let Some(mark) = left.mark {
            write_mark(&SystemDisk, dir, left.store, mark)?;
        }
        if let Some(header) = &left.header {
            header.write(dir)?;
        }
        let mut repaired = Self::repair(dir, options)?;
        repaired.damaged = done.damaged;
        if from.join(GROWING).exists() {
            // Its mark may be of another moment than its segments.
            repaired.committed = None;
            repaired.damaged.push(format!(
                "{}: the last `simdex backup` to it did not end; what it has is restored",
                from.display()
            ));
        }
        std::fs::remove_file(&unfinished).map_err(failed)?;
        Ok(repaired)
    }
}

/// Of which store a backup is, by what of it is whole; `None` if there is none yet.
fn owner_of(dir: &Path) -> Result<Option<StoreId>, StoreError> {
    check_places(dir)?;
    let header = match Header::read_or_copy(dir) {
        Err(StoreError::Header { .. }) => None,
        header => header?,
    };
    let id = header.and_then(|header| header.store_id(dir).ok());
    let id = id.or_else(|| SegmentList::owner(&SystemDisk, dir));
    let id = id.or_else(|| Mark::owner(&SystemDisk, dir));
    match id {
        Some(id) => Ok(Some(id)),
        None => Ok(segment_files(&SystemDisk, dir)?
            .first()
            .map(|file| file.store)),
    }
}

/// Whether a backup's mark says that it has what the store never had.
fn is_ahead(to: &Path, plan: &Plan) -> Result<bool, StoreError> {
    let there = sound(Mark::read(&SystemDisk, to, plan.store))?;
    Ok(there.is_some_and(|there| {
        let (there_next, next) = (there.position.next, plan.mark.position.next);
        there_next > next || (there_next == next && !there.totals.matches(plan.mark.totals))
    }))
}

/// Whether one of two folders is in the other, or both are one.
fn are_nested(one: &Path, other: &Path) -> bool {
    let (one, other) = (resolved(one), resolved(other));
    one.starts_with(&other) || other.starts_with(&one)
}

/// A path without links, as far as there is anything at it.
fn resolved(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let there = path.ancestors().find_map(|dir| {
        let rest = path.strip_prefix(dir).ok()?;
        Some(std::fs::canonicalize(dir).ok()?.join(rest))
    });
    there.unwrap_or(path)
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
        copy_first(&source, &to.join(name), length)?;
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
