//! Taking the log into the records: what they miss, or all of it.

use std::time::{Duration, Instant};

use crate::canonical_url::{CanonicalUrl, HostId, UrlId};
use crate::store::embedded::EmbeddedMetadata;
use crate::store::embedded::log::{Damage, LoggedEntry, Position, Totals};
use crate::store::embedded::metadata::commit_changes::CommitChanges;
use crate::store::embedded::metadata::describe::told_in;
use crate::store::embedded::metadata::leaving::Leaving;
use crate::store::embedded::trees::{APPLIED, FrontierKey, STORE, encode, location_key};
use crate::store::entry::{
    Found, LabelFact, Lost, Removed, RemovedFile, RemovedHost, SectionKind, Seed, read_record,
};
use crate::store::{
    LabelId, Labels, Location, PictureRecord, Role, StoreError, UrlRecord, UrlState, Validators,
    VisitRecord,
};

const NOTE_EVERY: Duration = Duration::from_secs(5);

impl EmbeddedMetadata {
    /// What the records come to; reads all sequence numbers.
    pub(in crate::store::embedded) fn count(&self) -> Result<Totals, StoreError> {
        let mut totals = Totals::default();
        for entry in self.pictures() {
            let (sequence, id) = entry?;
            totals.add_picture(id, sequence);
            totals.next_sequence = sequence.0 + 1;
        }
        for id in self.waiting() {
            totals.add_waiting(id?);
        }
        Ok(totals)
    }

    /// Takes in the entries from where the records are to the end of the log.
    ///
    /// # Errors
    /// If the log is damaged there, or cannot be read.
    pub(in crate::store::embedded) fn replay_tail(&self) -> Result<(), StoreError> {
        let from = self.trees.applied()?;
        let mut entries = Vec::new();
        self.log.for_each_entry(from, &mut |entry| {
            match entry {
                Ok(entry) if entry.number >= from.next => entries.push(place(&entry)),
                Ok(_) => {}
                Err(damage) => return Err(self.damaged(damage)),
            }
            Ok(())
        })?;
        self.replay(entries, from.next)
    }

    /// Empties the records of pictures and makes them anew. What of the log is damaged is passed
    /// over and returned.
    ///
    /// # Errors
    /// If the log cannot be read or the records cannot be written.
    pub(in crate::store::embedded) fn rebuild(&self) -> Result<Vec<Damage>, StoreError> {
        // Until it is done, each opening begins it again.
        let known = self.trees.applied()?;
        let unfinished = Position {
            rewrites: u64::MAX,
            ..known
        };
        self.trees.counters.insert(APPLIED, encode(&unfinished))?;
        self.records.sync()?;
        self.drop_sightings()?;
        for tree in self.trees.of_pictures() {
            tree.clear()?;
        }
        *self.totals() = Totals::default();
        let mut entries = Vec::new();
        let mut damages = Vec::new();
        self.log.for_each_entry(Position::default(), &mut |entry| {
            match entry {
                Ok(entry) => entries.push(place(&entry)),
                Err(damage) => damages.push(damage),
            }
            Ok(())
        })?;
        self.replay(entries, known.next)?;
        Ok(damages)
    }

    /// Takes in entries in the order in which they were written, wherever they lie now. Those from
    /// the number `news` on are newer than what the frontier knows.
    fn replay(&self, mut entries: Vec<(u64, u32, u64)>, news: u64) -> Result<(), StoreError> {
        entries.sort_unstable();
        let of = entries.len();
        let mut noted = Instant::now();
        for (done, (_, segment, offset)) in entries.into_iter().enumerate() {
            let entry = self.log.entry_at(segment, offset)?;
            self.take_logged(&entry, entry.number >= news)?;
            if noted.elapsed() > NOTE_EVERY {
                noted = Instant::now();
                tracing::info!(done, of, "entries of the log taken in");
            }
        }
        let totals = *self.totals();
        CommitChanges::new(self, totals).apply(self.log.position())?;
        self.trees.counters.insert(STORE, &self.store_id)?;
        self.sync_rows();
        self.records.sync()
    }

    /// The error of a log that is damaged where it is needed.
    pub(in crate::store::embedded) fn damaged(&self, damage: Damage) -> StoreError {
        StoreError::Log {
            path: self.log.path(damage.segment),
            message: format!("bytes {} to {} are damaged", damage.from, damage.to),
        }
    }

