//! What leaves a store in memory because of what its URL answers, and what was kept out.

use std::collections::{BTreeSet, HashMap};

use super::{MemoryMetadata, State};
use crate::canonical_url::{CanonicalUrl, HostId, UrlId};
use crate::picture::PictureId;
use crate::store::losses::{Absence, Losses};
use crate::store::{
    KeptOut, KeptOutFor, Lease, Location, LocationId, Queued, Role, StoreError, UrlOutcome,
    UrlState, now_ms,
};

impl State {
    /// The state of a URL that was removed, or whose last page has opted out, while it was on its
    /// way: it keeps that state, whatever it answers.
    pub(super) fn closed_meanwhile(&self, lease: &Lease) -> Option<UrlState> {
        let state = self.urls.get(&lease.id).map(|record| &record.state);
        let closed =
            state.filter(|state| matches!(state, UrlState::Refused(_) | UrlState::Removed));
        closed.cloned()
    }

    /// Does to what a URL gave before what its outcome asks for. Whatever is no word of the
    /// site's takes nothing away.
    pub(super) fn take_word(
        &mut self,
        losses: &Losses,
        lease: &Lease,
        outcome: &UrlOutcome,
    ) -> Result<(), StoreError> {
        match outcome {
            UrlOutcome::Unchanged => self.unchanged(lease.id),
            UrlOutcome::OptedOut(_) => self.forget(lease.id),
            UrlOutcome::Gone(_) => self.gone(losses, lease)?,
            UrlOutcome::Done
            | UrlOutcome::Failed(_)
            | UrlOutcome::Refused(_)
            | UrlOutcome::Unwanted(_)
            | UrlOutcome::Retry { .. }
            | UrlOutcome::Left(_) => {}
        }
        Ok(())
    }

    fn gone(&mut self, losses: &Losses, lease: &Lease) -> Result<(), StoreError> {
        let Some(visit) = self.visits.get(&lease.id) else {
            return Ok(());
        };
        let picture = PictureId::from_bytes(visit.content);
        let now_s = now_ms() / 1000;
        let first_s = self.absences.get(&lease.id).copied();
        match losses.absence(first_s, now_s) {
            Absence::First => {
                self.absences.insert(lease.id, now_s);
            }
            Absence::TooSoon => {}
            Absence::ForGood => {
                if self.may_go(losses, picture, lease.id, lease.record.host)? {
                    self.forget(lease.id);
                }
            }
        }
        Ok(())
    }

    pub(super) fn may_replace(
        &self,
        losses: &Losses,
        lease: &Lease,
        by: PictureId,
    ) -> Result<bool, StoreError> {
        let before = lease.visit.as_ref();
        match before.map(|visit| PictureId::from_bytes(visit.content)) {
            Some(before) if before != by => {
                self.may_go(losses, before, lease.id, lease.record.host)
            }
            _ => Ok(true),
        }
    }

    /// Whether the present run may take a location of a picture away.
    fn may_go(
        &self,
        losses: &Losses,
        picture: PictureId,
        url: UrlId,
        host: HostId,
    ) -> Result<bool, StoreError> {
        let at = LocationId::of_url(url);
        if !self.locations.contains_key(&(picture, at)) {
            return Ok(true);
        }
        let all = self.locations_of(picture).into_iter();
        let others = all.map(|(_, other)| other).filter(|other| *other != at);
        let count = || Ok(self.pictures_by_host());
        losses.may_go(host, (picture, at), others.map(Ok), count)
    }

    /// How many pictures each host has.
    fn pictures_by_host(&self) -> HashMap<HostId, u64> {
        let of_hosts = self.locations.iter().filter_map(|((id, _), at)| match at {
            Location::Url(url) => Some((CanonicalUrl::parse(url).ok()?.host_id(), *id)),
            Location::Path(_) => None,
        });
        let of_hosts: BTreeSet<(HostId, PictureId)> = of_hosts.collect();
        let mut counts = HashMap::new();
        for (host, _) in of_hosts {
            *counts.entry(host).or_default() += 1;
        }
        counts
    }

    /// Refused URLs, and documents of which something was not taken.
    pub(super) fn kept_out(&self) -> Vec<KeptOut> {
        let urls = self.urls.iter().filter_map(|(id, record)| {
            let UrlState::Refused(reason) = &record.state else {
                return None;
            };
            Some(KeptOut {
                id: *id,
                record: record.clone(),
                what: KeptOutFor::Url(reason.clone()),
            })
        });
        let pages = self.declined.iter().filter_map(|(id, reasons)| {
            let record = self.urls.get(id)?;
            (record.state != UrlState::Removed).then(|| KeptOut {
                id: *id,
                record: record.clone(),
                what: KeptOutFor::OnPage(reasons.clone()),
            })
        });
        urls.chain(pages).collect()
    }
}

impl MemoryMetadata {
    /// Queues the pictures of a document again that were refused for reasons which it no longer
    /// gives.
    pub(super) fn take_back(
        &self,
        state: &mut State,
        pictures: &[UrlId],
        reasons: &BTreeSet<String>,
        queued: &mut Queued,
    ) {
        for id in pictures {
            if let Some(record) = state.urls.get(id).cloned()
                && let UrlState::Refused(reason) = &record.state
                && reasons.contains(reason)
                && self.reopen(state, *id, true)
            {
                queued.pictures += u64::from(record.role == Role::Picture);
                if !queued.hosts.contains(&record.host) {
                    queued.hosts.push(record.host);
                }
            }
        }
    }
}
