//! Pictures in memory.

use super::{MemoryMetadata, State, StoredPicture};
use crate::canonical_url::UrlId;
use crate::local_path::LocalPath;
use crate::network::{Descriptor, LookDescriptor};
use crate::picture::PictureId;
use crate::store::pictures::NETWORK;
use crate::store::provenance::{MOST, MOST_PLACES};
use crate::store::{
    AppendEntries, Body, Catalogue, Embed, EntryLocation, FileRecord, Flaw, Lease, Listing,
    Location, LocationId, PageTerms, PictureOutcome, PictureRecord, Provenance, Sequence, Source,
    SourcePage, StoreError, UrlOutcome, VisitRecord, now_ms,
};

impl Catalogue for MemoryMetadata {
    fn commit(
        &self,
        outcomes: Vec<PictureOutcome>,
        log: &dyn AppendEntries,
    ) -> Result<Vec<bool>, StoreError> {
        let mut state = self.lock();
        let held = outcomes.into_iter().map(|mut outcome| {
            let is_held = outcome.is_held();
            is_held.then_some(outcome)
        });
        let outcomes: Vec<Option<PictureOutcome>> = held.collect();
        for outcome in outcomes.iter().flatten() {
            if let PictureOutcome::Unusable(Source::Url(lease), outcome) = outcome {
                self.ask_for_next(&mut state, lease, outcome)?;
                state.take_word(&self.losses, lease, outcome)?;
                state.drop_hint(lease.id, outcome);
            }
            if let PictureOutcome::Unusable(Source::Waiting(id), outcome) = outcome {
                self.fail_waiting(&mut state, *id, outcome)?;
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
        let mut stored = Vec::with_capacity(outcomes.len());
        for outcome in outcomes {
            stored.push(match outcome {
                Some(outcome) => state.take_in(outcome, log)?,
                None => false,
            });
        }
        for id in had_waited {
            if state.pictures.contains_key(&id) {
                state.waiting.remove(&id);
            } else {
                state.drop_unusable(id);
            }
        }
        for (picture, url) in replaced {
            state.remove_location(picture, url);
        }
        Ok(stored)
    }

    fn may_replace(&self, lease: &Lease, by: PictureId) -> Result<bool, StoreError> {
        self.lock().may_replace(&self.losses, lease, by)
    }

    fn next_sequence(&self) -> u64 {
        self.lock().next_sequence
    }

    fn block_location(&self, id: PictureId) -> Result<Option<EntryLocation>, StoreError> {
        Ok(self.lock().pictures.get(&id).map(|picture| picture.block))
    }

    fn block_locations(&self) -> Listing<'_, (PictureId, EntryLocation)> {
        let state = self.lock();
        let all = state.pictures.iter();
        list(all.map(|(id, picture)| (*id, picture.block)))
    }

    fn move_entries(
        &self,
        moves: &[(PictureId, EntryLocation, EntryLocation)],
    ) -> Result<(), StoreError> {
        let mut state = self.lock();
        for (id, from, to) in moves {
            if let Some(picture) = state.pictures.get_mut(id)
                && picture.block == *from
            {
                picture.block = *to;
            }
        }
        Ok(())
    }

    fn contains(&self, id: PictureId) -> Result<bool, StoreError> {
        Ok(self.lock().pictures.contains_key(&id))
    }

    fn picture(&self, id: PictureId) -> Result<Option<PictureRecord>, StoreError> {
        let state = self.lock();
        Ok(state
            .pictures
            .get(&id)
            .map(|picture| picture.record.clone()))
    }

    fn picture_at(&self, sequence: Sequence) -> Result<Option<PictureId>, StoreError> {
        Ok(self.lock().sequences.get(&sequence).copied())
    }

    fn pictures(&self) -> Listing<'_, (Sequence, PictureId)> {
        list(self.lock().sequences.iter().map(|(s, id)| (*s, *id)))
    }

