//! How a store's blocks are laid out, and read. All that read them see one layout, or no more than its
//! sketch, where a store keeps only its newest pictures in full; where a store has changed to another
//! encoding, blocks of the one before may still be stored, and are converted as they are read.

use crate::activation::{Activations, Encoding, Layout, converted};
use crate::network::Network;
use crate::picture::PictureId;
use crate::store::{Block, EntryLocation, Store, StoreError};

/// The layout of a store's blocks, and those that they may have been written in before.
#[derive(Debug, Clone)]
pub(in crate::store) struct Layouts {
    /// Of what is stored from now on. Where it has a sketch, blocks may be no more than that.
    now: Layout,
    /// From which blocks can be converted; each has blocks of another length.
    before: Vec<Layout>,
}

impl Layouts {
    /// Of a store that keeps activations in an encoding; or, of its older pictures only such sketches.
    pub(in crate::store) fn of(
        network: &Network,
        encoding: Encoding,
        sketch: Option<Encoding>,
    ) -> Self {
        let with_sketch = |sketch| network.layout_with_sketch(Encoding::default(), sketch);
        let now = match sketch {
            Some(sketch) => with_sketch(sketch),
            None => network.layout(encoding),
        };
        let mut before = Vec::new();
        // What is not kept cannot be made of what is.
        if !now.keeps_all_values() {
            let all = Encoding::ALL.map(|encoding| network.layout(encoding));
            before.extend(all.into_iter().filter(Layout::keeps_values));
        }
        if !now.keeps_values() {
            before.push(with_sketch(encoding));
        }
        Self { now, before }
    }

    /// The layout that blocks are read in.
    pub(in crate::store) fn now(&self) -> &Layout {
        &self.now
    }

    /// The layout of the pictures of which least is kept.
    pub(super) fn least(&self) -> &Layout {
        self.now.sketch().unwrap_or(&self.now)
    }

    /// The layout that a block of so many bytes was written in; `None` if it is no whole one.
    pub(in crate::store) fn of_block(&self, length: usize) -> Option<&Layout> {
        let mut all = [&self.now, self.least()].into_iter().chain(&self.before);
        all.find(|layout| layout.block_len() == length)
    }

    /// Whether a block of so many bytes was written in an encoding of before.
    pub(in crate::store) fn is_of_before(&self, length: u64) -> bool {
        let mut before = self.before.iter();
        before.any(|layout| layout.block_len() as u64 == length)
    }

    /// Whether a block of so many bytes is of a picture that is kept in full, where others are not.
    pub(super) fn is_full(&self, length: u64) -> bool {
        let is_new = length == self.now.block_len() as u64;
        self.now.sketch().is_some() && (is_new || self.is_of_before(length))
    }

    /// A block in the layout of the store; `None` if it is no whole one.
    pub(in crate::store) fn read(&self, block: Block) -> Option<Block> {
        let mut whole = [&self.now, self.least()].into_iter();
        if whole.any(|layout| layout.block_len() == block.len()) {
            return Some(block);
        }
        self.convert(&block).map(Block::of_bytes)
    }

    /// What becomes of a block of before; `None` if it is none.
    pub(in crate::store) fn convert(&self, block: &[u8]) -> Option<Vec<u8>> {
        self.is_of_before(block.len() as u64)
            .then(|| self.convert_to(block, &self.now))?
    }

    /// What becomes of a block in another layout; `None` if it is no whole one.
    pub(super) fn convert_to(&self, block: &[u8], to: &Layout) -> Option<Vec<u8>> {
        converted(Activations::new(self.of_block(block.len())?, block), to)
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

    /// Says that the activations of pictures are read soon, whose entries lie there.
    pub fn will_need(&self, entries: &[(PictureId, EntryLocation)]) {
        self.blocks.will_need(entries);
    }

    /// The same as [`Self::block`], of a picture whose entry lay there a moment ago.
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
    pub(in crate::store) fn of_layers(
        encoding: Encoding,
        layers: &[crate::activation::LayerShape],
    ) -> Self {
        let layout = |encoding| Layout::new(encoding, layers.to_vec(), 8);
        Self {
            now: layout(encoding),
            before: vec![layout(Encoding::Int8), layout(Encoding::F32)],
        }
    }

    /// The same of a store that keeps its newest pictures in full.
    pub(in crate::store) fn mixed_of_layers(layers: &[crate::activation::LayerShape]) -> Self {
        let compact = Self::of_layers(Encoding::Compact, layers).now;
        let full = Self::of_layers(Encoding::Int8, layers);
        Self {
            now: full.now.with_sketch(compact),
            ..full
        }
    }
}
