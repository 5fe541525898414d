//! The groups on disk: one small file beside the index's snapshot, with a checksum.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::GroupEntry;
use super::apart::Apart;
use crate::index::derived_file;
use crate::picture::PictureId;
use crate::store::{Sequence, Store};

#[derive(Serialize, Deserialize)]
struct Saved {
    /// Of this file, and of the rule by which pictures are grouped.
    version: u32,
    store: String,
    /// Sequence numbers and entries.
    entries: Vec<(u64, GroupEntry)>,
    /// The pairs that were kept apart.
    apart: Vec<[PictureId; 2]>,
}

const VERSION: u32 = 2;

/// `None` if the store is in memory.
fn path(store: &Store) -> Option<PathBuf> {
    Some(store.index_dir()?.join("copies"))
}

/// `None` if there is no file, or a damaged or foreign one, which only costs a rebuild.
pub(super) fn load(store: &Store) -> Option<(BTreeMap<Sequence, GroupEntry>, Apart)> {
    let damaged = "the groups of copies are damaged; making them anew";
    let saved: Saved = derived_file::load(&path(store)?, damaged)?;
    let usable = saved.version == VERSION && saved.store == store.id();
    let entries = saved.entries.into_iter();
    let entries = entries.map(|(sequence, entry)| (Sequence(sequence), entry));
    usable.then(|| (entries.collect(), Apart::of(saved.apart)))
}

/// Replaces the file in one step. Of a store in memory nothing is saved.
pub(super) fn save(
    store: &Store,
    entries: &BTreeMap<Sequence, GroupEntry>,
    apart: &Apart,
) -> io::Result<()> {
    let Some(path) = path(store) else {
        return Ok(());
    };
    let saved = Saved {
        version: VERSION,
        store: store.id().to_owned(),
        entries: entries
            .iter()
            .map(|(sequence, entry)| (sequence.0, *entry))
            .collect(),
        apart: apart.pairs().collect(),
    };
    derived_file::save(&path, &saved)
}
