//! What pages say of pictures' URLs, and the next version when one gives no picture.

use std::sync::PoisonError;

use crate::canonical_url::{CanonicalUrl, HostId, UrlId};
use crate::picture::PictureId;
use crate::store::embedded::EmbeddedMetadata;
use crate::store::embedded::metadata::places::place_of;
use crate::store::embedded::metadata::queues::queueing::QueueChanges;
use crate::store::embedded::trees::{
    FrontierKey, UNREADABLE, decode, embed_key, encode, location_key,
};
use crate::store::hint::{Chosen, Known, StoredHint, choose};
use crate::store::{
    Alternate, Discovery, Lease, LocationId, PictureHint, StoreError, UrlOutcome, UrlRecord,
    UrlState, VisitRecord,
};

impl EmbeddedMetadata {
    /// What pages say of a picture's URL.
    pub(in crate::store::embedded) fn hint(&self, url: UrlId) -> Result<PictureHint, StoreError> {
        let Some(value) = self.trees.hints.get(url.0)? else {
            return Ok(PictureHint::default());
        };
        decode::<StoredHint>("hints", &value).map(PictureHint::from)
    }

    /// The discoveries of a document with the URLs that stand for its pictures: of several
    /// versions the best that was not asked for in vain.
    pub(in crate::store::embedded) fn chosen(
        &self,
        found: &[Discovery],
    ) -> Result<Vec<Discovery>, StoreError> {
        let chosen = found.iter().map(|discovery| {
            if discovery.hint.others.is_empty() {
                return Ok(discovery.clone());
            }
            let known = |url: &CanonicalUrl, id| self.known(url, id);
            choose(discovery.versions(), known).map(|chosen| discovery.chosen(chosen))
        });
        chosen.collect()
    }

    fn known(&self, url: &CanonicalUrl, id: UrlId) -> Result<Known, StoreError> {
        let Some(record) = self.url_record(id)? else {
            return Ok(match self.is_removed(url.host_id())? {
                true => Known::No,
                false => Known::Never,
            });
        };
        Ok(match record.state {
            UrlState::Open => Known::Waits,
            UrlState::Done if self.gave_picture(id)? => Known::Gave,
            _ => Known::No,
        })
    }

    fn gave_picture(&self, id: UrlId) -> Result<bool, StoreError> {
        let Some(visit) = self.visit(id)? else {
            return Ok(false);
        };
        let picture = PictureId::from_bytes(visit.content);
        let place = location_key(picture, LocationId::of_url(id));
        Ok(self.trees.places.contains_key(place)?)
    }

    /// Asks for the next version of a picture if a URL of it has come to an end without one. It
    /// is queued before the URL is settled, so that no end of the process loses it. The caller
    /// holds the frontier's guard.
    pub(in crate::store::embedded) fn ask_for_next(
        &self,
        lease: &Lease,
        outcome: &UrlOutcome,
    ) -> Result<(), StoreError> {
        if !outcome.asks_for_next(lease) {
            return Ok(());
        }
        let record = self.url_record(lease.id)?;
        let is_open = record.is_some_and(|record| record.state == UrlState::Open);
        match is_open {
            true => self.queue_next(lease.id, lease.record.depth),
            false => Ok(()),
        }
    }

    /// Queues the next version of each picture that names a URL which gave none.
    fn queue_next(&self, id: UrlId, depth: u32) -> Result<(), StoreError> {
        for others in self.hint(id)?.pictures() {
            let mut changes = QueueChanges::new(&self.trees);
            let chosen = choose(others.clone(), |url, id| self.known(url, id))?;
            let (next, others) = match chosen {
                Chosen::New(next, others) => (next, others),
                Chosen::Known(known) => {
                    // It may give none either, if it waits.
                    let rest = others.iter().filter(|other| other.url != known.url);
                    (known.clone(), rest.cloned().collect())
                }
                Chosen::None => continue,
            };
            let next_id = next.url.id();
            let discovery = Discovery::next_version(next, others, depth);
            let queued = self.queue_unseen(&[discovery], &mut changes)?;
            let mut hosts = self.new_work.lock();
            let hosts = hosts.as_mut().map_err(|_| UNREADABLE)?;
            hosts.extend(queued.hosts);
            self.show_instead(id, next_id, &mut changes)?;
            let commits = self.totals();
            self.apply_with_sightings(changes.into_batches())?;
            drop(commits);
        }
        Ok(())
    }

