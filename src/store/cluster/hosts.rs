//! Hosts and rules on PostgreSQL, and the runs of the crawler.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::rows::host_row;
use super::server::connection::Statement;
use super::{ClusterMetadata, number, signed, unsigned};
use crate::canonical_url::{HostId, UrlId};
use crate::store::hosts::LARGEST_RULES;
use crate::store::{HostPace, HostRecord, Hosts, RemovalRules, RuleFileRecord, StoreError};

/// The note of the settings of the last run.
pub(super) const SETTINGS: &str = "settings";

impl Hosts for ClusterMetadata {
    fn begin_run(&self, crawl: u64, rules: RemovalRules) -> Result<u64, StoreError> {
        self.losses.begin(rules);
        let run = self.write(|transaction| transaction.count_on("runs", 1))? + 1;
        self.run.store(run, Ordering::Relaxed);
        self.crawl.store(crawl, Ordering::Relaxed);
        Ok(run)
    }

    fn removals_stopped(&self) -> BTreeMap<HostId, u64> {
        self.losses.stopped()
    }

    fn last_run(&self) -> Result<u64, StoreError> {
        number(self.database(), "runs")
    }

    fn settings(&self) -> Result<Option<Vec<u8>>, StoreError> {
        self.note(SETTINGS)
    }

    fn keep_settings(&self, settings: &[u8]) -> Result<(), StoreError> {
        self.keep_note(SETTINGS, settings)
    }

    fn host(&self, host: HostId) -> Result<Option<HostRecord>, StoreError> {
        let select = format!("{} WHERE host = $1", host_row::SELECT);
        let rows = self
            .database()
            .raw_rows(|| sqlx::query(&select).bind(host.0))?;
        let rows = rows.iter().map(|row| {
            let columns = <host_row::Columns as sqlx::FromRow<_>>::from_row(row)?;
            Ok(host_row::read(columns).1.record)
        });
        let rows: Vec<Option<HostRecord>> = rows.collect::<Result<_, StoreError>>()?;
        Ok(rows.into_iter().flatten().next())
    }

    fn leave_host(&self, host: HostId) -> Result<(), StoreError> {
        let run = self.run.load(Ordering::Relaxed);
        self.write(|transaction| {
            transaction.change_host(host, |row| {
                row.record.get_or_insert_default().left_in = run;
            })
        })
    }

    fn waiting_host_after(&self, host: Option<HostId>) -> Result<Option<HostId>, StoreError> {
        // Hosts that other workers have, or had a moment ago, are theirs.
        let after = host.map_or(Vec::new(), |host| host.0.to_vec());
        // One step a host, however long its queue is, to the first that is free.
        let select = || {
            sqlx::query_as(
                "WITH RECURSIVE seen (host, is_anothers) AS ( \
                   SELECT $1::bytea, true \
                   UNION ALL \
                   SELECT next.host, EXISTS ( \
                     SELECT 1 FROM host_leases l WHERE l.host = next.host AND l.worker <> $2 \
                     AND (l.until >= now() OR l.quiet >= now())) \
                   FROM seen CROSS JOIN LATERAL ( \
                     SELECT q.host FROM queue q WHERE q.host > seen.host \
                     ORDER BY q.host LIMIT 1) AS next \
                   WHERE seen.is_anothers) \
                 SELECT host FROM seen WHERE NOT is_anothers",
            )
            .bind(after.clone())
            .bind(self.shared.worker)
        };
        let row: Option<([u8; 8],)> = self.database().row(select)?;
        Ok(row.map(|(host,)| HostId(host)))
    }

    fn claim_host(&self, host: HostId) -> Result<bool, StoreError> {
        let _writing = self.shared.lock();
        self.shared.hosts.hold(self.database(), host)
    }

    fn pace_by(&self, pace: Arc<dyn HostPace>) {
        self.shared.hosts.pace_by(pace);
    }

    fn rule_file(&self, url: &str) -> Result<Option<RuleFileRecord>, StoreError> {
        let id = UrlId::of(url);
        let select = || {
            sqlx::query_as("SELECT url, fetched_ms, body FROM rule_files WHERE id = $1").bind(id.0)
        };
        let row: Option<(String, i64, Option<Vec<u8>>)> = self.database().row(select)?;
        Ok(row.map(|(url, fetched_ms, body)| RuleFileRecord {
            url,
            fetched_ms: unsigned(fetched_ms),
            body,
        }))
    }

    fn keep_rule_file(&self, record: &RuleFileRecord) -> Result<(), StoreError> {
        let id = UrlId::of(&record.url);
        if record.body.as_ref().map_or(0, Vec::len) > LARGEST_RULES {
            let delete = || sqlx::query("DELETE FROM rule_files WHERE id = $1").bind(id.0);
            return self.database().execute(delete).map(drop);
        }
        self.database().execute(|| keep_rules(record)).map(drop)
    }

    fn remove_host(&self, host: &str) -> Result<u64, StoreError> {
        let host = HostId::of(host);
        self.remove_all_of(host)
    }

    fn is_removed(&self, host: HostId) -> Result<bool, StoreError> {
        let select =
            || sqlx::query_as("SELECT 1 FROM hosts WHERE host = $1 AND is_removed").bind(host.0);
        let row: Option<(i32,)> = self.database().row(select)?;
        Ok(row.is_some())
    }

    fn take_back_host(&self, host: HostId) -> Result<bool, StoreError> {
        self.take_all_back(host)
    }
}

impl ClusterMetadata {
    /// A value of which there is one.
    pub(super) fn note(&self, name: &'static str) -> Result<Option<Vec<u8>>, StoreError> {
        let select = || sqlx::query_as("SELECT value FROM notes WHERE name = $1").bind(name);
        let row: Option<(Vec<u8>,)> = self.database().row(select)?;
        Ok(row.map(|(value,)| value))
    }

    pub(super) fn keep_note(&self, name: &'static str, value: &[u8]) -> Result<(), StoreError> {
        let keep = || {
            sqlx::query(
                "INSERT INTO notes (name, value) VALUES ($1, $2) \
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            )
            .bind(name)
            .bind(value.to_vec())
        };
        self.database().execute(keep).map(drop)
    }
}

/// Keeps a file of rules in the place of that of before.
pub(super) fn keep_rules(record: &RuleFileRecord) -> Statement<'static> {
    let keep = sqlx::query(
        "INSERT INTO rule_files (id, url, fetched_ms, body) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (id) DO UPDATE SET url = excluded.url, \
         fetched_ms = excluded.fetched_ms, body = excluded.body",
    );
    let keep = keep.bind(UrlId::of(&record.url).0).bind(record.url.clone());
    keep.bind(signed(record.fetched_ms))
        .bind(record.body.clone())
}
