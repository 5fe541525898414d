//! Pictures and places that leave the store, in one step.

use std::collections::HashSet;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use crate::canonical_url::{HostId, UrlId};
use crate::local_path::LocalPath;
use crate::picture::PictureId;
use crate::store::embedded::EmbeddedMetadata;
use crate::store::embedded::log::Totals;
use crate::store::embedded::metadata::commit_changes::{CommitChanges, Fact, removed};
use crate::store::embedded::metadata::places::place_of;
use crate::store::embedded::trees::{decode, encode, labelled_key, location_key, removed_file_key};
use crate::store::entry::{Entry, LabelFact, Lost, RemovedFile, RemovedHost, Section, SectionKind};
use crate::store::{Label, Labels, Location, LocationId, Sequence, StoreError};

/// What leaves the store: what the log says of it, and the changes of the records.
pub(in crate::store::embedded) struct Leaving<'a> {
    metadata: &'a EmbeddedMetadata,
    changes: CommitChanges<'a>,
    facts: Vec<Fact>,
    /// The pictures that leave.
    sequences: Vec<Sequence>,
    /// Keys of the places that are taken from pictures.
    lost: HashSet<[u8; 48]>,
    /// Whether it changes which pairs are no near-copies.
    sets_apart: bool,
}

/// Of what an entry is that is of no picture.
const NO_PICTURE: PictureId = PictureId::from_bytes([0; PictureId::LEN]);

/// What leaves the store, taken apart.
pub(in crate::store::embedded) struct Left<'a> {
    pub(in crate::store::embedded) changes: CommitChanges<'a>,
    pub(in crate::store::embedded) facts: Vec<Fact>,
    pub(in crate::store::embedded) sequences: Vec<Sequence>,
}

impl<'a> Leaving<'a> {
    /// Nothing yet, from a catalogue of these totals.
    pub(in crate::store::embedded) fn new(metadata: &'a EmbeddedMetadata, totals: Totals) -> Self {
        Self {
            metadata,
            changes: CommitChanges::new(metadata, totals),
            facts: Vec::new(),
            sequences: Vec::new(),
            lost: HashSet::new(),
            sets_apart: false,
        }
    }

    /// Takes a picture out, with or without features. `by_word`: somebody said so, and its URLs
    /// are not to bring it back. Returns whether it was there.
    pub(in crate::store::embedded) fn take_out(
        &mut self,
        id: PictureId,
        by_word: bool,
    ) -> Result<bool, StoreError> {
        let (metadata, t) = (self.metadata, &self.metadata.trees);
        let record = metadata.picture(id)?;
        if record.is_none() && !metadata.waits(id)? {
            return Ok(false);
        }
        if by_word {
            self.forget_labels(id)?;
        }
        let mut urls = Vec::new();
        let mut is_local = false;
        for entry in t.places.scan_prefix(id.as_bytes()) {
            let (key, value) = entry?;
            let place = place_of(&key)?;
            let batches = &mut self.changes.batches;
            match decode("places", &value)? {
                // The places of one without features say nothing more.
                _ if record.is_none() => {}
                // Unless the file holds another picture by now.
                Location::Path(_) => {
                    is_local = true;
                    let file = t.file(place)?;
                    if file.is_some_and(|file| file.picture == id) {
                        batches.of(&t.files).remove(&place.0);
                    }
                }
                Location::Url(url) if by_word => {
                    metadata.mark_removed(batches.of(&t.frontier), UrlId(place.0))?;
                    urls.push(url);
                }
                Location::Url(_) => {}
            }
            batches.of(&t.places).remove(key);
        }
        self.facts.push((id, removed(urls)));
        if is_local && by_word {
            self.mark_file(id, None, Some(&LocalPath::new("")));
        }
        self.changes.end_waiting(id)?;
        if let Some(record) = record {
            let sequence = Sequence(record.sequence);
            // An unreadable location names no entry that could be dead.
            if let Ok(Some(entry)) = metadata.block_location(id) {
                self.changes.usage.remove(t, entry)?;
            }
            let batches = &mut self.changes.batches;
            for tree in [&t.pictures, &t.entries] {
                batches.of(tree).remove(id.as_bytes());
            }
            batches.of(&t.sequences).remove(&sequence.key());
            self.changes.forget_rows(sequence);
            self.changes.totals.take_picture(id, sequence);
            self.sequences.push(sequence);
        }
        Ok(true)
    }

