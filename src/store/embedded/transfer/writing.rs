//! Writing records into a store in a folder: what the log is to know goes into it first, as ever.

use crate::canonical_url::UrlId;
use crate::network::LookDescriptor;
use crate::picture::PictureId;
use crate::store::embedded::EmbeddedMetadata;
use crate::store::embedded::log::Totals;
use crate::store::embedded::metadata::commit_changes::{CommitChanges, Fact, found, removed};
use crate::store::embedded::metadata::leaving::Leaving;
use crate::store::embedded::trees::{
    FILE_SYSTEMS, FrontierKey, RUNS, SETTINGS, decode, embed_key, encode,
};
use crate::store::entry::{Entry, Section, SectionKind, Seed, look_section, record_sections};
use crate::store::order::Order;
use crate::store::transfer::{KnownHost, KnownPicture, KnownUrl, Notes, Record};
use crate::store::{AppendEntries, Block, Role, StoreError, UrlRecord, UrlState, now_ms};

/// Of what an entry is that is of no picture.
const NO_PICTURE: PictureId = PictureId::from_bytes([0; PictureId::LEN]);
/// URLs that one transaction tells the log of.
const URLS_AT_ONCE: usize = 1000;

impl EmbeddedMetadata {
    pub(super) fn take_records(&self, taken: &[Record]) -> Result<(), StoreError> {
        if taken.is_empty() {
            return Ok(());
        }
        let mut totals = self.totals();
        let mut leaving = Leaving::new(self, *totals);
        for record in taken {
            self.take_record(record, &mut leaving)?;
        }
        leaving.apply(&mut totals)
    }

    fn take_record(&self, record: &Record, leaving: &mut Leaving<'_>) -> Result<(), StoreError> {
        let t = &self.trees;
        let batches = &mut leaving.changes().batches;
        match record {
            Record::Host(id, host) => {
                batches.of(&t.hosts).remove(&id.0);
                if host.is_removed {
                    leaving.mark_host(*id, None);
                }
            }
            Record::RuleFile(file) => batches.of(&t.rules).remove(&UrlId::of(&file.url).0),
            Record::Url(id, _) => self.put_url(*id, &KnownUrl::default(), batches)?,
            Record::Embed { picture, page, .. } => {
                batches.of(&t.embeds).remove(&embed_key(*picture, *page));
            }
            Record::Queued { .. } | Record::Retry { .. } => {
                batches.of(&t.frontier).remove(waiting_key(record));
            }
            Record::Picture(picture) => drop(leaving.take_out(picture.id, false)?),
            // It has features by now.
            Record::Waiting(id) if self.contains(*id)? => leaving.changes().end_waiting(*id)?,
            Record::Waiting(id) => drop(leaving.take_out(*id, false)?),
            Record::File(id, _) => batches.of(&t.files).remove(&id.0),
            Record::Place { picture, id, .. } => leaving.lose(*picture, *id),
            Record::RemovedFile { picture, file, .. } => leaving.mark_file(*picture, *file, None),
            Record::Label(label) => leaving.take_back_label(label),
            Record::Notes(_) => {}
        }
        Ok(())
    }

