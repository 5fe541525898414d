//! What pictures are converted to.

use super::layouts::Layouts;
use crate::activation::Layout;
use crate::picture::PictureId;
use crate::store::{EntryLocation, Listing, Metadata, Sequence, StoreError};

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
