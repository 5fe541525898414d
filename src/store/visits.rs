//! When URLs were visited, what they gave, and when they are to be visited again.

use std::collections::{BTreeMap, HashSet};
use std::sync::PoisonError;

use serde::{Deserialize, Serialize};
use sled::Batch;

use super::key::{FrontierKey, LocationId, embed_key, place_key};
use super::record::{Role, UrlRecord, UrlState, decode, encode};
use super::removal::REMOVED;
use super::{Store, StoreError, now_ms};
use crate::canonical_url::{CanonicalUrl, HostId, UrlId};
use crate::picture::PictureId;

/// A visited URL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VisitRecord {
    /// What the server calls this version.
    pub validators: Validators,
    /// BLAKE3 of the body; a picture's identity.
    pub content: [u8; 32],
    /// When it is to be visited again, in seconds since 1970.
    pub due_s: u64,
    /// How long after this visit that is, in seconds.
    pub interval_s: u64,
    /// The pictures that a page shows.
    pub shown: Vec<UrlId>,
}

/// What a server says of a version of a document (RFC 9110, section 8.8).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validators {
    /// `ETag`, as it came.
    pub etag: Option<String>,
    /// `Last-Modified`, as it came.
    pub last_modified: Option<String>,
    /// When this version is not to be used any more, in seconds since 1970
    /// (`unavailable_after`).
    pub unavailable_after_s: Option<u64>,
}

/// Which URLs are asked for again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Again {
    /// Those that are due.
    Due,
    /// All that were visited.
    Visited,
    /// Those that failed, for one reason or for any.
    Failed(Option<String>),
}

/// First time until the next visit.
const FIRST_INTERVAL: u64 = 24 * 3600;
/// Shortest and longest time between two visits.
const SHORTEST_INTERVAL: u64 = 3600;
const LONGEST_INTERVAL: u64 = 64 * 24 * 3600;

impl VisitRecord {
    /// The record after a visit that gave `content`. What has changed is visited twice as
    /// often, what has not half as often, between once an hour and once in 64 days.
    pub(super) fn after(
        before: Option<&Self>,
        content: [u8; 32],
        validators: Validators,
        shown: Vec<UrlId>,
    ) -> Self {
        let interval_s = match before {
            None => FIRST_INTERVAL,
            Some(before) if before.content == content => before.interval_s * 2,
            Some(before) => before.interval_s / 2,
        };
        let interval_s = interval_s.clamp(SHORTEST_INTERVAL, LONGEST_INTERVAL);
        let due_s = now_ms() / 1000 + interval_s;
        Self {
            due_s: validators.unavailable_after_s.unwrap_or(due_s).min(due_s),
            validators,
            content,
            interval_s,
            shown,
        }
    }
}

impl Store {
    /// What is known of the last visit of a URL.
    ///
    /// # Errors
    /// If sled fails or the record is unreadable.
    pub fn visit(&self, url: UrlId) -> Result<Option<VisitRecord>, StoreError> {
        let value = self.trees.visits.get(url.0)?;
        value.map(|value| decode("visits", &value)).transpose()
    }

    /// The last visit of a URL, unless what it gave is no longer in the store: then the
    /// server must send it whole again.
    pub(super) fn last_visit(
        &self,
        url: UrlId,
        role: Role,
    ) -> Result<Option<VisitRecord>, StoreError> {
        let Some(visit) = self.visit(url)? else {
            return Ok(None);
        };
        let place = place_key(
            PictureId::from_bytes(visit.content),
            LocationId::of_url(url),
        );
        let kept = role != Role::Picture || self.trees.places.contains_key(place)?;
        Ok(kept.then_some(visit))
    }

