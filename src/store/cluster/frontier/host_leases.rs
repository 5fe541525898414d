//! Which hosts this process has: one process a host, so that politeness holds across machines.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::canonical_url::HostId;
use crate::store::cluster::server::database::Database;
use crate::store::cluster::server::session::Session;
use crate::store::cluster::{signed, unsigned};
use crate::store::{HostPace, HostRest, StoreError};

/// The hosts of one process.
pub(in crate::store::cluster) struct HostLeases {
    worker: i64,
    /// How long a host is held after the last sign of life.
    time: Duration,
    /// How long a host is left alone before another worker asks it, where no pace tells more.
    quiet: Duration,
    held: Mutex<HashMap<HostId, Held>>,
    /// What paces the requests of this process: of each crawl, one.
    paces: Mutex<Vec<Arc<dyn HostPace>>>,
}

/// A host that is held.
#[derive(Debug, Clone, Copy)]
struct Held {
    /// Until when, as far as this process knows: never later than the database has it.
    until: Instant,
    /// Until when other workers leave it alone: never later than the database has it.
    quiet: Instant,
    /// When a URL of it was handed out last.
    used: Instant,
    /// How often it had changed hands then.
    generation: u64,
}

/// A URL that was handed out: its host, and how often that had changed hands.
pub(in crate::store::cluster) type Handed = (HostId, u64);

fn millis(time: Duration) -> f64 {
    time.as_millis() as f64
}

