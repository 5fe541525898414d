//! What a commit writes: entries into the log, then records.

use crate::canonical_url::{HostId, UrlId};
use crate::local_path::LocalPath;
use crate::picture::PictureId;
use crate::store::embedded::EmbeddedMetadata;
use crate::store::embedded::log::{Position, Totals};
use crate::store::embedded::metadata::queues::queueing::{end_as, settle_into};
use crate::store::embedded::trees::{
    APPLIED, TreeBatches, Trees, UseChanges, embed_key, encode, location_key,
};
use crate::store::entry::{Found, Removed, Section, SectionKind};
use crate::store::{
    EntryLocation, FileRecord, Lease, Location, LocationId, Measure, PageRecord, PictureRecord,
    Sequence, Source, StoreError, UrlOutcome, UrlState, VisitRecord, now_ms,
};

/// What the log is told of a picture beside its features.
pub(in crate::store::embedded) type Fact = (PictureId, Vec<Section<'static>>);

/// One commit's writes, and the leases that it ends.
pub(in crate::store::embedded) struct CommitChanges<'a> {
    metadata: &'a EmbeddedMetadata,
    trees: &'a Trees,
    pub(in crate::store::embedded) batches: TreeBatches,
    /// What of segments is in use.
    pub(in crate::store::embedded) usage: UseChanges,
    /// What searches read of pictures: new rows, and those that are true no longer.
    rows: Vec<RowChange>,
    /// The host that leaves with them.
    left: Option<HostId>,
    /// What the catalogue comes to.
    pub(in crate::store::embedded) totals: Totals,
    /// The bytes may show to be no picture, so other versions may be asked for.
    pub(in crate::store::embedded) keeps_hints: bool,
    /// The leases that are settled. They are dropped only once all is written, or their URLs
    /// would be handed out again.
    settled: Vec<Lease>,
}

impl<'a> CommitChanges<'a> {
    /// None so far, to a catalogue of these totals.
    pub(in crate::store::embedded) fn new(metadata: &'a EmbeddedMetadata, totals: Totals) -> Self {
        Self {
            metadata,
            trees: &metadata.trees,
            batches: TreeBatches::default(),
            usage: UseChanges::default(),
            rows: Vec::new(),
            left: None,
            totals,
            keeps_hints: false,
            settled: Vec::new(),
        }
    }

    /// Makes the changes, all or nothing. The log reaches to `applied` with them.
    pub(in crate::store::embedded) fn apply(
        mut self,
        applied: Position,
    ) -> Result<Totals, StoreError> {
        self.usage.write(self.trees, &mut self.batches);
        let sightings = self.metadata.add_sightings(&mut self.batches, self.left)?;
        self.batches
            .of(&self.trees.counters)
            .insert(&APPLIED, encode(&applied));
        self.metadata.mark_sightings(applied, &mut self.batches);
        // Nobody writes a row of what leaves or moves from here on.
        let _held = self.metadata.hold_rows();
        self.rows.iter().for_each(|row| row.begin(self.metadata));
        self.batches.apply()?;
        self.metadata.sightings.took(sightings);
        for row in self.rows {
            row.apply(self.metadata);
        }
        Ok(self.totals)
    }

    /// Leaves nothing of the rows of the pictures that leave, as the disk is after a power failure, too: before the
    /// records forget these.
    pub(in crate::store::embedded) fn clear_rows(&self) {
        let mut leaves = self.rows.iter();
        if leaves.any(|row| matches!(row, RowChange::Left(_))) {
            let _held = self.metadata.hold_rows();
            self.rows.iter().for_each(|row| row.begin(self.metadata));
            self.metadata.sync_rows();
        }
    }

    /// Has a host leave with them, all of whose pages have left before.
    pub(in crate::store::embedded) fn leave_host(&mut self, host: HostId) {
        self.left = Some(host);
    }

    /// Ends a lease.
    pub(in crate::store::embedded) fn settle(&mut self, lease: Lease, outcome: UrlOutcome) {
        settle_into(self.batches.of(&self.trees.frontier), &lease, outcome);
        self.settled.push(lease);
    }

    /// Ends the lease of a URL that has got a state meanwhile, which it keeps.
    pub(in crate::store::embedded) fn settle_as(&mut self, lease: Lease, state: UrlState) {
        end_as(self.batches.of(&self.trees.frontier), &lease, state);
        self.settled.push(lease);
    }

