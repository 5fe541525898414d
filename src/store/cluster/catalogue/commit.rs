//! Storing pictures: activations into the blocks first, then all records in one transaction.

use std::collections::HashMap;

use crate::canonical_url::UrlId;
use crate::local_path::LocalPath;
use crate::picture::PictureId;
use crate::store::cluster::frontier::host_leases::Handed;
use crate::store::cluster::frontier::words::Leave;
use crate::store::cluster::rows::transaction::Transaction;
use crate::store::cluster::server::session::Session;
use crate::store::cluster::{ClusterMetadata, encode, signed, unsigned};
use crate::store::pictures::NETWORK;
use crate::store::{
    AppendEntries, Body, Entry, EntryLocation, FileRecord, Lease, Location, LocationId, NewPicture,
    PictureOutcome, PictureRecord, Source, StoreError, UrlOutcome, VisitRecord, now_ms,
};

/// What is written of a picture with features.
pub(in crate::store::cluster) struct PictureInsert<'a> {
    pub(in crate::store::cluster) id: PictureId,
    pub(in crate::store::cluster) record: &'a PictureRecord,
    pub(in crate::store::cluster) descriptor: &'a [u8],
    pub(in crate::store::cluster) look: Option<&'a [u8]>,
    pub(in crate::store::cluster) thumbnail: Option<&'a [u8]>,
    pub(in crate::store::cluster) entry: &'a EntryLocation,
}

/// The URL of a source whose host must be this process's for it to count.
fn handed(source: &Source) -> Option<Handed> {
    match source {
        Source::Url(lease) => Some((lease.place.host, lease.place.generation)),
        Source::File { .. } | Source::Inline { .. } | Source::Waiting(_) => None,
    }
}

fn source(outcome: &PictureOutcome) -> &Source {
    match outcome {
        PictureOutcome::Picture(source, _)
        | PictureOutcome::Known(source, _)
        | PictureOutcome::Unusable(source, _)
        | PictureOutcome::Postponed(source) => source,
    }
}

/// What is needed to take pictures in.
struct Intake<'a> {
    log: &'a dyn AppendEntries,
    /// Where activations lie that were appended already.
    appended: HashMap<PictureId, EntryLocation>,
    /// The number of the first picture of this transaction, and of the next.
    numbers: Option<(u64, u64)>,
}

impl Intake<'_> {
    /// The number of the next picture. Whoever stores at the same time waits for it, or begins anew.
    fn number(&mut self, transaction: &mut Transaction<'_>) -> Result<&mut u64, StoreError> {
        if self.numbers.is_none() {
            let select = "SELECT value FROM numbers WHERE name = 'next_sequence' FOR UPDATE";
            let row: Option<(i64,)> = transaction.row(sqlx::query_as(select))?;
            let (value,) = row.ok_or(crate::store::cluster::NUMBERS)?;
            self.numbers = Some((unsigned(value), unsigned(value)));
        }
        let numbers = self.numbers.as_mut();
        numbers
            .map(|(_, next)| next)
            .ok_or(crate::store::cluster::NUMBERS)
    }

    fn entry_of(&mut self, new: &NewPicture) -> Result<EntryLocation, StoreError> {
        if let Some(at) = self.appended.get(&new.id) {
            return Ok(*at);
        }
        // It was there a moment ago, and was removed meanwhile.
        let appended = self.log.append(&[new.entry()])?;
        let at = *appended
            .first()
            .ok_or(StoreError::Damaged { picture: new.id })?;
        self.appended.insert(new.id, at);
        Ok(at)
    }
}

