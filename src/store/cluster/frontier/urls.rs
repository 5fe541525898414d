//! The frontier on PostgreSQL.

use std::collections::BTreeMap;

use crate::canonical_url::{HostId, UrlId};
use crate::store::cluster::frontier::words::Leave;
use crate::store::cluster::rows::transaction::Transaction;
use crate::store::cluster::rows::url_row::{self, UrlRow};
use crate::store::cluster::server::listing::{PAGE, listing, some};
use crate::store::cluster::{ClusterMetadata, from_sorted, sorted, unsigned};
use crate::store::order::Order;
use crate::store::visit::beyond_retries_ms;
use crate::store::{
    Again, Discovery, Frontier, FrontierCounts, KeptOut, Lease, Listing, Metadata, PageVisit,
    Queued, Retrying, StoreError, UrlOutcome, UrlRecord, UrlState, now_ms,
};

impl Frontier for ClusterMetadata {
    fn offer(&self, found: &[Discovery]) -> Result<Queued, StoreError> {
        let crawl = self.crawl();
        self.write(|transaction| transaction.queue_unseen(found, crawl))
    }

    fn recover_leases(&self) -> Result<u64, StoreError> {
        Ok(0)
    }

    fn settle(&self, mut lease: Lease, outcome: UrlOutcome) -> Result<(), StoreError> {
        if !lease.place.renew() {
            return Ok(());
        }
        let (leave, crawl) = (Leave::of(&self.losses), self.crawl());
        self.write(|transaction| {
            if !self.is_ours(transaction, &lease)? {
                return Ok(());
            }
            if let Some(closed) = transaction.closed_meanwhile(&lease)? {
                return transaction.end_lease(&lease, lease.record.attempts + 1, closed);
            }
            transaction.ask_for_next(&lease, &outcome, crawl)?;
            transaction.take_word(&leave, &lease, &outcome)?;
            transaction.drop_hint(lease.id, &outcome)?;
            transaction.settle(&lease, outcome.clone())
        })
    }

    fn take_new_work(&self) -> Vec<HostId> {
        std::mem::take(&mut self.new_work())
    }

    fn settle_page(&self, mut lease: Lease, visit: &PageVisit) -> Result<Queued, StoreError> {
        if !lease.place.renew() {
            return Ok(Queued::default());
        }
        let crawl = self.crawl();
        let role = lease.record.role;
        self.write(|transaction| {
            if !self.is_ours(transaction, &lease)? {
                return Ok(Queued::default());
            }
            // It may have been changed by a try before.
            lease.record.role = role;
            transaction.settle_page(&mut lease, visit, crawl)
        })
    }

    fn frontier_counts(&self) -> Result<FrontierCounts, StoreError> {
        let (mut counts, leased) = (self.counts().frontier, self.shared.leases.count());
        counts.leased = leased;
        counts.pending = counts.pending.saturating_sub(leased);
        Ok(counts)
    }

    fn seeds(&self) -> Result<Vec<String>, StoreError> {
        let select = || {
            sqlx::query_as(
                "SELECT url FROM urls WHERE depth = 0 AND role = 0 AND state <> 4 ORDER BY id",
            )
        };
        let rows: Vec<(String,)> = self.database().rows(select)?;
        Ok(rows.into_iter().map(|(url,)| url).collect())
    }

    fn url_record(&self, id: UrlId) -> Result<Option<UrlRecord>, StoreError> {
        Ok(self.url_row(id)?.and_then(|row| row.record))
    }

    fn lease(&self, host: HostId, pages: bool) -> Result<Option<Lease>, StoreError> {
        self.lease_first(host, pages)
    }

    fn lease_best(
        &self,
        host: HostId,
        pages: bool,
        most: usize,
        rank: &dyn Fn(UrlId, &UrlRecord) -> f32,
    ) -> Result<Option<Lease>, StoreError> {
        self.lease_ranked(host, pages, most, rank)
    }

    fn renew(&self, lease: &mut Lease) -> Result<bool, StoreError> {
        Ok(lease.place.renew())
    }

    fn requeue_due(&self, now_ms: u64) -> Result<Vec<HostId>, StoreError> {
        let last = Order::NEXT_RUN - 1;
        let ahead_ms = beyond_retries_ms(now_ms).min(last);
        let mut hosts = self.requeue(0, now_ms.min(last))?;
        hosts.extend(self.requeue(ahead_ms, last)?);
        Ok(hosts)
    }

    fn requeue_left(&self) -> Result<(), StoreError> {
        self.requeue(Order::NEXT_RUN, u64::MAX).map(drop)
    }

    fn next_retry_ms(&self) -> Result<Option<u64>, StoreError> {
        let select = || sqlx::query_as("SELECT min(at) FROM retries");
        let first: Option<(Option<i64>,)> = self.database().row(select)?;
        let first = first.and_then(|(at,)| at).map(from_sorted);
        Ok(first.filter(|at_ms| *at_ms < Order::NEXT_RUN))
    }

