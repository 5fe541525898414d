//! How a store's blocks are laid out, and read. All that read them see one layout; where a store has changed
//! to another encoding, blocks of the one before may still be stored, and are converted as they are
//! read.

use super::{Block, EntryLocation, Store, StoreError};
use crate::activation::{Activations, Encoding, Layout, converted};
use crate::network::Network;
use crate::picture::PictureId;

/// The layout of a store's blocks, and those that they may have been written in before.
#[derive(Debug, Clone)]
pub struct Layouts {
    now: Layout,
    /// From which blocks can be converted; each has blocks of another length.
    before: Vec<Layout>,
}

impl Layouts {
    /// Of a store that keeps activations in an encoding.
    pub(super) fn of(network: &Network, encoding: Encoding) -> Self {
        let now = network.layout(encoding);
        let before = match now.keeps_values() {
            // What is not kept cannot be made of what is.
            true => Vec::new(),
            false => {
                let all = Encoding::ALL.map(|encoding| network.layout(encoding));
                all.into_iter().filter(Layout::keeps_values).collect()
            }
        };
        Self { now, before }
    }

    /// The layout that blocks are read in.
    pub(super) fn now(&self) -> &Layout {
        &self.now
    }

    /// The layout that a block of so many bytes was written in; `None` if it is no whole one.
    pub(super) fn of_block(&self, length: usize) -> Option<&Layout> {
        let mut all = [&self.now].into_iter().chain(&self.before);
        all.find(|layout| layout.block_len() == length)
    }

    /// Whether a block of so many bytes was written in an encoding of before.
    pub(super) fn is_of_before(&self, length: u64) -> bool {
        let mut before = self.before.iter();
        before.any(|layout| layout.block_len() as u64 == length)
    }

    /// A block in the layout of the store; `None` if it is no whole one.
    pub(super) fn read(&self, block: Block) -> Option<Block> {
        if block.len() == self.now.block_len() {
            return Some(block);
        }
        self.convert(&block).map(Block::of_bytes)
    }

    /// What becomes of a block of before; `None` if it is none.
    pub(super) fn convert(&self, block: &[u8]) -> Option<Vec<u8>> {
        let mut before = self.before.iter();
        let layout = before.find(|layout| layout.block_len() == block.len())?;
        converted(Activations::new(layout, block), &self.now)
    }
}

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

#[cfg(test)]
impl Layouts {
    /// Of small layers, for tests that make many blocks.
    pub(super) fn of_layers(encoding: Encoding, layers: &[crate::activation::LayerShape]) -> Self {
        let layout = |encoding| Layout::new(encoding, layers.to_vec(), 8);
        Self {
            now: layout(encoding),
            before: vec![layout(Encoding::Int8), layout(Encoding::F32)],
        }
    }
}