    pub(super) fn put_records(
        &self,
        put: &[(Record, Option<Block>)],
        log: &dyn AppendEntries,
    ) -> Result<(), StoreError> {
        if put.is_empty() {
            return Ok(());
        }
        let mut totals = self.totals();
        let mut leaving = Leaving::new(self, *totals);
        let mut facts = Vec::new();
        for (record, _) in put {
            self.put_record(record, &mut leaving, &mut facts)?;
        }
        let left = leaving.into_parts();
        facts.extend(left.facts);
        let large = put.iter().filter_map(|(record, large)| {
            let large = large.as_ref()?;
            Some((record, self.entry_of(record, large)?))
        });
        let (stored, mut entries): (Vec<&Record>, Vec<Entry<'_>>) = large.unzip();
        entries.extend(facts.iter().map(|(picture, sections)| Entry {
            picture: *picture,
            sections: sections.clone(),
        }));
        let locations = log.append(&entries)?;
        self.logged(&mut totals, left.changes, |changes| {
            for (record, location) in stored.iter().zip(locations) {
                match record {
                    Record::Picture(picture) => {
                        let KnownPicture { id, record, .. } = &**picture;
                        let look = picture.look.clone().filter(|_| self.look.is_some());
                        let described = (Some(picture.descriptor.clone()), look);
                        changes.add_picture(*id, record, described, location)?;
                    }
                    Record::Waiting(id) => changes.add_waiting(*id, location)?,
                    _ => {}
                }
            }
            Ok(())
        })
    }

    /// What the log is told of a record that has a large part.
    fn entry_of<'a>(&'a self, record: &'a Record, large: &'a Block) -> Option<Entry<'a>> {
        match record {
            Record::Picture(picture) => {
                let descriptor = picture.descriptor.clone();
                let mut sections =
                    record_sections(&picture.record, &self.descriptor, descriptor).to_vec();
                if let (Some((id, dimensions)), Some(look)) = (&self.look, &picture.look) {
                    let look = LookDescriptor::from_bytes(look, *dimensions);
                    sections.extend(look.map(|look| look_section(id, &look)));
                }
                let thumbnail = picture.thumbnail.as_deref();
                let thumbnail =
                    thumbnail.map(|jpeg| Section::of_bytes(SectionKind::Thumbnail, jpeg));
                sections.extend(thumbnail);
                sections.push(Section::of_bytes(SectionKind::Block, large));
                Some(Entry {
                    picture: picture.id,
                    sections,
                })
            }
            Record::Waiting(id) => Some(Entry {
                picture: *id,
                sections: vec![Section::of_bytes(SectionKind::Body, large)],
            }),
            _ => None,
        }
    }

    fn put_record(
        &self,
        record: &Record,
        leaving: &mut Leaving<'_>,
        facts: &mut Vec<Fact>,
    ) -> Result<(), StoreError> {
        let t = &self.trees;
        let batches = &mut leaving.changes().batches;
        match record {
            Record::Host(id, host) => {
                let KnownHost { record, is_removed } = host;
                if let Some(record) = record {
                    batches.of(&t.hosts).insert(&id.0, encode(record));
                }
                if *is_removed && !self.is_removed(*id)? {
                    leaving.mark_host(*id, Some(now_ms()));
                }
            }
            Record::RuleFile(file) => {
                let rules = batches.of(&t.rules);
                rules.insert(&UrlId::of(&file.url).0, encode(file));
            }
            Record::Url(id, url) => self.put_url(*id, url, batches)?,
            Record::Embed {
                picture,
                page,
                embed,
            } => {
                let embeds = batches.of(&t.embeds);
                embeds.insert(&embed_key(*picture, *page), encode(embed));
            }
            Record::Queued { url, .. } => {
                batches.of(&t.frontier).insert(waiting_key(record), &url.0);
            }
            Record::Retry { reason, .. } => {
                let frontier = batches.of(&t.frontier);
                frontier.insert(waiting_key(record), reason.as_bytes());
            }
            // They are recorded when it is known where they lie.
            Record::Picture(_) | Record::Waiting(_) => {}
            Record::File(id, file) => batches.of(&t.files).insert(&id.0, encode(file)),
            Record::Place {
                picture,
                id,
                location,
            } => {
                let file = t.file(*id)?.filter(|file| file.picture == *picture);
                let file = file.map(|file| (file.bytes, file.modified_ns));
                let place = t.found(*id, location.clone(), file)?;
                leaving.changes().add_found(*picture, &place);
                facts.push((*picture, vec![found(&place)]));
            }
            Record::RemovedFile {
                picture,
                file,
                named,
            } => leaving.mark_file(*picture, *file, Some(named)),
            Record::Label(label) => leaving.keep_label(label),
            Record::Notes(notes) => put_notes(self, notes, leaving.changes()),
        }
        Ok(())
    }

    /// Tells the log where crawls begin, and what no crawl is to bring back. At the end, when all URLs are
    /// there: taken in again, it changes nothing.
    pub(super) fn tell_of_urls(&self) -> Result<(), StoreError> {
        let mut urls = self.trees.frontier.scan_prefix([FrontierKey::URL]);
        loop {
            let mut sections = Vec::new();
            for entry in urls.by_ref().take(URLS_AT_ONCE) {
                let UrlRecord {
                    url,
                    role,
                    depth,
                    state,
                    ..
                } = decode("frontier", &entry?.1)?;
                sections.push(match (state, role, depth) {
                    (UrlState::Removed, ..) => Some(removed(vec![url])),
                    (_, Role::Page, 0) => {
                        Some(vec![Section::of_record(SectionKind::Seed, &Seed { url })])
                    }
                    _ => None,
                });
            }
            if sections.is_empty() {
                return Ok(());
            }
            let entries = sections.into_iter().flatten().map(|sections| Entry {
                picture: NO_PICTURE,
                sections,
            });
            let entries: Vec<Entry<'_>> = entries.collect();
            if entries.is_empty() {
                continue;
            }
            let mut totals = self.totals();
            self.log.append(&entries)?;
            let changes = CommitChanges::new(self, *totals);
            self.logged(&mut totals, changes, |_| Ok(()))?;
        }
    }

    /// Has places in queues that are given out from now on be behind those that are there: sled counts
    /// up from where it is, which of a new store is its beginning.
    pub(super) fn begin_orders_behind_queues(&self) -> Result<(), StoreError> {
        let mut last = 0;
        for key in self
            .trees
            .frontier
            .scan_prefix([FrontierKey::QUEUED])
            .keys()
        {
            if let Some(FrontierKey::Queued { order, .. }) = FrontierKey::decode(&key?) {
                last = last.max(order.count());
            }
        }
        while self.trees.db.generate_id()? < last {}
        Ok(())
    }
}

/// The key of a URL that waits, in a queue or for its time.
fn waiting_key(record: &Record) -> Vec<u8> {
    let key = match record {
        Record::Queued { host, order, .. } => FrontierKey::Queued {
            host: *host,
            order: Order(*order),
        },
        Record::Retry { at_ms, url, .. } => FrontierKey::Retry {
            at_ms: *at_ms,
            url: *url,
        },
        _ => return Vec::new(),
    };
    key.encode()
}

fn put_notes(metadata: &EmbeddedMetadata, notes: &Notes, changes: &mut CommitChanges<'_>) {
    let Totals { next_sequence, .. } = &mut changes.totals;
    *next_sequence = (*next_sequence).max(notes.next_sequence);
    let counters = changes.batches.of(&metadata.trees.counters);
    counters.insert(&RUNS, &notes.runs.to_be_bytes());
    match &notes.settings {
        Some(settings) => counters.insert(&SETTINGS, settings.as_slice()),
        None => counters.remove(&SETTINGS),
    }
    counters.insert(&FILE_SYSTEMS, encode(&notes.file_systems));
}
