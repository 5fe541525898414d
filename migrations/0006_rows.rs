//! Format 6: descriptors and looks are rows of files, no longer records. The rows are made of the records, which may know
//! more than the log says, and are safe before those go. sled's file does not get smaller; it is used again.

use std::io;
use std::time::{Duration, Instant};

use super::Migrating;
use crate::network::{Descriptor, LookDescriptor};
use crate::picture::PictureId;
use crate::store::embedded::disk::SystemDisk;
use crate::store::embedded::rows::{LookRows, RowFile, Rows};
use crate::store::embedded::trees::decode;
use crate::store::{EntryLocation, Sequence, StoreError};

/// The trees of before, and counters of the second: of which way of telling looks it is, and whether some are missing.
const DESCRIPTORS: &str = "descriptors";
const LOOKS: &str = "looks";
const LOOKS_OF: [u8; 1] = [4];
const LOOKS_MISSING: [u8; 1] = [5];
const NOTE_EVERY: Duration = Duration::from_secs(5);

/// What is a row already is left alone, so the change can be run again.
pub(super) fn up(store: &Migrating<'_>) -> Result<(), StoreError> {
    let network = store.network;
    let pictures = store.trees.sequences.len();
    // Rows of another way are of no use: they are made of the log.
    if let Some(tree) = tree(store.db, DESCRIPTORS)?
        && store.header.descriptor == network.descriptor_id()
    {
        let dimensions = network.descriptor_dimensions();
        let way = (&*store.header.id, network.descriptor_id());
        let open = Rows::open(&SystemDisk, store.dir, way, dimensions);
        let rows = open.map_err(|error| failed(store, error))?;
        store
            .reserve
            .check_for(4 * dimensions as u64 * pictures as u64)?;
        each(
            store,
            "rows of descriptors",
            |sequence, id| {
                let known = rows.get(sequence).filter(|row| row.id == id);
                let value = tree.get(sequence.key())?;
                let value =
                    value.filter(|value| Descriptor::from_bytes(value, dimensions).is_some());
                let entry = store.trees.entries.get(id.as_bytes())?;
                let Some((value, entry)) = value.zip(entry) else {
                    return Ok(());
                };
                let location: EntryLocation = decode("entries", &entry)?;
                let is_kept = known.is_some_and(|row| {
                    row.location == Some(location) && value == row.descriptor.to_bytes()
                });
                match is_kept {
                    true => Ok(()),
                    false => rows
                        .keep(sequence, id, location, &value)
                        .map_err(|error| failed(store, error)),
                }
            },
            &rows.file,
        )?;
    }
    if let Some(tree) = tree(store.db, LOOKS)?
        && let Some(look) = network.look()
        && let of = store.trees.counters.get(LOOKS_OF)?
        && (store.header.look == look.id() || of.is_some_and(|of| of == look.id().as_bytes()))
    {
        let way = (&*store.header.id, look.id());
        let open = LookRows::open(&SystemDisk, store.dir, way, look.dimensions());
        let rows = open.map_err(|error| failed(store, error))?;
        store
            .reserve
            .check_for(look.dimensions() as u64 * pictures as u64)?;
        each(
            store,
            "rows of looks",
            |sequence, id| {
                let Some(value) = tree.get(sequence.key())? else {
                    return Ok(());
                };
                // Nothing stands for a picture without a look.
                let look = LookDescriptor::from_bytes(&value, look.dimensions());
                let look = look.as_ref().map(LookDescriptor::bytes);
                rows.keep(sequence, id, look)
                    .map_err(|error| failed(store, error))
            },
            &rows.file,
        )?;
    }
    let folder = store.dir.join("index");
    if folder.is_dir() {
        let synced = crate::atomic_file::sync_folder(&folder);
        synced.map_err(|error| StoreError::io(&folder, error))?;
    }
    drop_described(store.db)
}

/// Drops the records of descriptors and looks.
pub(in crate::store::embedded) fn drop_described(db: &sled::Db) -> Result<(), StoreError> {
    for name in [DESCRIPTORS, LOOKS] {
        if db.tree_names().iter().any(|known| known == name.as_bytes()) {
            db.drop_tree(name)?;
        }
    }
    let counters = db.open_tree("counters")?;
    for key in [LOOKS_OF, LOOKS_MISSING] {
        counters.remove(key)?;
    }
    Ok(())
}

/// A tree of before, if it is there: none is made.
fn tree(db: &sled::Db, name: &str) -> Result<Option<sled::Tree>, StoreError> {
    let is_there = db.tree_names().iter().any(|known| known == name.as_bytes());
    let tree = is_there.then(|| db.open_tree(name));
    Ok(tree.transpose()?)
}

/// Makes the row of each picture, and clears those of numbers without one. All of it is safe then.
fn each(
    store: &Migrating<'_>,
    what: &str,
    make: impl Fn(Sequence, PictureId) -> Result<(), StoreError>,
    rows: &RowFile,
) -> Result<(), StoreError> {
    let sequences = &store.trees.sequences;
    let unreadable = || StoreError::Unreadable { tree: "sequences" };
    let (mut next, mut noted) = (Sequence(0), Instant::now());
    for (done, entry) in sequences.iter().enumerate() {
        let (key, id) = entry?;
        let sequence = Sequence::from_key(&key).ok_or_else(unreadable)?;
        if sequence > next {
            let cleared = rows.clear_between(next, Some(sequence));
            cleared.map_err(|error| failed(store, error))?;
        }
        next = Sequence(sequence.0 + 1);
        make(sequence, PictureId::from_slice(&id).ok_or_else(unreadable)?)?;
        if noted.elapsed() > NOTE_EVERY {
            noted = Instant::now();
            tracing::info!(done, "{what}");
        }
    }
    let cleared = rows.clear_between(next, None);
    let safe = cleared.and_then(|()| rows.sync());
    safe.map_err(|error| failed(store, error))
}

fn failed(store: &Migrating<'_>, error: io::Error) -> StoreError {
    StoreError::io(&store.dir.join("index"), error)
}
