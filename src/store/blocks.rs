//! The blocks' trait: pictures' activations, kept apart from their records.

use std::ops::{Deref, Range};
use std::sync::Arc;

use super::{Metadata, StoreError};
use crate::picture::PictureId;

/// Activations by picture. Blocks may differ in length.
///
/// There is no way to remove a block: what the catalogue names no longer is in nobody's use,
/// and [`compact`](Self::compact) gives its space back. So a removal is one change of the
/// catalogue, and nothing is lost or left over where it is cut short.
pub trait Blocks: Send + Sync {
    /// Appends blocks and returns where they lie, once they would survive a power failure.
    /// They count when the catalogue has taken their locations.
    ///
    /// # Errors
    /// If the disk is full or fails.
    fn append(&self, blocks: &[NewBlock<'_>]) -> Result<Vec<BlockLocation>, StoreError>;

    /// The block at a location.
    ///
    /// # Errors
    /// If it is missing or of another picture.
    fn read(&self, picture: PictureId, at: BlockLocation) -> Result<Block, StoreError>;

    /// Like [`read`](Self::read), but every byte is checked against its checksum.
    ///
    /// # Errors
    /// If it is missing or damaged.
    fn verify(&self, picture: PictureId, at: BlockLocation) -> Result<Block, StoreError>;

    /// Gives back the space of blocks that `metadata` names no longer, where enough of it
    /// lies together, and tells `metadata` where blocks have moved to. Returns the bytes
    /// freed. Nobody may commit meanwhile.
    ///
    /// # Errors
    /// If the disk is full or fails; what was not rewritten stays as it is.
    fn compact(&self, metadata: &dyn Metadata) -> Result<u64, StoreError>;
}

/// A picture's activations on their way into the store.
#[derive(Debug, Clone, Copy)]
pub struct NewBlock<'a> {
    /// The picture.
    pub picture: PictureId,
    /// Its block.
    pub bytes: &'a [u8],
}

/// Where a block lies. What it means only the [`Blocks`] know that gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockLocation {
    /// Number of the segment.
    pub(super) segment: u32,
    /// Where its record begins there, in bytes.
    pub(super) offset: u64,
    /// Length of the block, in bytes.
    pub(super) length: u64,
}

/// One picture's block, read in place. Keeps what it lies in in memory.
#[derive(Clone)]
pub struct Block {
    memory: Arc<dyn AsRef<[u8]> + Send + Sync>,
    range: Range<usize>,
}

impl Block {
    /// The bytes of `memory` in `range`; `None` if it has not so many.
    pub(super) fn new(
        memory: Arc<dyn AsRef<[u8]> + Send + Sync>,
        range: Range<usize>,
    ) -> Option<Self> {
        (*memory).as_ref().get(range.clone())?;
        Some(Self { memory, range })
    }
}

impl Deref for Block {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &(*self.memory).as_ref()[self.range.clone()]
    }
}
