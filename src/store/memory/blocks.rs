//! Activations in memory.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::picture::PictureId;
use crate::store::entry::{Entry, SectionKind};
use crate::store::keeping::Conversion;
use crate::store::{
    AppendEntries, Block, Blocks, Compacted, Converted, EntryLocation, Metadata, Span, StoreError,
    Wasteful,
};

/// Blocks, each by a location of its own.
#[derive(Default)]
pub(in crate::store) struct MemoryBlocks(Mutex<BTreeMap<EntryLocation, Owned>>);

struct Owned {
    picture: PictureId,
    bytes: Arc<Vec<u8>>,
}

impl MemoryBlocks {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<EntryLocation, Owned>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AppendEntries for MemoryBlocks {
    /// Keeps the blocks; all else is in the records.
    fn append(&self, entries: &[Entry<'_>]) -> Result<Vec<EntryLocation>, StoreError> {
        let mut all = self.lock();
        let locations = entries.iter().map(|entry| {
            let last = all.last_key_value();
            let offset = last.map_or(0, |(last, _)| last.offset + 1);
            let sections = entry.sections.iter();
            let mut block = sections.filter(|section| section.kind == SectionKind::Block);
            let bytes = block
                .next()
                .map_or(Vec::new(), |block| block.bytes.to_vec());
            let location = EntryLocation {
                segment: 0,
                offset,
                // Nothing lies anywhere, but it has a length.
                payload: Some(Span {
                    segment: 0,
                    offset,
                    length: bytes.len() as u64,
                    checksum: crc32fast::hash(&bytes),
                }),
                thumbnail: None,
            };
            let owned = Owned {
                picture: entry.picture,
                bytes: Arc::new(bytes),
            };
            all.insert(location, owned);
            location
        });
        Ok(locations.collect())
    }
}

impl Blocks for MemoryBlocks {
    fn read(&self, picture: PictureId, at: EntryLocation) -> Result<Block, StoreError> {
        let all = self.lock();
        let owned = all.get(&at).filter(|owned| owned.picture == picture);
        let block = owned.and_then(|owned| {
            let bytes = Arc::clone(&owned.bytes);
            let range = 0..bytes.len();
            Block::new(bytes, range)
        });
        block.ok_or(StoreError::Damaged { picture })
    }

    fn verify(&self, picture: PictureId, at: EntryLocation) -> Result<Block, StoreError> {
        self.read(picture, at)
    }

    fn compact(&self, metadata: &dyn Metadata, _: Wasteful) -> Result<Compacted, StoreError> {
        let live = metadata.block_locations().map(|entry| Ok(entry?.1));
        let live = live.collect::<Result<HashSet<_>, StoreError>>()?;
        let mut compacted = Compacted::default();
        self.lock().retain(|location, owned| {
            let is_live = live.contains(location);
            compacted.freed += if is_live { 0 } else { owned.bytes.len() as u64 };
            is_live
        });
        Ok(compacted)
    }

    fn convert(
        &self,
        metadata: &dyn Metadata,
        to: &Conversion<'_>,
        progress: &mut dyn FnMut(u64, u64) -> bool,
    ) -> Result<Converted, StoreError> {
        let live = to.locations(metadata);
        let mut due = live.collect::<Result<Vec<_>, StoreError>>()?;
        let mut all = self.lock();
        let length = |at: &EntryLocation| all.get(at).map_or(0, |owned| owned.bytes.len() as u64);
        due.retain(|(_, at)| to.layouts.is_of_before(length(at)));
        let mut converted = Converted {
            total: due.len() as u64,
            ..Converted::default()
        };
        for (id, at) in due {
            let made = match all.get_mut(&at) {
                Some(owned) => to
                    .convert(metadata, id, &owned.bytes)?
                    .map(|block| (block, owned)),
                None => None,
            };
            if let Some((block, owned)) = made {
                converted.freed += (owned.bytes.len() - block.len()) as u64;
                owned.bytes = Arc::new(block);
                converted.pictures += 1;
            }
            if !progress(converted.pictures, converted.total) {
                converted.stopped = true;
                break;
            }
        }
        converted.complete = !converted.stopped;
        Ok(converted)
    }

    fn nameless(&self) -> Result<Vec<String>, StoreError> {
        Ok(Vec::new())
    }
}
