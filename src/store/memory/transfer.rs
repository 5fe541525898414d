//! A store in memory as records: what it is copied by.

use super::catalogue::list;
use super::{MemoryMetadata, State, StoredPicture};
use crate::canonical_url::{HostId, UrlId};
use crate::network::{Descriptor, LookDescriptor};
use crate::store::order::Order;
use crate::store::transfer::{
    Kind, KnownHost, KnownPicture, KnownUrl, Notes, Record, Replacement, Transfer,
};
use crate::store::{
    AppendEntries, Block, Entry, EntryLocation, Listing, PictureHint, Section, SectionKind,
    Sequence, StoreError,
};

impl Transfer for MemoryMetadata {
    fn records(&self, kind: Kind) -> Listing<'_, Record> {
        let state = self.lock();
        match kind {
            Kind::Host => list(state.known_hosts().into_iter()),
            Kind::RuleFile => list(state.rules.values().cloned().map(Record::RuleFile)),
            Kind::Url => list(state.known_urls().into_iter()),
            Kind::Embed => {
                list(
                    state
                        .embeds
                        .iter()
                        .map(|((picture, page), embed)| Record::Embed {
                            picture: *picture,
                            page: *page,
                            embed: embed.clone(),
                        }),
                )
            }
            Kind::Queued => {
                let queue = state.queue.iter();
                list(queue.map(|((host, order), url)| Record::queued(*host, *order, *url)))
            }
            Kind::Retry => list(
                state
                    .retries
                    .iter()
                    .map(|((at_ms, url), reason)| Record::Retry {
                        at_ms: *at_ms,
                        url: *url,
                        reason: reason.clone(),
                    }),
            ),
            Kind::Picture => list(state.sequences.values().map(|id| {
                let picture = &state.pictures[id];
                let span = picture.block.payload;
                Record::Picture(Box::new(KnownPicture {
                    id: *id,
                    record: picture.record.clone(),
                    descriptor: picture.descriptor.to_bytes(),
                    look: picture.look.as_ref().map(|look| look.bytes().to_vec()),
                    thumbnail: Some(picture.thumbnail.clone()),
                    length: span.map_or(0, |span| span.length),
                    checksum: span.map_or(0, |span| span.checksum),
                }))
            })),
            Kind::Waiting => list(state.waiting.keys().map(|id| Record::Waiting(*id))),
            Kind::File => list(
                state
                    .files
                    .iter()
                    .map(|(id, file)| Record::File(*id, *file)),
            ),
            Kind::Place => {
                list(
                    state
                        .locations
                        .iter()
                        .map(|((picture, id), location)| Record::Place {
                            picture: *picture,
                            id: *id,
                            location: location.clone(),
                        }),
                )
            }
            Kind::RemovedFile => {
                list(state.removed_files.iter().map(|((picture, file), named)| {
                    Record::RemovedFile {
                        picture: *picture,
                        file: *file,
                        named: named.clone(),
                    }
                }))
            }
            Kind::Label => list(state.labels.values().cloned().map(Record::Label)),
            Kind::Notes => list(std::iter::once(Record::Notes(Notes {
                runs: state.runs,
                next_sequence: state.next_sequence,
                settings: state.settings.clone(),
                file_systems: state.file_systems.clone(),
            }))),
        }
    }

    fn replace(&self, with: &Replacement, log: &dyn AppendEntries) -> Result<(), StoreError> {
        let mut state = self.lock();
        for record in &with.taken {
            state.take_record(record);
        }
        for (record, large) in &with.put {
            let place = match (record, large) {
                (Record::Picture(picture), Some(block)) => {
                    let block = Section::of_bytes(SectionKind::Block, block);
                    let entry = Entry {
                        picture: picture.id,
                        sections: vec![block],
                    };
                    log.append(&[entry])?.first().copied()
                }
                _ => None,
            };
            state.put_record(record, place, large.as_ref())?;
        }
        Ok(())
    }

    fn end_copy(&self) -> Result<(), StoreError> {
        let mut state = self.lock();
        let last = state.queue.keys().map(|(_, order)| order.count() + 1).max();
        state.queued = state.queued.max(last.unwrap_or_default());
        Ok(())
    }
}

impl State {
    fn known_hosts(&self) -> Vec<Record> {
        let mut ids: Vec<HostId> = self
            .hosts
            .keys()
            .chain(&self.removed_hosts)
            .copied()
            .collect();
        ids.sort_unstable();
        ids.dedup();
        let hosts = ids.into_iter().map(|id| {
            let host = KnownHost {
                record: self.hosts.get(&id).cloned(),
                is_removed: self.removed_hosts.contains(&id),
            };
            Record::Host(id, host)
        });
        hosts.collect()
    }

    fn known_urls(&self) -> Vec<Record> {
        let mut ids: Vec<UrlId> = self.urls.keys().chain(self.pages.keys()).copied().collect();
        ids.sort_unstable();
        ids.dedup();
        let urls = ids.into_iter().map(|id| {
            let hint = self.hints.get(&id).filter(|hint| !hint.is_plain());
            let url = KnownUrl {
                record: self.urls.get(&id).cloned(),
                // As other stores write it.
                hint: hint.map(|hint| PictureHint::from(hint.stored())),
                visit: self.visits.get(&id).cloned(),
                absent_s: self.absences.get(&id).copied(),
                declined: self.declined.get(&id).cloned().unwrap_or_default(),
                page: self.pages.get(&id).cloned(),
                terms: self.terms.get(&id).cloned().unwrap_or_default(),
            };
            (id, url)
        });
        let urls = urls.filter(|(_, url)| url.host().is_some());
        urls.map(|(id, url)| Record::Url(id, Box::new(url)))
            .collect()
    }