    /// Notes of the URLs of a picture that has waited for its features that they gave none, and
    /// queues the next versions. The caller holds the frontier's guard.
    pub(in crate::store::embedded) fn fail_waiting(
        &self,
        picture: PictureId,
        outcome: &UrlOutcome,
    ) -> Result<(), StoreError> {
        let Some(state) = outcome.of_no_picture() else {
            return Ok(());
        };
        if self.contains(picture)? {
            return Ok(());
        }
        let keys = self.trees.places.scan_prefix(picture.as_bytes()).keys();
        for key in keys.collect::<Result<Vec<_>, _>>()? {
            let id = UrlId(place_of(&key)?.0);
            let Some(record) = self.url_record(id)? else {
                continue;
            };
            if record.state != UrlState::Done {
                continue;
            }
            self.queue_next(id, record.depth)?;
            let mut changes = QueueChanges::new(&self.trees);
            let record = UrlRecord {
                state: state.clone(),
                ..record
            };
            let key = FrontierKey::Url(id).encode();
            changes.urls().insert(key, encode(&record));
            changes.batches.of(&self.trees.hints).remove(&id.0);
            changes.apply()?;
        }
        Ok(())
    }

    /// Notes that pages show one picture's URL where they showed another's.
    fn show_instead(
        &self,
        before: UrlId,
        now: UrlId,
        changes: &mut QueueChanges<'_>,
    ) -> Result<(), StoreError> {
        let t = &self.trees;
        for entry in t.embeds.scan_prefix(before.0) {
            let (key, embed) = entry?;
            let page = key
                .get(before.0.len()..)
                .and_then(|page| page.try_into().ok());
            let page = UrlId(page.ok_or(StoreError::Unreadable { tree: "embeds" })?);
            let key = embed_key(now, page);
            if t.embeds.contains_key(key)? {
                continue;
            }
            changes.batches.of(&t.embeds).insert(&key, embed);
            if let Some(mut visit) = self.visit(page)? {
                visit.shown.push(now);
                let visits = changes.batches.of(&t.visits);
                visits.insert(&page.0, encode::<VisitRecord>(&visit));
            }
        }
        Ok(())
    }

    /// Hosts that got work since this was asked last, because of what came of other URLs.
    pub(in crate::store::embedded) fn take_new_work(&self) -> Vec<HostId> {
        let mut hosts = self.new_work.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *hosts)
    }

    /// Adds what another page says of a URL that waits. It keeps its place in the queue, where it
    /// may be handed out already. The caller holds the frontier's guard.
    pub(in crate::store::embedded) fn hear_more(
        &self,
        discovery: &Discovery,
        changes: &mut QueueChanges<'_>,
    ) -> Result<(), StoreError> {
        let id = discovery.url.id();
        let mut hint = self.hint(id)?;
        if hint.merge(&discovery.hint) {
            self.keep_hint(id, &hint, changes);
        }
        Ok(())
    }

    pub(in crate::store::embedded) fn keep_hint(
        &self,
        url: UrlId,
        hint: &PictureHint,
        changes: &mut QueueChanges<'_>,
    ) {
        let hints = changes.batches.of(&self.trees.hints);
        match hint.is_plain() {
            true => hints.remove(&url.0),
            false => hints.insert(&url.0, encode(&hint.stored())),
        }
    }

    /// Forgets what pages said of a URL that has come to an end.
    pub(in crate::store::embedded) fn drop_hint(
        &self,
        url: UrlId,
        outcome: &UrlOutcome,
    ) -> Result<(), StoreError> {
        if outcome.is_end() {
            self.trees.hints.remove(url.0)?;
        }
        Ok(())
    }

    /// Forgets the URLs of a host that pages name as versions of pictures.
    pub(in crate::store::embedded) fn forget_versions(
        &self,
        host: HostId,
    ) -> Result<(), StoreError> {
        for entry in &self.trees.hints {
            let (key, value) = entry?;
            let mut hint = PictureHint::from(decode::<StoredHint>("hints", &value)?);
            let before = hint.clone();
            let is_elsewhere = |other: &Alternate| other.url.host_id() != host;
            hint.retain(is_elsewhere);
            if hint != before {
                self.trees.hints.insert(key, encode(&hint.stored()))?;
            }
        }
        Ok(())
    }
}
