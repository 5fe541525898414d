//! Writing sled's records anew: its file keeps old bytes until their place is used again.

use std::path::Path;

use crate::store::StoreError;
use crate::store::embedded::disk::{Disk, SystemDisk};
use crate::store::embedded::files::Lock;
use crate::store::embedded::{Embedded, RECORDS, records};

/// Records that are being written.
pub(super) const NEW: &str = "records.new";
/// Records that were written anew.
const OLD: &str = "records.old";
/// Records copied in one batch.
const BATCH: usize = 1000;

impl Embedded {
    /// Writes the records anew and deletes the old ones.
    ///
    /// # Errors
    /// If the store is in use, or the disk is full or fails. The old records stay then.
    pub(in crate::store) fn rewrite_records(dir: &Path) -> Result<(), StoreError> {
        let _lock = Lock::take(dir)?;
        finish_rewriting(dir)?;
        let (path, new) = (dir.join(RECORDS), dir.join(NEW));
        delete_folder(&new)?;
        // sled panics where it cannot write as it is closed.
        records::or_damaged(&path, || {
            let from = records::open(&path)?;
            let to = records::open(&new)?;
            for name in from.tree_names() {
                let (source, target) = (from.open_tree(&name)?, to.open_tree(&name)?);
                let mut entries = source.iter().peekable();
                while entries.peek().is_some() {
                    let mut batch = sled::Batch::default();
                    for entry in entries.by_ref().take(BATCH) {
                        let (key, value) = entry?;
                        batch.insert(key, value);
                    }
                    target.apply_batch(batch)?;
                }
            }
            to.flush()?;
            Ok(())
        })?;
        let db = new.join("db");
        SystemDisk
            .sync_foreign(&db)
            .and_then(|()| SystemDisk.sync_folder(&new))
            .map_err(|error| StoreError::io(&new, error))?;
        rename(&path, &dir.join(OLD))?;
        rename(&new, &path)?;
        finish_rewriting(dir)
    }
}

/// Ends a rewriting that was cut short: the old records come back if the new ones are not in
/// their place, and go if they are. New ones that were never finished go, too: what was removed
/// since may be in them.
pub(in crate::store::embedded) fn finish_rewriting(dir: &Path) -> Result<(), StoreError> {
    let (path, old, new) = (dir.join(RECORDS), dir.join(OLD), dir.join(NEW));
    if path.exists() && new.exists() {
        delete_folder(&new)?;
    }
    if !old.exists() {
        return Ok(());
    }
    match path.exists() {
        true => delete_folder(&old),
        false => rename(&old, &path),
    }
}

pub(super) fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    let renamed = SystemDisk.rename(from, to);
    let synced = renamed.and_then(|()| SystemDisk.sync_folder(crate::atomic_file::folder_of(to)));
    synced.map_err(|error| StoreError::io(from, error))
}

pub(super) fn delete_folder(path: &Path) -> Result<(), StoreError> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(StoreError::io(path, error))
        }
        _ => Ok(()),
    }
}
