//! Format 4: the log of entries is the truth about pictures, and the records are an index over
//! it. Each picture gets an entry with all that the records know of it; blocks stay where they
//! are, and their entries name their places. Bodies that wait for features are few: they are
//! copied, and their files deleted.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::old_records::{BodyExtent, Extent, SegmentRecord};
use super::old_segments::{OldSegments, delete, numbers};
use super::{Migrating, sync};
use crate::picture::PictureId;
use crate::store::embedded::disk::read_if_there;
use crate::store::embedded::log::{ClosedSegment, LIST_FILE, Log, Totals};
use crate::store::embedded::trees::{
    APPLIED, FrontierKey, STORE, TreeBatches, UseChanges, decode, encode, numbered,
};
use crate::store::entry::{
    Elsewhere, Entry, Removed, RemovedHost, Section, SectionKind, Seed, overflow, record_sections,
};
use crate::store::{EntryLocation, PictureRecord, Role, Sequence, StoreError, UrlRecord, UrlState};

/// Entries appended between two syncs.
const BATCH: usize = 256;
const NOTE_EVERY: Duration = Duration::from_secs(5);
/// The number after the last picture's, as format 3 kept it.
const NEXT_SEQUENCE: [u8; 1] = [0];
const BODY_MAGIC: [u8; 4] = *b"SXB1";
const BODY_HEADER: u64 = 48;

/// What has an entry already is left alone, so the change can be run again.
pub(super) fn up(store: &Migrating<'_>) -> Result<(), StoreError> {
    let old = Old::open(store)?;
    let log = old.log()?;
    let mut moving = Moving {
        store,
        log,
        totals: Totals::default(),
        noted: Instant::now(),
    };
    old.pictures(&mut moving)?;
    old.bodies(&mut moving)?;
    old.removals(&mut moving)?;
    moving.finish(&old)?;
    // The bodies' places must be safe before their files go.
    sync(store)?;
    old.delete_bodies()?;
    for tree in ["extents", "segments", "thumbnails", "waiting", "body_files"] {
        store.db.drop_tree(tree)?;
    }
    Ok(())
}

/// What a store of format 3 has.
struct Old<'a> {
    store: &'a Migrating<'a>,
    files: OldSegments,
    descriptors: sled::Tree,
    extents: sled::Tree,
    segments: BTreeMap<u32, SegmentRecord>,
    thumbnails: sled::Tree,
    waiting: sled::Tree,
}

impl<'a> Old<'a> {
    fn open(store: &'a Migrating<'a>) -> Result<Self, StoreError> {
        let db = store.db;
        let segments = db.open_tree("segments")?;
        let segments: BTreeMap<u32, SegmentRecord> =
            numbered(&segments, "segments")?.into_iter().collect();
        let files = OldSegments::open(store.dir.join("activations"))?;
        for (number, record) in &segments {
            let path = files.path(*number);
            let length = path.metadata().map(|data| data.len()).unwrap_or(0);
            if length < record.length {
                return Err(StoreError::Truncated {
                    path,
                    length,
                    committed: record.length,
                });
            }
        }
        Ok(Self {
            store,
            files,
            descriptors: db.open_tree("descriptors")?,
            extents: db.open_tree("extents")?,
            segments,
            thumbnails: db.open_tree("thumbnails")?,
            waiting: db.open_tree("waiting")?,
        })
    }

    /// The log, behind the old segments; the one of an interrupted change, if there was one.
    fn log(&self) -> Result<Log, StoreError> {
        let store = self.store;
        let id = store.header.store_id(store.dir)?;
        let begun = store.dir.join(LIST_FILE);
        let disk = Arc::clone(store.disk);
        if read_if_there(&**store.disk, &begun)
            .map_err(|error| StoreError::io(&begun, error))?
            .is_some()
        {
            return Ok(Log::open(disk, store.dir, id)?.log);
        }
        let mut closed = Vec::new();
        for number in numbers(&store.dir.join("activations"))? {
            let path = self.files.path(number);
            let data = path.metadata();
            let data = data.map_err(|error| StoreError::io(&path, error))?;
            closed.push(ClosedSegment {
                number,
                length: data.len(),
                is_old: true,
            });
        }
        closed.sort_unstable_by_key(|segment| segment.number);
        self.warn_of_surplus(&closed);
        Log::create(disk, store.dir, id, closed)
    }

