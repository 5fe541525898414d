//! Handing out URLs of a host's queue, in its order or by a ranking.

use std::sync::PoisonError;

use crate::canonical_url::{HostId, UrlId};
use crate::store::embedded::EmbeddedMetadata;
use crate::store::embedded::trees::{FrontierKey, UNREADABLE};
use crate::store::leases::LeasedPlace;
use crate::store::order::Order;
use crate::store::{Lease, StoreError, UrlRecord, UrlState, Validators};

impl EmbeddedMetadata {
    pub(in crate::store::embedded) fn lease(
        &self,
        host: HostId,
        pages: bool,
    ) -> Result<Option<Lease>, StoreError> {
        let _guard = self.frontier.lock().unwrap_or_else(PoisonError::into_inner);
        let order = self.leases.from(host);
        let from = FrontierKey::Queued { host, order }.encode();
        for entry in self.trees.frontier.range(from..) {
            let (key, value) = entry?;
            let order = match FrontierKey::decode(&key) {
                Some(FrontierKey::Queued { host: owner, order }) if owner == host => order,
                _ => return Ok(None),
            };
            if order.is_page() && !pages {
                return Ok(None);
            }
            if self.leases.is_out(host, order) {
                continue;
            }
            let id = UrlId(value.as_ref().try_into().map_err(|_| UNREADABLE)?);
            let record = self.url_record(id)?.ok_or(UNREADABLE)?;
            if record.state != UrlState::Open {
                // It was settled in the meantime: another URL was redirected to it.
                self.trees.frontier.remove(key)?;
                continue;
            }
            let place = self.leases.take(host, order, true);
            return self.hand_out(place, id, record).map(Some);
        }
        Ok(None)
    }

    pub(in crate::store::embedded) fn lease_best(
        &self,
        host: HostId,
        pages: bool,
        most: usize,
        rank: &dyn Fn(UrlId, &UrlRecord) -> f32,
    ) -> Result<Option<Lease>, StoreError> {
        let _guard = self.frontier.lock().unwrap_or_else(PoisonError::into_inner);
        let mut best: Option<(f32, UrlId, Order, UrlRecord)> = None;
        let starts = [Order::picture(0), Order::page(0)];
        for order in starts.into_iter().take(if pages { 2 } else { 1 }) {
            let from = FrontierKey::Queued { host, order }.encode();
            let to = match order.is_page() {
                true => FrontierKey::behind_host(host),
                false => {
                    let order = Order::page(0);
                    FrontierKey::Queued { host, order }.encode()
                }
            };
            for entry in self.trees.frontier.range(from..to).take(most) {
                let (key, value) = entry?;
                let Some(FrontierKey::Queued { order, .. }) = FrontierKey::decode(&key) else {
                    return Err(UNREADABLE);
                };
                if self.leases.is_out(host, order) {
                    continue;
                }
                let id = UrlId(value.as_ref().try_into().map_err(|_| UNREADABLE)?);
                let record = self.url_record(id)?.ok_or(UNREADABLE)?;
                if record.state != UrlState::Open {
                    self.trees.frontier.remove(key)?;
                    continue;
                }
                let rank = rank(id, &record);
                // Among equals, the one that has waited longest.
                if best.as_ref().is_none_or(|(known, ..)| rank > *known) {
                    best = Some((rank, id, order, record));
                }
            }
        }
        let Some((_, id, order, record)) = best else {
            return Ok(None);
        };
        let place = self.leases.take(host, order, false);
        self.hand_out(place, id, record).map(Some)
    }

    fn hand_out(
        &self,
        place: LeasedPlace,
        id: UrlId,
        record: UrlRecord,
    ) -> Result<Lease, StoreError> {
        Ok(Lease {
            id,
            place,
            visit: self.last_visit(id, record.role)?,
            record,
            validators: Validators::default(),
        })
    }
}
