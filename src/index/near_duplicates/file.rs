//! The groups on disk: one small file beside the index's snapshot, with a checksum.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::GroupEntry;
use crate::atomic_file::{self, Access};
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

fn path(store: &Store) -> PathBuf {
    store.index_dir().join("copies")
}

/// `None` if there is no file, or a damaged or foreign one, which only costs a rebuild.
pub(super) fn load(store: &Store) -> Option<BTreeMap<Sequence, GroupEntry>> {
    let bytes = std::fs::read(path(store)).ok()?;
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

/// Replaces the file in one step.
pub(super) fn save(store: &Store, entries: &BTreeMap<Sequence, GroupEntry>) -> io::Result<()> {
    let saved = Saved {
        version: VERSION,
        store: store.id().to_owned(),
        entries: entries
            .iter()
            .map(|(sequence, entry)| (sequence.0, *entry))
            .collect(),
    };
    let body = postcard::to_stdvec(&saved).map_err(io::Error::other)?;
    std::fs::create_dir_all(store.index_dir())?;
    let mut bytes = crc32fast::hash(&body).to_le_bytes().to_vec();
    bytes.extend(body);
    atomic_file::replace(&path(store), &bytes, Access::Private)
}