    /// Queues URLs that were asked for before. Returns how many.
    ///
    /// # Errors
    /// If sled fails or a record is unreadable.
    pub fn queue_again(&self, which: &Again) -> Result<u64, StoreError> {
        self.check_space()?;
        match which {
            Again::Due => self.queue_visited(now_ms() / 1000),
            Again::Visited => self.queue_visited(u64::MAX),
            Again::Failed(reason) => self.queue_failed(reason.as_deref()),
        }
    }

    /// When the next visit is due, in seconds since 1970; reads all visits.
    ///
    /// # Errors
    /// If sled fails or a record is unreadable.
    pub fn next_due_s(&self) -> Result<Option<u64>, StoreError> {
        let mut next = None;
        for entry in &self.trees.visits {
            let visit: VisitRecord = decode("visits", &entry?.1)?;
            if next.is_none_or(|due| visit.due_s < due) {
                next = Some(visit.due_s);
            }
        }
        Ok(next)
    }

    fn queue_visited(&self, upto_s: u64) -> Result<u64, StoreError> {
        let mut queued = 0;
        for entry in &self.trees.visits {
            let (key, value) = entry?;
            let visit: VisitRecord = decode("visits", &value)?;
            if visit.due_s <= upto_s {
                let id = key.as_ref().try_into().map(UrlId);
                let id = id.map_err(|_| StoreError::Unreadable { tree: "visits" })?;
                queued += u64::from(self.reopen(id)?);
            }
        }
        Ok(queued)
    }

    fn queue_failed(&self, reason: Option<&str>) -> Result<u64, StoreError> {
        let mut queued = 0;
        for entry in self.trees.frontier.scan_prefix([FrontierKey::URL]) {
            let (key, value) = entry?;
            let record: UrlRecord = decode("frontier", &value)?;
            let wanted = match (&record.state, reason) {
                (UrlState::Failed(why), reason) => reason.is_none_or(|reason| reason == why),
                // A refusal only by its name: most of them hold for good.
                (UrlState::Refused(why), Some(reason)) => reason == why && why != REMOVED,
                _ => false,
            };
            if let (true, Some(FrontierKey::Url(id))) = (wanted, FrontierKey::decode(&key)) {
                queued += u64::from(self.reopen(id)?);
            }
        }
        Ok(queued)
    }

    /// Why URLs failed or were refused, and how many; reads the whole frontier.
    ///
    /// # Errors
    /// If sled fails or a record is unreadable.
    pub fn reasons(&self) -> Result<BTreeMap<String, u64>, StoreError> {
        let mut reasons = BTreeMap::new();
        for entry in self.trees.frontier.scan_prefix([FrontierKey::URL]) {
            let record: UrlRecord = decode("frontier", &entry?.1)?;
            if let UrlState::Failed(reason) | UrlState::Refused(reason) = record.state
                && reason != REMOVED
            {
                *reasons.entry(reason).or_default() += 1;
            }
        }
        Ok(reasons)
    }

    /// Queues a settled URL again; says whether it was one.
    fn reopen(&self, id: UrlId) -> Result<bool, StoreError> {
        let _guard = self.frontier.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(record) = self.url_record(id)? else {
            return Ok(false);
        };
        if record.state == UrlState::Open || record.state == UrlState::Refused(REMOVED.to_owned()) {
            return Ok(false);
        }
        let mut batch = Batch::default();
        let key = self.next_key(record.host, record.role)?;
        batch.insert(key.encode(), &id.0);
        let record = UrlRecord {
            attempts: 0,
            state: UrlState::Open,
            ..record
        };
        batch.insert(FrontierKey::Url(id).encode(), encode(&record));
        self.trees.frontier.apply_batch(batch)?;
        self.mark_host(record.host, &record.url)?;
        Ok(true)
    }

    /// Marks a host as one that the present crawl asks.
    fn mark_host(&self, id: HostId, url: &str) -> Result<(), StoreError> {
        let mut host = self.host(id)?.unwrap_or_default();
        if host.crawl != self.crawl() {
            host.crawl = self.crawl();
            if let Ok(url) = CanonicalUrl::parse(url) {
                host.name = url.host().to_owned();
            }
            self.trees.hosts.insert(id.0, encode(&host))?;
        }
        Ok(())
    }

