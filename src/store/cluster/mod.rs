//! The store on PostgreSQL, for many machines at once.
//!
//! ```text
//!   ClusterMetadata ──> Database      a pool, a runtime of its own, tries again what passes
//!        │                  └─> Transaction   serializable; rows of URLs and hosts are worked on
//!        │                                    in memory and written together
//!        └──> HostLeases               which hosts this process has
//! ```
//!
//! Everything blocks, as in the other stores. A URL's lease is in memory, as there; what makes it
//! count is that the process holds the URL's host, of which the database knows.

mod blocks;
mod catalogue;
mod frontier;
mod hosts;
mod identity;
mod opening;
mod points;
mod rows;
mod server;
mod transfer;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::leases::Leases;
use super::losses::Losses;
use super::{Counts, Means, Metadata, Selection, StoreError, StoreOptions};
use crate::canonical_url::HostId;
use frontier::heartbeat::Heartbeat;
use frontier::host_leases::HostLeases;
pub(super) use identity::StoreRow;
use points::Stage;
pub use points::making::{PointsMade, make_points};
use rows::tally::Sums;
use rows::transaction::Transaction;
use rows::writing::Writes;
use server::database::Database;
pub use server::migrations::migrate;
use server::session::Session;

/// How a cluster's store is reached, and how its workers share hosts.
#[derive(Clone)]
pub struct ClusterOptions {
    /// `postgres://USER:PASSWORD@HOST/DATABASE`. It is a secret, so this type has no text form.
    pub url: String,
    /// Where activations are: `s3://BUCKET/FOLDER` or `file:///FOLDER`. Keys are read from the
    /// environment.
    pub blocks: String,
    /// The most bytes of activations that are kept on this machine once they were read.
    pub cache_bytes: u64,
    /// How old a segment must be before what no record names of it is given back: longer than any
    /// commit takes.
    pub grace: Duration,
    /// How long one statement may take.
    pub statement_timeout: Duration,
    /// How long a host stays a worker's after its last sign of life.
    pub host_lease: Duration,
    /// How long a host is left alone between two workers: longer than any site asks for between
    /// two requests.
    pub quiet: Duration,
}

impl ClusterOptions {
    /// The usual times and sizes.
    pub fn new(url: String, blocks: String) -> Self {
        Self {
            url,
            blocks,
            cache_bytes: 10 << 30,
            grace: Duration::from_secs(3600),
            statement_timeout: Duration::from_secs(30),
            host_lease: Duration::from_secs(60),
            quiet: Duration::from_secs(60),
        }
    }
}

/// What a cluster's store knows.
pub(super) struct ClusterMetadata {
    /// Before what it uses: its thread ends first.
    heartbeat: Heartbeat,
    shared: Arc<Shared>,
    losses: Losses,
    /// Hosts that got work because of what came of other URLs.
    new_work: Mutex<Vec<HostId>>,
    /// The number of the crawler's present run in this process, and the crawl it belongs to.
    run: AtomicU64,
    crawl: AtomicU64,
    /// How many removals there were, and changes of which pairs are no near-copies, when the store
    /// was opened.
    removals: u64,
    changes_of_duplicates: u64,
    /// Whether pictures without features may be claimed.
    has_claims: AtomicBool,
    /// What was read last of what cannot fail: it stands while the database does not answer.
    last: Mutex<Last>,
    /// How far the points were when the store was opened.
    points: Stage,
    /// What all pictures have in common, and how many there were then.
    means: Mutex<Option<(usize, Means)>>,
    /// Numbers in a descriptor, and bytes in a look.
    dimensions: usize,
    look_bytes: usize,
    /// Keeps this machine's folder. Dropped last.
    _lock: Box<dyn Send + Sync>,
}

/// What the heartbeat needs, too.
struct Shared {
    database: Database,
    worker: i64,
    writes: Writes,
    hosts: HostLeases,
    /// Which URLs of the frontier this process has handed out.
    leases: Leases,
    /// Held while the frontier is read and changed: within a process one writes at a time.
    writing: Mutex<()>,
}

