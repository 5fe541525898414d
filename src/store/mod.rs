//! The store, simdex's one source of truth.
//!
//! ```text
//!   Store ──> Metadata = Frontier + Catalogue + Points + Selection + Files + Hosts + Labels + Transfer
//!        │                                                                   records
//!        └──> Blocks                                                         a log of entries
//!   embedded/   both in a folder: sled is an index over the log
//!   cluster/    records on PostgreSQL, for many machines; a feature of that name
//!   memory/     both in memory, for tests
//! ```
//!
//! A store in a folder:
//!
//! ```text
//! data-dir/
//!   lock               held by the one simdex that has the store open
//!   store.toml         format version, network, encoding: readable before sled is
//!   store.toml.bak     a copy of it
//!   copying            only while a copy of another store into it has not ended: whose
//!   requests.log       the politeness ledger: every request, written before it is sent
//!   log.segments       which segments there are, and the lengths of the closed ones
//!   log.mark           how far the log reached with the last commit
//!   activations/       the log: append-only segments of entries
//!   records/           sled: an index over the log, and what the crawler knows
//!   index/             derived, may be deleted
//! ```
//!
//! A picture is acknowledged once its entry would survive a power failure, and then its
//! records, all of them together.
mod async_store;
mod block;
mod blocks;
mod catalogue;
#[cfg(feature = "cluster")]
mod cluster;
#[cfg(test)]
mod conformance;
mod conversion;
mod copying;
mod counts;
mod embedded;
mod entry;
mod error;
mod files;
mod frontier;
mod hosts;
mod keeping;
mod labels;
pub mod ledger;
mod location;
mod memory;
mod metadata;
mod pictures;
mod points;
mod provenance;
mod record;
mod selection;
mod sequence;
mod transfer;
mod upkeep;

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub use async_store::AsyncStore;
pub use block::{Block, EntryLocation, Span};
pub use blocks::{Blocks, Wasteful};
pub use catalogue::{Catalogue, PictureRow};
#[cfg(feature = "cluster")]
pub use cluster::{ClusterOptions, PointsMade, make_points, migrate};
#[cfg(all(test, feature = "cluster"))]
pub(crate) use conformance::store_with_points;
pub use copying::{Compared, Copied, StorePlace};
pub use counts::Counts;
pub use entry::{AppendEntries, Entry, Section, SectionKind};
pub use error::StoreError;
pub use files::{FilePlace, FileSystemMark, Files, FilesLeft};
pub use frontier::Frontier;
use frontier::{hint, kept_out, lease, leases, losses, order, terms, visit};
pub use hint::{Alternate, PictureHint, Promise};
pub use hosts::{HostPace, HostRecord, HostRest, Hosts, RuleFileRecord};
pub use kept_out::{KeptOut, KeptOutFor};
pub use labels::{Label, LabelId, Labels, ParseLabelIdError, Verdict};
pub use lease::{
    Discovery, FrontierCounts, Lease, OptedOut, PageVisit, Queued, Retrying, UrlOutcome,
};
pub use location::{Location, LocationId};
pub use losses::RemovalRules;
pub use metadata::Metadata;
pub use pictures::{Body, NewPicture, PictureOutcome, Source};
pub use points::{Means, Near, NearPicture, NearTo, Nearest, Points, Which};
pub use provenance::{Provenance, SourcePage};
pub use record::{Embed, FileRecord, PageRecord, PictureRecord, Role, UrlRecord, UrlState};
pub use selection::{Measure, Measures, Selection, SequenceSet};
pub use sequence::Sequence;
pub use terms::PageTerms;
pub use transfer::{Kind, KnownHost, KnownPicture, KnownUrl, Notes, Record, Replacement, Transfer};
pub use upkeep::{BackedUp, BackupOptions, Compacted, Converted, Flaw, Repaired};
pub use visit::{Again, LONGEST_RETRY, Validators, VisitRecord};