    /// Takes a URL from a picture's places, and the picture out if it was the last.
    /// `is_found`: the same changes bring it another place.
    pub(in crate::store::embedded) fn leave_url(
        &mut self,
        picture: PictureId,
        url: UrlId,
        is_found: bool,
    ) -> Result<(), StoreError> {
        let place = LocationId::of_url(url);
        let key = location_key(picture, place);
        let places = &self.metadata.trees.places;
        if !places.contains_key(key)? {
            return Ok(());
        }
        let mut elsewhere = is_found;
        for other in places.scan_prefix(picture.as_bytes()).keys() {
            let other = other?;
            let is_lost = self.lost.iter().any(|lost| other == lost[..]);
            elsewhere |= other != key[..] && !is_lost;
        }
        match elsewhere {
            true => self.lose(picture, place),
            false => drop(self.take_out(picture, false)?),
        }
        Ok(())
    }

    /// Takes a place from a picture.
    pub(in crate::store::embedded) fn lose(&mut self, picture: PictureId, place: LocationId) {
        let t = &self.metadata.trees;
        let key = location_key(picture, place);
        self.changes.batches.of(&t.places).remove(&key[..]);
        self.lost.insert(key);
        let lost = Section::of_record(SectionKind::Lost, &Lost { id: place.0 });
        self.facts.push((picture, vec![lost]));
    }

    /// Takes local files from a picture, and the picture out if it is known from nowhere else.
    /// `by_word`: somebody said so, and named this; the files are not to bring it back. Returns how
    /// many files it was in, and whether it was taken out.
    pub(in crate::store::embedded) fn leave_files(
        &mut self,
        picture: PictureId,
        files: &[LocationId],
        by_word: Option<&LocalPath>,
    ) -> Result<(u64, bool), StoreError> {
        let places = &self.metadata.trees.places;
        let (mut lost, mut elsewhere) = (Vec::new(), false);
        for key in places.scan_prefix(picture.as_bytes()).keys() {
            let place = place_of(&key?)?;
            match files.contains(&place) {
                true => lost.push(place),
                false => elsewhere = true,
            }
        }
        if lost.is_empty() {
            return Ok((0, false));
        }
        if !elsewhere {
            self.take_out(picture, false)?;
            if by_word.is_some() {
                self.forget_labels(picture)?;
                self.mark_file(picture, None, by_word);
            }
            return Ok((lost.len() as u64, true));
        }
        for &place in &lost {
            self.lose(picture, place);
            if by_word.is_some() {
                self.mark_file(picture, Some(place), by_word);
            }
        }
        Ok((lost.len() as u64, false))
    }

    /// Marks a picture as not to be taken from a file, or any, since `named` was removed; or as
    /// welcome again.
    pub(in crate::store::embedded) fn mark_file(
        &mut self,
        picture: PictureId,
        file: Option<LocationId>,
        named: Option<&LocalPath>,
    ) {
        let key = removed_file_key(picture, file);
        let removed_files = self.changes.batches.of(&self.metadata.trees.removed_files);
        match named {
            Some(named) => removed_files.insert(&key[..], encode(named)),
            None => removed_files.remove(&key[..]),
        }
        let fact = RemovedFile {
            file: file.map(|file| file.0),
            named: named.cloned(),
        };
        let fact = Section::of_record(SectionKind::RemovedFile, &fact);
        // An entry of its own: those of pictures' places go with the pictures.
        self.facts.push((picture, vec![fact]));
    }

