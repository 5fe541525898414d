//! sled's trees: their keys, their records, and changes of several at once.

mod batches;
mod changes;
mod counted;
mod counters;
mod error;
mod key;
mod overlay;
mod record;
mod segment_use;

use std::collections::HashMap;
use std::sync::Arc;

use serde::de::DeserializeOwned;

pub(super) use batches::TreeBatches;
pub(super) use changes::Changes;
pub(super) use counted::Counted;
pub(super) use error::{of_opening as error_of_opening, system_error};
pub(super) use key::{
    FrontierKey, embed_key, labelled_key, location_key, removed_file_key, sighting_key,
};
pub(super) use overlay::Overlay;
pub(super) use record::{UNREADABLE, decode, encode};
pub(super) use segment_use::{SegmentUse, UseChanges, segment_use};

use super::files::Lock;
use super::log::Position;
use crate::store::StoreError;
use crate::store::counts::Counts;
use counters::{Counters, Kind};

/// sled's trees. Keys are described in `key.rs`, values in `store/record.rs` and `segment_use.rs`.
pub(super) struct Trees {
    pub(super) db: sled::Db,
    pub(super) frontier: Counted,
    pub(super) pages: Counted,
    pub(super) embeds: sled::Tree,
    /// What pages say of the use of their pictures; nothing of those that say nothing.
    pub(super) terms: sled::Tree,
    pub(super) pictures: sled::Tree,
    pub(super) sequences: sled::Tree,
    /// On which hosts pictures were seen: keys alone.
    pub(super) sightings: sled::Tree,
    /// Where the pictures' entries lie in the log.
    pub(super) entries: sled::Tree,
    /// What of each segment is in use.
    pub(super) usage: sled::Tree,
    pub(super) places: sled::Tree,
    pub(super) files: sled::Tree,
    pub(super) counters: sled::Tree,
    pub(super) hosts: Counted,
    pub(super) rules: sled::Tree,
    /// Hosts that were removed, and when, in milliseconds since 1970.
    pub(super) removed_hosts: sled::Tree,
    /// Pictures that are not to be taken from local files: from one, or from any.
    pub(super) removed_files: sled::Tree,
    /// What the user has said of pictures, and of which each is.
    pub(super) labels: sled::Tree,
    pub(super) labelled: sled::Tree,
    pub(super) visits: sled::Tree,
    /// URLs that were gone at their last visit, and when they were first found so, in seconds
    /// since 1970.
    pub(super) absences: sled::Tree,
    /// What pages say of pictures' URLs that wait.
    pub(super) hints: sled::Tree,
    /// Documents of which something was not taken, and the short names of the reasons.
    pub(super) declined: sled::Tree,
    /// Where the entries of pictures without features lie in the log.
    pub(super) waiting: sled::Tree,
    /// What is counted of the frontier, pages and hosts.
    counters_of: Arc<Counters>,
    /// Dropped last: another process may open the store only when sled is closed.
    _lock: Lock,
}

/// Keys of the counters: the runs of the crawler so far, how far the log was taken in, and the
/// store's identity.
pub(super) const RUNS: [u8; 1] = [1];
pub(super) const APPLIED: [u8; 1] = [2];
pub(super) const STORE: [u8; 1] = [3];
/// How far the log was taken in, and how many runs there were, when the sightings were written last; and
/// where their making was stopped.
pub(super) const SIGHTED_LOG: [u8; 1] = [8];
pub(super) const SIGHTED_RUNS: [u8; 1] = [9];
pub(super) const SIGHTED_TO: [u8; 1] = [10];
/// Beside them: the settings of the last run.
pub(super) const SETTINGS: [u8; 8] = *b"settings";
/// And on which file systems folders were.
pub(super) const FILE_SYSTEMS: [u8; 12] = *b"file systems";

impl Trees {
    pub(super) fn open(db: sled::Db, lock: Lock) -> Result<Self, StoreError> {
        let open = |name: &str| db.open_tree(name);
        let counters_of = Arc::new(Counters::open(&db)?);
        let counted = |kind| Counted::of(kind, &counters_of);
        Ok(Self {
            frontier: counted(Kind::Frontier),
            pages: counted(Kind::Pages),
            embeds: open("embeds")?,
            terms: open("terms")?,
            pictures: open("pictures")?,
            sequences: open("sequences")?,
            sightings: open("sightings")?,
            entries: open("entries")?,
            usage: open("usage")?,
            places: open("places")?,
            files: open("files")?,
            counters: open("counters")?,
            hosts: counted(Kind::Hosts),
            rules: open("rules")?,
            removed_hosts: open("removed_hosts")?,
            removed_files: open("removed_files")?,
            labels: open("labels")?,
            labelled: open("labelled")?,
            visits: open("visits")?,
            absences: open("absences")?,
            hints: open("hints")?,
            declined: open("declined")?,
            waiting: open("waiting_entries")?,
            counters_of,
            db,
            _lock: lock,
        })
    }

    /// What is counted of the frontier, pages and hosts.
    pub(super) fn counts(&self) -> Counts {
        self.counters_of.lock().clone()
    }

    /// The same, counted anew: reads all of them.
    pub(super) fn recount(&self) -> Result<Counts, StoreError> {
        self.counters_of.recount()
    }

    /// How far the log was taken in.
    pub(super) fn applied(&self) -> Result<Position, StoreError> {
        match self.counters.get(APPLIED)? {
            Some(value) => decode("counters", &value),
            None => Ok(Position::default()),
        }
    }

    /// The trees that can be made anew from the log.
    pub(super) fn of_pictures(&self) -> [&sled::Tree; 7] {
        [
            &self.pictures,
            &self.sequences,
            &self.entries,
            &self.usage,
            &self.places,
            &self.files,
            &self.waiting,
        ]
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
