//! Queues of hosts and URLs that wait for their time, as rows.

use crate::canonical_url::{CanonicalUrl, HostId, UrlId};
use crate::store::cluster::rows::transaction::Transaction;
use crate::store::cluster::{from_sorted, sorted};
use crate::store::order::Order;
use crate::store::{HostRecord, StoreError, UrlState};

/// What waits, or is to leave a queue, and is worked on in one transaction: a whole frontier in one would
/// take longer than a statement may, and keep all others waiting.
pub(in crate::store::cluster) const AT_ONCE: i64 = 1000;

impl Transaction<'_> {
    /// Takes a place out of a host's queue.
    pub(in crate::store::cluster) fn leave_queue(
        &mut self,
        host: HostId,
        order: Order,
    ) -> Result<(), StoreError> {
        self.flush()?;
        let delete = sqlx::query("DELETE FROM queue WHERE host = $1 AND ord = $2");
        let left = self.execute(delete.bind(host.0).bind(sorted(order.0)))?;
        self.tally.add("pending", -(left as i64));
        Ok(())
    }

    /// Takes URLs of a host out of all queues.
    pub(in crate::store::cluster) fn leave_queues(
        &mut self,
        host: HostId,
        ids: Vec<[u8; 16]>,
    ) -> Result<(), StoreError> {
        self.flush()?;
        let tables = [
            (
                "pending",
                "DELETE FROM queue WHERE host = $1 AND id = ANY($2)",
            ),
            (
                "retry",
                "DELETE FROM retries WHERE host = $1 AND id = ANY($2)",
            ),
        ];
        for (name, delete) in tables {
            let left = self.execute(sqlx::query(delete).bind(host.0).bind(ids.clone()))?;
            self.tally.add(name, -(left as i64));
        }
        Ok(())
    }

    /// Takes the first places of a host out of all queues. Says whether there may be more.
    pub(in crate::store::cluster) fn empty_queues(
        &mut self,
        host: HostId,
    ) -> Result<bool, StoreError> {
        self.flush()?;
        let tables = [
            (
                "pending",
                "DELETE FROM queue WHERE host = $1 AND ord IN ( \
                   SELECT ord FROM queue WHERE host = $1 ORDER BY ord LIMIT $2)",
            ),
            (
                "retry",
                "DELETE FROM retries WHERE host = $1 AND (at, id) IN ( \
                   SELECT at, id FROM retries WHERE host = $1 ORDER BY at, id LIMIT $2)",
            ),
        ];
        let mut is_more = false;
        for (name, delete) in tables {
            let left = self.execute(sqlx::query(delete).bind(host.0).bind(AT_ONCE))? as i64;
            self.tally.add(name, -left);
            is_more |= left == AT_ONCE;
        }
        Ok(is_more)
    }

    /// Has a URL wait for its time.
    pub(in crate::store::cluster) fn retry(
        &mut self,
        host: HostId,
        at_ms: u64,
        id: UrlId,
        reason: String,
    ) -> Result<(), StoreError> {
        let delete = sqlx::query("DELETE FROM retries WHERE host = $1 AND at = $2 AND id = $3");
        let delete = delete.bind(host.0).bind(sorted(at_ms)).bind(id.0);
        let before = self.execute(delete)?;
        let insert =
            sqlx::query("INSERT INTO retries (host, at, id, reason) VALUES ($1, $2, $3, $4)");
        let insert = insert.bind(host.0).bind(sorted(at_ms)).bind(id.0);
        self.execute(insert.bind(reason))?;
        self.tally.add("retry", 1 - before as i64);
        Ok(())
    }

    /// Queues what waits for a time between two, both included, and comes first. Gives the hosts, and
    /// whether there may be more.
    pub(in crate::store::cluster) fn requeue(
        &mut self,
        from: u64,
        to: u64,
    ) -> Result<(Vec<HostId>, bool), StoreError> {
        let delete = sqlx::query_as(
            "DELETE FROM retries r USING (SELECT host, at, id FROM retries \
               WHERE at BETWEEN $1 AND $2 ORDER BY at, id LIMIT $3) due \
             WHERE r.host = due.host AND r.at = due.at AND r.id = due.id RETURNING r.at, r.id",
        );
        let delete = delete.bind(sorted(from)).bind(sorted(to)).bind(AT_ONCE);
        let due = self.rows(delete)?;
        let mut due: Vec<(u64, UrlId)> = due
            .into_iter()
            .map(|(at, id): (i64, [u8; 16])| (from_sorted(at), UrlId(id)))
            .collect();
        due.sort_unstable();
        let is_more = due.len() as i64 == AT_ONCE;
        self.tally.add("retry", -(due.len() as i64));
        self.load(due.iter().map(|(_, id)| *id))?;
        let mut hosts = Vec::new();
        for (_, id) in due {
            let Some(row) = self.url(id)? else {
                continue;
            };
            let open = row
                .record
                .as_ref()
                .filter(|record| record.state == UrlState::Open);
            let Some((host, role)) = open.map(|record| (record.host, record.role)) else {
                continue;
            };
            let promise = row.hint().promise;
            self.enqueue(host, role, promise, id)?;
            hosts.push(host);
        }
        Ok((hosts, is_more))
    }

    /// Queues a URL again if it was settled; returns whether it was. Its host becomes one of
    /// `crawl` if `own`.
    pub(in crate::store::cluster) fn reopen(
        &mut self,
        id: UrlId,
        own: bool,
        crawl: u64,
    ) -> Result<bool, StoreError> {
        let Some(row) = self.url(id)? else {
            return Ok(false);
        };
        let promise = row.hint().promise;
        let Some(record) = row.record.clone() else {
            return Ok(false);
        };
        if matches!(record.state, UrlState::Open | UrlState::Removed) {
            return Ok(false);
        }
        self.change_known(id, |row| {
            if let Some(record) = &mut row.record {
                record.attempts = 0;
                record.state = UrlState::Open;
            }
        })?;
        self.enqueue(record.host, record.role, promise, id)?;
        let known = self.host(record.host)?.record.unwrap_or_default();
        if own && known.crawl != crawl {
            let url = CanonicalUrl::parse(&record.url);
            let name = url.map_or(known.name, |url| url.host().to_owned());
            self.change_host(record.host, |row| {
                row.record = Some(HostRecord {
                    name,
                    crawl,
                    ..known
                });
            })?;
        }
        Ok(true)
    }
}
