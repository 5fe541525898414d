//! Reading activations.

use super::{Block, EntryLocation, Store, StoreError};
use crate::picture::PictureId;

impl Store {
    /// A picture's activations, read in place.
    ///
    /// # Errors
    /// If they are missing or not what was written.
    pub fn block(&self, id: PictureId) -> Result<Block, StoreError> {
        self.block_at(id, self.location_of(id)?)
    }

    /// The same, of a picture whose entry lay there a moment ago.
    ///
    /// # Errors
    /// As [`Self::block`].
    pub fn block_at(&self, id: PictureId, location: EntryLocation) -> Result<Block, StoreError> {
        self.block_by(id, location, &|location| self.blocks.read(id, location))
    }

    fn block_by(
        &self,
        id: PictureId,
        location: EntryLocation,
        read: &dyn Fn(EntryLocation) -> Result<Block, StoreError>,
    ) -> Result<Block, StoreError> {
        let block = read(location);
        let block = match block.is_err().then(|| self.location_of(id)).transpose()? {
            // It was moved between the two steps.
            Some(now) if now != location => read(now),
            _ => block,
        };
        self.fitting(id, block?)
    }

    /// A block in the store's layout, if it is a whole one.
    fn fitting(&self, picture: PictureId, block: Block) -> Result<Block, StoreError> {
        let block = self.identity.layouts.read(block);
        block.ok_or(StoreError::Damaged { picture })
    }

    /// Like [`Self::block`], but every byte is checked against its checksum.
    ///
    /// # Errors
    /// If they are missing or damaged.
    pub fn verified_block(&self, id: PictureId) -> Result<Block, StoreError> {
        let location = self.location_of(id)?;
        self.block_by(id, location, &|location| self.blocks.verify(id, location))
    }

    fn location_of(&self, id: PictureId) -> Result<EntryLocation, StoreError> {
        let location = self.metadata.block_location(id)?;
        location.ok_or(StoreError::Damaged { picture: id })
    }
}