    /// Records a picture with features, whose entry lies at `location`. What it does not bring of descriptor and look is
    /// made when it is asked for.
    pub(in crate::store::embedded) fn add_picture(
        &mut self,
        id: PictureId,
        record: &PictureRecord,
        (descriptor, look): (Option<Vec<u8>>, Option<Vec<u8>>),
        location: EntryLocation,
    ) -> Result<(), StoreError> {
        let (t, sequence) = (self.trees, Sequence(record.sequence));
        let batches = &mut self.batches;
        batches
            .of(&t.entries)
            .insert(id.as_bytes(), encode(&location));
        batches
            .of(&t.sequences)
            .insert(&sequence.key(), id.as_bytes());
        batches
            .of(&t.pictures)
            .insert(id.as_bytes(), encode(record));
        self.rows.push(RowChange::Are {
            sequence,
            id,
            location,
            descriptor,
            look,
            measure: Measure::from(record),
        });
        self.usage.add(t, location)?;
        self.totals.add_picture(id, sequence);
        self.totals.next_sequence = self.totals.next_sequence.max(record.sequence + 1);
        Ok(())
    }

    /// Records that the entry of a picture lies elsewhere now.
    pub(in crate::store::embedded) fn move_picture(
        &mut self,
        id: PictureId,
        from: EntryLocation,
        to: EntryLocation,
    ) -> Result<(), StoreError> {
        if from != to {
            let entries = self.batches.of(&self.trees.entries);
            entries.insert(id.as_bytes(), encode(&to));
            if let Some(record) = self.metadata.picture(id)? {
                self.rows.push(RowChange::Moved {
                    sequence: Sequence(record.sequence),
                    id,
                    to,
                });
            }
            self.usage.remove(self.trees, from)?;
            self.usage.add(self.trees, to)?;
        }
        Ok(())
    }

    /// Forgets the rows of a picture that leaves.
    pub(in crate::store::embedded) fn forget_rows(&mut self, sequence: Sequence) {
        self.rows.push(RowChange::Left(sequence));
    }

    /// Records a picture that waits for its features, whose entry lies at `location`.
    pub(in crate::store::embedded) fn add_waiting(
        &mut self,
        id: PictureId,
        location: EntryLocation,
    ) -> Result<(), StoreError> {
        let waiting = self.batches.of(&self.trees.waiting);
        waiting.insert(id.as_bytes(), encode(&location));
        self.usage.add(self.trees, location)?;
        self.totals.add_waiting(id);
        Ok(())
    }

    /// Records that the entry of a picture without features lies elsewhere now.
    pub(in crate::store::embedded) fn move_waiting(
        &mut self,
        id: PictureId,
        from: EntryLocation,
        to: EntryLocation,
    ) -> Result<(), StoreError> {
        let waiting = self.batches.of(&self.trees.waiting);
        waiting.insert(id.as_bytes(), encode(&to));
        self.usage.remove(self.trees, from)?;
        self.usage.add(self.trees, to)
    }

    /// Takes a picture out of those that wait, if it is one.
    pub(in crate::store::embedded) fn end_waiting(
        &mut self,
        id: PictureId,
    ) -> Result<(), StoreError> {
        if let Some(location) = self.metadata.waiting_location(id)? {
            self.batches.of(&self.trees.waiting).remove(id.as_bytes());
            self.usage.remove(self.trees, location)?;
            self.totals.take_waiting(id);
        }
        Ok(())
    }