/// Numbers as they were read last.
#[derive(Default)]
struct Last {
    sums: Sums,
    next_sequence: u64,
    changes_of_duplicates: u64,
}

impl ClusterMetadata {
    /// Connects to a store that is there.
    pub(super) fn open(
        options: &ClusterOptions,
        store: &StoreOptions<'_>,
        lease_time: Duration,
        lock: Box<dyn Send + Sync>,
    ) -> Result<(Self, StoreRow), StoreError> {
        let database = Database::connect(options)?;
        server::migrations::check(&database)?;
        let row = identity::found_or_made(&database, store)?;
        let add = || {
            sqlx::query_as(
                "UPDATE numbers SET value = value + 1 WHERE name = 'workers' RETURNING value",
            )
        };
        let worker: Option<(i64,)> = database.row(add)?;
        let (worker,) = worker.ok_or(NUMBERS)?;
        let note = || {
            let note = "INSERT INTO workers (worker, begun, last_write) VALUES ($1, now(), 0)";
            sqlx::query(note).bind(worker)
        };
        database.execute(note)?;
        let points = Stage::read(&database)?;
        database.keep_points(points != Stage::None);
        let removals = number(&database, "removals")?;
        let changes_of_duplicates = number(&database, "changes_of_duplicates")?;
        let shared = Arc::new(Shared {
            database,
            worker,
            writes: Writes::of(worker),
            hosts: HostLeases::new(worker, options.host_lease, options.quiet),
            leases: Leases::new(lease_time),
            writing: Mutex::default(),
        });
        let metadata = Self {
            heartbeat: Heartbeat::start(Arc::clone(&shared), options.host_lease / 4),
            shared,
            losses: Losses::default(),
            new_work: Mutex::default(),
            run: AtomicU64::new(0),
            crawl: AtomicU64::new(0),
            removals,
            changes_of_duplicates,
            has_claims: AtomicBool::new(false),
            last: Mutex::new(Last {
                changes_of_duplicates,
                ..Last::default()
            }),
            points,
            means: Mutex::default(),
            dimensions: store.network.descriptor_dimensions(),
            look_bytes: store.network.look().map_or(0, |look| look.dimensions()),
            _lock: lock,
        };
        Ok((metadata, row))
    }

    fn database(&self) -> &Database {
        &self.shared.database
    }

