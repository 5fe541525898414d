//! What leaves the store because of what its URL answers, and what stays.

use std::collections::{HashMap, HashSet};

use crate::canonical_url::{CanonicalUrl, HostId, UrlId};
use crate::picture::PictureId;
use crate::store::embedded::EmbeddedMetadata;
use crate::store::embedded::trees::{decode, location_key};
use crate::store::losses::Absence;
use crate::store::{Lease, Location, LocationId, StoreError, UrlOutcome, UrlState, now_ms};

const UNREADABLE: StoreError = StoreError::Unreadable { tree: "places" };

impl EmbeddedMetadata {
    /// The state of a URL that was removed, or whose last page has opted out, while it was on its
    /// way: it keeps that state, whatever it answers.
    pub(in crate::store::embedded) fn closed_meanwhile(
        &self,
        lease: &Lease,
    ) -> Result<Option<UrlState>, StoreError> {
        let state = self.url_record(lease.id)?.map(|record| record.state);
        Ok(state.filter(|state| matches!(state, UrlState::Refused(_) | UrlState::Removed)))
    }

    /// Does to what a URL gave before what its outcome asks for. Whatever is no word of the
    /// site's takes nothing away.
    pub(in crate::store::embedded) fn take_word(
        &self,
        lease: &Lease,
        outcome: &UrlOutcome,
    ) -> Result<(), StoreError> {
        match outcome {
            UrlOutcome::Unchanged => self.unchanged(lease.id),
            UrlOutcome::OptedOut(_) => self.forget(lease.id),
            UrlOutcome::Gone(_) => self.gone(lease),
            UrlOutcome::Done
            | UrlOutcome::Failed(_)
            | UrlOutcome::Refused(_)
            | UrlOutcome::Unwanted(_)
            | UrlOutcome::Retry { .. }
            | UrlOutcome::Left(_) => Ok(()),
        }
    }

    /// Notes that a URL is gone; what it gave leaves the store if it was gone long before.
    fn gone(&self, lease: &Lease) -> Result<(), StoreError> {
        let Some(visit) = self.visit(lease.id)? else {
            return Ok(());
        };
        let now_s = now_ms() / 1000;
        let first_s = self.trees.absences.get(lease.id.0)?;
        let first_s = first_s.and_then(|value| value.as_ref().try_into().ok());
        match self.losses.absence(first_s.map(u64::from_be_bytes), now_s) {
            Absence::First => {
                let first_s = now_s.to_be_bytes();
                self.trees.absences.insert(lease.id.0, &first_s)?;
                Ok(())
            }
            Absence::TooSoon => Ok(()),
            Absence::ForGood => {
                let picture = PictureId::from_bytes(visit.content);
                match self.may_go(picture, lease.id, lease.record.host)? {
                    true => self.forget(lease.id),
                    false => Ok(()),
                }
            }
        }
    }

    pub(in crate::store::embedded) fn may_replace(
        &self,
        lease: &Lease,
        by: PictureId,
    ) -> Result<bool, StoreError> {
        let before = lease.visit.as_ref();
        match before.map(|visit| PictureId::from_bytes(visit.content)) {
            Some(before) if before != by => self.may_go(before, lease.id, lease.record.host),
            _ => Ok(true),
        }
    }

    /// Whether the present run may take a location of a picture away.
    fn may_go(&self, picture: PictureId, url: UrlId, host: HostId) -> Result<bool, StoreError> {
        let at = LocationId::of_url(url);
        let places = &self.trees.places;
        if !places.contains_key(location_key(picture, at))? {
            return Ok(true);
        }
        let all = places.scan_prefix(picture.as_bytes()).keys();
        let all = all.map(|key| {
            let location = key?[PictureId::LEN..].try_into();
            location.map(LocationId).map_err(|_| UNREADABLE)
        });
        let others = all.filter(|other| !matches!(other, Ok(other) if *other == at));
        let count = || self.pictures_by_host();
        self.losses.may_go(host, (picture, at), others, count)
    }

    /// How many pictures each host has; reads all locations.
    fn pictures_by_host(&self) -> Result<HashMap<HostId, u64>, StoreError> {
        let mut counts = HashMap::new();
        // The locations of a picture stand together.
        let (mut picture, mut hosts) = (Vec::new(), HashSet::new());
        for entry in &self.trees.places {
            let (key, value) = entry?;
            let (of, _) = key.split_at_checked(PictureId::LEN).ok_or(UNREADABLE)?;
            if of != picture {
                picture = of.to_vec();
                hosts.clear();
            }
            if let Location::Url(url) = decode("places", &value)?
                && let Ok(url) = CanonicalUrl::parse(&url)
                && hosts.insert(url.host_id())
            {
                *counts.entry(url.host_id()).or_default() += 1;
            }
        }
        Ok(counts)
    }
}
