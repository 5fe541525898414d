//! A store that keeps all of its pictures becomes one that keeps less of some, or of all.

use std::path::Path;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use super::embedded::Embedded;
use super::keeping::{Conversion, Newest};
use super::{Converted, Sequence, Store, StoreError, StoreOptions};
use crate::picture::PictureId;

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
        *newest = Newest::default();
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
