//! What leaves a store in memory.

use std::collections::{BTreeMap, HashSet};

use super::State;
use crate::canonical_url::{CanonicalUrl, HostId, UrlId};
use crate::local_path::LocalPath;
use crate::picture::PictureId;
use crate::store::{Location, LocationId, Sequence, UrlState};

impl State {
    /// The keys of a picture's locations.
    pub(super) fn locations_of(&self, id: PictureId) -> Vec<(PictureId, LocationId)> {
        let from = (id, LocationId([0; 16]));
        let to = (id, LocationId([0xff; 16]));
        self.locations
            .range(from..=to)
            .map(|(key, _)| *key)
            .collect()
    }

    pub(super) fn remove_picture(&mut self, id: PictureId) -> bool {
        self.take_out(id, true)
    }

    /// Takes a picture out. `by_word`: somebody said so; its URLs are not to bring it back, and its
    /// labels go with it.
    pub(super) fn take_out(&mut self, id: PictureId, by_word: bool) -> bool {
        let is_there = self.pictures.contains_key(&id) || self.waiting.contains_key(&id);
        if by_word && is_there {
            self.forget_labels(id);
        }
        let Some(picture) = self.pictures.remove(&id) else {
            let waited = self.waiting.contains_key(&id);
            self.drop_unusable(id);
            return waited;
        };
        let sequence = Sequence(picture.record.sequence);
        self.sequences.remove(&sequence);
        self.removed.push(sequence);
        for key in self.locations_of(id) {
            match self.locations.remove(&key) {
                // Unless the file holds another picture by now.
                Some(Location::Path(_)) => {
                    self.forget_file(key.1, id);
                    if by_word {
                        self.removed_files.insert((id, None), LocalPath::new(""));
                    }
                }
                Some(Location::Url(_)) if by_word => self.mark_removed(UrlId(key.1.0)),
                _ => {}
            }
        }
        true
    }

    /// A local file is read again, if it is a picture's.
    fn forget_file(&mut self, file: LocationId, id: PictureId) {
        if self.files.get(&file).is_some_and(|file| file.picture == id) {
            self.files.remove(&file);
        }
    }

    /// Deletes a picture that can have no features, and its locations.
    pub(super) fn drop_unusable(&mut self, id: PictureId) {
        for key in self.locations_of(id) {
            self.locations.remove(&key);
        }
        self.waiting.remove(&id);
    }

    fn mark_removed(&mut self, url: UrlId) {
        if let Some(record) = self.urls.get_mut(&url) {
            record.state = UrlState::Removed;
        }
    }

    pub(super) fn remove_host(&mut self, host: &str) -> u64 {
        let on_host = |url: &str| CanonicalUrl::parse(url).is_ok_and(|url| url.host() == host);
        let mut pictures: BTreeMap<PictureId, (Vec<LocationId>, u64)> = BTreeMap::new();
        for ((picture, id), location) in &self.locations {
            let (here, elsewhere) = pictures.entry(*picture).or_default();
            match location {
                Location::Url(url) if on_host(url) => here.push(*id),
                _ => *elsewhere += 1,
            }
        }
        let mut removed = 0;
        for (picture, (here, elsewhere)) in pictures {
            if !here.is_empty() && elsewhere == 0 {
                removed += u64::from(self.remove_picture(picture));
            } else {
                for id in here {
                    self.locations.remove(&(picture, id));
                }
            }
        }
        self.pages.retain(|id, page| {
            let stays = !on_host(&page.url);
            if !stays {
                self.embeds.retain(|(_, page), _| page != id);
                self.terms.remove(id);
            }
            stays
        });
        let host = HostId::of(host);
        self.removed_hosts.insert(host);
        let mut gone = HashSet::new();
        for (id, record) in &mut self.urls {
            if record.host == host {
                record.state = UrlState::Removed;
                gone.insert(*id);
            }
        }
        self.hints.retain(|id, _| !gone.contains(id));
        self.forget_versions(host);
        self.leave_queues(&gone);
        removed
    }

    /// Takes URLs out of all queues.
    fn leave_queues(&mut self, urls: &HashSet<UrlId>) {
        self.queue.retain(|_, id| !urls.contains(id));
        self.retries.retain(|(_, id), _| !urls.contains(id));
    }

    pub(super) fn take_back_host(&mut self, host: HostId) -> bool {
        let mut forgotten = HashSet::new();
        self.urls.retain(|id, record| {
            let stays = record.host != host || record.state != UrlState::Removed;
            if !stays {
                forgotten.insert(*id);
            }
            stays
        });
        self.leave_queues(&forgotten);
        self.removed_hosts.remove(&host)
    }

    /// Takes what a URL gave out of the store.
    pub(super) fn forget(&mut self, url: UrlId) {
        let Some(visit) = self.visits.get(&url).cloned() else {
            return;
        };
        self.hide(url, &visit.shown, &[]);
        self.pages.remove(&url);
        self.terms.remove(&url);
        self.remove_location(PictureId::from_bytes(visit.content), url);
        self.visits.remove(&url);
        self.absences.remove(&url);
        self.declined.remove(&url);
    }

    /// Forgets the pictures that `page` no longer shows.
    pub(super) fn hide(&mut self, page: UrlId, before: &[UrlId], now: &[UrlId]) -> Vec<UrlId> {
        let hidden = before.iter().filter(|id| !now.contains(id)).copied();
        let hidden: Vec<UrlId> = hidden.collect();
        for picture in &hidden {
            self.embeds.remove(&(*picture, page));
        }
        hidden
    }

    /// Takes pictures out of the store that no page shows any more because the last one opted
    /// out.
    pub(super) fn remove_orphans(&mut self, pictures: &[UrlId], reason: &str) {
        for &id in pictures {
            if self.pages_showing(id).next().is_some() {
                continue;
            }
            if let Some(record) = self.urls.get_mut(&id)
                && record.state != UrlState::Removed
            {
                record.state = UrlState::Refused(reason.to_owned());
            }
            self.forget(id);
        }
    }

    /// Removes a URL from a picture's locations, and the picture if it was the last.
    pub(super) fn remove_location(&mut self, picture: PictureId, url: UrlId) {
        let removed = self.locations.remove(&(picture, LocationId::of_url(url)));
        if removed.is_some() && self.locations_of(picture).is_empty() {
            self.take_out(picture, false);
        }
    }
}
