//! Copies of a store, made while it is in use: what the mark covers of the segments, which are
//! only ever added to. The records are not copied; they are made anew from the log.

use std::collections::HashSet;
use std::path::Path;

use crate::store::embedded::Embedded;
use crate::store::embedded::disk::{Disk, SystemDisk};
use crate::store::embedded::files::{Header, Lock};
use crate::store::embedded::log::{FOLDER, LIST_FILE, MARK_FILE, number_of, write_mark};
use crate::store::embedded::recovery::plan::{Plan, make_private};
use crate::store::embedded::recovery::segment_copies::{SegmentCopies, copy_first};
use crate::store::ledger;
use crate::store::{BackedUp, BackupOptions, Repaired, StoreError, StoreOptions};

/// In a folder that a backup is being copied into.
const UNFINISHED: &str = "restoring";

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
        if let Some(before) = Header::read_or_copy(to)? {
            let of = Plan::of(from)?.header.id;
            if before.id != of || Self::has_records(to) {
                return Err(StoreError::NotEmpty { dir: to.to_owned() });
            }
        }
        let mut done = BackedUp::default();
        let plan = loop {
            let plan = Plan::of(from)?;
            let copying = SegmentCopies {
                from,
                to,
                plan: &plan,
                options,
                is_restoring: false,
            };
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
    /// If `from` is no backup, something is in `dir`, or the disk is full or fails.
    pub(in crate::store) fn restore(
        from: &Path,
        dir: &Path,
        options: &StoreOptions<'_>,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Repaired, StoreError> {
        if !from.join(LIST_FILE).is_file() || !from.join(MARK_FILE).is_file() {
            return Err(StoreError::NoBackup {
                dir: from.to_owned(),
            });
        }
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
        let copying = SegmentCopies {
            from,
            to: dir,
            plan: &plan,
            options: BackupOptions::default(),
            is_restoring: true,
        };
        let mut done = BackedUp::default();
        copying.run(&mut done, progress)?;
        copy_ledger(from, dir)?;
        plan.list.write(&SystemDisk, dir)?;
        write_mark(&SystemDisk, dir, plan.store, plan.mark)?;
        plan.header.write(dir)?;
        let mut repaired = Self::repair(dir, options)?;
        repaired.damaged = done.damaged;
        std::fs::remove_file(&unfinished).map_err(failed)?;
        Ok(repaired)
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
