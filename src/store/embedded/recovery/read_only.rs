//! A store on a disk that cannot be written: sled cannot open its files without writing, so it
//! gets a private copy of them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;

use crate::store::embedded::disk::{Disk, FrozenDisk};
use crate::store::embedded::files::{Header, LATEST, Lock, check_places};
use crate::store::embedded::log::{Log, Opened};
use crate::store::embedded::records::{self, Records};
use crate::store::embedded::recovery::usable_records::{are_damaged, check_room};
use crate::store::embedded::transfer::check_ended;
use crate::store::embedded::trees::Trees;
use crate::store::embedded::{Embedded, EmbeddedMetadata, Parts, RECORDS};
use crate::store::leases::LEASE_TIME;
use crate::store::{StoreError, StoreOptions};

/// Where Linux keeps files in memory: there is room on a machine whose one disk is full.
const IN_MEMORY: &str = "/dev/shm";

impl Embedded {
    /// Opens the store in `dir` without writing to it. Everything that would write is refused.
    ///
    /// # Errors
    /// If it is in use, of an older format or damaged, or there is no room for the copy.
    pub(in crate::store) fn open_read_only(
        dir: &Path,
        options: &StoreOptions<'_>,
    ) -> Result<Self, StoreError> {
        check_places(dir)?;
        check_ended(dir)?;
        match Self::open_private(dir, options, true) {
            // They are only an index over the log.
            Err(problem) if are_damaged(&problem) => {
                tracing::warn!(
                    %problem,
                    "the records of pictures are made anew from the log each time that the store \
                     is opened, until it can be written"
                );
                Self::open_private(dir, options, false)
            }
            opened => opened,
        }
    }

    fn open_private(
        dir: &Path,
        options: &StoreOptions<'_>,
        with_records: bool,
    ) -> Result<Self, StoreError> {
        let lock = Lock::share(dir)?;
        let header = Header::read_or_copy(dir)?.ok_or_else(|| StoreError::NoHeader {
            dir: dir.to_owned(),
        })?;
        header.check(dir, options.network.id())?;
        header.check_described(dir, options.network)?;
        let is_current =
            header.format == LATEST && header.descriptor == options.network.descriptor_id();
        if !is_current {
            return Err(StoreError::ReadOnly {
                dir: dir.to_owned(),
            });
        }
        let path = dir.join(RECORDS);
        if with_records && !path.join("db").is_file() {
            return Err(StoreError::Records {
                path,
                message: "they are missing".to_owned(),
            });
        }
        let disk: Arc<dyn Disk> = Arc::new(FrozenDisk);
        let store_id = header.store_id(dir)?;
        let Opened { log, mark, .. } = Log::open(Arc::clone(&disk), dir, store_id)?;
        let private = private_folder(dir, &[std::env::temp_dir(), IN_MEMORY.into()])?;
        if with_records {
            copy_records(&path, private.path())?;
        }
        let mut store = records::or_damaged(&path, || {
            let db = records::open(private.path())?;
            let mut store = Self::assemble(Parts {
                dir,
                options,
                lease_time: LEASE_TIME,
                header: &header,
                store_id,
                trees: Trees::open(db.clone(), lock)?,
                records: Records::new(db, private.path().to_owned(), disk),
                log,
            })?;
            // Where they are missing, each picture is asked.
            let metadata = &mut store.metadata;
            metadata.open_rows(&FrozenDisk);
            metadata.sightings.keep(metadata.has_sightings()?);
            match with_records {
                true => store.metadata.reconcile(&mark)?,
                false => make_records(&store.metadata)?,
            }
            Ok(store)
        })?;
        // Where looks are missing, `look-alike` does without.
        let is_told = store.metadata.look_id() == Some(header.look.as_str());
        store.identity.look = is_told.then(|| header.look.clone());
        store.metadata.log.freeze();
        store.metadata.reserve.is_frozen = true;
        store.blocks.reserve.is_frozen = true;
        store.metadata.private = Some(private);
        Ok(store)
    }
}

/// A folder for a copy of the records of the store in `dir`, in the first place that has room.
///
/// # Errors
/// What is wrong with the first place, if none has.
fn private_folder(dir: &Path, places: &[PathBuf]) -> Result<TempDir, StoreError> {
    let mut refused = None;
    for place in places {
        let folder = check_room(dir, place).and_then(|()| {
            let folder = tempfile::Builder::new()
                .prefix("simdex-records-")
                .tempdir_in(place);
            folder.map_err(|error| StoreError::io(place, error))
        });
        match folder {
            Ok(folder) => return Ok(folder),
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    Err(refused.unwrap_or(StoreError::NoFolder))
}

/// Makes records of pictures anew from the log, for as long as the store is open.
fn make_records(metadata: &EmbeddedMetadata) -> Result<(), StoreError> {
    for damage in metadata.rebuild()? {
        tracing::warn!(error = %metadata.damaged(damage), "passed over");
    }
    Ok(())
}

fn copy_records(from: &Path, to: &Path) -> Result<(), StoreError> {
    for entry in walkdir::WalkDir::new(from).min_depth(1) {
        let entry = entry.map_err(|error| StoreError::io(from, error.into()))?;
        let path = entry.path();
        let Ok(relative) = path.strip_prefix(from) else {
            continue;
        };
        let target = to.join(relative);
        let copied = match entry.file_type().is_dir() {
            true => std::fs::create_dir_all(&target),
            // With the rights of a new file: sled opens it to write.
            false => std::fs::File::open(path).and_then(|mut file| {
                std::io::copy(&mut file, &mut std::fs::File::create(&target)?).map(drop)
            }),
        };
        copied.map_err(|error| StoreError::io(&target, error))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_copy_lies_where_there_is_room() {
        let (dir, place) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let away = dir.path().join("away");
        let places = [away.clone(), place.path().to_owned()];
        let folder = private_folder(dir.path(), &places).unwrap();
        assert_eq!(folder.path().parent(), Some(place.path()));
        let error = private_folder(dir.path(), &places[..1]).unwrap_err();
        let named = away.to_str().unwrap();
        assert!(error.to_string().contains(named), "{error}");
    }
}
