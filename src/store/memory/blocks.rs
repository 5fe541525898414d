//! Activations in memory.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::picture::PictureId;
use crate::store::{AppendBlocks, Block, BlockLocation, Blocks, Metadata, NewBlock, StoreError};

/// Blocks, each by a location of its own.
#[derive(Default)]
pub(in crate::store) struct MemoryBlocks(Mutex<BTreeMap<BlockLocation, Owned>>);

struct Owned {
    picture: PictureId,
    bytes: Arc<Vec<u8>>,
}

impl MemoryBlocks {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<BlockLocation, Owned>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AppendBlocks for MemoryBlocks {
    fn append(&self, blocks: &[NewBlock<'_>]) -> Result<Vec<BlockLocation>, StoreError> {
        let mut all = self.lock();
        let locations = blocks.iter().map(|block| {
            let last = all.last_key_value();
            let location = BlockLocation {
                segment: 0,
                offset: last.map_or(0, |(last, _)| last.offset + 1),
                length: block.bytes.len() as u64,
            };
            let owned = Owned {
                picture: block.picture,
                bytes: Arc::new(block.bytes.to_vec()),
            };
            all.insert(location, owned);
            location
        });
        Ok(locations.collect())
    }
}

impl Blocks for MemoryBlocks {
    fn read(&self, picture: PictureId, at: BlockLocation) -> Result<Block, StoreError> {
        let all = self.lock();
        let owned = all.get(&at).filter(|owned| owned.picture == picture);
        let block = owned.and_then(|owned| {
            let bytes = Arc::clone(&owned.bytes);
            let range = 0..bytes.len();
            Block::new(bytes, range)
        });
        block.ok_or(StoreError::Damaged { picture })
    }

    fn verify(&self, picture: PictureId, at: BlockLocation) -> Result<Block, StoreError> {
        self.read(picture, at)
    }

    fn compact(&self, metadata: &dyn Metadata) -> Result<u64, StoreError> {
        let live = metadata.block_locations().map(|entry| Ok(entry?.1));
        let live = live.collect::<Result<HashSet<_>, StoreError>>()?;
        let mut freed = 0;
        self.lock().retain(|location, _| {
            let is_live = live.contains(location);
            freed += if is_live { 0 } else { location.length };
            is_live
        });
        Ok(freed)
    }
}
