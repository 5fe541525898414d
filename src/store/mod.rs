//! The store, simdex's one source of truth.
//!
//! ```text
//! data-dir/
//!   lock               held by the one simdex that has the store open
//!   store.toml         format version, network, encoding: readable before sled is
//!   requests.log       the politeness ledger: every request, written before it is sent
//!   records/           sled: frontier, pages, pictures, descriptors, extents, ...
//!   activations/       append-only segment files
//!   bodies/            fetched pictures that wait for their features
//!   index/             derived, may be deleted
//! ```
//!
//! A picture is acknowledged once its block is synced, its records are in one sled
//! transaction and sled is flushed.

mod async_store;
mod bodies;
mod changes;
mod describe;
mod error;
mod flights;
mod frontier;
mod header;
mod host;
mod key;
mod later;
mod lease;
mod leasing;
pub mod ledger;
mod lock;
mod migration;
mod pictures;
mod provenance;
mod record;
mod removal;
mod segment;
mod visits;
mod waiting;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

pub use async_store::AsyncStore;
pub use error::StoreError;
pub use host::{HostRecord, RuleFileRecord};
pub use key::{LocationId, Sequence};
pub use lease::{Discovery, FrontierCounts, Lease, PageVisit, Queued, UrlOutcome};
pub use pictures::{NewPicture, PictureOutcome, Source};
pub use provenance::{Provenance, SourcePage};
pub use record::{
    Embed, FileRecord, Location, PageRecord, PictureRecord, Role, UrlRecord, UrlState,
};
pub use segment::Block;
pub use visits::{Again, Validators, VisitRecord};
pub use waiting::Body;

use serde::de::DeserializeOwned;

use crate::activation::{Encoding, Layout};
use crate::network::{Network, NetworkId};
use bodies::Bodies;
use flights::Flights;
use header::Header;
use lock::Lock;
use segment::Segments;

/// What a store is opened for.
#[derive(Debug)]
pub struct StoreOptions<'a> {
    /// The network whose features it keeps.
    pub network: &'a Network,
    /// How a new store keeps activations.
    pub activations: Encoding,
    /// Free disk space below which nothing is stored, in bytes.
    pub reserve_bytes: u64,
}

/// An open store. Everything takes `&self`; share it in an `Arc`.
pub struct Store {
    dir: PathBuf,
    db: sled::Db,
    trees: Trees,
    segments: Segments,
    bodies: Bodies,
    layout: Layout,
    dimensions: usize,
    network: NetworkId,
    /// How its pictures are described.
    descriptor: String,
    id: String,
    reserve_bytes: u64,
    /// Held while pictures are committed or removed; the next sequence number.
    pictures: Mutex<u64>,
    /// Pictures that this process has removed, for those that keep up with the store.
    removed: Mutex<Vec<Sequence>>,
    /// Held while the frontier is read and changed.
    frontier: Mutex<()>,
    /// What of the frontier is handed out.
    flights: Flights,
    /// The number of the crawler's present run; 0 if it does not run.
    run: AtomicU64,
    /// The crawl that it belongs to.
    crawl: AtomicU64,
    /// Dropped last: another process may open the store only when sled is closed.
    _lock: Lock,
}

/// sled's trees. Keys are described in `key.rs`, values in `record.rs`.
struct Trees {
    frontier: sled::Tree,
    pages: sled::Tree,
    embeds: sled::Tree,
    pictures: sled::Tree,
    sequences: sled::Tree,
    descriptors: sled::Tree,
    thumbnails: sled::Tree,
    extents: sled::Tree,
    segments: sled::Tree,
    places: sled::Tree,
    files: sled::Tree,
    counters: sled::Tree,
    hosts: sled::Tree,
    rules: sled::Tree,
    /// Hosts that were removed, and when, in milliseconds since 1970.
    removed_hosts: sled::Tree,
    visits: sled::Tree,
    waiting: sled::Tree,
    body_files: sled::Tree,
}

/// sled's page cache, in bytes. sled 0.34 does not hold itself to it; the guard is that
/// only small records pass through sled, and that the cache is small: a frontier of two
/// million URLs takes 1.1 GB of memory with 64 MiB here and a tenth of it with 4 MiB, at the
/// same speed.
const CACHE_BYTES: u64 = 4 << 20;

/// Keys of the counters: the next sequence number, and the runs of the crawler so far.
const NEXT_SEQUENCE: [u8; 1] = [0];
const RUNS: [u8; 1] = [1];

impl Store {
    /// Whether `dir` holds a store.
    pub fn exists(dir: &Path) -> bool {
        dir.join(header::FILE).is_file()
    }

