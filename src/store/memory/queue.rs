//! The queues of a frontier in memory.

use super::State;
use crate::canonical_url::{CanonicalUrl, HostId, UrlId};
use crate::picture::PictureId;
use crate::store::leases::LeasedPlace;
use crate::store::order::Order;
use crate::store::{
    HostRecord, Lease, LocationId, Promise, Role, UrlOutcome, UrlRecord, UrlState, Validators,
    VisitRecord,
};

impl State {
    /// A host's queue from one place on.
    pub(super) fn queue_of(&self, host: HostId, from: Order) -> Vec<(Order, UrlId)> {
        let range = (host, from)..=(host, Order(u64::MAX));
        let queue = self.queue.range(range);
        queue.map(|((_, order), id)| (*order, *id)).collect()
    }

    /// The record of a queued URL; takes it out of the queue if it was settled meanwhile.
    pub(super) fn open_record(
        &mut self,
        host: HostId,
        order: Order,
        id: UrlId,
    ) -> Option<UrlRecord> {
        let record = self.urls[&id].clone();
        if record.state == UrlState::Open {
            return Some(record);
        }
        self.queue.remove(&(host, order));
        None
    }

    pub(super) fn hand_out(&mut self, place: LeasedPlace, id: UrlId, record: UrlRecord) -> Lease {
        let visit = self.visits.get(&id).filter(|visit| {
            let picture = PictureId::from_bytes(visit.content);
            let location = (picture, LocationId::of_url(id));
            record.role != Role::Picture || self.locations.contains_key(&location)
        });
        Lease {
            id,
            place,
            visit: visit.cloned(),
            promise: match record.role {
                Role::Picture => self.hint(id).promise,
                _ => Promise::default(),
            },
            record,
            validators: Validators::default(),
        }
    }

    pub(super) fn touch_host(&mut self, url: &CanonicalUrl, change: impl FnOnce(&mut HostRecord)) {
        let record = self.hosts.entry(url.host_id()).or_default();
        record.name = url.host().to_owned();
        change(record);
    }

    pub(super) fn settle(&mut self, lease: &Lease, outcome: UrlOutcome) {
        let state = match outcome {
            UrlOutcome::Done | UrlOutcome::Unchanged => UrlState::Done,
            UrlOutcome::Failed(reason) | UrlOutcome::Gone(reason) => UrlState::Failed(reason),
            UrlOutcome::Refused(reason) | UrlOutcome::OptedOut(reason) => UrlState::Refused(reason),
            UrlOutcome::Unwanted(reason) => UrlState::Refused(reason),
            UrlOutcome::Retry { at_ms, reason } => {
                self.retries.insert((at_ms, lease.id), reason);
                UrlState::Open
            }
            UrlOutcome::Left(reason) => {
                let at_ms = lease.place.order.in_next_run();
                self.retries.insert((at_ms, lease.id), reason);
                return self.leave_queue(lease, lease.record.attempts, UrlState::Open);
            }
        };
        self.leave_queue(lease, lease.record.attempts + 1, state);
    }

    pub(super) fn leave_queue(&mut self, lease: &Lease, attempts: u32, state: UrlState) {
        self.queue.remove(&(lease.place.host, lease.place.order));
        let record = UrlRecord {
            attempts,
            state,
            ..lease.record.clone()
        };
        self.urls.insert(lease.id, record);
    }

    /// Notes that a URL has not changed.
    pub(super) fn unchanged(&mut self, url: UrlId) {
        self.absences.remove(&url);
        if let Some(visit) = self.visits.get_mut(&url) {
            let (content, validators) = (visit.content, visit.validators.clone());
            *visit = VisitRecord::after(Some(visit), content, validators, visit.shown.clone());
        }
    }
}
