//! Records that only a store in a folder keeps, and how all are written: with postcard. A
//! change here is a change of the store's format and needs a migration.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::TreeBatches;
use crate::store::embedded::files::{SegmentRecord, record_end};
use crate::store::{BlockLocation, StoreError};

/// Where a picture's activations lie among the segment files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extent {
    /// Number of the segment file.
    pub segment: u32,
    /// Offset of the record in bytes.
    pub offset: u64,
}

impl Extent {
    /// Where a block lies. `length` is the block's.
    pub fn location(self, length: u64) -> BlockLocation {
        let Self { segment, offset } = self;
        BlockLocation {
            segment,
            offset,
            length,
        }
    }
}

impl From<BlockLocation> for Extent {
    fn from(location: BlockLocation) -> Self {
        Self {
            segment: location.segment,
            offset: location.offset,
        }
    }
}

/// What is committed of the segments that a change appends to.
#[derive(Default)]
pub struct SegmentGrowth(BTreeMap<u32, SegmentRecord>);

impl SegmentGrowth {
    /// Adds a block.
    pub fn add(&mut self, segments: &sled::Tree, block: BlockLocation) -> Result<(), StoreError> {
        let record = match self.0.get(&block.segment) {
            Some(record) => *record,
            None => segment_record(segments, block.segment)?,
        };
        let record = SegmentRecord {
            length: record.length.max(record_end(block)),
            records: record.records + 1,
            dead: record.dead,
        };
        self.0.insert(block.segment, record);
        Ok(())
    }

    /// Writes the segments' records.
    pub fn write(self, segments: &sled::Tree, to: &mut TreeBatches) {
        for (number, record) in self.0 {
            to.of(segments)
                .insert(&number.to_be_bytes(), encode(&record));
        }
    }
}

/// The record of a segment, which may be a new one.
pub fn segment_record(segments: &sled::Tree, number: u32) -> Result<SegmentRecord, StoreError> {
    match segments.get(number.to_be_bytes())? {
        Some(value) => decode("segments", &value),
        None => Ok(SegmentRecord::default()),
    }
}

/// A record of the frontier cannot be read.
pub const UNREADABLE: StoreError = StoreError::Unreadable { tree: "frontier" };

pub fn encode<T: Serialize>(record: &T) -> Vec<u8> {
    postcard::to_stdvec(record).expect("plain records of strings and integers always encode")
}

pub fn decode<T: DeserializeOwned>(tree: &'static str, bytes: &[u8]) -> Result<T, StoreError> {
    postcard::from_bytes(bytes).map_err(|_| StoreError::Unreadable { tree })
}
