//! A store that keeps all of its pictures becomes one that keeps less of some, or of all.

use std::path::Path;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use super::layouts::Layouts;
use crate::activation::Layout;
use crate::picture::PictureId;
use crate::store::embedded::Embedded;
use crate::store::{
    Converted, EntryLocation, Listing, Metadata, Sequence, Store, StoreError, StoreOptions,
};

/// What pictures are converted to. They cannot be described any more afterwards, so the way in which
/// the store describes them goes along.
#[derive(Debug, Clone, Copy)]
pub struct Conversion<'a> {
    /// The layout, and those that blocks may still have.
    pub(in crate::store) layouts: &'a Layouts,
    /// Of pictures before this number no more is kept than of any.
    pub(in crate::store) full_from: Sequence,
    /// The pictures that it is about; `None` if it is about all.
    pub(in crate::store) among: Option<&'a [PictureId]>,
    /// How pictures are described.
    pub(in crate::store) descriptor: &'a str,
    /// How looks are told, if they are.
    pub(in crate::store) look: Option<&'a str>,
}

impl Conversion<'_> {
    /// Where the pictures lie that it is about.
    pub(in crate::store) fn locations<'m>(
        &'m self,
        metadata: &'m dyn Metadata,
    ) -> Listing<'m, (PictureId, EntryLocation)> {
        let Some(among) = self.among else {
            return metadata.block_locations();
        };
        let among = among.iter().copied();
        Box::new(among.filter_map(|id| {
            let location = metadata.block_location(id).transpose()?;
            Some(location.map(|location| (id, location)))
        }))
    }

    /// The layout that a picture's block of so many bytes is to get; `None` if it stays as it is.
    pub(in crate::store) fn target(
        &self,
        metadata: &dyn Metadata,
        id: PictureId,
        length: u64,
    ) -> Result<Option<&Layout>, StoreError> {
        let layouts = self.layouts;
        if !layouts.is_of_before(length) && !layouts.is_full(length) {
            return Ok(None);
        }
        let mut target = layouts.now();
        if target.sketch().is_some() {
            // Removed meanwhile.
            let Some(record) = metadata.picture(id)? else {
                return Ok(None);
            };
            if record.sequence < self.full_from.0 {
                target = layouts.least();
            }
        }
        Ok(Some(target).filter(|target| target.block_len() as u64 != length))
    }

    /// What becomes of a picture's block; `None` if it stays as it is.
    pub(in crate::store) fn convert(
        &self,
        metadata: &dyn Metadata,
        id: PictureId,
        block: &[u8],
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let target = self.target(metadata, id, block.len() as u64)?;
        Ok(target.and_then(|target| self.layouts.convert_to(block, target)))
    }
}

impl Store {
    /// Has the store in `dir` keep sketches of its pictures from now on. Those that are there are
    /// converted as they are read, until [`Self::convert`] has written them anew. The store must
    /// not be open, and must have been opened with these options before.
    ///
    /// # Errors
    /// If it is in use, is no store, or the disk is full or fails.
    pub fn keep_compact(dir: &Path, options: &StoreOptions<'_>) -> Result<(), StoreError> {
        Embedded::keep_compact(dir, options)
    }

    /// Has the store in `dir` keep only its newest pictures in full from now on, as many as take so many
    /// bytes, and sketches of the rest. What is no more than a sketch stays so. The store must not be open,
    /// and must have been opened with these options before.
    ///
    /// # Errors
    /// As [`Self::keep_compact`].
    pub fn keep_recent(
        dir: &Path,
        bytes: u64,
        options: &StoreOptions<'_>,
    ) -> Result<(), StoreError> {
        Embedded::keep_recent(dir, bytes, options)
    }

    /// Writes the pictures anew that are stored in another way than the store keeps them. `progress` is
    /// told of pictures so far and in all, and says whether to go on. The store can be read meanwhile;
    /// where this ends early, what is converted stays so, and calling it again goes on.
    ///
    /// # Errors
    /// If the disk is full or fails; what was not converted stays as it is.
    pub fn convert(
        &self,
        progress: &mut dyn FnMut(u64, u64) -> bool,
    ) -> Result<Converted, StoreError> {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let full_from = newest.full_from(self)?;
        if !self.is_converting() && full_from == Sequence(0) {
            return Ok(Converted::default());
        }
        // Whatever comes of it, what this process knows of them is true no longer.
        *newest = super::Newest::default();
        let converted = self.convert_some(full_from, None, progress)?;
        if converted.complete && self.is_converting() {
            if let Some(dir) = &self.dir {
                Embedded::end_converting(dir)?;
            }
            self.is_converting.store(false, Ordering::Relaxed);
        }
        Ok(converted)
    }

    /// Has pictures before a number kept as sketches: all of them, or some.
    pub(super) fn convert_some(
        &self,
        full_from: Sequence,
        among: Option<&[PictureId]>,
        progress: &mut dyn FnMut(u64, u64) -> bool,
    ) -> Result<Converted, StoreError> {
        let to = Conversion {
            layouts: &self.identity.layouts,
            full_from,
            among,
            descriptor: self.descriptor_id(),
            look: self.look_id(),
        };
        let _guard = self.commits.lock().unwrap_or_else(PoisonError::into_inner);
        self.blocks.convert(&*self.metadata, &to, progress)
    }

    /// Whether pictures may still be stored in another encoding than the store's: they take more
    /// room and more time.
    pub fn is_converting(&self) -> bool {
        self.is_converting.load(Ordering::Relaxed)
    }

    /// How many pictures are still stored in another encoding than the store's. Reads where all
    /// pictures lie, if there may be any.
    ///
    /// # Errors
    /// If the records cannot be read.
    pub fn unconverted(&self) -> Result<u64, StoreError> {
        let mut count = 0;
        if self.is_converting() {
            for entry in self.metadata.block_locations() {
                let length = entry?.1.payload.map_or(0, |span| span.length);
                count += u64::from(self.identity.layouts.is_of_before(length));
            }
        }
        Ok(count)
    }
}