impl ClusterMetadata {
    pub(in crate::store::cluster) fn commit_outcomes(
        &self,
        mut outcomes: Vec<PictureOutcome>,
        log: &dyn AppendEntries,
    ) -> Result<Vec<bool>, StoreError> {
        let held: Vec<bool> = outcomes.iter_mut().map(PictureOutcome::is_held).collect();
        // Hosts are kept while it is on its way.
        let appended = self.append_new(&outcomes, &held, log)?;
        self.put_points(outcomes.iter().filter_map(|outcome| match outcome {
            PictureOutcome::Picture(_, new) if appended.contains_key(&new.id) => Some(&**new),
            _ => None,
        }))?;
        let _writing = self.shared.lock();
        // Those who store at the same time come one after the other, so that none has to begin anew.
        let turn = || Session::turn(self.database());
        let numbers = !appended.is_empty();
        let _turn = numbers.then(|| self.database().persist(turn)).transpose()?;
        let mut intake = Intake {
            log,
            appended,
            numbers: None,
        };
        let (leave, crawl) = (Leave::of(&self.losses), self.crawl());
        self.write_locked(|transaction| {
            intake.numbers = None;
            if numbers {
                // First of all, while there is nothing to be done again.
                intake.number(transaction)?;
            }
            let urls = outcomes
                .iter()
                .filter_map(|outcome| handed(source(outcome)));
            let ours = self.shared.hosts.fenced(transaction, urls)?;
            let is_ours = |outcome: &PictureOutcome| {
                handed(source(outcome)).is_none_or(|url| ours.contains(&url))
            };
            let held = outcomes
                .iter()
                .zip(&held)
                .map(|(outcome, is_held)| (*is_held && is_ours(outcome)).then_some(outcome));
            let held: Vec<Option<&PictureOutcome>> = held.collect();
            for outcome in held.iter().flatten() {
                match outcome {
                    PictureOutcome::Unusable(Source::Url(lease), outcome) => {
                        transaction.ask_for_next(lease, outcome, crawl)?;
                        transaction.take_word(&leave, lease, outcome)?;
                        transaction.drop_hint(lease.id, outcome)?;
                    }
                    PictureOutcome::Unusable(Source::Waiting(id), outcome) => {
                        transaction.fail_waiting(*id, outcome, crawl)?;
                    }
                    _ => {}
                }
            }
            let mut stored = Vec::with_capacity(held.len());
            for outcome in &held {
                stored.push(match outcome {
                    Some(outcome) => transaction.take_in(outcome, &mut intake)?,
                    None => false,
                });
            }
            let outcomes = held.iter().flatten();
            for id in outcomes.clone().filter_map(|outcome| outcome.had_waited()) {
                match transaction.contains(id)? {
                    true => transaction.stop_waiting(id)?,
                    false => transaction.drop_unusable(id)?,
                }
            }
            for (picture, url) in outcomes.filter_map(|outcome| outcome.replaced()) {
                transaction.remove_location(picture, url)?;
            }
            if let Some((first, next)) = intake.numbers
                && next > first
            {
                transaction.count_on("next_sequence", next - first)?;
            }
            Ok(stored)
        })
    }

