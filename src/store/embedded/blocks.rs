//! Activations in segment files, and the space that removed ones leave.

use std::collections::HashMap;
use std::sync::Arc;

use super::files::{Reserve, SegmentRecord, Segments};
use super::trees::{Trees, decode};
use crate::picture::PictureId;
use crate::store::{AppendBlocks, Block, BlockLocation, Blocks, Metadata, NewBlock, StoreError};

/// Segment files, whose records are among the trees: what is committed of them, and how much
/// of it is dead.
pub(in crate::store) struct EmbeddedBlocks {
    pub(super) segments: Segments,
    pub(super) trees: Arc<Trees>,
    pub(super) reserve: Reserve,
}

impl AppendBlocks for EmbeddedBlocks {
    fn append(&self, blocks: &[NewBlock<'_>]) -> Result<Vec<BlockLocation>, StoreError> {
        let locations = blocks
            .iter()
            .map(|block| self.segments.append(block.picture, block.bytes))
            .collect::<Result<_, _>>()?;
        self.segments.sync()?;
        Ok(locations)
    }
}

impl Blocks for EmbeddedBlocks {
    fn read(&self, picture: PictureId, at: BlockLocation) -> Result<Block, StoreError> {
        self.segments.read(picture, at)
    }

    fn verify(&self, picture: PictureId, at: BlockLocation) -> Result<Block, StoreError> {
        self.segments.verify(picture, at)
    }

    /// Rewrites segments of which more than half is dead and deletes those that are all
    /// dead.
    fn compact(&self, metadata: &dyn Metadata) -> Result<u64, StoreError> {
        let mut wasteful = HashMap::new();
        let mut freed = 0;
        for entry in &self.trees.segments {
            let (key, value) = entry?;
            let number = key.as_ref().try_into().map(u32::from_be_bytes);
            let number = number.map_err(|_| StoreError::Unreadable { tree: "segments" })?;
            let record: SegmentRecord = decode("segments", &value)?;
            // The open segment is rewritten once it is closed.
            if number == self.segments.current() {
                continue;
            }
            if record.dead >= record.records {
                // Nothing to rewrite, so this works on a full disk too.
                self.drop_segment(number)?;
                freed += record.length;
            } else if record.dead * 2 > record.records {
                wasteful.insert(number, record.length);
            }
        }
        for entry in metadata.block_locations() {
            let (picture, from) = entry?;
            if !wasteful.contains_key(&from.segment) {
                continue;
            }
            self.reserve.check()?;
            let bytes = &*self.segments.verify(picture, from)?;
            for to in self.append(&[NewBlock { picture, bytes }])? {
                metadata.move_block(picture, from, to)?;
            }
        }
        metadata.flush()?;
        for (number, length) in wasteful {
            self.drop_segment(number)?;
            freed += length;
        }
        Ok(freed)
    }
}

impl EmbeddedBlocks {
    /// Forgets a segment, then deletes its file; a file left by a crash between the two is
    /// deleted when the store is next opened.
    fn drop_segment(&self, number: u32) -> Result<(), StoreError> {
        self.trees.segments.remove(number.to_be_bytes())?;
        self.trees.db.flush()?;
        self.segments.delete(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::PictureOutcome;
    use crate::store::conformance::fixture::{file, options, picture_id, picture_with};
    use crate::store::embedded::Embedded;
    use crate::store::leases::LEASE_TIME;

    fn commit(store: &Embedded, n: u8) {
        let block = vec![n; store.identity.layout.block_len()];
        let origin = file(&format!("{n}.png"));
        let outcome = PictureOutcome::Picture(origin, picture_with(block, n));
        store.metadata.commit(vec![outcome], &store.blocks).unwrap();
    }

    fn is_whole(store: &Embedded, n: u8) -> bool {
        let location = store.metadata.block_location(picture_id(n)).unwrap();
        let block = store.blocks.verify(picture_id(n), location.unwrap());
        block.unwrap().iter().all(|byte| *byte == n)
    }

    fn segments(dir: &tempfile::TempDir) -> Vec<String> {
        let files = std::fs::read_dir(dir.path().join("activations")).unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn a_closed_segment_is_rewritten_when_most_of_it_is_dead() {
        let dir = tempfile::tempdir().unwrap();
        let open = || Embedded::open(dir.path(), &options(), LEASE_TIME).unwrap();
        let store = open();
        (0..4).for_each(|n| commit(&store, n));
        store.blocks.segments.start_segment();
        commit(&store, 4);
        for n in 0..2 {
            store.metadata.remove_picture(picture_id(n)).unwrap();
        }
        assert_eq!(store.blocks.compact(&store.metadata).unwrap(), 0);
        store.metadata.remove_picture(picture_id(2)).unwrap();
        assert!(store.blocks.compact(&store.metadata).unwrap() > 0);
        assert_eq!(segments(&dir), ["00000001.activations"]);
        drop(store);
        let store = open();
        assert!(is_whole(&store, 3) && is_whole(&store, 4));
        // One that is dead as a whole is deleted.
        store.blocks.segments.start_segment();
        commit(&store, 5);
        for n in 3..5 {
            store.metadata.remove_picture(picture_id(n)).unwrap();
        }
        assert!(store.blocks.compact(&store.metadata).unwrap() > 0);
        assert_eq!(segments(&dir), ["00000002.activations"]);
        assert!(is_whole(&store, 5));
    }
}