    fn take_record(&mut self, record: &Record) {
        match record {
            Record::Host(id, _) => {
                self.hosts.remove(id);
                self.removed_hosts.remove(id);
            }
            Record::RuleFile(file) => drop(self.rules.remove(&UrlId::of(&file.url))),
            Record::Url(id, _) => self.put_url(*id, &KnownUrl::default()),
            Record::Embed { picture, page, .. } => drop(self.embeds.remove(&(*picture, *page))),
            Record::Queued { host, order, .. } => {
                self.queue.remove(&(*host, Order(*order)));
            }
            Record::Retry { at_ms, url, .. } => drop(self.retries.remove(&(*at_ms, *url))),
            Record::Picture(picture) => {
                self.take_out(picture.id, false);
            }
            Record::Waiting(id) => drop(self.waiting.remove(id)),
            Record::File(id, _) => drop(self.files.remove(id)),
            Record::Place { picture, id, .. } => drop(self.locations.remove(&(*picture, *id))),
            Record::RemovedFile { picture, file, .. } => {
                self.removed_files.remove(&(*picture, *file));
            }
            Record::Label(label) => drop(self.labels.remove(&label.id())),
            Record::Notes(_) => {}
        }
    }

    fn put_record(
        &mut self,
        record: &Record,
        place: Option<EntryLocation>,
        large: Option<&Block>,
    ) -> Result<(), StoreError> {
        match record.clone() {
            Record::Host(id, host) => {
                self.hosts.extend(host.record.map(|record| (id, record)));
                self.removed_hosts.extend(host.is_removed.then_some(id));
            }
            Record::RuleFile(file) => drop(self.rules.insert(UrlId::of(&file.url), file)),
            Record::Url(id, url) => self.put_url(id, &url),
            Record::Embed {
                picture,
                page,
                embed,
            } => drop(self.embeds.insert((picture, page), embed)),
            Record::Queued { host, order, url } => {
                self.queue.insert((host, Order(order)), url);
            }
            Record::Retry { at_ms, url, reason } => {
                self.retries.insert((at_ms, url), reason);
            }
            Record::Picture(picture) => self.put_picture(*picture, place)?,
            Record::Waiting(id) => {
                let body = large.map(|body| body.to_vec()).unwrap_or_default();
                self.waiting.insert(id, body);
            }
            Record::File(id, file) => drop(self.files.insert(id, file)),
            Record::Place {
                picture,
                id,
                location,
            } => drop(self.locations.insert((picture, id), location)),
            Record::RemovedFile {
                picture,
                file,
                named,
            } => drop(self.removed_files.insert((picture, file), named)),
            Record::Label(label) => drop(self.labels.insert(label.id(), label)),
            Record::Notes(notes) => {
                self.runs = notes.runs;
                self.run = notes.runs;
                self.next_sequence = notes.next_sequence;
                self.settings = notes.settings;
                self.file_systems = notes.file_systems;
            }
        }
        Ok(())
    }

    fn put_url(&mut self, id: UrlId, url: &KnownUrl) {
        fn set<T: Clone>(
            map: &mut std::collections::BTreeMap<UrlId, T>,
            id: UrlId,
            value: Option<&T>,
        ) {
            match value {
                Some(value) => drop(map.insert(id, value.clone())),
                None => drop(map.remove(&id)),
            }
        }
        set(&mut self.urls, id, url.record.as_ref());
        set(&mut self.hints, id, url.hint.as_ref());
        set(&mut self.visits, id, url.visit.as_ref());
        set(&mut self.absences, id, url.absent_s.as_ref());
        let declined = Some(&url.declined).filter(|declined| !declined.is_empty());
        set(&mut self.declined, id, declined);
        set(&mut self.pages, id, url.page.as_ref());
        let terms = Some(&url.terms).filter(|terms| !terms.is_empty());
        set(&mut self.terms, id, terms);
    }

    fn put_picture(
        &mut self,
        picture: KnownPicture,
        place: Option<EntryLocation>,
    ) -> Result<(), StoreError> {
        let id = picture.id;
        let damaged = || StoreError::Damaged { picture: id };
        // Four bytes a number.
        let descriptor = Descriptor::from_bytes(&picture.descriptor, picture.descriptor.len() / 4);
        let look = picture.look.as_ref();
        let look = look.and_then(|look| LookDescriptor::from_bytes(look, look.len()));
        let stored = StoredPicture {
            descriptor: descriptor.ok_or_else(damaged)?,
            look,
            thumbnail: picture.thumbnail.clone().unwrap_or_default(),
            block: place.ok_or_else(damaged)?,
            record: picture.record,
        };
        let sequence = Sequence(stored.record.sequence);
        self.sequences.insert(sequence, id);
        self.pictures.insert(id, stored);
        Ok(())
    }
}
