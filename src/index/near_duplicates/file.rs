//! The groups on disk: one small file beside the index's snapshot, with a checksum.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::GroupEntry;
use crate::atomic_file::AtomicFile;
use crate::store::{Sequence, Store};

#[derive(Serialize, Deserialize)]
struct Saved {
    /// Of this file, and of the rule by which pictures are grouped.
    version: u32,
    store: String,
    /// Sequence numbers and entries.
    entries: Vec<(u64, GroupEntry)>,
}

const VERSION: u32 = 1;
const CHECKSUM: usize = 4;

/// `None` if the store is in memory.
fn path(store: &Store) -> Option<PathBuf> {
    Some(store.index_dir()?.join("copies"))
}

/// `None` if there is no file, or a damaged or foreign one, which only costs a rebuild.
pub(super) fn load(store: &Store) -> Option<BTreeMap<Sequence, GroupEntry>> {
    let bytes = std::fs::read(path(store)?).ok()?;
    let (checksum, body) = bytes.split_first_chunk::<CHECKSUM>()?;
    let saved = (crc32fast::hash(body) == u32::from_le_bytes(*checksum))
        .then(|| postcard::from_bytes::<Saved>(body).ok())
        .flatten();
    let Some(saved) = saved else {
        tracing::warn!("the groups of copies are damaged; making them anew");
        return None;
    };
    let usable = saved.version == VERSION && saved.store == store.id();
    let entries = saved.entries.into_iter();
    usable.then(|| {
        entries
            .map(|(sequence, entry)| (Sequence(sequence), entry))
            .collect()
    })
}

/// Replaces the file in one step. Of a store in memory nothing is saved.
pub(super) fn save(store: &Store, entries: &BTreeMap<Sequence, GroupEntry>) -> io::Result<()> {
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
    };
    let body = postcard::to_stdvec(&saved).map_err(io::Error::other)?;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let checksum = crc32fast::hash(&body).to_le_bytes();
    AtomicFile::new(&path).write(&[&checksum[..], &body].concat())
}