    /// Records that a picture was found at a location, and settles the location's URL. Returns
    /// what the log is to say of it, unless that is known.
    pub(in crate::store::embedded) fn add_location(
        &mut self,
        origin: Source,
        picture: PictureId,
    ) -> Result<Option<Found>, StoreError> {
        let t = self.trees;
        let mut inline = None;
        let (id, location, file) = match origin {
            Source::Url(lease) => {
                let (id, url) = (lease.id(), lease.record().url.clone());
                let before = lease.visit.as_ref();
                let validators = lease.validators.clone();
                let visit = VisitRecord::after(before, *picture.as_bytes(), validators, Vec::new());
                self.batches.of(&t.visits).insert(&id.0, encode(&visit));
                // If that cannot be read, neither can the rest be written.
                if t.absences.contains_key(id.0).unwrap_or(true) {
                    self.batches.of(&t.absences).remove(&id.0);
                }
                if !self.keeps_hints && t.hints.contains_key(id.0).unwrap_or(true) {
                    self.batches.of(&t.hints).remove(&id.0);
                }
                self.settle(lease, UrlOutcome::Done);
                (LocationId::of_url(id), Location::Url(url), None)
            }
            // Its locations are known since it was fetched.
            Source::Waiting(_) => return Ok(None),
            Source::Inline { page, embed } => {
                let id = LocationId::within(&page, picture);
                self.batches
                    .of(&t.embeds)
                    .insert(&embed_key(UrlId(id.0), page.id()), encode(&embed));
                // The page itself is recorded when all of its pictures are.
                let record = PageRecord {
                    url: page.to_string(),
                    title: String::new(),
                    fetched_at: now_ms() / 1000,
                };
                inline = Some((record, embed));
                (id, Location::Url(page.to_string()), None)
            }
            Source::File {
                path,
                bytes,
                modified_ns,
            } => {
                let id = LocationId::of_path(&path);
                let location = Location::Path(LocalPath::new(path));
                (id, location, Some((bytes, modified_ns)))
            }
        };
        let mut found = t.found(id, location, file)?;
        found.pages.extend(inline);
        let is_known = t.is_recorded(picture, &found)?;
        self.add_found(picture, &found);
        Ok((!is_known).then_some(found))
    }

    /// Records a place of a picture.
    pub(in crate::store::embedded) fn add_found(&mut self, picture: PictureId, found: &Found) {
        let t = self.trees;
        if let Some((bytes, modified_ns)) = found.file {
            let record = FileRecord {
                bytes,
                modified_ns,
                picture,
            };
            self.batches.of(&t.files).insert(&found.id, encode(&record));
        }
        let key = location_key(picture, found.id());
        self.batches
            .of(&t.places)
            .insert(&key[..], encode(&found.location));
    }
}

/// What becomes of the rows of a picture.
enum RowChange {
    /// They are these.
    Are {
        sequence: Sequence,
        id: PictureId,
        location: EntryLocation,
        descriptor: Option<Vec<u8>>,
        look: Option<Vec<u8>>,
        measure: Measure,
    },
    /// Its entry lies elsewhere.
    Moved {
        sequence: Sequence,
        id: PictureId,
        to: EntryLocation,
    },
    /// The picture has left.
    Left(Sequence),
}

impl RowChange {
    /// What is done before the records are changed: nothing of what leaves may stay, whatever happens in between.
    fn begin(&self, metadata: &EmbeddedMetadata) {
        if let Self::Left(sequence) = self {
            let cleared = metadata.rows.file.clear(*sequence);
            let cleared = cleared.and(metadata.looks.file.clear(*sequence));
            if let Err(error) = cleared {
                tracing::warn!(
                    %error,
                    "rows of a removed picture may be left: delete `index` in the store's folder"
                );
            }
        }
    }

    fn apply(self, metadata: &EmbeddedMetadata) {
        let (rows, measures) = (&metadata.rows, &metadata.measures);
        match self {
            Self::Are {
                sequence,
                id,
                location,
                descriptor,
                look,
                measure,
            } => {
                match descriptor {
                    Some(descriptor) => rows.put(sequence, id, location, &descriptor),
                    None => rows.move_to(sequence, id, location),
                }
                if let Some(look) = look {
                    metadata.looks.put(sequence, id, Some(&look));
                }
                measures.put(sequence, Some(measure));
            }
            Self::Moved { sequence, id, to } => rows.move_to(sequence, id, to),
            Self::Left(sequence) => measures.put(sequence, None),
        }
    }
}

/// What the log says of a picture that is taken out of the store.
pub(in crate::store::embedded) fn removed(urls: Vec<String>) -> Vec<Section<'static>> {
    let removed = Removed { urls };
    vec![Section::of_record(SectionKind::Removed, &removed)]
}

/// What the log says of a place.
pub(in crate::store::embedded) fn found(found: &Found) -> Section<'static> {
    Section::of_record(SectionKind::Found, found)
}