    fn pictures_from(&self, first: Sequence) -> Listing<'_, (Sequence, PictureId)> {
        list(
            self.lock()
                .sequences
                .range(first..)
                .map(|(s, id)| (*s, *id)),
        )
    }

    fn picture_count(&self) -> usize {
        self.lock().sequences.len()
    }

    fn descriptors(&self, first: Sequence) -> Listing<'_, (Sequence, Descriptor)> {
        let state = self.lock();
        let all = state.sequences.range(first..);
        list(all.map(|(sequence, id)| (*sequence, state.pictures[id].descriptor.clone())))
    }

    fn descriptor(&self, sequence: Sequence) -> Result<Descriptor, StoreError> {
        let state = self.lock();
        let id = state.sequences.get(&sequence);
        let descriptor = id.map(|id| state.pictures[id].descriptor.clone());
        descriptor.ok_or(StoreError::Unreadable {
            tree: "descriptors",
        })
    }

    fn looks(&self, first: Sequence) -> Listing<'_, (Sequence, LookDescriptor)> {
        let state = self.lock();
        let all = state.sequences.range(first..);
        list(all.filter_map(|(sequence, id)| Some((*sequence, state.pictures[id].look.clone()?))))
    }

    fn look(&self, sequence: Sequence) -> Result<Option<LookDescriptor>, StoreError> {
        let state = self.lock();
        let id = state.sequences.get(&sequence);
        Ok(id.and_then(|id| state.pictures[id].look.clone()))
    }

    fn thumbnail(&self, id: PictureId) -> Result<Option<Vec<u8>>, StoreError> {
        let state = self.lock();
        Ok(state
            .pictures
            .get(&id)
            .map(|picture| picture.thumbnail.clone()))
    }

    fn provenance(&self, id: PictureId) -> Result<Provenance, StoreError> {
        let state = self.lock();
        let mut provenance = Provenance::default();
        let mut changed = Vec::new();
        let all = state.locations.range((id, LocationId([0; 16]))..);
        let own = all.take_while(|((picture, _), _)| *picture == id);
        for ((_, at), location) in own.take(MOST_PLACES) {
            match location {
                Location::Path(path) => match state.files.get(at) {
                    Some(file) if file.picture == id => provenance.paths.push(path.clone()),
                    _ => changed.push(path.clone()),
                },
                Location::Url(_) if provenance.urls.len() == MOST => {}
                Location::Url(url) => {
                    provenance.urls.push(url.clone());
                    let pages = state.source_pages(UrlId(at.0));
                    let room = MOST - provenance.pages.len();
                    provenance.pages.extend(pages.take(room));
                }
            }
        }
        provenance.or_paths(changed);
        Ok(provenance)
    }

    fn page_showing(&self, picture: UrlId) -> Result<Option<String>, StoreError> {
        let state = self.lock();
        let mut pages = state.pages_showing(picture);
        Ok(pages.find_map(|(page, _)| Some(state.pages.get(&page)?.url.clone())))
    }

    fn pages_showing(&self, picture: UrlId) -> Result<Vec<SourcePage>, StoreError> {
        let state = self.lock();
        Ok(state.source_pages(picture).take(MOST).collect())
    }

    fn terms(&self, page: UrlId) -> Result<PageTerms, StoreError> {
        Ok(self.lock().terms.get(&page).cloned().unwrap_or_default())
    }

    fn page_count(&self) -> u64 {
        self.lock().pages.len() as u64
    }

    fn keep_bodies(&self, bodies: Vec<Body>) -> Result<Vec<bool>, StoreError> {
        let mut state = self.lock();
        let replaced: Vec<_> = bodies.iter().filter_map(Body::replaced).collect();
        let mut kept = Vec::with_capacity(bodies.len());
        for mut body in bodies {
            let is_known =
                state.pictures.contains_key(&body.id) || state.waiting.contains_key(&body.id);
            let is_held = body.origin.is_held();
            kept.push(is_held && !is_known);
            if is_held {
                if !is_known {
                    state.waiting.insert(body.id, body.bytes);
                }
                // If it shows to be no picture, its other versions are asked for.
                let hint = match &body.origin {
                    Source::Url(lease) => state
                        .hints
                        .get(&lease.id)
                        .cloned()
                        .map(|hint| (lease.id, hint)),
                    _ => None,
                };
                state.add_location(body.origin, body.id);
                state.hints.extend(hint);
            }
        }
        for (picture, url) in replaced {
            state.remove_location(picture, url);
        }
        Ok(kept)
    }

    fn waits(&self, id: PictureId) -> Result<bool, StoreError> {
        Ok(self.lock().waiting.contains_key(&id))
    }

    fn waiting(&self) -> Listing<'_, PictureId> {
        list(self.lock().waiting.keys().copied())
    }

    fn waiting_count(&self) -> u64 {
        self.lock().waiting.len() as u64
    }

    fn waiting_body(&self, id: PictureId) -> Result<Vec<u8>, StoreError> {
        let body = self.lock().waiting.get(&id).cloned();
        body.ok_or(StoreError::DamagedBody { picture: id })
    }

    fn visit(&self, url: UrlId) -> Result<Option<VisitRecord>, StoreError> {
        Ok(self.lock().visits.get(&url).cloned())
    }

    fn remove_picture(&self, id: PictureId) -> Result<bool, StoreError> {
        Ok(self.lock().remove_picture(id))
    }

    fn check_log(&self, _: &mut dyn FnMut(Flaw)) -> Result<(), StoreError> {
        // There is one copy of everything.
        Ok(())
    }

    fn ask_again_for(&self, id: PictureId) -> Result<u64, StoreError> {
        let mut state = self.lock();
        let mut urls = Vec::new();
        for key in state.locations_of(id) {
            if let Some(Location::Url(_)) = state.locations.get(&key) {
                urls.push(UrlId(key.1.0));
            }
        }
        state.take_out(id, false);
        let mut queued = 0;
        for url in urls {
            queued += u64::from(self.reopen(&mut state, url, true));
        }
        Ok(queued)
    }

    fn removed_since(&self, seen: usize) -> Vec<Sequence> {
        self.lock().removed.get(seen..).unwrap_or_default().to_vec()
    }
}

