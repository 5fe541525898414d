//! The blocks' trait: pictures' activations, kept apart from their records.

use super::{AppendBlocks, Block, BlockLocation, Metadata, StoreError};
use crate::picture::PictureId;

/// Activations by picture. Blocks may differ in length.
///
/// There is no way to remove a block. One that the catalogue no longer names is not used, and
/// [`compact`](Self::compact) gives its space back. So a removal is one change of the
/// catalogue, and nothing is lost or left over if it is cut short.
pub trait Blocks: AppendBlocks {
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

    /// Gives back the space of blocks that `metadata` no longer names, where enough of it lies
    /// together, and tells `metadata` where blocks have moved to. Returns the bytes freed.
    /// Nobody may commit while it runs.
    ///
    /// # Errors
    /// If the disk is full or fails; what was not rewritten stays as it is.
    fn compact(&self, metadata: &dyn Metadata) -> Result<u64, StoreError>;
}
