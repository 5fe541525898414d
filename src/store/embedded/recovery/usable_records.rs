//! The records that a repair works on: those that are there, or new ones beside them until they
//! are whole.

use std::path::{Path, PathBuf};

use crate::store::StoreError;
use crate::store::embedded::RECORDS;
use crate::store::embedded::disk::{SystemDisk, aside};
use crate::store::embedded::files::Reserve;
use crate::store::embedded::log::StoreId;
use crate::store::embedded::records;
use crate::store::embedded::recovery::record_rewrite::{
    NEW, delete_folder, finish_rewriting, rename,
};
use crate::store::embedded::trees::STORE;

/// Whether an error says that records are damaged or missing. What the system says is about the
/// disk, and what is on it may be whole.
pub(in crate::store::embedded) fn are_damaged(error: &StoreError) -> bool {
    match error {
        StoreError::Records { .. } | StoreError::Engine { .. } | StoreError::Unreadable { .. } => {
            true
        }
        StoreError::Io { source, .. } => {
            source.raw_os_error().is_none() || source.kind() == std::io::ErrorKind::NotFound
        }
        _ => false,
    }
}

/// Refuses to begin where the disk of `place` has too little room for the records of the store in
/// `dir`.
///
/// # Errors
/// [`StoreError::DiskFull`].
pub(super) fn check_room(dir: &Path, place: &Path) -> Result<(), StoreError> {
    let files = walkdir::WalkDir::new(dir.join(RECORDS)).into_iter();
    let files = files.filter_map(Result::ok);
    let lengths = files.filter_map(|file| Some(file.metadata().ok()?.len()));
    let room = Reserve {
        dir: place.to_owned(),
        bytes: 0,
        is_frozen: false,
    };
    // They are written anew, page by page.
    room.check_for(lengths.sum())
}

/// sled's records and where they are: the store's, if they can be read to the end and are its
/// own; else new ones, for [`take_their_place`].
///
/// # Errors
/// If the disk fails; nothing was changed then.
pub(super) fn find(dir: &Path, store_id: StoreId) -> Result<(sled::Db, PathBuf), StoreError> {
    finish_rewriting(dir)?;
    let path = dir.join(RECORDS);
    if path.join("db").is_file() {
        let usable = records::or_damaged(&path, || {
            let db = records::open(&path)?;
            Ok(is_usable(&db, store_id)?.then_some(db))
        });
        match usable {
            Ok(Some(db)) => return Ok((db, path)),
            Ok(None) => {}
            Err(error) if are_damaged(&error) => {}
            Err(error) => return Err(error),
        }
    }
    let new = dir.join(NEW);
    delete_folder(&new)?;
    Ok((records::open(&new)?, new))
}

fn is_usable(db: &sled::Db, store_id: StoreId) -> sled::Result<bool> {
    // Reads everything.
    db.checksum()?;
    let store = db.open_tree("counters")?.get(STORE)?;
    Ok(store.is_some_and(|store| store == store_id))
}

/// Puts records that are whole in the place of those that could not be used. Returns what these
/// are called now.
///
/// # Errors
/// If the disk fails.
pub(super) fn take_their_place(dir: &Path, new: &Path) -> Result<Option<PathBuf>, StoreError> {
    let path = dir.join(RECORDS);
    let moved = match path.exists() {
        true => Some(aside(&SystemDisk, &path)?),
        false => None,
    };
    rename(new, &path)?;
    Ok(moved)
}