    /// Notes that a URL still gives what it gave.
    ///
    /// # Errors
    /// If sled fails or the record is unreadable.
    pub fn unchanged(&self, url: UrlId) -> Result<(), StoreError> {
        if let Some(visit) = self.visit(url)? {
            let (content, validators) = (visit.content, visit.validators.clone());
            let after = VisitRecord::after(Some(&visit), content, validators, visit.shown.clone());
            self.trees.visits.insert(url.0, encode(&after))?;
        }
        Ok(())
    }

    /// Takes what a URL gave out of the store, because it is gone or may not be kept: a
    /// page with what it showed, or a picture, unless it stands elsewhere, too.
    ///
    /// # Errors
    /// If sled fails or a record is unreadable.
    pub fn forget(&self, url: UrlId) -> Result<(), StoreError> {
        let Some(visit) = self.visit(url)? else {
            return Ok(());
        };
        self.hide(url, &visit.shown, &HashSet::new())?;
        self.trees.pages.remove(url.0)?;
        self.leave_place(PictureId::from_bytes(visit.content), url)?;
        self.trees.visits.remove(url.0)?;
        Ok(())
    }

    /// Forgets that `page` showed pictures that it shows no longer.
    pub(super) fn hide(
        &self,
        page: UrlId,
        before: &[UrlId],
        now: &HashSet<UrlId>,
    ) -> Result<(), StoreError> {
        for picture in before {
            if !now.contains(picture) {
                self.trees.embeds.remove(embed_key(*picture, page))?;
            }
        }
        Ok(())
    }

    /// Takes pictures out of the store that no page shows any more, because the last one
    /// has opted out. The caller holds the frontier's guard.
    pub(super) fn let_go(&self, pictures: &[UrlId], reason: &str) -> Result<(), StoreError> {
        for &id in pictures {
            if self.trees.embeds.scan_prefix(id.0).next().is_some() {
                continue;
            }
            // A commit is before this, and its picture goes, or after it, and takes none.
            let commits = self.pictures.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(mut record) = self.url_record(id)?
                && record.state != UrlState::Refused(REMOVED.to_owned())
            {
                record.state = UrlState::Refused(reason.to_owned());
                let key = FrontierKey::Url(id).encode();
                self.trees.frontier.insert(key, encode(&record))?;
            }
            drop(commits);
            self.forget(id)?;
        }
        Ok(())
    }

    /// Removes a URL from a picture's places, and the picture if it was the last.
    pub(super) fn leave_place(&self, picture: PictureId, url: UrlId) -> Result<(), StoreError> {
        let key = place_key(picture, LocationId::of_url(url));
        if self.trees.places.remove(key)?.is_none() {
            return Ok(());
        }
        let elsewhere = self.trees.places.scan_prefix(picture.as_bytes()).next();
        if elsewhere.transpose()?.is_none() {
            self.remove_picture(picture)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_is_visited_more_often() {
        let visit = |before: Option<&VisitRecord>, content: u8| {
            VisitRecord::after(before, [content; 32], Validators::default(), Vec::new())
        };
        let first = visit(None, 1);
        assert_eq!(first.interval_s, FIRST_INTERVAL);
        let same = visit(Some(&first), 1);
        assert_eq!(same.interval_s, 2 * FIRST_INTERVAL);
        let changed = visit(Some(&same), 2);
        assert_eq!(changed.interval_s, FIRST_INTERVAL);
        let mut busy = changed;
        let mut still = first;
        for n in 3..20 {
            busy = visit(Some(&busy), n);
            still = visit(Some(&still), 1);
        }
        assert_eq!(busy.interval_s, SHORTEST_INTERVAL);
        assert_eq!(still.interval_s, LONGEST_INTERVAL);
    }
}
