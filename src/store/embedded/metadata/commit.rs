//! Storing pictures: entries into the log, the mark, then the records.

use std::collections::HashSet;
use std::sync::{MutexGuard, PoisonError};

use crate::picture::PictureId;
use crate::store::embedded::EmbeddedMetadata;
use crate::store::embedded::log::Totals;
use crate::store::embedded::metadata::commit_changes::{CommitChanges, Fact, found, removed};
use crate::store::embedded::metadata::leaving::{Leaving, Left};
use crate::store::entry::{Entry, Section, SectionKind, look_section, overflow, record_sections};
use crate::store::pictures::NETWORK;
use crate::store::{
    AppendEntries, NewPicture, PictureOutcome, PictureRecord, Source, StoreError, UrlOutcome,
    now_ms,
};

impl EmbeddedMetadata {
    pub(in crate::store::embedded) fn commit(
        &self,
        outcomes: Vec<PictureOutcome>,
        log: &dyn AppendEntries,
    ) -> Result<Vec<bool>, StoreError> {
        self.reserve.check()?;
        let held = outcomes.into_iter().map(|mut outcome| {
            let is_held = outcome.is_held();
            is_held.then_some(outcome)
        });
        let outcomes: Vec<Option<PictureOutcome>> = held.collect();
        for outcome in outcomes.iter().flatten() {
            if let PictureOutcome::Unusable(Source::Url(lease), outcome) = outcome {
                let guard = self.frontier.lock();
                self.ask_for_next(lease, outcome)?;
                drop(guard);
                self.take_word(lease, outcome)?;
                self.drop_hint(lease.id, outcome)?;
            }
            if let PictureOutcome::Unusable(Source::Waiting(id), outcome) = outcome {
                let _guard = self.frontier.lock();
                self.fail_waiting(*id, outcome)?;
            }
        }
        let replaced: Vec<_> = outcomes
            .iter()
            .flatten()
            .filter_map(PictureOutcome::replaced)
            .collect();
        let had_waited: Vec<PictureId> = outcomes
            .iter()
            .flatten()
            .filter_map(PictureOutcome::had_waited)
            .collect();
        let mut totals = self.totals();
        let mut leaving = Leaving::new(self, *totals);
        let mut new = New::default();
        let mut stored = Vec::with_capacity(outcomes.len());
        for outcome in outcomes {
            stored.push(match outcome {
                Some(outcome) => self.take_in(outcome, leaving.changes(), &mut new)?,
                None => false,
            });
        }
        for &id in &had_waited {
            if !new.ids.contains(&id) && !self.contains(id)? {
                self.drop_waiting(id, leaving.changes(), &mut new.facts)?;
            }
            leaving.changes().end_waiting(id)?;
        }
        // A file has brought what waited: its bytes are in the new entry's picture now, as the log
        // says it, too.
        for id in new.ids.iter().filter(|id| !had_waited.contains(*id)) {
            leaving.changes().end_waiting(*id)?;
        }
        for (picture, url) in replaced {
            let is_found = new.facts.iter().any(|(id, _)| *id == picture);
            leaving.leave_url(picture, url, is_found)?;
        }
        let Left {
            changes,
            facts,
            sequences,
        } = leaving.into_parts();
        new.facts.extend(facts);
        let records = new.records(totals.next_sequence);
        let entries = new.entries(&records, &self.descriptor, self.look_id());
        let locations = log.append(&entries)?;
        self.logged(&mut totals, changes, |changes| {
            for ((picture, record), location) in new.pictures.iter().zip(&records).zip(locations) {
                let look = picture.look.as_ref().filter(|_| self.look.is_some());
                let look = look.map(|look| look.bytes().to_vec());
                let described = (Some(picture.descriptor.to_bytes()), look);
                changes.add_picture(picture.id, record, described, location)?;
            }
            Ok(())
        })?;
        self.note_removed(sequences);
        tracing::debug!(
            settled = stored.len(),
            new = records.len(),
            "committed and synced"
        );
        Ok(stored)
    }

