//! Deleting pictures, and all that is known of a host.

use std::collections::{HashMap, HashSet};
use std::sync::PoisonError;

use sled::Batch;

use super::EmbeddedMetadata;
use super::trees::{FrontierKey, TreeBatches, decode, encode, segment_record};
use crate::canonical_url::{CanonicalUrl, HostId, UrlId};
use crate::picture::PictureId;
use crate::store::{Location, PageRecord, Sequence, StoreError, UrlRecord, UrlState, now_ms};

impl EmbeddedMetadata {
    pub(super) fn remove_picture(&self, id: PictureId) -> Result<bool, StoreError> {
        let _guard = self.pictures.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(record) = self.picture(id)? else {
            let waited = self.waits(id)?;
            self.drop_unusable(id)?;
            return Ok(waited);
        };
        let t = &self.trees;
        let mut changes = TreeBatches::default();
        for entry in t.places.scan_prefix(id.as_bytes()) {
            let (key, value) = entry?;
            let location: [u8; 16] = key[PictureId::LEN..]
                .try_into()
                .map_err(|_| StoreError::Unreadable { tree: "places" })?;
            match decode("places", &value)? {
                // Unless the file holds another picture by now.
                Location::Path(_) => {
                    if self.file(&location)?.is_some_and(|file| file.picture == id) {
                        changes.of(&t.files).remove(&location);
                    }
                }
                Location::Url(_) => {
                    self.mark_removed(changes.of(&t.frontier), UrlId(location))?;
                }
            }
            changes.of(&t.places).remove(key);
        }
        // An unreadable extent names no block that could be dead.
        if let Ok(Some(block)) = self.block_location(id) {
            let mut segment = segment_record(&t.segments, block.segment)?;
            segment.dead += 1;
            let number = block.segment.to_be_bytes();
            changes.of(&t.segments).insert(&number, encode(&segment));
        }
        let sequence = Sequence(record.sequence).key();
        for tree in [&t.pictures, &t.thumbnails, &t.extents] {
            changes.of(tree).remove(id.as_bytes());
        }
        for tree in [&t.sequences, &t.descriptors] {
            changes.of(tree).remove(&sequence);
        }
        changes.apply()?;
        let mut removed = self.removed.lock().unwrap_or_else(PoisonError::into_inner);
        removed.push(Sequence(record.sequence));
        Ok(true)
    }

    pub(super) fn remove_host(&self, host: &str) -> Result<u64, StoreError> {
        let on_host = |url: &str| CanonicalUrl::parse(url).is_ok_and(|url| url.host() == host);
        let mut locations: HashMap<PictureId, (Vec<sled::IVec>, u64)> = HashMap::new();
        for entry in &self.trees.places {
            let (key, value) = entry?;
            let id = PictureId::from_slice(&key[..PictureId::LEN])
                .ok_or(StoreError::Unreadable { tree: "places" })?;
            let (here, elsewhere) = locations.entry(id).or_default();
            match decode("places", &value)? {
                Location::Url(url) if on_host(&url) => here.push(key),
                _ => *elsewhere += 1,
            }
        }
        let mut removed = 0;
        for (id, (here, elsewhere)) in locations {
            if here.is_empty() {
                continue;
            }
            if elsewhere == 0 {
                removed += u64::from(self.remove_picture(id)?);
            } else {
                for key in here {
                    self.trees.places.remove(key)?;
                }
            }
        }
        self.remove_pages(&on_host)?;
        let id = HostId::of(host);
        let now = now_ms().to_be_bytes();
        self.trees.removed_hosts.insert(id.0, &now)?;
        self.forget_host(id)?;
        self.trees.db.flush()?;
        Ok(removed)
    }

    pub(super) fn is_removed(&self, host: HostId) -> Result<bool, StoreError> {
        Ok(self.trees.removed_hosts.contains_key(host.0)?)
    }

    pub(super) fn take_back_host(&self, host: HostId) -> Result<bool, StoreError> {
        let _guard = self.frontier.lock().unwrap_or_else(PoisonError::into_inner);
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
        Ok(self.trees.removed_hosts.remove(host.0)?.is_some())
    }

    fn remove_pages(&self, on_host: &dyn Fn(&str) -> bool) -> Result<(), StoreError> {
        let mut gone = HashSet::new();
        for entry in &self.trees.pages {
            let (key, value) = entry?;
            let page: PageRecord = decode("pages", &value)?;
            if on_host(&page.url) {
                self.trees.pages.remove(&key)?;
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
                let mut batch = Batch::default();
                self.mark_removed(&mut batch, id)?;
                self.trees.frontier.apply_batch(batch)?;
                waiting.insert(id);
            }
        }
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

    fn mark_removed(&self, frontier: &mut Batch, id: UrlId) -> Result<(), StoreError> {
        if let Some(mut record) = self.url_record(id)? {
            record.state = UrlState::Removed;
            frontier.insert(FrontierKey::Url(id).encode(), encode(&record));
        }
        Ok(())
    }
}
