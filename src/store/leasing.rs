//! Handing out URLs of a host's queue, in its order or by a ranking.

use std::sync::PoisonError;

use sled::Batch;

use super::frontier::UNREADABLE;
use super::key::{FrontierKey, Order};
use super::lease::Lease;
use super::record::{UrlRecord, UrlState};
use super::visits::Validators;
use super::{Store, StoreError};
use crate::canonical_url::{HostId, UrlId};

impl Store {
    /// Hands out the next URL of `host`, pictures first; with `pages` false only pictures.
    ///
    /// # Errors
    /// If sled fails or a record is unreadable.
    pub fn lease(&self, host: HostId, pages: bool) -> Result<Option<Lease>, StoreError> {
        let _guard = self.frontier.lock().unwrap_or_else(PoisonError::into_inner);
        let from = FrontierKey::Queued {
            host,
            order: Order(0),
        }
        .encode();
        for entry in self.trees.frontier.range(from..) {
            let (key, value) = entry?;
            let order = match FrontierKey::decode(&key) {
                Some(FrontierKey::Queued { host: owner, order }) if owner == host => order,
                _ => return Ok(None),
            };
            if order.is_page() && !pages {
                return Ok(None);
            }
            let id = UrlId(value.as_ref().try_into().map_err(|_| UNREADABLE)?);
            let record = self.url_record(id)?.ok_or(UNREADABLE)?;
            if record.state != UrlState::Open {
                // Settled in the meantime: another URL was redirected to it.
                self.trees.frontier.remove(key)?;
                continue;
            }
            return self.hand_out(key, id, order, record).map(Some);
        }
        Ok(None)
    }

    /// Hands out the URL of `host` that `rank` puts highest among the `most` first pictures
    /// and the `most` first pages of its queue.
    ///
    /// # Errors
    /// If sled fails or a record is unreadable.
    pub fn lease_best(
        &self,
        host: HostId,
        pages: bool,
        most: usize,
        rank: &dyn Fn(UrlId, &UrlRecord) -> f32,
    ) -> Result<Option<Lease>, StoreError> {
        let _guard = self.frontier.lock().unwrap_or_else(PoisonError::into_inner);
        let mut best: Option<(f32, sled::IVec, UrlId, Order, UrlRecord)> = None;
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
                let id = UrlId(value.as_ref().try_into().map_err(|_| UNREADABLE)?);
                let record = self.url_record(id)?.ok_or(UNREADABLE)?;
                if record.state != UrlState::Open {
                    self.trees.frontier.remove(key)?;
                    continue;
                }
                let rank = rank(id, &record);
                // Of equals the one that waits longest.
                if best.as_ref().is_none_or(|(known, ..)| rank > *known) {
                    best = Some((rank, key, id, order, record));
                }
            }
        }
        let Some((_, key, id, order, record)) = best else {
            return Ok(None);
        };
        self.hand_out(key, id, order, record).map(Some)
    }

    /// Turns a queued URL into a lease. The caller holds the guard.
    fn hand_out(
        &self,
        key: sled::IVec,
        id: UrlId,
        order: Order,
        record: UrlRecord,
    ) -> Result<Lease, StoreError> {
        let mut batch = Batch::default();
        batch.insert(FrontierKey::Leased(id).encode(), key.as_ref());
        batch.remove(key);
        self.trees.frontier.apply_batch(batch)?;
        Ok(Lease {
            id,
            order,
            visit: self.last_visit(id, record.role)?,
            record,
            validators: Validators::default(),
        })
    }

    /// Puts a lease back unused.
    ///
    /// # Errors
    /// If sled fails.
    pub fn release(&self, lease: Lease) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        batch.remove(FrontierKey::Leased(lease.id).encode());
        batch.insert(queued(&lease).encode(), &lease.id.0);
        Ok(self.trees.frontier.apply_batch(batch)?)
    }
}

fn queued(lease: &Lease) -> FrontierKey {
    FrontierKey::Queued {
        host: lease.record.host,
        order: lease.order,
    }
}