    /// Marks a host as removed at a time, in milliseconds since 1970, or as welcome again.
    pub(in crate::store::embedded) fn mark_host(&mut self, host: HostId, at_ms: Option<u64>) {
        let removed_hosts = self.changes.batches.of(&self.metadata.trees.removed_hosts);
        match at_ms {
            Some(at_ms) => removed_hosts.insert(&host.0, &at_ms.to_be_bytes()),
            None => removed_hosts.remove(&host.0),
        }
        let fact = RemovedHost {
            host: host.0,
            at_ms,
        };
        let fact = Section::of_record(SectionKind::RemovedHost, &fact);
        self.facts.push((NO_PICTURE, vec![fact]));
    }

    /// Keeps a label.
    pub(in crate::store::embedded) fn keep_label(&mut self, label: &Label) {
        let (t, id) = (&self.metadata.trees, label.id());
        let labels = self.changes.batches.of(&t.labels);
        labels.insert(&id.0, encode(label));
        for picture in label.verdict.pictures() {
            let labelled = self.changes.batches.of(&t.labelled);
            labelled.insert(&labelled_key(*picture, id)[..], &[]);
        }
        self.note_label(label, Some(label.clone()));
    }

    /// Takes a label back that is kept.
    pub(in crate::store::embedded) fn take_back_label(&mut self, label: &Label) {
        let (t, id) = (&self.metadata.trees, label.id());
        self.changes.batches.of(&t.labels).remove(&id.0);
        for picture in label.verdict.pictures() {
            let labelled = self.changes.batches.of(&t.labelled);
            labelled.remove(&labelled_key(*picture, id)[..]);
        }
        self.note_label(label, None);
    }

    /// Notes what the log is to say of a label: an entry of its own, as it may be of two pictures.
    fn note_label(&mut self, about: &Label, label: Option<Label>) {
        self.sets_apart |= about.sets_apart();
        let fact = LabelFact {
            id: about.id().0,
            label,
        };
        let fact = Section::of_record(SectionKind::Label, &fact);
        self.facts.push((NO_PICTURE, vec![fact]));
    }

    /// Takes back what was said of a picture that somebody removes.
    fn forget_labels(&mut self, picture: PictureId) -> Result<(), StoreError> {
        for label in self.metadata.labels_of(picture)? {
            self.take_back_label(&label);
        }
        Ok(())
    }

    /// The changes of the records.
    pub(in crate::store::embedded) fn changes(&mut self) -> &mut CommitChanges<'a> {
        &mut self.changes
    }

    /// All that is to be written down.
    pub(in crate::store::embedded) fn into_parts(self) -> Left<'a> {
        Left {
            changes: self.changes,
            facts: self.facts,
            sequences: self.sequences,
        }
    }

    /// The changes of the records alone: the log says it all already.
    pub(in crate::store::embedded) fn into_changes(self) -> CommitChanges<'a> {
        self.changes
    }

    /// Writes it all down, and returns once it would survive a power failure.
    pub(in crate::store::embedded) fn apply(self, totals: &mut Totals) -> Result<(), StoreError> {
        let metadata = self.metadata;
        let entries = self.facts.into_iter();
        let entries: Vec<Entry<'_>> = entries
            .map(|(picture, sections)| Entry { picture, sections })
            .collect();
        metadata.log.append(&entries)?;
        metadata.logged(totals, self.changes, |_| Ok(()))?;
        let apart = u64::from(self.sets_apart);
        let changes = &metadata.changes_of_duplicates;
        changes.fetch_add(apart, Ordering::Relaxed);
        metadata.note_removed(self.sequences);
        Ok(())
    }
}

impl EmbeddedMetadata {
    /// Notes which pictures were removed, for those who follow the store.
    pub(in crate::store::embedded) fn note_removed(&self, sequences: Vec<Sequence>) {
        let removed = self.removed.lock();
        let mut removed = removed.unwrap_or_else(PoisonError::into_inner);
        removed.extend(sequences);
    }
}
