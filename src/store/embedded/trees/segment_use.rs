//! What of each segment is in use.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::{Deserialize, Serialize};

use super::record::{decode, encode};
use super::{TreeBatches, Trees};
use crate::store::{EntryLocation, StoreError};

/// What of a segment is in use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentUse {
    /// Pictures whose entries, or parts of them, are in it.
    pub live: u64,
    /// Those of pictures that were removed.
    pub dead: u64,
}

/// Changes of what is in use.
#[derive(Default)]
pub struct UseChanges(BTreeMap<u32, SegmentUse>);

impl UseChanges {
    /// Counts an entry in.
    pub fn add(&mut self, trees: &Trees, entry: EntryLocation) -> Result<(), StoreError> {
        for segment in segments_of(entry) {
            self.of(trees, segment)?.live += 1;
        }
        Ok(())
    }

    /// Counts an entry as dead.
    pub fn remove(&mut self, trees: &Trees, entry: EntryLocation) -> Result<(), StoreError> {
        for segment in segments_of(entry) {
            let used = self.of(trees, segment)?;
            used.live = used.live.saturating_sub(1);
            used.dead += 1;
        }
        Ok(())
    }

    fn of(&mut self, trees: &Trees, segment: u32) -> Result<&mut SegmentUse, StoreError> {
        Ok(match self.0.entry(segment) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(segment_use(trees, segment)?),
        })
    }

    /// Writes the segments' records.
    pub fn write(self, trees: &Trees, to: &mut TreeBatches) {
        for (number, used) in self.0 {
            to.of(&trees.usage)
                .insert(&number.to_be_bytes(), encode(&used));
        }
    }
}

/// The segments that an entry is in: the one of its head, and an older one that has its block.
fn segments_of(entry: EntryLocation) -> impl Iterator<Item = u32> {
    let payload = entry.payload.map(|span| span.segment);
    let elsewhere = payload.filter(|segment| *segment != entry.segment);
    [entry.segment].into_iter().chain(elsewhere)
}

/// What of a segment is in use; nothing of a new one.
pub fn segment_use(trees: &Trees, number: u32) -> Result<SegmentUse, StoreError> {
    match trees.usage.get(number.to_be_bytes())? {
        Some(value) => decode("usage", &value),
        None => Ok(SegmentUse::default()),
    }
}
