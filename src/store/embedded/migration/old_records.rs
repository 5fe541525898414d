//! Records of formats 1 to 3 that are no more.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::store::StoreError;
use crate::store::embedded::trees::{TreeBatches, decode, encode};

/// Bytes in front of a block.
pub(super) const HEADER: u64 = 64;

/// Where a picture's activations lay among the segment files: tree `extents`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Extent {
    pub(super) segment: u32,
    /// Of the record, in bytes.
    pub(super) offset: u64,
}

/// What was committed of a segment: tree `segments`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SegmentRecord {
    /// Bytes that counted.
    pub(super) length: u64,
    pub(super) records: u64,
    /// Records whose pictures were removed.
    pub(super) dead: u64,
}

/// Where a body lay: tree `waiting`.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct BodyExtent {
    pub(super) file: u32,
    pub(super) offset: u64,
    pub(super) length: u64,
}

/// What is committed of the segments that a change appends to.
#[derive(Default)]
pub(super) struct SegmentGrowth(BTreeMap<u32, SegmentRecord>);

impl SegmentGrowth {
    /// Adds a block of `length` bytes.
    pub(super) fn add(
        &mut self,
        segments: &sled::Tree,
        extent: Extent,
        length: u64,
    ) -> Result<(), StoreError> {
        let record = match self.0.get(&extent.segment) {
            Some(record) => *record,
            None => match segments.get(extent.segment.to_be_bytes())? {
                Some(value) => decode("segments", &value)?,
                None => SegmentRecord::default(),
            },
        };
        let record = SegmentRecord {
            length: record.length.max(extent.offset + HEADER + length),
            records: record.records + 1,
            dead: record.dead,
        };
        self.0.insert(extent.segment, record);
        Ok(())
    }

    /// Writes the segments' records.
    pub(super) fn write(self, segments: &sled::Tree, to: &mut TreeBatches) {
        for (number, record) in self.0 {
            to.of(segments)
                .insert(&number.to_be_bytes(), encode(&record));
        }
    }
}