impl HostLeases {
    pub(in crate::store::cluster) fn new(worker: i64, time: Duration, quiet: Duration) -> Self {
        Self {
            worker,
            time,
            quiet,
            held: Mutex::default(),
            paces: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<HostId, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn paces(&self) -> MutexGuard<'_, Vec<Arc<dyn HostPace>>> {
        self.paces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has a pace say how long hosts are left alone. Of those before, only what others still use
    /// counts: a new one begins with all that the log of requests knows.
    pub(in crate::store::cluster) fn pace_by(&self, pace: Arc<dyn HostPace>) {
        let mut paces = self.paces();
        paces.retain(|pace| Arc::strong_count(pace) > 1);
        paces.push(pace);
    }

    /// How a host is paced by this process; `None` if nothing paces here.
    fn rest(&self, host: HostId) -> Option<HostRest> {
        let paces = self.paces();
        let none = HostRest {
            is_asked: false,
            left: Duration::ZERO,
            delay: Duration::ZERO,
        };
        let rests = paces.iter().map(|pace| pace.rest(host).unwrap_or(none));
        rests.reduce(|a, b| HostRest {
            is_asked: a.is_asked || b.is_asked,
            left: a.left.max(b.left),
            delay: a.delay.max(b.delay),
        })
    }

    /// How long from now other workers leave a host alone that this one holds and may ask to the end of
    /// its time.
    fn quiet_while_held(&self, host: HostId) -> Duration {
        let rest = self.rest(host);
        let after = rest.map_or(self.quiet, |rest| rest.delay.max(self.quiet));
        rest.map_or(Duration::ZERO, |rest| rest.left)
            .max(self.time + after)
    }

    /// How long from now other workers leave a host alone that this one gives back.
    fn quiet_when_left(&self, host: HostId) -> Duration {
        self.rest(host).map_or(self.quiet, |rest| rest.left)
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
        let quiet = self.quiet_while_held(host);
        // Whoever is just taking it, or settles a URL of it, has it: nobody waits. Who had it last may
        // have it again at once, and knows when to ask it.
        let take = || {
            sqlx::query_as(
                "UPDATE host_leases SET worker = $2, until = now() + $3 * interval '1 ms', \
                   quiet = greatest(quiet, now() + $4 * interval '1 ms'), \
                   generation = generation + CASE WHEN worker = $2 THEN 0 ELSE 1 END \
                 WHERE host IN (SELECT host FROM host_leases WHERE host = $1 \
                   AND (worker = $2 OR (until < now() AND quiet < now())) \
                   FOR UPDATE SKIP LOCKED) RETURNING generation",
            )
            .bind(host.0)
            .bind(self.worker)
            .bind(millis(self.time))
            .bind(millis(quiet))
        };
        let taken: Option<(i64,)> = database.row(take)?;
        let mut all = self.lock();
        match taken {
            Some((generation,)) => {
                let held = Held {
                    until: now + self.time,
                    quiet: now + quiet,
                    used: now,
                    generation: unsigned(generation),
                };
                all.insert(host, held);
            }
            None => {
                all.remove(&host);
            }
        }
        Ok(taken.is_some())
    }

    /// How often a host that this process has had changed hands when it took it.
    pub(in crate::store::cluster) fn generation(&self, host: HostId) -> u64 {
        self.lock().get(&host).map_or(0, |held| held.generation)
    }

    /// Keeps the hosts of which URLs are out, those that are being asked, and those that were used
    /// lately; gives the others back.
    pub(in crate::store::cluster) fn keep(
        &self,
        database: &Database,
        busy: &[HostId],
    ) -> Result<(), StoreError> {
        let now = Instant::now();
        let held: Vec<(HostId, Held)> = self.lock().iter().map(|(id, it)| (*id, *it)).collect();
        let idle = held.iter().filter(|(host, held)| {
            let is_asked = || self.rest(*host).is_some_and(|rest| rest.is_asked);
            now.duration_since(held.used) > self.time / 2 && !busy.contains(host) && !is_asked()
        });
        let idle: Vec<HostId> = idle.map(|(host, _)| *host).collect();
        self.give_back(database, &idle)?;
        let hosts: Vec<HostId> = self.lock().keys().copied().collect();
        if hosts.is_empty() {
            return Ok(());
        }
        let keys: Vec<[u8; 8]> = hosts.iter().map(|host| host.0).collect();
        let quiet = hosts.iter().map(|host| self.quiet_while_held(*host));
        let quiet: Vec<Duration> = quiet.collect();
        let millis_of_each: Vec<f64> = quiet.iter().copied().map(millis).collect();
        let renew = || {
            sqlx::query_as(
                "UPDATE host_leases l SET until = now() + $4 * interval '1 ms', \
                 quiet = greatest(l.quiet, now() + new.quiet * interval '1 ms') \
                 FROM unnest($2::bytea[], $3::float8[]) AS new (host, quiet) \
                 WHERE l.worker = $1 AND l.host = new.host RETURNING l.host",
            )
            .bind(self.worker)
            .bind(keys.clone())
            .bind(millis_of_each.clone())
            .bind(millis(self.time))
        };
        let kept: Vec<([u8; 8],)> = database.rows(renew)?;
        let mut all = self.lock();
        all.retain(|host, _| kept.contains(&(host.0,)));
        for (host, quiet) in hosts.iter().zip(quiet) {
            if let Some(held) = all.get_mut(host) {
                held.until = now + self.time;
                held.quiet = held.quiet.max(now + quiet);
            }
        }
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
        let quiet = hosts.iter().map(|host| self.quiet_when_left(*host));
        let quiet: Vec<f64> = quiet.map(millis).collect();
        // The worker's name stays: it may have the host again before others.
        let release = || {
            sqlx::query(
                "UPDATE host_leases l SET until = now() - interval '1 ms', \
                 quiet = now() + (new.quiet - 1) * interval '1 ms' \
                 FROM unnest($2::bytea[], $3::float8[]) AS new (host, quiet) \
                 WHERE l.worker = $1 AND l.host = new.host",
            )
            .bind(self.worker)
            .bind(keys.clone())
            .bind(quiet.clone())
        };
        database.execute(release).map(drop)
    }

    /// Gives all of them back: the process ends.
    pub(in crate::store::cluster) fn end(&self, database: &Database) -> Result<(), StoreError> {
        let all: Vec<HostId> = self.lock().keys().copied().collect();
        self.give_back(database, &all)
    }

    /// Those of some URLs whose hosts this process has had ever since it handed them out, and has until
    /// the transaction ends: what it says of them counts. How long the hosts have asked to be left
    /// alone becomes known to the other workers with it.
    pub(in crate::store::cluster) fn fenced(
        &self,
        session: &mut Session<'_>,
        handed: impl IntoIterator<Item = Handed>,
    ) -> Result<Vec<Handed>, StoreError> {
        let mut handed: Vec<Handed> = handed.into_iter().collect();
        handed.sort_unstable();
        handed.dedup();
        let mut hosts: Vec<[u8; 8]> = handed.iter().map(|(host, _)| host.0).collect();
        hosts.dedup();
        if hosts.is_empty() {
            return Ok(Vec::new());
        }
        let select = sqlx::query_as(
            "SELECT host, generation FROM host_leases \
             WHERE host = ANY($1) AND worker = $2 FOR SHARE",
        );
        let select = select.bind(hosts.clone()).bind(self.worker);
        let ours: Vec<([u8; 8], i64)> = session.rows(select)?;
        let mut longer = Vec::new();
        {
            let mut all = self.lock();
            let is_ours = |host: &[u8; 8]| ours.iter().any(|(ours, _)| ours == host);
            for host in hosts.iter().filter(|host| !is_ours(host)) {
                // It was another's meanwhile, whatever this process thinks.
                all.remove(&HostId(*host));
            }
            let now = Instant::now();
            for host in hosts.into_iter().filter(is_ours).map(HostId) {
                let known = all.get(&host).map_or(now, |held| held.quiet);
                let left = self.rest(host).map_or(Duration::ZERO, |rest| rest.left);
                if now + left > known {
                    longer.push((host, left));
                }
            }
        }
        for (host, left) in longer {
            let update = sqlx::query(
                "UPDATE host_leases SET \
                 quiet = greatest(quiet, clock_timestamp() + $2 * interval '1 ms') WHERE host = $1",
            );
            session.execute(update.bind(host.0).bind(millis(left)))?;
        }
        let is_ours = |(host, generation): &Handed| ours.contains(&(host.0, signed(*generation)));
        Ok(handed.into_iter().filter(is_ours).collect())
    }
}
