//! Handing out URLs of a host's queue, in its order or by a ranking.

use std::sync::PoisonError;

use crate::canonical_url::{HostId, UrlId};
use crate::store::embedded::EmbeddedMetadata;
use crate::store::embedded::trees::{FrontierKey, UNREADABLE};
use crate::store::leases::LeasedPlace;
use crate::store::order::Order;
use crate::store::{Lease, Promise, Role, StoreError, UrlRecord, UrlState, Validators};

impl EmbeddedMetadata {
    pub(in crate::store::embedded) fn lease(
        &self,
        host: HostId,
        pages: bool,
    ) -> Result<Option<Lease>, StoreError> {
        let _guard = self.frontier.lock().unwrap_or_else(PoisonError::into_inner);
        let mut start = self.leases.from(host);
        // Whether pages were passed over, which are free all the same.
        let mut passed = false;
        loop {
            let from = FrontierKey::Queued { host, order: start }.encode();
            let to = FrontierKey::behind_host(host);
            let mut skips_pages = false;
            for entry in self.trees.frontier.range(from..to) {
                let (key, value) = entry?;
                let order = queued_order(&key)?;
                if order.is_page() && !pages {
                    skips_pages = true;
                    break;
                }
                if !self.leases.is_out(host, order)
                    && let Some((id, record)) = self.open_record(&key, &value)?
                {
                    let place = self.leases.take(host, order, !passed);
                    return self.hand_out(place, id, record).map(Some);
                }
            }
            if !skips_pages {
                return Ok(None);
            }
            (start, passed) = (Order::guess(0), true);
        }
    }

    /// The URL in a place of a queue; the place is taken away if the URL waits there no more.
    fn open_record(
        &self,
        key: &[u8],
        value: &[u8],
    ) -> Result<Option<(UrlId, UrlRecord)>, StoreError> {
        let id = UrlId(value.try_into().map_err(|_| UNREADABLE)?);
        let record = self.url_record(id)?.ok_or(UNREADABLE)?;
        // It was settled in the meantime: another URL was redirected to it.
        if record.state != UrlState::Open {
            self.trees.frontier.remove(key)?;
            return Ok(None);
        }
        Ok(Some((id, record)))
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
        let key = |order| FrontierKey::Queued { host, order }.encode();
        let ranges = [
            (key(Order::picture(0)), key(Order::page(0))),
            (key(Order::page(0)), key(Order::guess(0))),
            (key(Order::guess(0)), FrontierKey::behind_host(host)),
        ];
        for (n, (from, to)) in ranges.into_iter().enumerate() {
            let (are_pages, are_guesses) = (n == 1, n == 2);
            if (are_pages && !pages) || (are_guesses && best.is_some()) {
                continue;
            }
            for entry in self.trees.frontier.range(from..to).take(most) {
                let (key, value) = entry?;
                let order = queued_order(&key)?;
                if self.leases.is_out(host, order) {
                    continue;
                }
                let Some((id, record)) = self.open_record(&key, &value)? else {
                    continue;
                };
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
            promise: match record.role {
                Role::Picture => self.hint(id)?.promise,
                _ => Promise::default(),
            },
            record,
            validators: Validators::default(),
        })
    }
}

fn queued_order(key: &[u8]) -> Result<Order, StoreError> {
    match FrontierKey::decode(key) {
        Some(FrontierKey::Queued { order, .. }) => Ok(order),
        _ => Err(UNREADABLE),
    }
}