    /// Opens the store in `dir`, making a new one where there is none.
    ///
    /// # Errors
    /// If it is in use, of a newer format, of another network, or damaged.
    pub fn open(dir: &Path, options: &StoreOptions<'_>) -> Result<Self, StoreError> {
        std::fs::create_dir_all(dir).map_err(|error| StoreError::io(dir, error))?;
        let lock = Lock::take(dir)?;
        let header = Header::read(dir)?;
        if let Some(header) = &header {
            header.check(dir, options.network.id())?;
        }
        let path = dir.join("records");
        let db = sled::Config::new()
            .path(&path)
            .cache_capacity(CACHE_BYTES)
            .open()
            .map_err(|error| StoreError::open(&path, error))?;
        let mut header = migration::run(dir, &db, header, options)?;
        let trees = Trees::open(&db)?;
        let layout = options.network.layout(header.activations);
        let mut committed: Vec<_> = numbered(&trees.segments, "segments")?.into_iter().collect();
        committed.sort_unstable_by_key(|(number, _)| *number);
        let body_files = numbered(&trees.body_files, "body_files")?;
        let segments = Segments::open(dir.join("activations"), layout.block_len(), &committed)?;
        let next = match trees.counters.get(NEXT_SEQUENCE)? {
            Some(value) => {
                Sequence::from_key(&value)
                    .ok_or(StoreError::Unreadable { tree: "counters" })?
                    .0
            }
            None => 0,
        };
        let store = Self {
            dir: dir.to_owned(),
            db,
            segments,
            bodies: Bodies::open(dir.join("bodies"), &body_files)?,
            trees,
            layout,
            dimensions: options.network.descriptor_dimensions(),
            network: options.network.id().clone(),
            id: header.id.clone(),
            reserve_bytes: options.reserve_bytes,
            pictures: Mutex::new(next),
            removed: Mutex::default(),
            frontier: Mutex::new(()),
            flights: Flights::default(),
            run: AtomicU64::new(0),
            crawl: AtomicU64::new(0),
            descriptor: options.network.descriptor_id().to_owned(),
            _lock: lock,
        };
        if header.descriptor != store.descriptor {
            store.describe_anew(options.network)?;
            header.descriptor.clone_from(&store.descriptor);
            header.write(dir)?;
        }
        Ok(store)
    }

    /// The folder of the store.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where the index keeps its snapshots.
    pub fn index_dir(&self) -> PathBuf {
        self.dir.join("index")
    }

    /// Opens the politeness ledger.
    ///
    /// # Errors
    /// If it is not one, or cannot be read and written.
    pub fn open_ledger(&self) -> Result<ledger::Ledger, StoreError> {
        ledger::Ledger::open(&self.dir, ledger::Retention::default())
    }

    /// How a picture's activations are laid out.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The number after the last picture's.
    pub fn next_sequence(&self) -> u64 {
        *self.pictures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Pictures that this process has removed, but for the first `seen`, in the order of
    /// removing. With [`Self::next_sequence`] it tells whether anything has changed.
    pub fn removed_since(&self, seen: usize) -> impl Iterator<Item = Sequence> + use<> {
        let removed = self.removed.lock().unwrap_or_else(PoisonError::into_inner);
        let later = removed.get(seen..).unwrap_or_default();
        later.to_vec().into_iter()
    }

    /// Tells this store from all others.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The network whose features are stored.
    pub fn network(&self) -> &NetworkId {
        &self.network
    }

    /// How its pictures are described ([`Network::descriptor_id`]).
    pub fn descriptor_id(&self) -> &str {
        &self.descriptor
    }

    /// Bytes that the store takes on disk, the index included.
    pub fn disk_bytes(&self) -> u64 {
        walkdir::WalkDir::new(&self.dir)
            .into_iter()
            .filter_map(Result::ok)
            .filter_map(|entry| entry.metadata().ok())
            .filter(std::fs::Metadata::is_file)
            .map(|data| data.len())
            .sum()
    }

    /// Refuses to go on when the disk is nearly full: sled is not at its best there.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`] below the reserve.
    pub fn check_space(&self) -> Result<(), StoreError> {
        check_space(&self.dir, self.reserve_bytes)
    }

    /// Makes everything so far survive a power failure.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn flush(&self) -> Result<(), StoreError> {
        self.segments.sync()?;
        self.db.flush()?;
        Ok(())
    }
}

impl Trees {
    fn open(db: &sled::Db) -> Result<Self, StoreError> {
        let open = |name: &str| db.open_tree(name);
        Ok(Self {
            frontier: open("frontier")?,
            pages: open("pages")?,
            embeds: open("embeds")?,
            pictures: open("pictures")?,
            sequences: open("sequences")?,
            descriptors: open("descriptors")?,
            thumbnails: open("thumbnails")?,
            extents: open("extents")?,
            segments: open("segments")?,
            places: open("places")?,
            files: open("files")?,
            counters: open("counters")?,
            hosts: open("hosts")?,
            rules: open("rules")?,
            removed_hosts: open("removed_hosts")?,
            visits: open("visits")?,
            waiting: open("waiting")?,
            body_files: open("body_files")?,
        })
    }
}

/// The records of numbered files.
fn numbered<T: DeserializeOwned>(
    tree: &sled::Tree,
    name: &'static str,
) -> Result<HashMap<u32, T>, StoreError> {
    let entry = |entry: sled::Result<(sled::IVec, sled::IVec)>| {
        let (key, value) = entry?;
        let number = key.as_ref().try_into().map(u32::from_be_bytes);
        let number = number.map_err(|_| StoreError::Unreadable { tree: name })?;
        Ok((number, record::decode(name, &value)?))
    };
    tree.iter().map(entry).collect()
}

fn check_space(dir: &Path, reserve_bytes: u64) -> Result<(), StoreError> {
    let free = fs4::available_space(dir).map_err(|error| StoreError::io(dir, error))?;
    if free < reserve_bytes {
        return Err(StoreError::DiskFull {
            free_mb: free >> 20,
            reserve_mb: reserve_bytes >> 20,
        });
    }
    Ok(())
}

/// Milliseconds since 1970.
pub fn now_ms() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
