//! Storing pictures.

use std::collections::HashSet;
use std::sync::PoisonError;

use super::EmbeddedMetadata;
use super::commit_changes::CommitChanges;
use super::trees::{Extent, NEXT_SEQUENCE, SegmentGrowth, encode};
use crate::picture::PictureId;
use crate::store::{
    AppendBlocks, BlockLocation, NewPicture, PictureOutcome, PictureRecord, Sequence, Source,
    StoreError, UrlOutcome, UrlState, now_ms,
};

impl EmbeddedMetadata {
    pub(super) fn commit(
        &self,
        outcomes: Vec<PictureOutcome>,
        blocks: &dyn AppendBlocks,
    ) -> Result<Vec<bool>, StoreError> {
        self.reserve.check()?;
        let held = outcomes.into_iter().map(|mut outcome| {
            let is_held = outcome.is_held();
            is_held.then_some(outcome)
        });
        let outcomes: Vec<Option<PictureOutcome>> = held.collect();
        self.remove_old_locations(&outcomes)?;
        let had_waited: Vec<PictureId> = outcomes
            .iter()
            .flatten()
            .filter_map(PictureOutcome::had_waited)
            .collect();
        let mut next = self.pictures.lock().unwrap_or_else(PoisonError::into_inner);
        let mut changes = CommitChanges::new(&self.trees);
        let mut fresh = Fresh::default();
        let mut stored = Vec::with_capacity(outcomes.len());
        for outcome in outcomes {
            stored.push(match outcome {
                Some(outcome) => self.take_in(outcome, &mut changes, &mut fresh)?,
                None => false,
            });
        }
        let new: Vec<_> = fresh.pictures.iter().map(|new| new.block()).collect();
        let locations = blocks.append(&new)?;
        let mut grown = SegmentGrowth::default();
        let mut sequence = *next;
        for (picture, location) in fresh.pictures.into_iter().zip(locations) {
            grown.add(&self.trees.segments, location)?;
            self.add_picture(&mut changes, picture, Sequence(sequence), location);
            sequence += 1;
        }
        grown.write(&self.trees.segments, &mut changes.batches);
        changes
            .batches
            .of(&self.trees.counters)
            .insert(&NEXT_SEQUENCE, &Sequence(sequence).key());
        changes.apply()?;
        let new = sequence - *next;
        // Also where the flush fails: the numbers are in the records by now.
        *next = sequence;
        self.trees.db.flush()?;
        // A crash before this leaves bytes behind, which the next run deletes.
        for id in had_waited {
            if self.contains(id)? {
                self.drop_body(id)?;
            } else {
                self.drop_unusable(id)?;
            }
        }
        tracing::debug!(settled = stored.len(), new, "committed and flushed");
        Ok(stored)
    }

    /// Adds one outcome to the changes. Returns whether it is a new picture.
    fn take_in(
        &self,
        outcome: PictureOutcome,
        changes: &mut CommitChanges<'_>,
        fresh: &mut Fresh,
    ) -> Result<bool, StoreError> {
        let (origin, picture, id) = match outcome {
            PictureOutcome::Picture(origin, picture) => {
                let id = picture.id;
                (origin, Some(picture), id)
            }
            PictureOutcome::Known(origin, id) => (origin, None, id),
            PictureOutcome::Unusable(Source::Url(lease), outcome) => {
                changes.settle(lease, outcome);
                return Ok(false);
            }
            PictureOutcome::Postponed(Source::Url(lease)) => {
                match self.url_record(lease.id)?.map(|record| record.state) {
                    Some(state @ (UrlState::Refused(_) | UrlState::Removed)) => {
                        changes.settle_as(lease, state);
                    }
                    _ => changes.settle(lease, UrlOutcome::Left),
                }
                return Ok(false);
            }
            PictureOutcome::Unusable(..) | PictureOutcome::Postponed(_) => return Ok(false),
        };
        let origin = match origin {
            Source::Url(lease) => {
                // A picture is not stored if it was removed, or if its last page opted out,
                // while it was on its way.
                match self.url_record(lease.id)?.map(|record| record.state) {
                    Some(state @ (UrlState::Refused(_) | UrlState::Removed)) => {
                        changes.settle_as(lease, state);
                        return Ok(false);
                    }
                    _ => Source::Url(lease),
                }
            }
            origin => origin,
        };
        // Known when it was fetched, and removed since: its location would lead nowhere. A
        // lease is dropped, so that its URL is asked for again.
        if picture.is_none() && !self.contains(id)? && !self.waits(id)? {
            return Ok(false);
        }
        let is_new = match picture {
            Some(picture) => !self.contains(id)? && fresh.add(*picture),
            None => false,
        };
        changes.add_location(origin, id);
        Ok(is_new)
    }

    /// A URL that now gives another picture is no longer a location of the one it gave before.
    fn remove_old_locations(&self, outcomes: &[Option<PictureOutcome>]) -> Result<(), StoreError> {
        for outcome in outcomes.iter().flatten() {
            let (lease, now) = match outcome {
                PictureOutcome::Picture(Source::Url(lease), picture) => (lease, Some(picture.id)),
                PictureOutcome::Known(Source::Url(lease), id) => (lease, Some(*id)),
                PictureOutcome::Unusable(Source::Url(lease), _) => (lease, None),
                _ => continue,
            };
            match (&lease.visit, now) {
                (Some(visit), Some(now)) if *now.as_bytes() != visit.content => {
                    self.remove_location(PictureId::from_bytes(visit.content), lease.id)?;
                }
                (Some(_), None) => self.forget(lease.id)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn add_picture(
        &self,
        changes: &mut CommitChanges<'_>,
        picture: NewPicture,
        sequence: Sequence,
        location: BlockLocation,
    ) {
        let (id, t) = (picture.id, &self.trees);
        assert_eq!(
            location.length, self.block_len,
            "the block is of this store's layout"
        );
        let record = PictureRecord {
            sequence: sequence.0,
            width: picture.width,
            height: picture.height,
            media_type: picture.media_type.to_owned(),
            bytes: picture.bytes,
            perceptual_hash: picture.perceptual_hash,
            first_seen: now_ms() / 1000,
        };
        let key = id.as_bytes();
        let extent = Extent::from(location);
        let batches = &mut changes.batches;
        batches.of(&t.extents).insert(key, encode(&extent));
        batches
            .of(&t.descriptors)
            .insert(&sequence.key(), picture.descriptor.to_bytes());
        batches.of(&t.thumbnails).insert(key, picture.thumbnail);
        batches.of(&t.sequences).insert(&sequence.key(), key);
        batches.of(&t.pictures).insert(key, encode(&record));
    }
}

/// The new pictures of a commit.
#[derive(Default)]
struct Fresh {
    pictures: Vec<NewPicture>,
    ids: HashSet<PictureId>,
}

impl Fresh {
    /// Returns whether it was not among them.
    fn add(&mut self, picture: NewPicture) -> bool {
        let is_new = self.ids.insert(picture.id);
        if is_new {
            self.pictures.push(picture);
        }
        is_new
    }
}