    /// Says so if the files have more than the records know: sled may have forgotten something,
    /// or a crash came before a commit.
    fn warn_of_surplus(&self, closed: &[ClosedSegment]) {
        let known = |number| self.segments.get(&number).map_or(0, |known| known.length);
        let surplus: u64 = closed
            .iter()
            .map(|segment| segment.length.saturating_sub(known(segment.number)))
            .sum();
        if surplus > 0 {
            tracing::warn!(
                bytes = surplus,
                "there are activations that the records do not know: they are left where they \
                 are. Add the same files, or crawl the same sites, to have their pictures again"
            );
        }
    }

    fn pictures(&self, moving: &mut Moving<'_>) -> Result<(), StoreError> {
        let t = self.store.trees;
        let mut batch = Vec::new();
        let of = t.sequences.len();
        for (done, entry) in t.sequences.iter().enumerate() {
            let (_, id) = entry?;
            let unreadable = StoreError::Unreadable { tree: "sequences" };
            let id = PictureId::from_slice(&id).ok_or(unreadable)?;
            if !t.entries.contains_key(id.as_bytes())? {
                batch.extend(self.picture(id)?);
            }
            if batch.len() >= BATCH {
                moving.append(std::mem::take(&mut batch))?;
                moving.note(done, of);
            }
        }
        moving.append(batch)
    }

    /// The entry of a picture; `None` if its records are not whole, which is said.
    fn picture(&self, id: PictureId) -> Result<Option<Moved>, StoreError> {
        let t = self.store.trees;
        let read = || -> Result<Moved, StoreError> {
            let damaged = || StoreError::Damaged { picture: id };
            let record = t.pictures.get(id.as_bytes())?.ok_or_else(damaged)?;
            let record: PictureRecord = decode("pictures", &record)?;
            let extent = self.extents.get(id.as_bytes())?.ok_or_else(damaged)?;
            let extent: Extent = decode("extents", &extent)?;
            let block = self.files.find(id, extent);
            let sequence = Sequence(record.sequence);
            let descriptor = self.descriptors.get(sequence.key())?;
            let descriptor = descriptor.map_or_else(Vec::new, |value| value.to_vec());
            // Without one, it is described from its block.
            let described = match descriptor.is_empty() {
                true => "",
                false => &self.store.header.descriptor,
            };
            let mut sections = record_sections(&record, described, descriptor).to_vec();
            let (places, behind) = self.places(id)?;
            sections.extend(places);
            // A block whose header is damaged stays named, for `verify` to find.
            let block = block.map_or(
                Elsewhere {
                    segment: extent.segment,
                    offset: extent.offset,
                    length: 0,
                    checksum: 1,
                },
                |block| Elsewhere {
                    segment: extent.segment,
                    offset: block.offset,
                    length: block.length,
                    checksum: block.checksum,
                },
            );
            sections.push(Section::of_record(SectionKind::BlockElsewhere, &block));
            let thumbnail = self.thumbnails.get(id.as_bytes())?.unwrap_or_default();
            sections.push(owned(SectionKind::Thumbnail, thumbnail.to_vec()));
            Ok(Moved {
                id,
                sections: own(sections),
                behind,
                is_waiting: false,
            })
        };
        match read() {
            Ok(moved) => Ok(Some(moved)),
            Err(StoreError::Engine { source, hint }) => Err(StoreError::Engine { source, hint }),
            Err(error) => {
                tracing::warn!(%error, "a picture's records are not whole: it is left out");
                Ok(None)
            }
        }
    }

    /// A picture's places, and entries of those that are too many for one.
    fn places(&self, id: PictureId) -> Result<Places, StoreError> {
        let places = self.store.trees.places_of(id)?;
        let places = places.iter();
        let mut places: Vec<Section<'static>> = places
            .map(|place| Section::of_record(SectionKind::Found, place))
            .collect();
        let behind = overflow(id, &mut places);
        Ok((places, behind))
    }