    fn pending(&self) -> Listing<'_, UrlRecord> {
        let columns = url_row::COLUMNS;
        let queued = listing(move |last: Option<&(HostId, i64)>| {
            let select = format!(
                "SELECT q.host AS key_host, q.ord AS key_ord, {columns} \
                 FROM queue q JOIN urls u ON u.host = q.host AND u.id = q.id \
                 WHERE (q.host, q.ord) > ($1, $2) ORDER BY q.host, q.ord LIMIT {PAGE}"
            );
            let (host, ord) = last.map_or((Vec::new(), i64::MIN), |(h, o)| (h.0.to_vec(), *o));
            self.url_rows(
                || sqlx::query(&select).bind(host.clone()).bind(ord),
                |row, url| {
                    use sqlx::Row;
                    let key = (HostId(row.try_get("key_host")?), row.try_get("key_ord")?);
                    Ok((
                        key,
                        url.record.filter(|record| record.state == UrlState::Open),
                    ))
                },
            )
        });
        let retries = self.retries().map(|retry| Ok(retry?.record));
        Box::new(some(queued).chain(retries))
    }

    fn retries(&self) -> Listing<'_, Retrying> {
        let columns = url_row::COLUMNS;
        some(listing(move |last: Option<&(i64, UrlId)>| {
            let select = format!(
                "SELECT r.at AS key_at, r.reason AS why, {columns} \
                 FROM retries r JOIN urls u ON u.host = r.host AND u.id = r.id \
                 WHERE (r.at, r.id) > ($1, $2) ORDER BY r.at, r.id LIMIT {PAGE}"
            );
            let (at, id) = last.map_or((i64::MIN, Vec::new()), |(at, id)| (*at, id.0.to_vec()));
            self.url_rows_with_id(
                || sqlx::query(&select).bind(at).bind(id.clone()),
                |row, id, url| {
                    use sqlx::Row;
                    let at: i64 = row.try_get("key_at")?;
                    let why: String = row.try_get("why")?;
                    let open = url.record.filter(|record| record.state == UrlState::Open);
                    Ok((
                        (at, id),
                        open.map(|record| Retrying::new(record, why, from_sorted(at))),
                    ))
                },
            )
        }))
    }

    fn has_queued(&self, host: HostId) -> Result<bool, StoreError> {
        let select = || sqlx::query_as("SELECT 1 FROM queue WHERE host = $1 LIMIT 1").bind(host.0);
        let row: Option<(i32,)> = self.database().row(select)?;
        Ok(row.is_some())
    }

    fn pending_count(&self) -> Result<u64, StoreError> {
        Ok(self.counts().waiting())
    }

    fn reasons(&self) -> Result<BTreeMap<String, u64>, StoreError> {
        Ok(self.counts().reasons)
    }

    fn queue_again(&self, which: &Again) -> Result<u64, StoreError> {
        let crawl = self.crawl();
        let mut queued = 0;
        let mut last = None;
        loop {
            let (ids, next) = self.wanted_again(which, last)?;
            if !ids.is_empty() {
                queued += self.write(|transaction| {
                    transaction.load(ids.iter().copied())?;
                    let mut queued = 0;
                    for id in &ids {
                        queued += u64::from(transaction.reopen(*id, true, crawl)?);
                    }
                    Ok(queued)
                })?;
            }
            if next.is_none() {
                return Ok(queued);
            }
            last = next;
        }
    }

    fn failures(&self) -> Listing<'_, UrlRecord> {
        some(self.urls_where("u.state IN (2, 3)", |_, row| row.record))
    }

    fn kept_out(&self) -> Listing<'_, KeptOut> {
        self.list_kept_out()
    }

    fn ask_again(&self, url: UrlId, own: bool) -> Result<bool, StoreError> {
        let crawl = self.crawl();
        self.write(|transaction| {
            transaction.change_known(url, |row| {
                row.visit = row.visit.take().map(|visit| visit.without_version());
            })?;
            transaction.reopen(url, own, crawl)
        })
    }

    fn next_due_s(&self) -> Result<Option<u64>, StoreError> {
        let now_s = now_ms() / 1000;
        let select = || sqlx::query_as("SELECT min(due_s) FROM urls WHERE visit IS NOT NULL");
        let row: Option<(Option<i64>,)> = self.database().row(select)?;
        let first = row.and_then(|(due_s,)| due_s).map(unsigned);
        if first.is_none_or(|due_s| due_s <= now_s) {
            return Ok(first);
        }
        // What lies further ahead than its interval is due now, as `VisitRecord::due_at` has it.
        let mut last = None;
        loop {
            let (due, next) = self.wanted_again(&Again::Due, last)?;
            match next {
                _ if !due.is_empty() => return Ok(Some(now_s)),
                None => return Ok(first),
                next => last = next,
            }
        }
    }
}

impl ClusterMetadata {
    /// Queues what waits for a time between two, both included, a bit at a time. Gives the hosts.
    fn requeue(&self, from: u64, to: u64) -> Result<Vec<HostId>, StoreError> {
        let mut all = Vec::new();
        loop {
            let (hosts, is_more) = self.write(|transaction| transaction.requeue(from, to))?;
            all.extend(hosts);
            if !is_more {
                return Ok(all);
            }
        }
    }

    /// Whether this process still has the host of a lease, and keeps it until the transaction ends.
    pub(in crate::store::cluster) fn is_ours(
        &self,
        transaction: &mut Transaction<'_>,
        lease: &Lease,
    ) -> Result<bool, StoreError> {
        let handed = (lease.place.host, lease.place.generation);
        let ours = self.shared.hosts.fenced(transaction, [handed])?;
        Ok(!ours.is_empty())
    }

    pub(in crate::store::cluster) fn url_row(
        &self,
        id: UrlId,
    ) -> Result<Option<UrlRow>, StoreError> {
        let select = format!("SELECT {} FROM urls u WHERE u.id = $1", url_row::COLUMNS);
        let rows = self.url_rows(|| sqlx::query(&select).bind(id.0), |_, row| Ok(row))?;
        Ok(rows.into_iter().next())
    }
}

/// What a sorted number of a queue's place says of it.
pub(in crate::store::cluster) fn order(ord: i64) -> Order {
    Order(from_sorted(ord))
}

/// A place in a queue as a sorted number.
pub(in crate::store::cluster) fn ord(order: Order) -> i64 {
    sorted(order.0)
}