/// Lists what there is now.
pub(super) fn list<'a, T: Send + 'a>(all: impl Iterator<Item = T>) -> Listing<'a, T> {
    let all: Vec<_> = all.map(Ok).collect();
    Box::new(all.into_iter())
}

impl State {
    /// The pages that show a picture's URL.
    pub(super) fn pages_showing(&self, picture: UrlId) -> impl Iterator<Item = (UrlId, &Embed)> {
        let range = (picture, UrlId([0; 16]))..=(picture, UrlId([0xff; 16]));
        let embeds = self.embeds.range(range);
        embeds.map(|((_, page), embed)| (*page, embed))
    }

    /// The same, as they are listed.
    fn source_pages(&self, picture: UrlId) -> impl Iterator<Item = SourcePage> {
        self.pages_showing(picture).filter_map(|(page, embed)| {
            let page = self.pages.get(&page)?;
            Some(SourcePage {
                url: page.url.clone(),
                title: page.title.clone(),
                alt: embed.alt.clone(),
                picture_title: embed.title.clone(),
                caption: embed.caption.clone(),
            })
        })
    }

    fn take_in(
        &mut self,
        outcome: PictureOutcome,
        log: &dyn AppendEntries,
    ) -> Result<bool, StoreError> {
        let (origin, new, id) = match outcome {
            PictureOutcome::Picture(origin, new) => {
                let id = new.id;
                (origin, Some(new), id)
            }
            PictureOutcome::Known(origin, id) => (origin, None, id),
            PictureOutcome::Unusable(origin, outcome) => {
                if let Source::Url(lease) = origin
                    && !self.keeps_its_state(&lease)
                {
                    self.settle(&lease, outcome);
                }
                return Ok(false);
            }
            PictureOutcome::Postponed(origin) => {
                if let Source::Url(lease) = origin
                    && !self.keeps_its_state(&lease)
                {
                    self.settle(&lease, UrlOutcome::Left(NETWORK.to_owned()));
                }
                return Ok(false);
            }
        };
        if let Source::Url(lease) = &origin
            && self.keeps_its_state(lease)
        {
            return Ok(false);
        }
        if new.is_none() && !self.pictures.contains_key(&id) && !self.waiting.contains_key(&id) {
            return Ok(false);
        }
        let new = new.filter(|new| !self.pictures.contains_key(&new.id));
        let is_new = new.is_some();
        if let Some(new) = new {
            for block in log.append(&[new.entry()])? {
                let sequence = Sequence(self.next_sequence);
                self.next_sequence += 1;
                let record = PictureRecord {
                    sequence: sequence.0,
                    width: new.width,
                    height: new.height,
                    media_type: new.media_type.to_owned(),
                    bytes: new.bytes,
                    perceptual_hash: new.perceptual_hash,
                    first_seen: now_ms() / 1000,
                };
                let picture = StoredPicture {
                    record,
                    descriptor: new.descriptor.clone(),
                    look: new.look.clone(),
                    thumbnail: new.thumbnail.clone(),
                    block,
                };
                self.sequences.insert(sequence, id);
                self.pictures.insert(id, picture);
                self.waiting.remove(&id);
            }
        }
        self.add_location(origin, id);
        Ok(is_new)
    }

    /// Ends the lease of a URL that was removed or whose last page opted out meanwhile.
    fn keeps_its_state(&mut self, lease: &Lease) -> bool {
        let Some(state) = self.closed_meanwhile(lease) else {
            return false;
        };
        self.leave_queue(lease, lease.record.attempts + 1, state);
        true
    }

    /// Records that a picture was found at a location, and settles the location's URL.
    fn add_location(&mut self, origin: Source, picture: PictureId) {
        let (id, location) = match origin {
            Source::Url(lease) => {
                let before = lease.visit.as_ref();
                let validators = lease.validators.clone();
                let visit = VisitRecord::after(before, *picture.as_bytes(), validators, Vec::new());
                self.visits.insert(lease.id, visit);
                self.absences.remove(&lease.id);
                self.hints.remove(&lease.id);
                self.settle(&lease, UrlOutcome::Done);
                let url = lease.record.url.clone();
                (LocationId::of_url(lease.id), Location::Url(url))
            }
            Source::Waiting(_) => return,
            Source::Inline { page, embed } => {
                let id = LocationId::within(&page, picture);
                self.embeds.insert((UrlId(id.0), page.id()), embed);
                (id, Location::Url(page.to_string()))
            }
            Source::File {
                path,
                bytes,
                modified_ns,
            } => {
                let id = LocationId::of_path(&path);
                let record = FileRecord {
                    bytes,
                    modified_ns,
                    picture,
                };
                self.files.insert(id, record);
                (id, Location::Path(LocalPath::new(path)))
            }
        };
        self.locations.insert((picture, id), location);
    }
}