    fn bodies(&self, moving: &mut Moving<'_>) -> Result<(), StoreError> {
        let t = self.store.trees;
        for entry in &self.waiting {
            let (key, value) = entry?;
            let unreadable = StoreError::Unreadable { tree: "waiting" };
            let id = PictureId::from_slice(&key).ok_or(unreadable)?;
            if t.waiting.contains_key(id.as_bytes())? {
                continue;
            }
            let body = match self.body(id, decode("waiting", &value)?) {
                Ok(body) => body,
                Err(error) => {
                    tracing::warn!(%error, "a picture without features is left out");
                    continue;
                }
            };
            let (mut sections, behind) = self.places(id)?;
            sections.push(owned(SectionKind::Body, body));
            moving.append(vec![Moved {
                id,
                sections,
                behind,
                is_waiting: true,
            }])?;
        }
        Ok(())
    }

    fn body(&self, id: PictureId, at: BodyExtent) -> Result<Vec<u8>, StoreError> {
        let path = self.store.dir.join("bodies").join(body_file(at.file));
        let read = || -> io::Result<Vec<u8>> {
            let file = self.store.disk.open(&path)?;
            let length = file.length()?.saturating_sub(at.offset);
            if length < BODY_HEADER + at.length {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let mut bytes = vec![0; (BODY_HEADER + at.length) as usize];
            file.read_at(&mut bytes, at.offset)?;
            Ok(bytes)
        };
        let mut head = read().map_err(|error| StoreError::io(&path, error))?;
        let body = head.split_off(BODY_HEADER as usize);
        let is_sound = head[..4] == BODY_MAGIC
            && head[4..8] == crc32fast::hash(&body).to_le_bytes()
            && head[16..] == id.as_bytes()[..];
        is_sound
            .then_some(body)
            .ok_or(StoreError::Damaged { picture: id })
    }

    /// Deletes the files all of whose bodies are in the log now.
    fn delete_bodies(&self) -> Result<(), StoreError> {
        let folder = self.store.dir.join("bodies");
        let names = match self.store.disk.list(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            names => names.map_err(|error| StoreError::io(&folder, error))?,
        };
        let t = self.store.trees;
        for name in names.iter().filter(|name| name.ends_with(".bodies")) {
            let number = name.trim_end_matches(".bodies").parse::<u32>();
            let mut is_done = number.is_ok();
            for entry in &self.waiting {
                let (key, value) = entry?;
                let at: BodyExtent = decode("waiting", &value)?;
                if number == Ok(at.file) {
                    is_done &= t.waiting.contains_key(&key)?;
                }
            }
            if is_done {
                delete(&folder.join(name))?;
            }
        }
        // Fails where anything is left in it.
        let _ = std::fs::remove_dir(&folder);
        Ok(())
    }

    /// Tells the log what was removed, so that no crawl brings it back.
    fn removals(&self, moving: &mut Moving<'_>) -> Result<(), StoreError> {
        let t = self.store.trees;
        let none = PictureId::from_bytes([0; PictureId::LEN]);
        let mut facts = Vec::new();
        for entry in &t.removed_hosts {
            let (host, at) = entry?;
            let unreadable = || StoreError::Unreadable {
                tree: "removed_hosts",
            };
            let fact = RemovedHost {
                host: host.as_ref().try_into().map_err(|_| unreadable())?,
                at_ms: at.as_ref().try_into().ok().map(u64::from_be_bytes),
            };
            facts.push(Section::of_record(SectionKind::RemovedHost, &fact));
        }
        let mut urls = Vec::new();
        for entry in t.frontier.scan_prefix([FrontierKey::URL]) {
            let record: UrlRecord = decode("frontier", &entry?.1)?;
            if record.state == UrlState::Removed {
                urls.push(record.url);
            } else if record.depth == 0 && record.role == Role::Page {
                let seed = Seed { url: record.url };
                facts.push(Section::of_record(SectionKind::Seed, &seed));
            }
        }
        for urls in urls.chunks(BATCH) {
            let fact = Removed {
                urls: urls.to_vec(),
            };
            facts.push(Section::of_record(SectionKind::Removed, &fact));
        }
        for facts in facts.chunks(BATCH) {
            let entries = facts.iter().map(|fact| Entry {
                picture: none,
                sections: vec![fact.clone()],
            });
            moving.log.append(&entries.collect::<Vec<_>>())?;
        }
        Ok(())
    }
}

type Places = (Vec<Section<'static>>, Vec<Entry<'static>>);

/// An entry on its way.
struct Moved {
    id: PictureId,
    sections: Vec<Section<'static>>,
    /// Places that did not fit.
    behind: Vec<Entry<'static>>,
    is_waiting: bool,
}

/// The new log, and what the catalogue comes to.
struct Moving<'a> {
    store: &'a Migrating<'a>,
    log: Log,
    totals: Totals,
    noted: Instant,
}

