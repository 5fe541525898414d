//! Which hosts this process has: one process a host, so that politeness holds across machines.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::canonical_url::HostId;
use crate::store::StoreError;
use crate::store::cluster::server::database::Database;
use crate::store::cluster::server::session::Session;

/// The hosts of one process.
pub(in crate::store::cluster) struct HostLeases {
    worker: i64,
    /// How long a host is held after the last sign of life.
    time: Duration,
    /// How long a host is left alone before another worker asks it.
    quiet: Duration,
    held: Mutex<HashMap<HostId, Held>>,
}

/// A host that is held.
#[derive(Debug, Clone, Copy)]
struct Held {
    /// Until when, as far as this process knows: never later than the database has it.
    until: Instant,
    /// When a URL of it was handed out last.
    used: Instant,
}

impl HostLeases {
    pub(in crate::store::cluster) fn new(worker: i64, time: Duration, quiet: Duration) -> Self {
        Self {
            worker,
            time,
            quiet,
            held: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<HostId, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a host, or keeps it. `false` if another worker has it, or had it a moment ago.
    pub(in crate::store::cluster) fn hold(
        &self,
        database: &Database,
        host: HostId,
    ) -> Result<bool, StoreError> {
        let now = Instant::now();
        if let Some(held) = self.lock().get_mut(&host)
            && held.until > now + self.time / 2
        {
            held.used = now;
            return Ok(true);
        }
        let make = || {
            sqlx::query(
                "INSERT INTO host_leases (host, worker, until, quiet) \
                 VALUES ($1, 0, now() - interval '1 second', now() - interval '1 second') \
                 ON CONFLICT (host) DO NOTHING",
            )
            .bind(host.0)
        };
        database.execute(make)?;
        // Whoever is just taking it, or settles a URL of it, has it: nobody waits.
        let take = || {
            sqlx::query(
                "UPDATE host_leases SET worker = $2, until = now() + $3 * interval '1 ms', \
                   quiet = now() + ($3 + $4) * interval '1 ms' \
                 WHERE host IN (SELECT host FROM host_leases WHERE host = $1 \
                   AND (worker = $2 OR (until < now() AND quiet < now())) \
                   FOR UPDATE SKIP LOCKED)",
            )
            .bind(host.0)
            .bind(self.worker)
            .bind(self.time.as_millis() as f64)
            .bind(self.quiet.as_millis() as f64)
        };
        let is_ours = database.execute(take)? > 0;
        let mut all = self.lock();
        match is_ours {
            true => {
                let until = now + self.time;
                all.insert(host, Held { until, used: now });
            }
            false => {
                all.remove(&host);
            }
        }
        Ok(is_ours)
    }

    /// Keeps the hosts of which URLs are out, and those that were used lately; gives the others
    /// back.
    pub(in crate::store::cluster) fn keep(
        &self,
        database: &Database,
        busy: &[HostId],
    ) -> Result<(), StoreError> {
        let now = Instant::now();
        let idle: Vec<HostId> = {
            let all = self.lock();
            let idle = all.iter().filter(|(host, held)| {
                !busy.contains(host) && now.duration_since(held.used) > self.time / 2
            });
            idle.map(|(host, _)| *host).collect()
        };
        self.give_back(database, &idle)?;
        let hosts: Vec<[u8; 8]> = self.lock().keys().map(|host| host.0).collect();
        if hosts.is_empty() {
            return Ok(());
        }
        let renew = || {
            sqlx::query_as(
                "UPDATE host_leases SET until = now() + $3 * interval '1 ms', \
                 quiet = now() + ($3 + $4) * interval '1 ms' \
                 WHERE worker = $1 AND host = ANY($2) RETURNING host",
            )
            .bind(self.worker)
            .bind(hosts.clone())
            .bind(self.time.as_millis() as f64)
            .bind(self.quiet.as_millis() as f64)
        };
        let kept: Vec<([u8; 8],)> = database.rows(renew)?;
        let mut all = self.lock();
        all.retain(|host, _| kept.contains(&(host.0,)));
        all.values_mut()
            .for_each(|held| held.until = now + self.time);
        Ok(())
    }

    fn give_back(&self, database: &Database, hosts: &[HostId]) -> Result<(), StoreError> {
        if hosts.is_empty() {
            return Ok(());
        }
        {
            let mut all = self.lock();
            for host in hosts {
                all.remove(host);
            }
        }
        let keys: Vec<[u8; 8]> = hosts.iter().map(|host| host.0).collect();
        let release = || {
            sqlx::query(
                "UPDATE host_leases SET worker = 0, until = now() - interval '1 ms', \
                 quiet = now() + $3 * interval '1 ms' WHERE worker = $1 AND host = ANY($2)",
            )
            .bind(self.worker)
            .bind(keys.clone())
            .bind(self.quiet.as_millis() as f64 - 1.0)
        };
        database.execute(release).map(drop)
    }

    /// Gives all of them back: the process ends.
    pub(in crate::store::cluster) fn end(&self, database: &Database) -> Result<(), StoreError> {
        let all: Vec<HostId> = self.lock().keys().copied().collect();
        self.give_back(database, &all)
    }

    /// Those of some hosts that this process still has, which stay its own until the transaction
    /// ends: what it says of their URLs counts.
    pub(in crate::store::cluster) fn fenced(
        &self,
        session: &mut Session<'_>,
        hosts: impl IntoIterator<Item = HostId>,
    ) -> Result<Vec<HostId>, StoreError> {
        let mut hosts: Vec<[u8; 8]> = hosts.into_iter().map(|host| host.0).collect();
        hosts.sort_unstable();
        hosts.dedup();
        if hosts.is_empty() {
            return Ok(Vec::new());
        }
        let select = sqlx::query_as(
            "SELECT host FROM host_leases WHERE host = ANY($1) AND worker = $2 FOR SHARE",
        );
        let select = select.bind(hosts.clone()).bind(self.worker);
        let ours: Vec<([u8; 8],)> = session.rows(select)?;
        let mut all = self.lock();
        for host in hosts.into_iter().filter(|host| !ours.contains(&(*host,))) {
            // It was another's meanwhile, whatever this process thinks.
            all.remove(&HostId(host));
        }
        Ok(ours.into_iter().map(|(host,)| HostId(host)).collect())
    }
}
