//! A store that keeps all of its pictures becomes one that keeps sketches of them.

use std::path::Path;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use super::blocks::Conversion;
use super::embedded::Embedded;
use super::{Converted, Store, StoreError, StoreOptions};

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

    /// Writes the pictures that were stored in another encoding in the store's. `progress` is told
    /// of pictures so far and in all, and says whether to go on. The store can be read meanwhile;
    /// where this ends early, what is converted stays so, and calling it again goes on.
    ///
    /// # Errors
    /// If the disk is full or fails; what was not converted stays as it is.
    pub fn convert(
        &self,
        progress: &mut dyn FnMut(u64, u64) -> bool,
    ) -> Result<Converted, StoreError> {
        let _guard = self.commits.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.is_converting() {
            return Ok(Converted::default());
        }
        let to = Conversion {
            layouts: &self.identity.layouts,
            descriptor: self.descriptor_id(),
            look: self.look_id(),
        };
        let converted = self.blocks.convert(&*self.metadata, &to, progress)?;
        if converted.complete {
            if let Some(dir) = &self.dir {
                Embedded::end_converting(dir)?;
            }
            self.is_converting.store(false, Ordering::Relaxed);
        }
        Ok(converted)
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