use crate::activation::{Encoding, Layout};
use crate::network::{Network, NetworkId};
use embedded::Embedded;
pub use embedded::silence_caught_panics;
use keeping::{Layouts, Newest};
use leases::LEASE_TIME;
use memory::{MemoryBlocks, MemoryMetadata};

/// A list that is read item by item, since it may be long.
pub type Listing<'a, T> = Box<dyn Iterator<Item = Result<T, StoreError>> + Send + 'a>;

/// What a store is opened for.
#[derive(Debug)]
pub struct StoreOptions<'a> {
    /// The network whose features it keeps.
    pub network: &'a Network,
    /// How a new store keeps activations.
    pub activations: Encoding,
    /// The bytes that those pictures of a new store may take that are kept in full, the newest; of the
    /// others it keeps sketches, whatever `activations` says. `None`: it keeps all alike.
    pub recent_bytes: Option<u64>,
    /// Free disk space below which nothing is stored, in bytes.
    pub reserve_bytes: u64,
}

/// An open store. Everything takes `&self`; share it in an `Arc`. Methods that only read or
/// change records are in the traits of [`Metadata`].
pub struct Store {
    metadata: Box<dyn Metadata>,
    blocks: Box<dyn Blocks>,
    identity: Identity,
    /// `None` if it is in memory.
    dir: Option<PathBuf>,
    /// Held while blocks are appended and not yet named by records, and while they move.
    commits: Mutex<()>,
    /// Whether blocks of another encoding may be among those of the store's.
    is_converting: AtomicBool,
    /// Which pictures are kept in full, where others are not. Before the commits, if both are held.
    newest: Mutex<Newest>,
}

/// What tells this store from others.
#[derive(Debug, Clone)]
struct Identity {
    id: String,
    /// Which copy it is of the store of that id.
    mark: String,
    network: NetworkId,
    layouts: Layouts,
    /// How activations are kept.
    activations: Encoding,
    /// The bytes that pictures may take that are kept in full, if not all are.
    recent_bytes: Option<u64>,
    /// How the sketches of the others are encoded.
    sketch: Option<Encoding>,
    /// How its pictures are described.
    descriptor: String,
    /// How their looks are told; `None` if they are not, or not all in the way of the network.
    look: Option<String>,
}

impl Deref for Store {
    type Target = dyn Metadata;

    fn deref(&self) -> &Self::Target {
        &*self.metadata
    }
}

impl Store {
    /// Whether `dir` holds a store.
    pub fn exists(dir: &Path) -> bool {
        Embedded::exists(dir)
    }

    /// The id of the store in `dir`, without opening it; `None` where its header cannot be read.
    pub fn id_in(dir: &Path) -> Option<String> {
        Embedded::id_in(dir)
    }

    /// Opens the store in `dir`, making a new one where there is none.
    ///
    /// # Errors
    /// If it is in use, of a newer format, of another network, or damaged.
    pub fn open(dir: &Path, options: &StoreOptions<'_>) -> Result<Self, StoreError> {
        Self::open_with(dir, options, LEASE_TIME)
    }

    /// Opens the store in `dir` without writing to it, as on a disk that is full or read-only.
    /// Whatever would write is refused.
    ///
    /// # Errors
    /// If it is in use, of an older format or another network, or damaged.
    pub fn open_read_only(dir: &Path, options: &StoreOptions<'_>) -> Result<Self, StoreError> {
        let store = Embedded::open_read_only(dir, options)?;
        Ok(Self::of(store, dir))
    }

    /// Opens the store of a cluster, making it in a database that [`migrate`] has made ready. What this
    /// machine derives of it (the index, activations that were read) is kept in `dir`.
    ///
    /// # Errors
    /// If the server or the bucket cannot be reached, or the store is of another version or network.
    #[cfg(feature = "cluster")]
    pub fn open_cluster(
        cluster: &ClusterOptions,
        dir: Option<&Path>,
        options: &StoreOptions<'_>,
    ) -> Result<Self, StoreError> {
        // One process a folder: the index and the ledger of requests have one writer.
        let lock = dir.map(embedded::Lock::of_new).transpose()?;
        Self::in_cluster((cluster, dir), options, LEASE_TIME, Box::new(lock))
    }

