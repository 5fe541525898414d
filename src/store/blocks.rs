//! The blocks' trait: pictures' activations, kept apart from their records.

use super::keeping::Conversion;
use super::{AppendEntries, Block, Compacted, Converted, EntryLocation, Metadata, StoreError};
use crate::picture::PictureId;

/// Activations by picture. Blocks may differ in length.
///
/// There is no way to remove a block. One that the catalogue no longer names is not used, and
/// [`compact`](Self::compact) gives its space back. So a removal is one change of the
/// catalogue, and nothing is lost or left over if it is cut short.
pub trait Blocks: AppendEntries {
    /// The block of the entry at a location.
    ///
    /// # Errors
    /// If it is missing or of another picture.
    fn read(&self, picture: PictureId, at: EntryLocation) -> Result<Block, StoreError>;

    /// Says that the blocks at some locations are read soon, so that their bytes can be on their way together.
    fn will_need(&self, _entries: &[(PictureId, EntryLocation)]) {}

    /// Like [`read`](Self::read), but every byte is read from the disk and checked against its
    /// checksum.
    ///
    /// # Errors
    /// If it is missing or damaged, or cannot be read now.
    fn verify(&self, picture: PictureId, at: EntryLocation) -> Result<Block, StoreError>;

    /// Gives back the space of entries that `metadata` no longer names, and tells `metadata`
    /// where others have moved to. Nobody may commit while it runs.
    ///
    /// # Errors
    /// If the disk is full or fails; what was not rewritten stays as it is.
    fn compact(&self, metadata: &dyn Metadata, which: Wasteful) -> Result<Compacted, StoreError>;

    /// Writes the blocks that are to have another layout in that. `progress` is told of pictures
    /// so far and in all, and says whether to go on. What was converted before it ends stays so;
    /// called again, it goes on. Nobody may commit while it runs.
    ///
    /// # Errors
    /// If the disk is full or fails; what was not converted stays as it is.
    fn convert(
        &self,
        metadata: &dyn Metadata,
        to: &Conversion<'_>,
        progress: &mut dyn FnMut(u64, u64) -> bool,
    ) -> Result<Converted, StoreError>;

    /// Names the bytes that are no entry any more: what was removed may be in them. Looks at every
    /// entry of every file.
    ///
    /// # Errors
    /// If a file cannot be read.
    fn nameless(&self) -> Result<Vec<String>, StoreError>;
}

/// Which files are rewritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wasteful {
    /// Those of which more than half is dead.
    Half,
    /// All in which there is anything of a removed picture.
    Any,
}
