//! What the records name of segments. There may be more of it than memory has room for: it is counted
//! first, and then read of as many segments as are worked on at once.

use std::collections::HashMap;

use super::segment;
use crate::picture::PictureId;
use crate::store::{EntryLocation, Metadata, StoreError};

/// The live entries of a segment.
pub(super) type Live = Vec<(PictureId, EntryLocation)>;

/// How much of a segment is live.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Share {
    pub(super) entries: usize,
    /// The bytes that they take.
    pub(super) bytes: u64,
}

/// Entries in memory at once, unless a single segment has more.
const AT_ONCE: usize = 100_000;

/// How much is live of each segment that has live entries of a kind.
pub(super) fn shares(
    metadata: &dyn Metadata,
    is_of_kind: impl Fn(&EntryLocation) -> bool,
) -> Result<HashMap<u32, Share>, StoreError> {
    let mut shares: HashMap<u32, Share> = HashMap::new();
    for entry in metadata.block_locations() {
        let (_, at) = entry?;
        if is_of_kind(&at) {
            let share = shares.entry(at.segment).or_default();
            share.entries += 1;
            share.bytes += segment::bytes_of_entry(&at);
        }
    }
    Ok(shares)
}

/// Does `work` with each of some segments and its live entries, of which `entries` says how many they
/// were; ends early if it says so.
pub(super) fn for_each(
    metadata: &dyn Metadata,
    segments: &[u32],
    entries: impl Fn(u32) -> usize,
    mut work: impl FnMut(u32, &Live) -> Result<bool, StoreError>,
) -> Result<(), StoreError> {
    let mut rest = segments;
    while !rest.is_empty() {
        let mut count = 0;
        let fitting = rest.iter().take_while(|segment| {
            count += entries(**segment);
            count <= AT_ONCE
        });
        let (some, others) = rest.split_at(fitting.count().max(1));
        let mut live: HashMap<u32, Live> = some.iter().map(|it| (*it, Live::new())).collect();
        for entry in metadata.block_locations() {
            let (picture, at) = entry?;
            if let Some(live) = live.get_mut(&at.segment) {
                live.push((picture, at));
            }
        }
        for segment in some {
            if !work(*segment, &live[segment])? {
                return Ok(());
            }
        }
        rest = others;
    }
    Ok(())
}