    fn open_with(
        dir: &Path,
        options: &StoreOptions<'_>,
        lease_time: Duration,
    ) -> Result<Self, StoreError> {
        let store = Embedded::open(dir, options, lease_time)?;
        Ok(Self::of(store, dir))
    }

    fn of(store: Embedded, dir: &Path) -> Self {
        Self {
            is_converting: AtomicBool::new(store.is_converting),
            metadata: Box::new(store.metadata),
            blocks: Box::new(store.blocks),
            identity: store.identity,
            dir: Some(dir.to_owned()),
            commits: Mutex::default(),
            newest: Mutex::default(),
        }
    }

    /// Whether the disk has room for [`Self::repair`], and can be written.
    pub fn has_room_to_repair(dir: &Path) -> bool {
        Embedded::has_room_to_repair(dir)
    }

    /// Makes the store in `dir` whole again from what is left of it: the records of pictures are
    /// made anew from the log. Nothing is deleted.
    ///
    /// # Errors
    /// If it is in use, is no store, or the disk is full or fails.
    pub fn repair(dir: &Path, options: &StoreOptions<'_>) -> Result<Repaired, StoreError> {
        Embedded::repair(dir, options)
    }

    /// Brings the backup in `to` up to what the store in `from` has, which may be in use.
    /// `progress` is told of bytes so far and in all.
    ///
    /// # Errors
    /// If `from` is no store or damaged, `to` is something else than its backup, or a disk is
    /// full or fails.
    pub fn backup(
        from: &Path,
        to: &Path,
        options: BackupOptions,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<BackedUp, StoreError> {
        Embedded::backup(from, to, options, progress)
    }

    /// Makes a store in `dir`, which must be empty, of the backup in `from`.
    ///
    /// # Errors
    /// If `from` is no backup or damaged, something is in `dir`, or a disk is full or fails.
    pub fn restore(
        from: &Path,
        dir: &Path,
        options: &StoreOptions<'_>,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Repaired, StoreError> {
        Embedded::restore(from, dir, options, progress)
    }

    /// Writes the records of the store in `dir` anew, so that nothing of what was removed is left
    /// in their file. The store must not be open.
    ///
    /// # Errors
    /// If it is in use, is no store, or the disk is full or fails.
    pub fn rewrite_records(dir: &Path) -> Result<(), StoreError> {
        Embedded::rewrite_records(dir)
    }

    /// A new store in memory, for tests. It has no folder, and keeps all pictures alike.
    pub fn in_memory(options: &StoreOptions<'_>) -> Self {
        Self::in_memory_with(options, LEASE_TIME)
    }

    fn in_memory_with(options: &StoreOptions<'_>, lease_time: Duration) -> Self {
        let network = options.network;
        let layouts = Layouts::of(network, options.activations, None);
        let id = format!("{:032x}", rand::random::<u128>());
        Self {
            is_converting: AtomicBool::new(!layouts.now().keeps_values()),
            metadata: Box::new(MemoryMetadata::new(lease_time)),
            blocks: Box::new(MemoryBlocks::default()),
            identity: Identity {
                mark: id.clone(),
                id,
                network: network.id().clone(),
                layouts,
                activations: options.activations,
                recent_bytes: None,
                sketch: None,
                descriptor: network.descriptor_id().to_owned(),
                look: network.look().map(|look| look.id().to_owned()),
            },
            dir: None,
            commits: Mutex::default(),
            newest: Mutex::default(),
        }
    }

    /// Files that are under another name since the store could not use them
    /// (`NAME.unknown-1`): what was removed since may still be in them.
    pub fn set_aside(&self) -> Vec<PathBuf> {
        self.dir().map_or_else(Vec::new, Embedded::set_aside)
    }

    /// The folder of the store; `None` if it is in memory.
    pub fn dir(&self) -> Option<&Path> {
        self.dir.as_deref()
    }

    /// Where the index keeps its snapshots; `None` if the store is in memory.
    pub fn index_dir(&self) -> Option<PathBuf> {
        self.dir().map(|dir| dir.join("index"))
    }

    /// Opens the politeness ledger.
    ///
    /// # Errors
    /// If it is not one, or cannot be read and written, or the store is in memory.
    pub fn open_ledger(&self) -> Result<ledger::Ledger, StoreError> {
        let dir = self.dir().ok_or(StoreError::NoFolder)?;
        ledger::Ledger::open(dir, ledger::Retention::default())
    }

    /// How a picture's activations are laid out. Where it has a sketch, no more than that may be kept of
    /// older pictures.
    pub fn layout(&self) -> &Layout {
        self.identity.layouts.now()
    }

    /// Tells this store from all others but its copies.
    pub fn id(&self) -> &str {
        &self.identity.id
    }

    /// Tells this store from its copies, too: what is derived from it has this.
    pub fn mark(&self) -> &str {
        &self.identity.mark
    }

    /// The network whose features are stored.
    pub fn network(&self) -> &NetworkId {
        &self.identity.network
    }

    /// How its pictures are described ([`Network::descriptor_id`]).
    pub fn descriptor_id(&self) -> &str {
        &self.identity.descriptor
    }

    /// How looks are told ([`LookProjection::id`](crate::network::LookProjection::id)), if all of
    /// its pictures have theirs.
    pub fn look_id(&self) -> Option<&str> {
        self.identity.look.as_deref()
    }

    /// Bytes that the store takes on disk, the index included.
    ///
    /// # Errors
    /// If its folders cannot be listed.
    pub fn disk_bytes(&self) -> Result<u64, StoreError> {
        self.dir().map_or(Ok(0), bytes_below)
    }

    /// Stores a batch and returns once it would survive a power failure. The result says
    /// for each entry whether a new picture was stored.
    ///
    /// # Errors
    /// If the disk is full or fails. Nothing of the batch counts then; its URLs are
    /// handed out again by the next crawl.
    pub fn commit(&self, outcomes: Vec<PictureOutcome>) -> Result<Vec<bool>, StoreError> {
        let _guard = self.commits.lock().unwrap_or_else(PoisonError::into_inner);
        self.metadata.commit(outcomes, &*self.blocks)
    }

    /// Gives back the space of removed pictures.
    ///
    /// # Errors
    /// If the disk is full or fails; what was not rewritten stays as it is.
    pub fn compact(&self, which: Wasteful) -> Result<Compacted, StoreError> {
        let _guard = self.commits.lock().unwrap_or_else(PoisonError::into_inner);
        self.blocks.compact(&*self.metadata, which)
    }

    /// Names damaged bytes of which nobody knows whose they are: what was removed may be in them.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn nameless_bytes(&self) -> Result<Vec<String>, StoreError> {
        self.blocks.nameless()
    }
}

/// Bytes of all files below a folder. A file that is removed meanwhile counts nothing.
///
/// # Errors
/// If a folder cannot be listed.
pub fn bytes_below(dir: &Path) -> Result<u64, StoreError> {
    let mut bytes = 0;
    for entry in walkdir::WalkDir::new(dir) {
        match entry.and_then(|entry| entry.metadata()) {
            Ok(data) if data.is_file() => bytes += data.len(),
            Ok(_) => {}
            Err(error) => {
                let path = error.path().unwrap_or(dir).to_owned();
                let source = std::io::Error::from(error);
                if source.kind() != std::io::ErrorKind::NotFound {
                    return Err(StoreError::io(&path, source));
                }
            }
        }
    }
    Ok(bytes)
}

/// Milliseconds since 1970.
pub fn now_ms() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
