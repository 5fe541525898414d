//! What says that a copy into a folder has not ended: a file with the id of the store that is copied.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use crate::atomic_file::AtomicFile;
use crate::store::embedded::Embedded;
use crate::store::embedded::disk::{Disk, SystemDisk};
use crate::store::embedded::files::{Header, LOCK_FILE, Lock, check_places};
use crate::store::leases::LEASE_TIME;
use crate::store::{Identity, Store, StoreError, StoreOptions};

/// The file's name.
const FILE: &str = "copying";

pub(super) fn is_there(dir: &Path) -> bool {
    dir.join(FILE).exists()
}

pub(super) fn remove(dir: &Path) -> Result<(), StoreError> {
    let path = dir.join(FILE);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(StoreError::io(&path, error)),
        _ => SystemDisk
            .sync_folder(dir)
            .map_err(|error| StoreError::io(dir, error)),
    }
}

/// Fails where a copy into a folder has not ended.
pub(in crate::store::embedded) fn check_ended(dir: &Path) -> Result<(), StoreError> {
    match is_there(dir) {
        true => Err(StoreError::UnfinishedCopy {
            place: dir.display().to_string(),
        }),
        false => Ok(()),
    }
}

impl Store {
    /// Opens the store of a folder that may be the copy of another that has not ended.
    pub(in crate::store) fn open_folder_copy(
        dir: &Path,
        options: &StoreOptions<'_>,
    ) -> Result<Self, StoreError> {
        Ok(Self::of(Embedded::open_copy(dir, options)?, dir))
    }

    /// Opens the folder that a store is copied into, which is empty or was begun before.
    pub(in crate::store) fn begin_folder_copy(
        dir: &Path,
        of: &Identity,
        options: &StoreOptions<'_>,
    ) -> Result<Self, StoreError> {
        Ok(Self::of(Embedded::begin_copy(dir, of, options)?, dir))
    }
}

impl Embedded {
    fn open_copy(dir: &Path, options: &StoreOptions<'_>) -> Result<Self, StoreError> {
        Self::open_on(Arc::new(SystemDisk), dir, options, LEASE_TIME)
    }

    fn begin_copy(
        dir: &Path,
        of: &Identity,
        options: &StoreOptions<'_>,
    ) -> Result<Self, StoreError> {
        crate::private_folder::create(dir).map_err(|error| StoreError::io(dir, error))?;
        check_places(dir)?;
        let path = dir.join(FILE);
        let no_place = |what| StoreError::NoPlaceForCopy {
            place: dir.display().to_string(),
            what,
        };
        match std::fs::read_to_string(&path) {
            Ok(id) if id == of.id => {}
            Ok(_) => return Err(no_place("is where another store is being copied to")),
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(StoreError::io(&path, error));
            }
            Err(_) if Self::id_in(dir).as_ref() == Some(&of.id) => {
                return Err(no_place("has the store already"));
            }
            Err(_) if !is_empty(dir)? => return Err(no_place("is not empty")),
            Err(_) => {
                let written = AtomicFile::new(&path).write(of.id.as_bytes());
                written.map_err(|error| StoreError::io(&path, error))?;
            }
        }
        if Header::read(dir)?.is_none() {
            let _lock = Lock::take(dir)?;
            let header = Header {
                format: 0,
                id: of.id.clone(),
                network: of.network.clone(),
                activations: of.activations,
                recent_bytes: of.recent_bytes,
                sketch: of.sketch,
                mixed: of.recent_bytes.is_some(),
                converting: false,
                descriptor: of.descriptor.clone(),
                look: String::new(),
            };
            header.write(dir)?;
        }
        Self::open_copy(dir, options)
    }
}

/// Whether there is nothing in a folder but what a process leaves that has locked it.
fn is_empty(dir: &Path) -> Result<bool, StoreError> {
    let failed = |error| StoreError::io(dir, error);
    for entry in std::fs::read_dir(dir).map_err(failed)? {
        if entry.map_err(failed)?.file_name() != LOCK_FILE {
            return Ok(false);
        }
    }
    Ok(true)
}
