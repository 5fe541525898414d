//! The frontier in one tree.
//!
//! Only the process knows which queued URLs are leased (`leases.rs`); its end ends all leases.

use std::sync::PoisonError;

use crate::canonical_url::{CanonicalUrl, UrlId};
use crate::picture::PictureId;
use crate::store::embedded::EmbeddedMetadata;
use crate::store::embedded::metadata::commit_changes::CommitChanges;
use crate::store::embedded::metadata::queues::queueing::{QueueChanges, end_as, settle_into};
use crate::store::embedded::trees::{Changes, FrontierKey, UNREADABLE, decode, embed_key, encode};
use crate::store::entry::{Entry, Section, SectionKind, Seed};
use crate::store::{
    Discovery, FrontierCounts, Lease, PageVisit, PictureHint, Queued, Role, StoreError, UrlOutcome,
    UrlRecord, UrlState, VisitRecord,
};

impl EmbeddedMetadata {
    pub(in crate::store::embedded) fn offer(
        &self,
        found: &[Discovery],
    ) -> Result<Queued, StoreError> {
        self.reserve.check()?;
        let _guard = self.frontier.lock().unwrap_or_else(PoisonError::into_inner);
        let mut seeds = Vec::new();
        for seed in found.iter().filter(|found| found.is_seed()) {
            if self.url_record(seed.url.id())?.is_none() {
                seeds.push(seed.url.to_string());
            }
        }
        let mut changes = QueueChanges::new(&self.trees);
        let queued = self.queue_unseen(found, &mut changes)?;
        changes.apply()?;
        self.tell_seeds(seeds)?;
        Ok(queued)
    }

    /// Tells the log where crawls begin.
    fn tell_seeds(&self, seeds: Vec<String>) -> Result<(), StoreError> {
        if seeds.is_empty() {
            return Ok(());
        }
        let seeds = seeds.into_iter().map(|url| Entry {
            picture: PictureId::from_bytes([0; PictureId::LEN]),
            sections: vec![Section::of_record(SectionKind::Seed, &Seed { url })],
        });
        let mut totals = self.totals();
        self.log.append(&seeds.collect::<Vec<_>>())?;
        let changes = CommitChanges::new(self, *totals);
        self.logged(&mut totals, changes, |_| Ok(()))
    }

    /// Queues a seed that the frontier has forgotten.
    pub(in crate::store::embedded) fn recall_seed(&self, url: &str) -> Result<(), StoreError> {
        let Ok(url) = CanonicalUrl::parse(url) else {
            return Ok(());
        };
        let _guard = self.frontier.lock().unwrap_or_else(PoisonError::into_inner);
        if self.url_record(url.id())?.is_some() {
            return Ok(());
        }
        let seed = Discovery {
            url,
            role: Role::Page,
            depth: 0,
            embed: None,
            hint: PictureHint::default(),
        };
        let mut changes = QueueChanges::new(&self.trees);
        self.queue_unseen(&[seed], &mut changes)?;
        changes.apply()
    }

    pub(in crate::store::embedded) fn recover_leases(&self) -> Result<u64, StoreError> {
        let mut recovered = 0;
        for entry in self.trees.frontier.scan_prefix([FrontierKey::LEASED]) {
            let (key, value) = entry?;
            let Some(FrontierKey::Leased(url)) = FrontierKey::decode(&key) else {
                return Err(UNREADABLE);
            };
            let mut batch = Changes::default();
            batch.remove(key);
            batch.insert(value, &url.0);
            self.trees.frontier.apply(batch)?;
            recovered += 1;
        }
        Ok(recovered)
    }

    pub(in crate::store::embedded) fn renew(&self, lease: &mut Lease) -> bool {
        lease.place.renew()
    }

    pub(in crate::store::embedded) fn settle(
        &self,
        mut lease: Lease,
        outcome: UrlOutcome,
    ) -> Result<(), StoreError> {
        if !lease.place.renew() {
            return Ok(());
        }
        if outcome.asks_for_next(&lease) {
            let _guard = self.frontier.lock().unwrap_or_else(PoisonError::into_inner);
            self.ask_for_next(&lease, &outcome)?;
        }
        let mut batch = Changes::default();
        match self.closed_meanwhile(&lease)? {
            Some(state) => end_as(&mut batch, &lease, state),
            None => {
                self.take_word(&lease, &outcome)?;
                self.drop_hint(lease.id, &outcome)?;
                settle_into(&mut batch, &lease, outcome);
            }
        }
        self.trees.frontier.apply(batch)
    }

