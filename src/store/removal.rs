//! Deleting pictures, and the space they leave.

use std::collections::{HashMap, HashSet};
use std::sync::PoisonError;

use sled::Batch;
use sled::transaction::{ConflictableTransactionResult, Transactional};

use super::frontier::transaction_error;
use super::key::{FrontierKey, Sequence};
use super::record::{
    Extent, Location, PageRecord, SegmentRecord, UrlRecord, UrlState, decode, encode,
};
use super::{Store, StoreError, now_ms};
use crate::canonical_url::{CanonicalUrl, HostId, UrlId};
use crate::picture::PictureId;

/// The reason under which a removed URL stays known, so that no crawl brings it back.
pub(super) const REMOVED: &str = "removed";

impl Store {
    /// Deletes a picture everywhere; its URLs stay known as removed. Returns whether it
    /// was there. The index drops it when it is next opened.
    ///
    /// # Errors
    /// If sled fails or a record is unreadable.
    pub fn remove_picture(&self, id: PictureId) -> Result<bool, StoreError> {
        let _guard = self.pictures.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(record) = self.picture(id)? else {
            let waited = self.waits(id)?;
            self.drop_unusable(id)?;
            return Ok(waited);
        };
        let mut places = Batch::default();
        let mut files = Batch::default();
        let mut frontier = Batch::default();
        for entry in self.trees.places.scan_prefix(id.as_bytes()) {
            let (key, value) = entry?;
            let place: [u8; 16] = key[PictureId::LEN..]
                .try_into()
                .map_err(|_| StoreError::Unreadable { tree: "places" })?;
            match decode("places", &value)? {
                Location::Path(_) => files.remove(&place),
                Location::Url(_) => self.mark_removed(&mut frontier, UrlId(place))?,
            }
            places.remove(key);
        }
        let extent = self.extent(id).ok();
        let segment = extent
            .map(|extent| {
                let mut segment = self.segment_record(extent.segment)?;
                segment.dead += 1;
                Ok::<_, StoreError>((extent.segment, segment))
            })
            .transpose()?;
        let t = &self.trees;
        let sequence_number = record.sequence;
        let sequence = Sequence(sequence_number).key();
        (
            &t.pictures,
            &t.sequences,
            &t.descriptors,
            &t.thumbnails,
            &t.extents,
            &t.segments,
            &t.places,
            &t.files,
            &t.frontier,
        )
            .transaction(|trees| -> ConflictableTransactionResult<(), ()> {
                trees.0.remove(id.as_bytes())?;
                trees.1.remove(&sequence)?;
                trees.2.remove(&sequence)?;
                trees.3.remove(id.as_bytes())?;
                trees.4.remove(id.as_bytes())?;
                if let Some((number, record)) = &segment {
                    trees.5.insert(&number.to_be_bytes(), encode(record))?;
                }
                trees.6.apply_batch(&places)?;
                trees.7.apply_batch(&files)?;
                trees.8.apply_batch(&frontier)?;
                Ok(())
            })
            .map_err(transaction_error)?;
        let mut removed = self.removed.lock().unwrap_or_else(PoisonError::into_inner);
        removed.push(Sequence(sequence_number));
        Ok(true)
    }

