//! The list of segments: which files are of the log, how long the closed ones are, and what is
//! being rewritten. It is replaced in one step.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::format::StoreId;
use crate::store::StoreError;
use crate::store::embedded::disk::{Disk, read_if_there, replace};

/// The file's name in the store's folder.
pub const FILE: &str = "log.segments";
const MAGIC: [u8; 4] = *b"SXL1";

/// A segment that is never written again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosedSegment {
    /// Its number.
    pub number: u32,
    /// Its length in bytes.
    pub length: u64,
    /// Whether it is of format 3 or older: bare blocks that entries elsewhere name.
    pub is_old: bool,
}

/// The segments of a store.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentList {
    store: StoreId,
    /// How often segments were rewritten so far.
    pub rewrites: u64,
    /// Those that are closed, in order.
    pub closed: Vec<ClosedSegment>,
    /// The one that is written to. Its file is made when something is.
    pub open: u32,
    /// The one that a segment is being copied to: what there is of it is a copy.
    pub copying: Option<u32>,
    /// Those that were copied, and may be deleted.
    pub retired: Vec<u32>,
}

impl SegmentList {
    /// The list of a new log.
    pub fn new(store: StoreId) -> Self {
        Self {
            store,
            ..Self::default()
        }
    }

    /// Reads the list; `None` if there is none.
    pub fn read(disk: &dyn Disk, dir: &Path, store: StoreId) -> Result<Option<Self>, StoreError> {
        let path = dir.join(FILE);
        let bytes = read_if_there(disk, &path).map_err(|error| StoreError::io(&path, error))?;
        let Some(bytes) = bytes else {
            return Ok(None);
        };
        let wrong = |message: &str| StoreError::Log {
            path: path.clone(),
            message: message.to_owned(),
        };
        let list = Self::parse(&bytes).ok_or_else(|| wrong("it is damaged"))?;
        if list.store != store {
            return Err(wrong("it is of another store"));
        }
        Ok(Some(list))
    }

    /// Of which store the list in a folder is, if there is one and it is whole.
    pub fn owner(disk: &dyn Disk, dir: &Path) -> Option<StoreId> {
        let bytes = read_if_there(disk, &dir.join(FILE)).ok()??;
        Self::parse(&bytes).map(|list| list.store)
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let (head, payload) = bytes.split_at_checked(8)?;
        let sound = head[..4] == MAGIC && head[4..] == crc32fast::hash(payload).to_le_bytes();
        sound.then(|| postcard::from_bytes(payload).ok()).flatten()
    }

    /// Replaces the file.
    pub fn write(&self, disk: &dyn Disk, dir: &Path) -> Result<(), StoreError> {
        let payload = postcard::to_stdvec(self).expect("plain numbers always encode");
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&crc32fast::hash(&payload).to_le_bytes());
        bytes.extend_from_slice(&payload);
        let path = dir.join(FILE);
        replace(disk, &path, &bytes).map_err(|error| StoreError::io(&path, error))
    }

    /// The lowest number above all that were used.
    pub fn next_number(&self) -> u32 {
        let used = self.closed.iter().map(|segment| segment.number);
        let used = used.chain([self.open]).chain(self.retired.iter().copied());
        used.max().map_or(0, |highest| highest + 1)
    }
}