impl Moving<'_> {
    fn append(&mut self, batch: Vec<Moved>) -> Result<(), StoreError> {
        self.store.reserve.check()?;
        let mut entries: Vec<Entry<'_>> = batch
            .iter()
            .map(|moved| Entry {
                picture: moved.id,
                sections: moved.sections.clone(),
            })
            .collect();
        entries.extend(batch.iter().flat_map(|moved| moved.behind.iter().cloned()));
        let locations = self.log.append(&entries)?;
        self.log.set_mark(Totals::default())?;
        let t = self.store.trees;
        let mut changes = TreeBatches::default();
        let mut usage = UseChanges::default();
        for (moved, location) in batch.iter().zip(locations) {
            let location: EntryLocation = location;
            let tree = if moved.is_waiting {
                &t.waiting
            } else {
                &t.entries
            };
            changes
                .of(tree)
                .insert(moved.id.as_bytes(), encode(&location));
            usage.add(t, location)?;
        }
        usage.write(t, &mut changes);
        changes.apply()
    }

    fn note(&mut self, done: usize, of: usize) {
        if self.noted.elapsed() > NOTE_EVERY {
            self.noted = Instant::now();
            tracing::info!(done, of, "pictures entered into the log");
        }
    }

    /// Counts what there is, and takes pictures without an entry out of the records.
    fn finish(&mut self, old: &Old<'_>) -> Result<(), StoreError> {
        let t = self.store.trees;
        for entry in &t.sequences {
            let (key, value) = entry?;
            let unreadable = || StoreError::Unreadable { tree: "sequences" };
            let id = PictureId::from_slice(&value).ok_or_else(unreadable)?;
            let sequence = Sequence::from_key(&key).ok_or_else(unreadable)?;
            if t.entries.contains_key(id.as_bytes())? {
                self.totals.add_picture(id, sequence);
            } else {
                let mut changes = TreeBatches::default();
                changes.of(&t.pictures).remove(id.as_bytes());
                changes.of(&t.sequences).remove(&key);
                changes.of(&old.descriptors).remove(&key);
                // Its files are to be read again.
                for entry in t.places.scan_prefix(id.as_bytes()).keys() {
                    let place = entry?;
                    changes.of(&t.files).remove(&place[PictureId::LEN..]);
                    changes.of(&t.places).remove(place);
                }
                changes.apply()?;
            }
            self.totals.next_sequence = sequence.0 + 1;
        }
        for key in t.waiting.iter().keys() {
            let unreadable = StoreError::Unreadable { tree: "waiting" };
            let id = PictureId::from_slice(&key?).ok_or(unreadable)?;
            self.totals.add_waiting(id);
        }
        if let Some(next) = t.counters.get(NEXT_SEQUENCE)? {
            let next = next.as_ref().try_into().map_or(0, u64::from_be_bytes);
            self.totals.next_sequence = self.totals.next_sequence.max(next);
        }
        self.count_dead(old)?;
        self.log.set_mark(self.totals)?;
        let store_id = self.store.header.store_id(self.store.dir)?;
        let mut changes = TreeBatches::default();
        let counters = changes.of(&t.counters);
        counters.insert(&APPLIED, encode(&self.log.position()));
        counters.insert(&STORE, &store_id);
        changes.apply()
    }

    /// Keeps what is known of dead blocks, so that their space can be given back.
    fn count_dead(&self, old: &Old<'_>) -> Result<(), StoreError> {
        let t = self.store.trees;
        for (number, record) in &old.segments {
            let mut used = crate::store::embedded::trees::segment_use(t, *number)?;
            used.dead = record.records.saturating_sub(used.live);
            t.usage.insert(number.to_be_bytes(), encode(&used))?;
        }
        Ok(())
    }
}

fn body_file(number: u32) -> String {
    format!("{number:08}.bodies")
}

fn owned(kind: SectionKind, bytes: Vec<u8>) -> Section<'static> {
    Section {
        kind,
        bytes: bytes.into(),
        damaged: None,
    }
}

fn own(sections: Vec<Section<'_>>) -> Vec<Section<'static>> {
    let own = sections.into_iter();
    own.map(|section| owned(section.kind, section.bytes.into_owned()))
        .collect()
}
