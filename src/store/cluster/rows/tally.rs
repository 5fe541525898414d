//! What a transaction adds to the counts.

use std::collections::BTreeMap;

use crate::store::cluster::rows::host_row::HostRow;
use crate::store::cluster::rows::url_row::UrlRow;
use crate::store::cluster::server::session::Session;
use crate::store::cluster::unsigned;
use crate::store::{Counts, FrontierCounts, StoreError, UrlState};

/// What is added, and taken away, by name.
#[derive(Debug, Default)]
pub(in crate::store::cluster) struct Tally(BTreeMap<String, i64>);

/// Parts that counts are kept in. A worker adds to one of them.
const SLOTS: i64 = 64;
/// What stands before a reason in a count's name.
const REASON: &str = "reason ";

impl Tally {
    pub(in crate::store::cluster) fn add(&mut self, name: &str, number: i64) {
        *self.0.entry(name.to_owned()).or_default() += number;
    }

    pub(in crate::store::cluster) fn url(&mut self, row: &UrlRow, sign: i64) {
        if let Some(state) = row.state() {
            match state {
                // Counted by where it waits.
                UrlState::Open => {}
                UrlState::Done => self.add("done", sign),
                UrlState::Failed(_) => self.add("failed", sign),
                UrlState::Refused(_) | UrlState::Removed => self.add("refused", sign),
            }
            if let Some(reason) = state.reason() {
                self.add(&format!("{REASON}{reason}"), sign);
            }
        }
        if row.page.is_some() {
            self.add("pages", sign);
        }
    }

    pub(in crate::store::cluster) fn host(&mut self, row: &HostRow, sign: i64) {
        if row.record.is_some() {
            self.add("hosts", sign);
        }
    }

    /// Adds it to what is kept.
    pub(in crate::store::cluster) fn write(
        self,
        session: &mut Session<'_>,
        worker: i64,
    ) -> Result<(), StoreError> {
        let changed = self.0.into_iter().filter(|(_, number)| *number != 0);
        let (names, numbers): (Vec<String>, Vec<i64>) = changed.unzip();
        if names.is_empty() {
            return Ok(());
        }
        // The slots of other workers are other rows: nobody waits.
        let slot = i16::try_from(worker.rem_euclid(SLOTS)).unwrap_or_default();
        let add = sqlx::query(
            "INSERT INTO counts (slot, name, value) \
             SELECT $1, name, value FROM unnest($2::text[], $3::bigint[]) AS new (name, value) \
             ON CONFLICT (slot, name) DO UPDATE SET value = counts.value + excluded.value",
        );
        session.execute(add.bind(slot).bind(names).bind(numbers))?;
        Ok(())
    }
}

/// What all parts come to.
pub(in crate::store::cluster) const SUMS: &str =
    "SELECT name, sum(value)::bigint FROM counts GROUP BY name";

/// Numbers by their names, which are kept beside those that a [`Counts`] has.
#[derive(Debug, Clone, Default)]
pub(in crate::store::cluster) struct Sums(BTreeMap<String, u64>);

impl Sums {
    pub(in crate::store::cluster) fn of(rows: Vec<(String, i64)>) -> Self {
        let rows = rows.into_iter();
        Self(
            rows.map(|(name, value)| (name, unsigned(value.max(0))))
                .collect(),
        )
    }

    pub(in crate::store::cluster) fn get(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or_default()
    }

    pub(in crate::store::cluster) fn counts(&self) -> Counts {
        let reasons = self.0.iter().filter_map(|(name, value)| {
            let reason = name.strip_prefix(REASON)?;
            (*value > 0).then(|| (reason.to_owned(), *value))
        });
        Counts {
            frontier: FrontierCounts {
                pending: self.get("pending"),
                leased: 0,
                retry: self.get("retry"),
                done: self.get("done"),
                refused: self.get("refused"),
                failed: self.get("failed"),
            },
            pages: self.get("pages"),
            hosts: self.get("hosts"),
            reasons: reasons.collect(),
        }
    }
}

/// Counts everything anew. Gives what is missing in what is kept, by name: nothing, if that is right.
pub(in crate::store::cluster) fn missing(
    snapshot: &mut Session<'_>,
) -> Result<BTreeMap<String, i64>, StoreError> {
    let kept: Vec<(String, i64)> = snapshot.rows(sqlx::query_as(SUMS))?;
    let counted: Vec<(String, i64)> = snapshot.rows(sqlx::query_as(
        "SELECT name, value FROM ( \
           SELECT 'pending' AS name, count(*) AS value FROM queue \
           UNION ALL SELECT 'retry', count(*) FROM retries \
           UNION ALL SELECT 'done', count(*) FROM urls WHERE state = 1 \
           UNION ALL SELECT 'failed', count(*) FROM urls WHERE state = 2 \
           UNION ALL SELECT 'refused', count(*) FROM urls WHERE state IN (3, 4) \
           UNION ALL SELECT 'pages', count(*) FROM urls WHERE page_url IS NOT NULL \
           UNION ALL SELECT 'hosts', count(*) FROM hosts WHERE is_known \
           UNION ALL SELECT 'pictures', count(*) FROM pictures \
           UNION ALL SELECT 'waiting', count(*) FROM waiting \
           UNION ALL SELECT 'reason ' || reason, count(*) FROM urls \
             WHERE state IN (2, 3) GROUP BY reason \
         ) AS counted WHERE value > 0",
    ))?;
    let mut missing: BTreeMap<String, i64> = counted.into_iter().collect();
    for (name, value) in kept {
        *missing.entry(name).or_default() -= value;
    }
    missing.retain(|_, value| *value != 0);
    Ok(missing)
}
