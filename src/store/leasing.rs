//! Handing out URLs of a host's queue, in its order or by a ranking.

use std::sync::PoisonError;

use super::flights::InFlight;
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
        let order = self.flights.from(host);
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
            if self.flights.is_out(host, order) {
                continue;
            }
            let id = UrlId(value.as_ref().try_into().map_err(|_| UNREADABLE)?);
            let record = self.url_record(id)?.ok_or(UNREADABLE)?;
            if record.state != UrlState::Open {
                // PictureOutcome in the meantime: another URL was redirected to it.
                self.trees.frontier.remove(key)?;
                continue;
            }
            let flight = self.flights.take(host, order, true);
            return self.hand_out(flight, id, record).map(Some);
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
                if self.flights.is_out(host, order) {
                    continue;
                }
                let id = UrlId(value.as_ref().try_into().map_err(|_| UNREADABLE)?);
                let record = self.url_record(id)?.ok_or(UNREADABLE)?;
                if record.state != UrlState::Open {
                    self.trees.frontier.remove(key)?;
                    continue;
                }
                let rank = rank(id, &record);
                // Of equals the one that waits longest.
                if best.as_ref().is_none_or(|(known, ..)| rank > *known) {
                    best = Some((rank, id, order, record));
                }
            }
        }
        let Some((_, id, order, record)) = best else {
            return Ok(None);
        };
        let flight = self.flights.take(host, order, false);
        self.hand_out(flight, id, record).map(Some)
    }

    fn hand_out(
        &self,
        flight: InFlight,
        id: UrlId,
        record: UrlRecord,
    ) -> Result<Lease, StoreError> {
        Ok(Lease {
            id,
            flight,
            visit: self.last_visit(id, record.role)?,
            record,
            validators: Validators::default(),
        })
    }
}
