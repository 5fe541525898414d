//! A block: one picture's activations as bytes, where they lie, and how they get there.

use std::ops::{Deref, Range};
use std::sync::Arc;

use super::StoreError;
use crate::picture::PictureId;

/// What blocks can be appended to: all that a commit needs of [`Blocks`](super::Blocks).
pub trait AppendBlocks: Send + Sync {
    /// Appends blocks and returns where they lie, once they would survive a power failure.
    /// They count when the catalogue has taken their locations.
    ///
    /// # Errors
    /// If the disk is full or fails.
    fn append(&self, blocks: &[NewBlock<'_>]) -> Result<Vec<BlockLocation>, StoreError>;
}

/// A picture's activations on their way into the store.
#[derive(Debug, Clone, Copy)]
pub struct NewBlock<'a> {
    /// The picture.
    pub picture: PictureId,
    /// Its block.
    pub bytes: &'a [u8],
}

/// Where a block lies. Only the [`Blocks`](super::Blocks) that gave it know what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockLocation {
    /// Number of the segment.
    pub(super) segment: u32,
    /// Where its record begins there, in bytes.
    pub(super) offset: u64,
    /// Length of the block, in bytes.
    pub(super) length: u64,
}

/// One picture's block, read in place. It keeps the memory that it lies in.
#[derive(Clone)]
pub struct Block {
    memory: Arc<dyn AsRef<[u8]> + Send + Sync>,
    range: Range<usize>,
}

impl Block {
    /// The bytes of `memory` in `range`; `None` if it has fewer.
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
