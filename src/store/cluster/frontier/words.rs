//! What leaves because of what its URL answers, and how URLs are settled.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use crate::canonical_url::{HostId, UrlId};
use crate::picture::PictureId;
use crate::store::cluster::rows::transaction::Transaction;
use crate::store::losses::{Absence, Losses};
use crate::store::{
    Lease, LocationId, Queued, Role, StoreError, UrlOutcome, UrlRecord, UrlState, VisitRecord,
    now_ms,
};

/// What the present run may remove. A transaction that is tried again asks anew, and gets the
/// answers that it got before: nothing is counted twice.
pub(in crate::store::cluster) struct Leave<'a> {
    losses: &'a Losses,
    answers: RefCell<HashMap<(PictureId, UrlId), bool>>,
}

impl<'a> Leave<'a> {
    pub(in crate::store::cluster) fn of(losses: &'a Losses) -> Self {
        Self {
            losses,
            answers: RefCell::default(),
        }
    }
}

/// Pictures that are counted at once.
const COUNTED: i64 = 10_000;

impl Transaction<'_> {
    /// The state of a URL that was removed, or whose last page has opted out, while it was on its
    /// way: it keeps that state, whatever it answers.
    pub(in crate::store::cluster) fn closed_meanwhile(
        &mut self,
        lease: &Lease,
    ) -> Result<Option<UrlState>, StoreError> {
        let state = self.url(lease.id)?.and_then(|row| row.state());
        let closed =
            state.filter(|state| matches!(state, UrlState::Refused(_) | UrlState::Removed));
        Ok(closed.cloned())
    }

    /// Does to what a URL gave before what its outcome asks for. Whatever is no word of the
    /// site's takes nothing away.
    pub(in crate::store::cluster) fn take_word(
        &mut self,
        leave: &Leave<'_>,
        lease: &Lease,
        outcome: &UrlOutcome,
    ) -> Result<(), StoreError> {
        match outcome {
            UrlOutcome::Unchanged => self.unchanged(lease.id),
            UrlOutcome::OptedOut(_) => self.forget(lease.id),
            UrlOutcome::Gone(_) => self.gone(leave, lease),
            UrlOutcome::Done
            | UrlOutcome::Failed(_)
            | UrlOutcome::Refused(_)
            | UrlOutcome::Unwanted(_)
            | UrlOutcome::Retry { .. }
            | UrlOutcome::Left(_) => Ok(()),
        }
    }

    /// Notes that a URL has not changed.
    fn unchanged(&mut self, url: UrlId) -> Result<(), StoreError> {
        self.change_known(url, |row| {
            row.absent_s = None;
            if let Some(visit) = &mut row.visit {
                let (content, validators) = (visit.content, visit.validators.clone());
                let shown = visit.shown.clone();
                *visit = VisitRecord::after(Some(visit), content, validators, shown);
            }
        })
    }

    fn gone(&mut self, leave: &Leave<'_>, lease: &Lease) -> Result<(), StoreError> {
        let Some(row) = self.url(lease.id)? else {
            return Ok(());
        };
        let (Some(picture), first_s) = (row.gave(), row.absent_s) else {
            return Ok(());
        };
        let now_s = now_ms() / 1000;
        match leave.losses.absence(first_s, now_s) {
            Absence::First => self.change_known(lease.id, |row| row.absent_s = Some(now_s)),
            Absence::TooSoon => Ok(()),
            Absence::ForGood => match self.may_go(leave, picture, lease.id, lease.record.host)? {
                true => self.forget(lease.id),
                false => Ok(()),
            },
        }
    }

    pub(in crate::store::cluster) fn may_replace(
        &mut self,
        leave: &Leave<'_>,
        lease: &Lease,
        by: PictureId,
    ) -> Result<bool, StoreError> {
        let before = lease.visit.as_ref();
        match before.map(|visit| PictureId::from_bytes(visit.content)) {
            Some(before) if before != by => self.may_go(leave, before, lease.id, lease.record.host),
            _ => Ok(true),
        }
    }

    /// Whether the present run may take a location of a picture away.
    fn may_go(
        &mut self,
        leave: &Leave<'_>,
        picture: PictureId,
        url: UrlId,
        host: HostId,
    ) -> Result<bool, StoreError> {
        if let Some(answer) = leave.answers.borrow().get(&(picture, url)) {
            return Ok(*answer);
        }
        let at = LocationId::of_url(url);
        let all = self.locations_of(picture)?;
        if !all.iter().any(|(id, _)| *id == at) {
            return Ok(true);
        }
        let others = all
            .into_iter()
            .map(|(other, _)| other)
            .filter(|other| *other != at);
        let count = || {
            let count = self.pictures_of(host)?;
            Ok(HashMap::from([(host, count)]))
        };
        let answer = leave
            .losses
            .may_go(host, (picture, at), others.map(Ok), count)?;
        leave.answers.borrow_mut().insert((picture, url), answer);
        Ok(answer)
    }

    /// How many pictures a host has.
    fn pictures_of(&mut self, host: HostId) -> Result<u64, StoreError> {
        let mut all = 0;
        let mut last = Vec::new();
        loop {
            let select = sqlx::query_as(
                "SELECT DISTINCT picture FROM locations WHERE host = $1 AND picture > $2 \
                 ORDER BY picture LIMIT $3",
            );
            let select = select.bind(host.0).bind(last).bind(COUNTED);
            let some: Vec<(Vec<u8>,)> = self.rows(select)?;
            all += some.len() as u64;
            match some.into_iter().next_back() {
                Some((picture,)) if all % COUNTED.unsigned_abs() == 0 => last = picture,
                _ => return Ok(all),
            }
        }
    }

    /// Ends the visit of a URL.
    pub(in crate::store::cluster) fn settle(
        &mut self,
        lease: &Lease,
        outcome: UrlOutcome,
    ) -> Result<(), StoreError> {
        let host = lease.place.host;
        let state = match outcome {
            UrlOutcome::Done | UrlOutcome::Unchanged => UrlState::Done,
            UrlOutcome::Failed(reason) | UrlOutcome::Gone(reason) => UrlState::Failed(reason),
            UrlOutcome::Refused(reason) | UrlOutcome::OptedOut(reason) => UrlState::Refused(reason),
            UrlOutcome::Unwanted(reason) => UrlState::Refused(reason),
            UrlOutcome::Retry { at_ms, reason } => {
                self.retry(host, at_ms, lease.id, reason)?;
                UrlState::Open
            }
            UrlOutcome::Left(reason) => {
                self.retry(host, lease.place.order.in_next_run(), lease.id, reason)?;
                return self.end_lease(lease, lease.record.attempts, UrlState::Open);
            }
        };
        self.end_lease(lease, lease.record.attempts + 1, state)
    }

    /// Takes a URL out of its queue in a state.
    pub(in crate::store::cluster) fn end_lease(
        &mut self,
        lease: &Lease,
        attempts: u32,
        state: UrlState,
    ) -> Result<(), StoreError> {
        let record = UrlRecord {
            attempts,
            state,
            ..lease.record.clone()
        };
        self.change(lease.id, lease.place.host, |row| row.record = Some(record))?;
        self.leave_queue(lease.place.host, lease.place.order)
    }

    /// Queues the pictures of a document again that were refused for reasons which it no longer
    /// gives.
    pub(in crate::store::cluster) fn take_back(
        &mut self,
        pictures: &[UrlId],
        reasons: &BTreeSet<String>,
        queued: &mut Queued,
        crawl: u64,
    ) -> Result<(), StoreError> {
        if reasons.is_empty() {
            return Ok(());
        }
        self.load(pictures.iter().copied())?;
        for id in pictures {
            let record = self.url(*id)?.and_then(|row| row.record.clone());
            if let Some(record) = record
                && let UrlState::Refused(reason) = &record.state
                && reasons.contains(reason)
                && self.reopen(*id, true, crawl)?
            {
                queued.pictures += u64::from(record.role == Role::Picture);
                if !queued.hosts.contains(&record.host) {
                    queued.hosts.push(record.host);
                }
            }
        }
        Ok(())
    }
}