    /// The totals, which stay as they are while the guard lives: nothing is committed or
    /// removed.
    pub(in crate::store::embedded) fn totals(&self) -> MutexGuard<'_, Totals> {
        self.totals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what was appended to the log into the records: `index` adds what depends on where
    /// it lies. The mark is set first, so that no record is of what the mark does not cover.
    pub(in crate::store::embedded) fn logged<'a>(
        &'a self,
        totals: &mut Totals,
        mut changes: CommitChanges<'a>,
        index: impl FnOnce(&mut CommitChanges<'a>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let took = index(&mut changes).and_then(|()| {
            let position = self.log.position();
            if changes.totals != *totals || position != self.trees.applied()? {
                self.log.set_mark(changes.totals)?;
            }
            changes.clear_rows();
            *totals = changes.apply(position)?;
            self.records.sync()
        });
        if took.is_err() {
            // The log is ahead of the records now, until the store is opened again.
            self.log.fail();
        }
        took
    }

    /// Adds one outcome to the changes. Returns whether it is a new picture.
    fn take_in(
        &self,
        outcome: PictureOutcome,
        changes: &mut CommitChanges<'_>,
        new: &mut New,
    ) -> Result<bool, StoreError> {
        let (origin, picture, id) = match outcome {
            PictureOutcome::Picture(origin, picture) => {
                let id = picture.id;
                (origin, Some(picture), id)
            }
            PictureOutcome::Known(origin, id) => (origin, None, id),
            PictureOutcome::Unusable(Source::Url(lease), outcome) => {
                match self.closed_meanwhile(&lease)? {
                    Some(state) => changes.settle_as(lease, state),
                    None => changes.settle(lease, outcome),
                }
                return Ok(false);
            }
            PictureOutcome::Postponed(Source::Url(lease)) => {
                match self.closed_meanwhile(&lease)? {
                    Some(state) => changes.settle_as(lease, state),
                    None => changes.settle(lease, UrlOutcome::Left(NETWORK.to_owned())),
                }
                return Ok(false);
            }
            PictureOutcome::Unusable(..) | PictureOutcome::Postponed(_) => return Ok(false),
        };
        let origin = match origin {
            Source::Url(lease) => {
                // A picture is not stored if it was removed, or if its last page opted out,
                // while it was on its way.
                match self.closed_meanwhile(&lease)? {
                    Some(state) => {
                        changes.settle_as(lease, state);
                        return Ok(false);
                    }
                    None => Source::Url(lease),
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
            Some(picture) => !self.contains(id)? && new.add(*picture),
            None => false,
        };
        if is_new {
            // What was kept until now is told again, with the features.
            let kept = self.trees.places_of(id)?;
            new.facts
                .extend(kept.iter().map(|kept| (id, vec![found(kept)])));
        }
        if let Some(place) = changes.add_location(origin, id)? {
            new.facts.push((id, vec![found(&place)]));
        }
        Ok(is_new)
    }

    /// Takes out a picture that can have no features, with its locations.
    pub(in crate::store::embedded) fn drop_waiting(
        &self,
        id: PictureId,
        changes: &mut CommitChanges<'_>,
        facts: &mut Vec<Fact>,
    ) -> Result<(), StoreError> {
        let places = changes.batches.of(&self.trees.places);
        for key in self.trees.places.scan_prefix(id.as_bytes()).keys() {
            places.remove(key?);
        }
        facts.push((id, removed(Vec::new())));
        Ok(())
    }
}

/// What a commit brings.
#[derive(Default)]
struct New {
    pictures: Vec<NewPicture>,
    ids: HashSet<PictureId>,
    facts: Vec<Fact>,
}

impl New {
    /// Returns whether it was not among them.
    fn add(&mut self, picture: NewPicture) -> bool {
        let is_new = self.ids.insert(picture.id);
        if is_new {
            self.pictures.push(picture);
        }
        is_new
    }

    /// The records of the new pictures, numbered from `sequence` on.
    fn records(&self, sequence: u64) -> Vec<PictureRecord> {
        let records = self.pictures.iter().zip(sequence..);
        let records = records.map(|(picture, sequence)| PictureRecord {
            sequence,
            width: picture.width,
            height: picture.height,
            media_type: picture.media_type.to_owned(),
            bytes: picture.bytes,
            perceptual_hash: picture.perceptual_hash,
            first_seen: now_ms() / 1000,
        });
        records.collect()
    }

    /// What the log is told: the pictures with what is known of them, then facts of others.
    fn entries<'a>(
        &'a self,
        records: &[PictureRecord],
        descriptor_id: &'a str,
        look_id: Option<&'a str>,
    ) -> Vec<Entry<'a>> {
        let mut entries = Vec::with_capacity(records.len());
        let mut behind = Vec::new();
        for (picture, record) in self.pictures.iter().zip(records) {
            let descriptor = picture.descriptor.to_bytes();
            let mut sections = record_sections(record, descriptor_id, descriptor).to_vec();
            let look = look_id.zip(picture.look.as_ref());
            sections.extend(look.map(|(id, look)| look_section(id, look)));
            let facts = self.facts.iter().filter(|(id, _)| *id == picture.id);
            let mut facts: Vec<_> = facts.flat_map(|(_, facts)| facts.clone()).collect();
            behind.extend(overflow(picture.id, &mut facts));
            sections.extend(facts);
            let large = [
                Section::of_bytes(SectionKind::Thumbnail, &picture.thumbnail),
                Section::of_bytes(SectionKind::Block, &picture.block),
            ];
            sections.extend(large);
            entries.push(Entry {
                picture: picture.id,
                sections,
            });
        }
        entries.extend(behind);
        let others = self.facts.iter().filter(|(id, _)| !self.ids.contains(id));
        entries.extend(others.map(|(id, sections)| Entry {
            picture: *id,
            sections: sections.clone(),
        }));
        entries
    }
}