    /// Takes in one entry. To take it in again changes nothing.
    fn take_logged(&self, entry: &LoggedEntry, is_news: bool) -> Result<(), StoreError> {
        let mut totals = self.totals();
        let mut leaving = Leaving::new(self, *totals);
        let id = entry.picture;
        let mut is_there = self.contains(id)? || self.waits(id)?;
        if let Some(record) = entry.section(SectionKind::Record) {
            let record: PictureRecord = read_record(record)?;
            let changes = leaving.changes();
            match self.block_location(id)? {
                // It was copied, or stored twice by an interrupted migration.
                Some(before) => changes.move_picture(id, before, entry.location)?,
                None => {
                    changes.end_waiting(id)?;
                    let descriptor =
                        told_in(entry, SectionKind::Descriptor, Some(&self.descriptor))?;
                    let look = self.look_id().map(Some);
                    let look = look.map(|way| told_in(entry, SectionKind::Look, way));
                    let described = (descriptor, look.transpose()?.flatten());
                    changes.add_picture(id, &record, described, entry.location)?;
                }
            }
            is_there = true;
        } else if entry.location.payload.is_some() && !is_there {
            leaving.changes().add_waiting(id, entry.location)?;
            is_there = true;
        }
        for (kind, bytes) in &entry.sections {
            match kind {
                SectionKind::Found if is_there => {
                    let found: Found = read_record(bytes)?;
                    leaving.changes().add_found(id, &found);
                    let batches = &mut leaving.changes().batches;
                    self.trees.recall_pages(&found, batches)?;
                    self.recall(&found, id.as_bytes(), is_news)?;
                }
                SectionKind::Lost => {
                    let lost: Lost = read_record(bytes)?;
                    let key = location_key(id, crate::store::LocationId(lost.id));
                    let places = leaving.changes().batches.of(&self.trees.places);
                    places.remove(&key[..]);
                }
                SectionKind::Removed => {
                    let removed: Removed = read_record(bytes)?;
                    leaving.take_out(id, false)?;
                    for url in removed.urls {
                        self.recall_url(&url, UrlState::Removed)?;
                    }
                }
                SectionKind::RemovedHost => {
                    let fact: RemovedHost = read_record(bytes)?;
                    leaving.mark_host(HostId(fact.host), fact.at_ms);
                    if fact.at_ms.is_none() {
                        self.forget_removed_urls(HostId(fact.host))?;
                    }
                }
                SectionKind::RemovedFile => {
                    let fact: RemovedFile = read_record(bytes)?;
                    let file = fact.file.map(crate::store::LocationId);
                    leaving.mark_file(id, file, fact.named.as_ref());
                }
                SectionKind::Label => {
                    let fact: LabelFact = read_record(bytes)?;
                    match (fact.label, self.label(LabelId(fact.id))?) {
                        (Some(label), _) => leaving.keep_label(&label),
                        (None, Some(label)) => leaving.take_back_label(&label),
                        (None, None) => {}
                    }
                }
                SectionKind::Seed => {
                    let seed: Seed = read_record(bytes)?;
                    self.recall_seed(&seed.url)?;
                }
                _ => {}
            }
        }
        *totals = leaving.into_changes().apply(Position {
            next: entry.number + 1,
            ..self.trees.applied()?
        })?;
        Ok(())
    }

    /// Records what a place tells of the crawl that found it, unless more is known.
    fn recall(&self, found: &Found, picture: &[u8; 32], is_news: bool) -> Result<(), StoreError> {
        let Location::Url(url) = &found.location else {
            return Ok(());
        };
        let is_own = CanonicalUrl::parse(url).is_ok_and(|url| url.id().0 == found.id);
        if !is_own {
            return Ok(());
        }
        self.recall_url(url, UrlState::Done)?;
        let id = UrlId(found.id);
        if is_news
            && let Some(record) = self.url_record(id)?
            && record.state == UrlState::Open
        {
            // It was settled with the picture. It is skipped where it waits in a queue.
            let record = UrlRecord {
                state: UrlState::Done,
                ..record
            };
            let key = FrontierKey::Url(id).encode();
            self.trees.frontier.insert(key, encode(&record))?;
        }
        let before = self.visit(id)?;
        if before.is_none() || is_news {
            let validators = Validators::default();
            let visit = VisitRecord::after(before.as_ref(), *picture, validators, Vec::new());
            self.trees.visits.insert(found.id, encode(&visit))?;
        }
        Ok(())
    }

    /// Puts a URL into the frontier that it has forgotten, or marks it as removed.
    fn recall_url(&self, url: &str, state: UrlState) -> Result<(), StoreError> {
        let Ok(parsed) = CanonicalUrl::parse(url) else {
            return Ok(());
        };
        let known = self.url_record(parsed.id())?;
        if known.is_some() && state != UrlState::Removed {
            return Ok(());
        }
        let record = UrlRecord {
            state,
            ..known.unwrap_or(UrlRecord {
                url: url.to_owned(),
                host: parsed.host_id(),
                role: Role::Picture,
                depth: 1,
                attempts: 1,
                state: UrlState::Done,
            })
        };
        let key = FrontierKey::Url(parsed.id()).encode();
        self.trees.frontier.insert(key, encode(&record))?;
        Ok(())
    }
}

fn place(entry: &LoggedEntry) -> (u64, u32, u64) {
    (entry.number, entry.location.segment, entry.location.offset)
}
