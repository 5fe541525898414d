//! sled's trees: their keys, their records, and changes of several at once.

mod batches;
mod error;
mod key;
mod record;

use std::collections::HashMap;

use serde::de::DeserializeOwned;

pub(super) use batches::TreeBatches;
pub(super) use error::of_opening as error_of_opening;
pub(super) use key::{FrontierKey, embed_key, location_key};
pub(super) use record::{Extent, SegmentGrowth, UNREADABLE, decode, encode, segment_record};

use super::files::Lock;
use crate::store::{Sequence, StoreError};

/// sled's trees. Keys are described in `key.rs`, values in `record.rs`.
pub(super) struct Trees {
    pub(super) db: sled::Db,
    pub(super) frontier: sled::Tree,
    pub(super) pages: sled::Tree,
    pub(super) embeds: sled::Tree,
    pub(super) pictures: sled::Tree,
    pub(super) sequences: sled::Tree,
    pub(super) descriptors: sled::Tree,
    pub(super) thumbnails: sled::Tree,
    pub(super) extents: sled::Tree,
    pub(super) segments: sled::Tree,
    pub(super) places: sled::Tree,
    pub(super) files: sled::Tree,
    pub(super) counters: sled::Tree,
    pub(super) hosts: sled::Tree,
    pub(super) rules: sled::Tree,
    /// Hosts that were removed, and when, in milliseconds since 1970.
    pub(super) removed_hosts: sled::Tree,
    pub(super) visits: sled::Tree,
    /// URLs that were gone at their last visit, and when they were first found so, in seconds
    /// since 1970.
    pub(super) absences: sled::Tree,
    /// Documents of which something was not taken, and the short names of the reasons.
    pub(super) declined: sled::Tree,
    pub(super) waiting: sled::Tree,
    pub(super) body_files: sled::Tree,
    /// Dropped last: another process may open the store only when sled is closed.
    _lock: Lock,
}

/// Keys of the counters: the next sequence number, and the runs of the crawler so far.
pub(super) const NEXT_SEQUENCE: [u8; 1] = [0];
pub(super) const RUNS: [u8; 1] = [1];
/// Beside them: the settings of the last run.
pub(super) const SETTINGS: [u8; 8] = *b"settings";

impl Trees {
    pub(super) fn open(db: sled::Db, lock: Lock) -> Result<Self, StoreError> {
        let open = |name: &str| db.open_tree(name);
        Ok(Self {
            frontier: open("frontier")?,
            pages: open("pages")?,
            embeds: open("embeds")?,
            pictures: open("pictures")?,
            sequences: open("sequences")?,
            descriptors: open("descriptors")?,
            thumbnails: open("thumbnails")?,
            extents: open("extents")?,
            segments: open("segments")?,
            places: open("places")?,
            files: open("files")?,
            counters: open("counters")?,
            hosts: open("hosts")?,
            rules: open("rules")?,
            removed_hosts: open("removed_hosts")?,
            visits: open("visits")?,
            absences: open("absences")?,
            declined: open("declined")?,
            waiting: open("waiting")?,
            body_files: open("body_files")?,
            db,
            _lock: lock,
        })
    }

    /// The number that the next picture gets.
    pub(super) fn next_sequence(&self) -> Result<u64, StoreError> {
        match self.counters.get(NEXT_SEQUENCE)? {
            Some(value) => Sequence::from_key(&value)
                .map(|next| next.0)
                .ok_or(StoreError::Unreadable { tree: "counters" }),
            None => Ok(0),
        }
    }
}

/// The records of numbered files.
pub(super) fn numbered<T: DeserializeOwned>(
    tree: &sled::Tree,
    name: &'static str,
) -> Result<HashMap<u32, T>, StoreError> {
    let entry = |entry: sled::Result<(sled::IVec, sled::IVec)>| {
        let (key, value) = entry?;
        let number = key.as_ref().try_into().map(u32::from_be_bytes);
        let number = number.map_err(|_| StoreError::Unreadable { tree: name })?;
        Ok((number, decode(name, &value)?))
    };
    tree.iter().map(entry).collect()
}
