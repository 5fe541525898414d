//! What is known of stored pictures.

use crate::picture::PictureId;
use crate::store::embedded::EmbeddedMetadata;
use crate::store::embedded::metadata::commit_changes::CommitChanges;
use crate::store::embedded::trees::decode;
use crate::store::{EntryLocation, Listing, PictureRecord, PictureRow, Sequence, StoreError};

impl EmbeddedMetadata {
    pub(in crate::store::embedded) fn next_sequence(&self) -> u64 {
        self.totals().next_sequence
    }

    pub(in crate::store::embedded) fn contains(&self, id: PictureId) -> Result<bool, StoreError> {
        Ok(self.trees.pictures.contains_key(id.as_bytes())?)
    }

    pub(in crate::store::embedded) fn picture(
        &self,
        id: PictureId,
    ) -> Result<Option<PictureRecord>, StoreError> {
        let value = self.trees.pictures.get(id.as_bytes())?;
        value.map(|value| decode("pictures", &value)).transpose()
    }

    pub(in crate::store::embedded) fn picture_at(
        &self,
        sequence: Sequence,
    ) -> Result<Option<PictureId>, StoreError> {
        let value = self.trees.sequences.get(sequence.key())?;
        value
            .map(|value| PictureId::from_slice(&value).ok_or(SEQUENCES))
            .transpose()
    }

    /// What a search reads of a picture: its row, which is written where there is none.
    pub(in crate::store::embedded) fn row(
        &self,
        sequence: Sequence,
    ) -> Result<Option<PictureRow>, StoreError> {
        // The numbers of a private copy of the records may be others.
        if self.private.is_none()
            && let Some(row) = self.rows.get(sequence)
        {
            return Ok(Some(row));
        }
        let Some(id) = self.picture_at(sequence)? else {
            return Ok(None);
        };
        let descriptor = self.described(sequence, id)?;
        let location = self.block_location(id)?;
        Ok(descriptor.map(|descriptor| PictureRow {
            id,
            location,
            descriptor,
        }))
    }

    pub(in crate::store::embedded) fn pictures(&self) -> Listing<'_, (Sequence, PictureId)> {
        self.pictures_from(Sequence(0))
    }

    pub(in crate::store::embedded) fn pictures_from(
        &self,
        first: Sequence,
    ) -> Listing<'_, (Sequence, PictureId)> {
        let entries = self.trees.sequences.range(first.key()..);
        Box::new(entries.map(|entry| {
            let (key, value) = entry?;
            let sequence = Sequence::from_key(&key).ok_or(SEQUENCES)?;
            Ok((sequence, PictureId::from_slice(&value).ok_or(SEQUENCES)?))
        }))
    }

    pub(in crate::store::embedded) fn picture_count(&self) -> usize {
        usize::try_from(self.totals().pictures).unwrap_or(usize::MAX)
    }

    pub(in crate::store::embedded) fn block_location(
        &self,
        id: PictureId,
    ) -> Result<Option<EntryLocation>, StoreError> {
        let value = self.trees.entries.get(id.as_bytes())?;
        value.map(|value| decode("entries", &value)).transpose()
    }

    pub(in crate::store::embedded) fn block_locations(
        &self,
    ) -> Listing<'_, (PictureId, EntryLocation)> {
        Box::new(self.trees.entries.iter().map(|entry| {
            let (key, value) = entry?;
            let id = PictureId::from_slice(&key).ok_or(ENTRIES)?;
            Ok((id, decode("entries", &value)?))
        }))
    }

    pub(in crate::store::embedded) fn move_entries(
        &self,
        moves: &[(PictureId, EntryLocation, EntryLocation)],
    ) -> Result<(), StoreError> {
        let mut totals = self.totals();
        self.log.moved();
        let mut changes = CommitChanges::new(self, *totals);
        for (id, from, to) in moves {
            if self.block_location(*id)? == Some(*from) {
                changes.move_picture(*id, *from, *to)?;
            } else if self.waiting_location(*id)? == Some(*from) {
                changes.move_waiting(*id, *from, *to)?;
            } else {
                // Removed while it was copied.
                changes.usage.add(&self.trees, *to)?;
                changes.usage.remove(&self.trees, *to)?;
            }
        }
        self.logged(&mut totals, changes, |_| Ok(()))
    }

    pub(in crate::store::embedded) fn thumbnail(
        &self,
        id: PictureId,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let span = self.block_location(id)?.and_then(|entry| entry.thumbnail);
        span.map(|span| self.log.read_checked(id, span)).transpose()
    }

    pub(in crate::store::embedded) fn page_count(&self) -> u64 {
        self.trees.counts().pages
    }
}

const SEQUENCES: StoreError = StoreError::Unreadable { tree: "sequences" };
const ENTRIES: StoreError = StoreError::Unreadable { tree: "entries" };