    pub(in crate::store::embedded) fn settle_page(
        &self,
        mut lease: Lease,
        visit: &PageVisit,
    ) -> Result<Queued, StoreError> {
        self.reserve.check()?;
        let _guard = self.frontier.lock().unwrap_or_else(PoisonError::into_inner);
        if !lease.place.renew() {
            return Ok(Queued::default());
        }
        let (page, t) = (visit.url.id(), &self.trees);
        let no_picture = UrlOutcome::Gone(String::new());
        self.ask_for_next(&lease, &no_picture)?;
        self.drop_hint(lease.id, &no_picture)?;
        if lease.record.role == Role::Picture {
            // A page came, which has no part in the picture.
            lease.record.role = Role::Page;
        }
        let mut changes = QueueChanges::new(t);
        if page != lease.id {
            let known = self.url_record(page)?;
            if known
                .as_ref()
                .is_some_and(|known| known.state != UrlState::Open)
            {
                // Redirected to a page that was read, or that is not to be read.
                settle_into(changes.urls(), &lease, UrlOutcome::Done);
                changes.apply()?;
                return Ok(Queued::default());
            }
            // If it waits in a queue, it is skipped there.
            let record = UrlRecord {
                url: visit.url.to_string(),
                host: visit.url.host_id(),
                state: UrlState::Done,
                ..known.unwrap_or_else(|| lease.record.clone())
            };
            let key = FrontierKey::Url(page).encode();
            changes.urls().insert(key, encode(&record));
        }
        self.touch_host(&mut changes, &visit.url, |record| record.pages += 1)?;
        let on_page = self.chosen(&visit.found)?;
        let mut queued = self.queue_unseen(&on_page, &mut changes)?;
        settle_into(changes.urls(), &lease, visit.outcome());
        let mut new_embeds = Vec::new();
        for found in &on_page {
            if let Some(embed) = &found.embed {
                let picture = found.url.id();
                if self.is_new_embed(picture, page, embed)? {
                    new_embeds.push((picture, embed));
                }
                let key = embed_key(picture, page);
                changes.batches.of(&t.embeds).insert(&key, encode(embed));
            }
        }
        let before = self.visit(page)?;
        let shown_before = before.as_ref().map_or(&[][..], |before| &before.shown);
        let shown = visit.shown(shown_before, &on_page);
        let now = shown.iter().copied().collect();
        let hidden = self.hide(page, shown_before, &now, &mut changes.batches);
        let (content, validators) = (visit.content, visit.validators.clone());
        let after = VisitRecord::after(before.as_ref(), content, validators, shown);
        let is_recorded = t.pages.contains_key(page.0)?;
        let pages = changes.batches.of(&t.pages);
        match &visit.page {
            Some(record) => pages.insert(&page.0, encode(record)),
            None => pages.remove(&page.0),
        }
        let visits = changes.batches.of(&t.visits);
        visits.insert(&page.0, encode(&after));
        if t.terms_of(page)? != visit.terms {
            let terms = changes.batches.of(&t.terms);
            match visit.terms.is_empty() {
                true => terms.remove(&page.0),
                false => terms.insert(&page.0, encode(&visit.terms)),
            }
        }
        if t.absences.contains_key(page.0)? {
            changes.batches.of(&t.absences).remove(&page.0);
        }
        let mut taken_back = self.declined(page)?;
        if taken_back != visit.declined {
            let declined = changes.batches.of(&t.declined);
            match visit.declined.is_empty() {
                true => declined.remove(&page.0),
                false => declined.insert(&page.0, encode(&visit.declined)),
            }
        }
        taken_back.retain(|reason| !visit.declined.contains(reason));
        // Of stored pictures something may be another now.
        let is_told = !new_embeds.is_empty()
            || !hidden.is_empty()
            || before.is_some() && is_recorded != visit.page.is_some();
        match is_told.then(|| self.totals()) {
            Some(mut totals) => {
                self.apply_with_sightings(changes.into_batches())?;
                if let Some(record) = &visit.page {
                    self.tell_of_page(record, &new_embeds, &mut totals)?;
                }
            }
            None => changes.apply()?,
        }
        self.take_back(&after.shown, &taken_back, &mut queued)?;
        if let Some(opted_out) = &visit.opted_out {
            self.remove_orphans(&hidden, opted_out.reason)?;
        }
        Ok(queued)
    }

    pub(in crate::store::embedded) fn frontier_counts(&self) -> FrontierCounts {
        let mut counts = self.trees.counts().frontier;
        let leased = self.leases.count();
        counts.leased += leased;
        counts.pending = counts.pending.saturating_sub(leased);
        counts
    }

    pub(in crate::store::embedded) fn seeds(&self) -> Result<Vec<String>, StoreError> {
        let mut seeds = Vec::new();
        for entry in self.trees.frontier.scan_prefix([FrontierKey::URL]) {
            let record: UrlRecord = decode("frontier", &entry?.1)?;
            let is_removed = record.state == UrlState::Removed;
            if record.depth == 0 && record.role == Role::Page && !is_removed {
                seeds.push(record.url);
            }
        }
        Ok(seeds)
    }

    pub(in crate::store::embedded) fn url_record(
        &self,
        id: UrlId,
    ) -> Result<Option<UrlRecord>, StoreError> {
        let value = self.trees.frontier.get(FrontierKey::Url(id).encode())?;
        value.map(|value| decode("frontier", &value)).transpose()
    }
}