    /// Deletes the pages and URLs of a host, and the pictures that were seen nowhere else.
    /// Returns how many pictures went.
    ///
    /// # Errors
    /// If sled fails or a record is unreadable.
    pub fn remove_host(&self, host: &str) -> Result<u64, StoreError> {
        let on_host = |url: &str| CanonicalUrl::parse(url).is_ok_and(|url| url.host() == host);
        let mut places: HashMap<PictureId, (Vec<sled::IVec>, u64)> = HashMap::new();
        for entry in &self.trees.places {
            let (key, value) = entry?;
            let id = PictureId::from_slice(&key[..PictureId::LEN])
                .ok_or(StoreError::Unreadable { tree: "places" })?;
            let (here, elsewhere) = places.entry(id).or_default();
            match decode("places", &value)? {
                Location::Url(url) if on_host(&url) => here.push(key),
                _ => *elsewhere += 1,
            }
        }
        let mut removed = 0;
        for (id, (here, elsewhere)) in places {
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
        self.flush()?;
        Ok(removed)
    }

    /// Whether a host was removed: none of its URLs is taken then.
    ///
    /// # Errors
    /// If sled fails.
    pub fn is_removed(&self, host: HostId) -> Result<bool, StoreError> {
        Ok(self.trees.removed_hosts.contains_key(host.0)?)
    }

    /// Lets a removed host be crawled again, as one that was never met. Returns whether it
    /// was removed.
    ///
    /// # Errors
    /// If sled fails or a record is unreadable.
    pub fn take_back_host(&self, host: HostId) -> Result<bool, StoreError> {
        let _guard = self.frontier.lock().unwrap_or_else(PoisonError::into_inner);
        for entry in self.trees.frontier.scan_prefix([FrontierKey::URL]) {
            let (key, value) = entry?;
            let record: UrlRecord = decode("frontier", &value)?;
            if record.host == host && record.state == UrlState::Refused(REMOVED.to_owned()) {
                self.trees.frontier.remove(key)?;
            }
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
        for entry in self.trees.frontier.range([FrontierKey::QUEUED]..) {
            let (key, value) = entry?;
            let id = match FrontierKey::decode(&key) {
                Some(FrontierKey::Queued { .. }) => value.as_ref().try_into().ok().map(UrlId),
                Some(FrontierKey::Leased(id) | FrontierKey::Retry { url: id, .. }) => Some(id),
                _ => None,
            };
            if id.is_some_and(|id| waiting.contains(&id)) {
                self.trees.frontier.remove(key)?;
            }
        }
        Ok(())
    }

    fn mark_removed(&self, frontier: &mut Batch, id: UrlId) -> Result<(), StoreError> {
        if let Some(mut record) = self.url_record(id)? {
            record.state = UrlState::Refused(REMOVED.to_owned());
            frontier.insert(FrontierKey::Url(id).encode(), encode(&record));
        }
        Ok(())
    }

    /// Rewrites segments of which more than half is dead and deletes those that are all
    /// dead. Returns the bytes freed.
    ///
    /// # Errors
    /// If the disk is full or fails; what was not rewritten stays as it is.
    pub fn compact(&self) -> Result<u64, StoreError> {
        let guard = self.pictures.lock().unwrap_or_else(PoisonError::into_inner);
        let mut wasteful = HashMap::new();
        let mut freed = 0;
        for entry in &self.trees.segments {
            let (key, value) = entry?;
            let number = key.as_ref().try_into().map(u32::from_be_bytes);
            let number = number.map_err(|_| StoreError::Unreadable { tree: "segments" })?;
            let record: SegmentRecord = decode("segments", &value)?;
            // The open segment is rewritten once it is closed.
            if number == self.segments.current() {
                continue;
            }
            if record.dead >= record.records {
                // Nothing to rewrite, so this works on a full disk too.
                self.drop_segment(number)?;
                freed += record.length;
            } else if record.dead * 2 > record.records {
                wasteful.insert(number, record.length);
            }
        }
        for entry in &self.trees.extents {
            let (key, value) = entry?;
            let extent: Extent = decode("extents", &value)?;
            if !wasteful.contains_key(&extent.segment) {
                continue;
            }
            let id =
                PictureId::from_slice(&key).ok_or(StoreError::Unreadable { tree: "extents" })?;
            self.check_space()?;
            let block = self.segments.verify(id, extent)?;
            let (moved, segment, mut written) = self.segments.append(id, &block)?;
            written.dead = self.segment_record(segment)?.dead;
            self.segments.sync()?;
            (&self.trees.extents, &self.trees.segments)
                .transaction(
                    |(extents, segments)| -> ConflictableTransactionResult<(), ()> {
                        extents.insert(id.as_bytes(), encode(&moved))?;
                        segments.insert(&segment.to_be_bytes(), encode(&written))?;
                        Ok(())
                    },
                )
                .map_err(transaction_error)?;
        }
        self.db.flush()?;
        for (number, length) in wasteful {
            self.drop_segment(number)?;
            freed += length;
        }
        drop(guard);
        Ok(freed)
    }

    /// Forgets a segment, then deletes its file; a file left by a crash between the two is
    /// deleted when the store is next opened.
    fn drop_segment(&self, number: u32) -> Result<(), StoreError> {
        self.trees.segments.remove(number.to_be_bytes())?;
        self.db.flush()?;
        self.segments.delete(number)
    }
}
