//! Handing out URLs of a host that this process has.

use std::ops::RangeInclusive;

use sqlx::Row;

use crate::canonical_url::{HostId, UrlId};
use crate::store::cluster::ClusterMetadata;
use crate::store::cluster::frontier::urls::{ord, order};
use crate::store::cluster::rows::url_row::{self, UrlRow};
use crate::store::leases::LeasedPlace;
use crate::store::order::Order;
use crate::store::{Lease, LocationId, Promise, Role, StoreError, UrlRecord, Validators};

/// A place in a queue, and what is known of its URL.
type Place = (Order, UrlId, UrlRow);

/// Places that are looked at at once.
const LOOKED_AT: usize = 32;

/// Pictures, pages and guesses, as they come in a queue.
fn parts() -> [RangeInclusive<i64>; 3] {
    let (page, guess) = (ord(Order::page(0)), ord(Order::guess(0)));
    [i64::MIN..=page - 1, page..=guess - 1, guess..=i64::MAX]
}

impl ClusterMetadata {
    /// Hands out the first free URL of a host.
    pub(in crate::store::cluster) fn lease_first(
        &self,
        host: HostId,
        pages: bool,
    ) -> Result<Option<Lease>, StoreError> {
        let _writing = self.shared.lock();
        if !self.shared.hosts.hold(self.database(), host)? {
            return Ok(None);
        }
        let [pictures, _, guesses] = parts();
        let ranges = match pages {
            true => vec![i64::MIN..=i64::MAX],
            false => vec![pictures, guesses],
        };
        for range in ranges {
            let mut from = *range.start();
            loop {
                let places = self.places(host, from..=*range.end(), LOOKED_AT)?;
                let last = places.last().map(|(order, ..)| ord(*order));
                let is_over = places.len() < LOOKED_AT;
                for (order, id, row) in places {
                    if self.shared.leases.is_out(host, order) {
                        continue;
                    }
                    if let Some(record) = self.open_record(host, order, &row)? {
                        return self.hand_out(host, order, id, record, row).map(Some);
                    }
                }
                match last {
                    Some(last) if !is_over && last < *range.end() => from = last + 1,
                    _ => break,
                }
            }
        }
        Ok(None)
    }

    /// Hands out the URL of a host that `rank` puts highest among the first of each part of its
    /// queue; guesses only where there is nothing else.
    pub(in crate::store::cluster) fn lease_ranked(
        &self,
        host: HostId,
        pages: bool,
        most: usize,
        rank: &dyn Fn(UrlId, &UrlRecord) -> f32,
    ) -> Result<Option<Lease>, StoreError> {
        let _writing = self.shared.lock();
        if !self.shared.hosts.hold(self.database(), host)? {
            return Ok(None);
        }
        let mut best: Option<(f32, Place, UrlRecord)> = None;
        let mut has_better = false;
        for (range, is_wanted) in parts().into_iter().zip([true, pages, true]) {
            if !is_wanted {
                continue;
            }
            for (order, id, row) in self.places(host, range, most)? {
                if (order.is_guess() && has_better) || self.shared.leases.is_out(host, order) {
                    continue;
                }
                if let Some(record) = self.open_record(host, order, &row)? {
                    let rank = rank(id, &record);
                    has_better |= !order.is_guess();
                    if best.as_ref().is_none_or(|(known, ..)| rank > *known) {
                        best = Some((rank, (order, id, row), record));
                    }
                }
            }
        }
        best.map(|(_, (order, id, row), record)| self.hand_out(host, order, id, record, row))
            .transpose()
    }

    /// Places of a host's queue, in order.
    fn places(
        &self,
        host: HostId,
        range: RangeInclusive<i64>,
        most: usize,
    ) -> Result<Vec<Place>, StoreError> {
        let select = format!(
            "SELECT q.ord AS key_ord, {} FROM queue q \
             JOIN urls u ON u.host = q.host AND u.id = q.id \
             WHERE q.host = $1 AND q.ord BETWEEN $2 AND $3 ORDER BY q.ord LIMIT $4",
            url_row::COLUMNS
        );
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let make = || {
            let query = sqlx::query(&select).bind(host.0);
            query.bind(*range.start()).bind(*range.end()).bind(most)
        };
        self.url_rows_with_id(make, |row, id, url| {
            Ok((order(row.try_get("key_ord")?), id, url))
        })
    }

    /// The record of a queued URL; takes it out of the queue if it was settled meanwhile.
    fn open_record(
        &self,
        host: HostId,
        order: Order,
        row: &UrlRow,
    ) -> Result<Option<UrlRecord>, StoreError> {
        if row.is_open() {
            return Ok(row.record.clone());
        }
        self.write_locked(|transaction| transaction.leave_queue(host, order))?;
        Ok(None)
    }

    fn hand_out(
        &self,
        host: HostId,
        order: Order,
        id: UrlId,
        record: UrlRecord,
        row: UrlRow,
    ) -> Result<Lease, StoreError> {
        // What others queue meanwhile may stand before this place: it is never said to be first.
        let mut place: LeasedPlace = self.shared.leases.take(host, order, false);
        place.generation = self.shared.hosts.generation(host);
        let is_picture = record.role == Role::Picture;
        let counts = match row.gave() {
            Some(picture) if is_picture => {
                let at = LocationId::of_url(id);
                let select = || {
                    sqlx::query_as("SELECT 1 FROM locations WHERE picture = $1 AND id = $2")
                        .bind(*picture.as_bytes())
                        .bind(at.0)
                };
                let row: Option<(i32,)> = self.database().row(select)?;
                row.is_some()
            }
            _ => true,
        };
        let promise = match is_picture {
            true => row.hint().promise,
            false => Promise::default(),
        };
        Ok(Lease {
            id,
            place,
            visit: row.visit.filter(|_| counts),
            promise,
            record,
            validators: Validators::default(),
        })
    }
}