    /// Appends the activations of pictures that are not in the store.
    fn append_new(
        &self,
        outcomes: &[PictureOutcome],
        held: &[bool],
        log: &dyn AppendEntries,
    ) -> Result<HashMap<PictureId, EntryLocation>, StoreError> {
        use crate::store::Catalogue;
        let mut new: Vec<(PictureId, Entry<'_>)> = Vec::new();
        for (outcome, _) in outcomes.iter().zip(held).filter(|(_, is_held)| **is_held) {
            if let PictureOutcome::Picture(_, picture) = outcome
                && !new.iter().any(|(id, _)| *id == picture.id)
                && !self.contains(picture.id)?
            {
                new.push((picture.id, picture.entry()));
            }
        }
        let (ids, entries): (Vec<PictureId>, Vec<Entry<'_>>) = new.into_iter().unzip();
        let places = log.append(&entries)?;
        Ok(ids.into_iter().zip(places).collect())
    }

    pub(in crate::store::cluster) fn keep_all_bodies(
        &self,
        mut bodies: Vec<Body>,
    ) -> Result<Vec<bool>, StoreError> {
        let held = bodies.iter_mut().map(|body| body.origin.is_held());
        let held: Vec<bool> = held.collect();
        self.write(|transaction| {
            let urls = bodies.iter().filter_map(|body| handed(&body.origin));
            let ours = self.shared.hosts.fenced(transaction, urls)?;
            let counts = bodies.iter().zip(&held).map(|(body, is_held)| {
                *is_held && handed(&body.origin).is_none_or(|url| ours.contains(&url))
            });
            let counts: Vec<bool> = counts.collect();
            let mut kept = Vec::with_capacity(bodies.len());
            for (body, counts) in bodies.iter().zip(&counts) {
                if !*counts {
                    kept.push(false);
                    continue;
                }
                let is_known = transaction.contains(body.id)? || transaction.waits(body.id)?;
                kept.push(!is_known);
                if !is_known {
                    let keep = sqlx::query("INSERT INTO waiting (picture, body) VALUES ($1, $2)");
                    transaction.execute(keep.bind(*body.id.as_bytes()).bind(&body.bytes))?;
                    transaction.tally.add("waiting", 1);
                }
                // If it shows to be no picture, its other versions are asked for.
                let hint = match &body.origin {
                    Source::Url(lease) => {
                        transaction.url(lease.id)?.and_then(|row| row.hint.clone())
                    }
                    _ => None,
                };
                transaction.add_location(&body.origin, body.id)?;
                if let (Source::Url(lease), Some(hint)) = (&body.origin, hint) {
                    transaction.change_known(lease.id, |row| row.hint = Some(hint))?;
                }
            }
            for body in bodies
                .iter()
                .zip(&counts)
                .filter_map(|(body, counts)| counts.then_some(body))
            {
                if let Some((picture, url)) = body.replaced() {
                    transaction.remove_location(picture, url)?;
                }
            }
            Ok(kept)
        })
    }
}

impl Transaction<'_> {
    fn take_in(
        &mut self,
        outcome: &PictureOutcome,
        intake: &mut Intake<'_>,
    ) -> Result<bool, StoreError> {
        let (origin, new, id) = match outcome {
            PictureOutcome::Picture(origin, new) => (origin, Some(new), new.id),
            PictureOutcome::Known(origin, id) => (origin, None, *id),
            PictureOutcome::Unusable(origin, outcome) => {
                return self.end(origin, outcome.clone()).map(|()| false);
            }
            PictureOutcome::Postponed(origin) => {
                let left = UrlOutcome::Left(NETWORK.to_owned());
                return self.end(origin, left).map(|()| false);
            }
        };
        if let Source::Url(lease) = origin
            && self.keeps_its_state(lease)?
        {
            return Ok(false);
        }
        let is_stored = self.contains(id)?;
        if new.is_none() && !is_stored && !self.waits(id)? {
            return Ok(false);
        }
        let new = new.filter(|_| !is_stored);
        if let Some(new) = new {
            let entry = intake.entry_of(new)?;
            let next = intake.number(self)?;
            let number = *next;
            *next += 1;
            self.put_picture(new, number, &entry)?;
            self.stop_waiting(id)?;
        }
        self.add_location(origin, id)?;
        Ok(new.is_some())
    }

    /// Settles the URL that something came from, if it came from one.
    fn end(&mut self, origin: &Source, outcome: UrlOutcome) -> Result<(), StoreError> {
        if let Source::Url(lease) = origin
            && !self.keeps_its_state(lease)?
        {
            self.settle(lease, outcome)?;
        }
        Ok(())
    }

    /// Ends the lease of a URL that was removed or whose last page opted out meanwhile.
    fn keeps_its_state(&mut self, lease: &Lease) -> Result<bool, StoreError> {
        let Some(state) = self.closed_meanwhile(lease)? else {
            return Ok(false);
        };
        self.end_lease(lease, lease.record.attempts + 1, state)?;
        Ok(true)
    }

    fn put_picture(
        &mut self,
        new: &NewPicture,
        sequence: u64,
        entry: &EntryLocation,
    ) -> Result<(), StoreError> {
        let row = PictureInsert {
            id: new.id,
            record: &PictureRecord {
                sequence,
                width: new.width,
                height: new.height,
                media_type: new.media_type.to_owned(),
                bytes: new.bytes,
                perceptual_hash: new.perceptual_hash,
                first_seen: now_ms() / 1000,
            },
            descriptor: &new.descriptor.to_bytes(),
            look: new.look.as_ref().map(|look| look.bytes()),
            thumbnail: Some(&new.thumbnail),
            entry,
        };
        self.insert_picture(&row)?;
        self.put_point(new, sequence)
    }

    /// Writes the rows of a picture that is not there, and counts it.
    pub(in crate::store::cluster) fn insert_picture(
        &mut self,
        row: &PictureInsert<'_>,
    ) -> Result<(), StoreError> {
        let (id, record) = (*row.id.as_bytes(), row.record);
        let insert = sqlx::query(
            "INSERT INTO pictures (picture, sequence, width, height, media_type, bytes, \
             perceptual_hash, first_seen, descriptor, look, entry) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        );
        let insert = insert
            .bind(id)
            .bind(signed(record.sequence))
            .bind(i64::from(record.width))
            .bind(i64::from(record.height))
            .bind(&record.media_type)
            .bind(signed(record.bytes))
            .bind(signed(record.perceptual_hash.0))
            .bind(signed(record.first_seen))
            .bind(row.descriptor)
            .bind(row.look)
            .bind(encode(row.entry));
        self.execute(insert)?;
        if let Some(thumbnail) = row.thumbnail {
            let insert = sqlx::query("INSERT INTO thumbnails (picture, jpeg) VALUES ($1, $2)");
            self.execute(insert.bind(id).bind(thumbnail))?;
        }
        self.tally.add("pictures", 1);
        Ok(())
    }

    /// Records that a picture was found at a location, and settles the location's URL.
    fn add_location(&mut self, origin: &Source, picture: PictureId) -> Result<(), StoreError> {
        let (id, location) = match origin {
            Source::Url(lease) => {
                let before = lease.visit.as_ref();
                let validators = lease.validators.clone();
                let visit = VisitRecord::after(before, *picture.as_bytes(), validators, Vec::new());
                self.change(lease.id, lease.place.host, |row| {
                    row.visit = Some(visit);
                    row.absent_s = None;
                    row.hint = None;
                })?;
                self.settle(lease, UrlOutcome::Done)?;
                let url = lease.record.url.clone();
                (LocationId::of_url(lease.id), Location::Url(url))
            }
            Source::Waiting(_) => return Ok(()),
            Source::Inline { page, embed } => {
                let id = LocationId::within(page, picture);
                self.put_embeds([((UrlId(id.0), page.id()), embed.clone())].into())?;
                (id, Location::Url(page.to_string()))
            }
            Source::File {
                path,
                bytes,
                modified_ns,
            } => {
                let id = LocationId::of_path(path);
                let file = FileRecord {
                    bytes: *bytes,
                    modified_ns: *modified_ns,
                    picture,
                };
                self.put_file(id, &file)?;
                (id, Location::Path(LocalPath::new(path.clone())))
            }
        };
        self.put_location(picture, id, &location)
    }
}