    /// Gives numbers of segments, each once.
    fn segment_numbers(&self) -> impl Fn() -> Result<u32, StoreError> + Send + Sync + 'static {
        let shared = Arc::clone(&self.shared);
        move || {
            let next = || sqlx::query_as("SELECT nextval('segment_number')");
            let row: Option<(i64,)> = shared.database.row(next)?;
            let number = row.and_then(|(number,)| u32::try_from(number).ok());
            number.ok_or(NUMBERS)
        }
    }

    fn crawl(&self) -> u64 {
        self.crawl.load(Ordering::Relaxed)
    }

    fn last(&self) -> MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn last_means(&self) -> MutexGuard<'_, Option<(usize, Means)>> {
        self.means.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn new_work(&self) -> MutexGuard<'_, Vec<HostId>> {
        self.new_work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One transaction, and none beside it in this process.
    fn write<T>(
        &self,
        work: impl FnMut(&mut Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let _writing = self.shared.lock();
        self.write_locked(work)
    }

    /// The same of a caller that keeps the others out.
    fn write_locked<T>(
        &self,
        mut work: impl FnMut(&mut Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let work = |transaction: &mut Transaction<'_>| {
            let result = work(transaction)?;
            Ok((result, std::mem::take(&mut transaction.new_work)))
        };
        let (result, hosts) = self.shared.writes.write(self.database(), work)?;
        self.new_work().extend(hosts);
        Ok(result)
    }

    /// A number that is asked for where nothing may fail: where the database does not answer, it
    /// is what it was.
    fn or_last<T>(&self, what: &str, read: Result<T, StoreError>, last: impl FnOnce() -> T) -> T {
        read.unwrap_or_else(|error| {
            tracing::warn!(%error, "{what}: as they were when the database was asked last");
            last()
        })
    }

    fn sums(&self) -> Sums {
        let read = self.database().rows(|| sqlx::query_as(rows::tally::SUMS));
        let read = read.map(|rows| {
            let sums = Sums::of(rows);
            self.last().sums = sums.clone();
            sums
        });
        self.or_last("counts", read, || self.last().sums.clone())
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// Filters are conditions of its statements.
impl Selection for ClusterMetadata {}

impl Metadata for ClusterMetadata {
    fn check_space(&self) -> Result<(), StoreError> {
        // The server knows of its disk, and refuses what it has no room for.
        Ok(())
    }

    fn counts(&self) -> Counts {
        self.sums().counts()
    }

    fn recount(&self) -> Result<Counts, StoreError> {
        self.check_counts()?;
        Ok(self.counts())
    }

    fn check_counts(&self) -> Result<bool, StoreError> {
        let count = || rows::tally::missing(&mut Session::snapshot(self.database())?);
        let missing = self.database().persist(count)?;
        if missing.is_empty() {
            return Ok(true);
        }
        // It is missing still, whatever others have counted meanwhile.
        self.write(|transaction| {
            for (name, number) in &missing {
                transaction.tally.add(name, *number);
            }
            Ok(())
        })?;
        Ok(false)
    }

    fn flush(&self) -> Result<(), StoreError> {
        // A transaction that was acknowledged is on the server's disk.
        Ok(())
    }
}

impl Drop for ClusterMetadata {
    fn drop(&mut self) {
        self.heartbeat.stop();
        let _writing = self.shared.lock();
        let ended = self.shared.hosts.end(self.database());
        if let Err(error) = ended.and(self.give_claims_back()) {
            tracing::debug!(%error, "what this process had is another's when its time is over");
        }
    }
}

const NUMBERS: StoreError = StoreError::Unreadable { tree: "numbers" };

/// A number of which there is one.
fn number(database: &Database, name: &'static str) -> Result<u64, StoreError> {
    let select = || sqlx::query_as("SELECT value FROM numbers WHERE name = $1").bind(name);
    let row: Option<(i64,)> = database.row(select)?;
    row.map(|(value,)| unsigned(value)).ok_or(NUMBERS)
}

/// A number as PostgreSQL keeps it. None is so large that it matters; bits are kept.
fn signed(number: u64) -> i64 {
    number.cast_signed()
}

/// What [`signed`] was given.
fn unsigned(number: i64) -> u64 {
    number.cast_unsigned()
}

/// A number whose highest bit counts, so that it sorts as it did.
fn sorted(number: u64) -> i64 {
    (number ^ 1 << 63).cast_signed()
}

/// What [`sorted`] was given.
fn from_sorted(number: i64) -> u64 {
    number.cast_unsigned() ^ 1 << 63
}

/// PostgreSQL's texts have no NUL.
fn text(text: String) -> String {
    match text.contains('\0') {
        true => text.replace('\0', "\u{fffd}"),
        false => text,
    }
}

fn encode<T: Serialize>(record: &T) -> Vec<u8> {
    postcard::to_stdvec(record).expect("plain records of strings and integers always encode")
}

fn decode<T: DeserializeOwned>(tree: &'static str, bytes: &[u8]) -> Result<T, StoreError> {
    postcard::from_bytes(bytes).map_err(|_| StoreError::Unreadable { tree })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorted_numbers_sort_as_they_did() {
        let numbers = [0, 1, (1 << 63) - 1, 1 << 63, u64::MAX];
        let kept = numbers.map(sorted);
        assert!(kept.is_sorted());
        assert_eq!(kept.map(from_sorted), numbers);
    }
}
