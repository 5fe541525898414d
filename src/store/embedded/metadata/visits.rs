//! Visits of URLs: what they gave, what is asked for again, and what leaves the store.

use std::collections::HashSet;
use std::sync::PoisonError;

use crate::canonical_url::{CanonicalUrl, HostId, UrlId};
use crate::picture::PictureId;
use crate::store::embedded::EmbeddedMetadata;
use crate::store::embedded::trees::{
    Changes, FrontierKey, TreeBatches, decode, embed_key, encode, location_key,
};
use crate::store::{Again, LocationId, Role, StoreError, UrlRecord, UrlState, VisitRecord, now_ms};

impl EmbeddedMetadata {
    pub(in crate::store::embedded) fn visit(
        &self,
        url: UrlId,
    ) -> Result<Option<VisitRecord>, StoreError> {
        let value = self.trees.visits.get(url.0)?;
        value.map(|value| decode("visits", &value)).transpose()
    }

    /// The last visit of a URL, unless what it gave is no longer in the store: then the
    /// server must send it whole again.
    pub(in crate::store::embedded) fn last_visit(
        &self,
        url: UrlId,
        role: Role,
    ) -> Result<Option<VisitRecord>, StoreError> {
        let Some(visit) = self.visit(url)? else {
            return Ok(None);
        };
        let location = location_key(
            PictureId::from_bytes(visit.content),
            LocationId::of_url(url),
        );
        let kept = role != Role::Picture || self.trees.places.contains_key(location)?;
        Ok(kept.then_some(visit))
    }

    pub(in crate::store::embedded) fn queue_again(&self, which: &Again) -> Result<u64, StoreError> {
        self.reserve.check()?;
        match which {
            Again::Due => {
                let now_s = now_ms() / 1000;
                self.queue_visited(|visit| visit.due_at(now_s) <= now_s)
            }
            Again::Visited => self.queue_visited(|_| true),
            Again::Failed(reason) => self.queue_failed(reason.as_deref()),
        }
    }

    pub(in crate::store::embedded) fn next_due_s(&self) -> Result<Option<u64>, StoreError> {
        let (now_s, mut next) = (now_ms() / 1000, None);
        for entry in &self.trees.visits {
            let visit: VisitRecord = decode("visits", &entry?.1)?;
            let due_s = visit.due_at(now_s);
            if next.is_none_or(|next| due_s < next) {
                next = Some(due_s);
            }
        }
        Ok(next)
    }

    fn queue_visited(&self, is_wanted: impl Fn(&VisitRecord) -> bool) -> Result<u64, StoreError> {
        let mut queued = 0;
        for entry in &self.trees.visits {
            let (key, value) = entry?;
            let visit: VisitRecord = decode("visits", &value)?;
            if is_wanted(&visit) {
                let id = key.as_ref().try_into().map(UrlId);
                let id = id.map_err(|_| StoreError::Unreadable { tree: "visits" })?;
                queued += u64::from(self.reopen(id, true)?);
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
                // A refused URL only if its reason is named: most refusals are permanent.
                (UrlState::Refused(why), Some(reason)) => reason == why,
                _ => false,
            };
            if let (true, Some(FrontierKey::Url(id))) = (wanted, FrontierKey::decode(&key)) {
                queued += u64::from(self.reopen(id, true)?);
            }
        }
        Ok(queued)
    }

    /// Queues a URL again if it was settled; returns whether it was. Its host becomes one of
    /// the present crawl if `own`.
    pub(in crate::store::embedded) fn reopen(
        &self,
        id: UrlId,
        own: bool,
    ) -> Result<bool, StoreError> {
        let _guard = self.frontier.lock().unwrap_or_else(PoisonError::into_inner);
        self.reopen_held(id, own)
    }

    /// The same while the caller holds the frontier's guard.
    pub(in crate::store::embedded) fn reopen_held(
        &self,
        id: UrlId,
        own: bool,
    ) -> Result<bool, StoreError> {
        let Some(record) = self.url_record(id)? else {
            return Ok(false);
        };
        if matches!(record.state, UrlState::Open | UrlState::Removed) {
            return Ok(false);
        }
        let mut batch = Changes::default();
        let promise = self.hint(id)?.promise;
        let key = self.next_key(record.host, record.role, promise)?;
        batch.insert(key.encode(), &id.0);
        let record = UrlRecord {
            attempts: 0,
            state: UrlState::Open,
            ..record
        };
        batch.insert(FrontierKey::Url(id).encode(), encode(&record));
        self.trees.frontier.apply(batch)?;
        if own {
            self.mark_host(record.host, &record.url)?;
        }
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

    pub(in crate::store::embedded) fn unchanged(&self, url: UrlId) -> Result<(), StoreError> {
        self.trees.absences.remove(url.0)?;
        if let Some(visit) = self.visit(url)? {
            let (content, validators) = (visit.content, visit.validators.clone());
            let after = VisitRecord::after(Some(&visit), content, validators, visit.shown.clone());
            self.trees.visits.insert(url.0, encode(&after))?;
        }
        Ok(())
    }

    pub(in crate::store::embedded) fn forget(&self, url: UrlId) -> Result<(), StoreError> {
        let Some(visit) = self.visit(url)? else {
            return Ok(());
        };
        let mut batches = TreeBatches::default();
        self.hide(url, &visit.shown, &HashSet::new(), &mut batches);
        batches.of(&self.trees.pages).remove(&url.0);
        batches.of(&self.trees.terms).remove(&url.0);
        let commits = self.totals();
        self.apply_with_sightings(batches)?;
        drop(commits);
        self.remove_location(PictureId::from_bytes(visit.content), url)?;
        for tree in [
            &self.trees.visits,
            &self.trees.absences,
            &self.trees.declined,
        ] {
            tree.remove(url.0)?;
        }
        Ok(())
    }

    /// Adds to changes that the pictures are forgotten which `page` no longer shows, and returns these.
    pub(in crate::store::embedded) fn hide(
        &self,
        page: UrlId,
        before: &[UrlId],
        now: &HashSet<UrlId>,
        batches: &mut TreeBatches,
    ) -> Vec<UrlId> {
        let hidden = before.iter().filter(|id| !now.contains(id)).copied();
        let hidden: Vec<UrlId> = hidden.collect();
        for picture in &hidden {
            let embeds = batches.of(&self.trees.embeds);
            embeds.remove(&embed_key(*picture, page));
        }
        hidden
    }

    /// Takes pictures out of the store that no page shows any more, because the last one
    /// has opted out. The caller holds the frontier's guard.
    pub(in crate::store::embedded) fn remove_orphans(
        &self,
        pictures: &[UrlId],
        reason: &str,
    ) -> Result<(), StoreError> {
        for &id in pictures {
            if self.trees.embeds.scan_prefix(id.0).next().is_some() {
                continue;
            }
            // A commit is either before this, and its picture is removed, or after it, and
            // stores none.
            let commits = self.totals();
            if let Some(mut record) = self.url_record(id)?
                && record.state != UrlState::Removed
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
}
