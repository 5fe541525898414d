//! Deleting pictures, and all that is known of a host.

use std::collections::{HashMap, HashSet};
use std::sync::PoisonError;

use crate::canonical_url::{CanonicalUrl, HostId, UrlId};
use crate::picture::PictureId;
use crate::store::embedded::EmbeddedMetadata;
use crate::store::embedded::metadata::leaving::Leaving;
use crate::store::embedded::metadata::places::place_of;
use crate::store::embedded::trees::{Changes, FrontierKey, decode, encode};
use crate::store::{Location, LocationId, PageRecord, StoreError, UrlRecord, UrlState, now_ms};

/// Pictures taken out in one transaction.
const AT_ONCE: usize = 256;

impl EmbeddedMetadata {
    pub(in crate::store::embedded) fn remove_picture(
        &self,
        id: PictureId,
    ) -> Result<bool, StoreError> {
        let removed = self.remove_pictures(&[id])?;
        Ok(removed > 0)
    }

    /// Removes pictures in one step, with or without features. Returns how many were there.
    fn remove_pictures(&self, ids: &[PictureId]) -> Result<u64, StoreError> {
        let mut totals = self.totals();
        let mut leaving = Leaving::new(self, *totals);
        let mut removed = 0;
        for id in ids {
            removed += u64::from(leaving.take_out(*id, true)?);
        }
        leaving.apply(&mut totals)?;
        Ok(removed)
    }

    /// Removes a URL from a picture's locations, and the picture if it was the last.
    pub(in crate::store::embedded) fn remove_location(
        &self,
        picture: PictureId,
        url: UrlId,
    ) -> Result<(), StoreError> {
        let mut totals = self.totals();
        let mut leaving = Leaving::new(self, *totals);
        leaving.leave_url(picture, url, false)?;
        leaving.apply(&mut totals)
    }

    pub(in crate::store::embedded) fn remove_host(&self, host: &str) -> Result<u64, StoreError> {
        let on_host = |url: &str| CanonicalUrl::parse(url).is_ok_and(|url| url.host() == host);
        let mut locations: HashMap<PictureId, (Vec<LocationId>, u64)> = HashMap::new();
        for entry in &self.trees.places {
            let (key, value) = entry?;
            let id = PictureId::from_slice(&key[..PictureId::LEN])
                .ok_or(StoreError::Unreadable { tree: "places" })?;
            let (here, elsewhere) = locations.entry(id).or_default();
            match decode("places", &value)? {
                Location::Url(url) if on_host(&url) => here.push(place_of(&key)?),
                _ => *elsewhere += 1,
            }
        }
        let (mut gone, mut lost) = (Vec::new(), Vec::new());
        for (id, (here, elsewhere)) in locations {
            match elsewhere {
                0 => gone.push(id),
                _ => lost.extend(here.into_iter().map(|place| (id, place))),
            }
        }
        let mut removed = 0;
        self.doubt_sightings()?;
        for ids in gone.chunks(AT_ONCE) {
            removed += self.remove_pictures(ids)?;
        }
        self.remove_pages(&on_host)?;
        let id = HostId::of(host);
        let mut totals = self.totals();
        let mut leaving = Leaving::new(self, *totals);
        for (picture, place) in lost {
            leaving.lose(picture, place);
        }
        leaving.mark_host(id, Some(now_ms()));
        leaving.changes().leave_host(id);
        leaving.apply(&mut totals)?;
        drop(totals);
        self.forget_host(id)?;
        self.records.sync()?;
        Ok(removed)
    }

    pub(in crate::store::embedded) fn is_removed(&self, host: HostId) -> Result<bool, StoreError> {
        Ok(self.trees.removed_hosts.contains_key(host.0)?)
    }

    pub(in crate::store::embedded) fn take_back_host(
        &self,
        host: HostId,
    ) -> Result<bool, StoreError> {
        let _guard = self.frontier.lock().unwrap_or_else(PoisonError::into_inner);
        self.forget_removed_urls(host)?;
        let was_removed = self.is_removed(host)?;
        let mut totals = self.totals();
        let mut leaving = Leaving::new(self, *totals);
        leaving.mark_host(host, None);
        leaving.apply(&mut totals)?;
        Ok(was_removed)
    }

    /// Forgets the removed URLs of a host, as if they had never been seen.
    pub(in crate::store::embedded) fn forget_removed_urls(
        &self,
        host: HostId,
    ) -> Result<(), StoreError> {
        let mut forgotten = HashSet::new();
        for entry in self.trees.frontier.scan_prefix([FrontierKey::URL]) {
            let (key, value) = entry?;
            let record: UrlRecord = decode("frontier", &value)?;
            if record.host == host
                && record.state == UrlState::Removed
                && let Some(FrontierKey::Url(id)) = FrontierKey::decode(&key)
            {
                forgotten.insert(id);
            }
        }
        // A URL that was removed while it waited is still in its queue.
        self.leave_queues(&forgotten)?;
        for id in forgotten {
            self.trees.frontier.remove(FrontierKey::Url(id).encode())?;
        }
        Ok(())
    }

    fn remove_pages(&self, on_host: &dyn Fn(&str) -> bool) -> Result<(), StoreError> {
        let mut gone = HashSet::new();
        for entry in &self.trees.pages {
            let (key, value) = entry?;
            let page: PageRecord = decode("pages", &value)?;
            if on_host(&page.url) {
                self.trees.pages.remove(&key)?;
                self.trees.terms.remove(&key)?;
                gone.insert(key.to_vec());
            }
        }
        for key in self.trees.embeds.iter().keys() {
            let key = key?;
            if gone.contains(&key[16..]) {
                self.trees.embeds.remove(key)?;
            }
        }
        Ok(())
    }

    /// Empties a host's queue and marks all its URLs as removed.
    fn forget_host(&self, host: HostId) -> Result<(), StoreError> {
        let _guard = self.frontier.lock().unwrap_or_else(PoisonError::into_inner);
        let mut waiting = HashSet::new();
        for entry in self.trees.frontier.scan_prefix([FrontierKey::URL]) {
            let (key, value) = entry?;
            let record: UrlRecord = decode("frontier", &value)?;
            if record.host == host
                && let Some(FrontierKey::Url(id)) = FrontierKey::decode(&key)
            {
                let mut batch = Changes::default();
                self.mark_removed(&mut batch, id)?;
                self.trees.frontier.apply(batch)?;
                waiting.insert(id);
            }
        }
        for id in &waiting {
            self.trees.hints.remove(id.0)?;
        }
        self.forget_versions(host)?;
        self.leave_queues(&waiting)
    }

    /// Takes URLs out of all queues.
    fn leave_queues(&self, urls: &HashSet<UrlId>) -> Result<(), StoreError> {
        for entry in self.trees.frontier.range([FrontierKey::QUEUED]..) {
            let (key, value) = entry?;
            let id = match FrontierKey::decode(&key) {
                Some(FrontierKey::Queued { .. }) => value.as_ref().try_into().ok().map(UrlId),
                Some(FrontierKey::Leased(id) | FrontierKey::Retry { url: id, .. }) => Some(id),
                _ => None,
            };
            if id.is_some_and(|id| urls.contains(&id)) {
                self.trees.frontier.remove(key)?;
            }
        }
        Ok(())
    }

    pub(in crate::store::embedded) fn mark_removed(
        &self,
        frontier: &mut Changes,
        id: UrlId,
    ) -> Result<(), StoreError> {
        if let Some(mut record) = self.url_record(id)? {
            record.state = UrlState::Removed;
            frontier.insert(FrontierKey::Url(id).encode(), encode(&record));
        }
        Ok(())
    }
}
