//! The store in a folder: sled keeps records, append-only files keep bytes.
//!
//! sled's types stay in here.

mod blocks;
mod catalogue;
mod commit;
mod commit_changes;
mod describe;
mod files;
mod frontier;
mod hosts;
mod leasing;
mod metadata;
mod migration;
mod queueing;
mod removal;
mod retry_queue;
mod trees;
mod visits;
mod waiting;

use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(super) use blocks::EmbeddedBlocks;

use super::leases::Leases;
use super::{Identity, Sequence, StoreError, StoreOptions};
use files::{Bodies, Header, Lock, Reserve, Segments};
use trees::{Trees, numbered};

/// sled's page cache, in bytes. sled 0.34 does not keep to it, so only small records pass
/// through sled and the cache is small: a frontier of two million URLs takes 1.1 GB of memory
/// with 64 MiB here and a tenth of it with 4 MiB, at the same speed.
const CACHE_BYTES: u64 = 4 << 20;

/// What a store in a folder knows.
pub(super) struct EmbeddedMetadata {
    trees: Arc<Trees>,
    bodies: Bodies,
    reserve: Reserve,
    /// Numbers in a descriptor.
    dimensions: usize,
    /// Length of a picture's block, in bytes: a store of this format has only one.
    block_len: u64,
    /// Held while pictures are committed or removed; the next sequence number.
    pictures: Mutex<u64>,
    /// Pictures that were removed since the store was opened.
    removed: Mutex<Vec<Sequence>>,
    /// Held while the frontier is read and changed.
    frontier: Mutex<()>,
    /// Which URLs of the frontier are handed out.
    leases: Leases,
    /// The number of the crawler's present run; 0 if it does not run.
    run: AtomicU64,
    /// The crawl that it belongs to.
    crawl: AtomicU64,
}

/// An open store of this kind.
pub(super) struct Embedded {
    pub(super) identity: Identity,
    pub(super) metadata: EmbeddedMetadata,
    pub(super) blocks: EmbeddedBlocks,
}

impl Embedded {
    /// Whether `dir` holds a store.
    pub(super) fn exists(dir: &Path) -> bool {
        dir.join(files::HEADER_FILE).is_file()
    }

    /// Opens the store in `dir`, making a new one where there is none. URLs are handed out
    /// for `lease_time`.
    pub(super) fn open(
        dir: &Path,
        options: &StoreOptions<'_>,
        lease_time: Duration,
    ) -> Result<Self, StoreError> {
        crate::private_folder::create(dir).map_err(|error| StoreError::io(dir, error))?;
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
            .map_err(|error| trees::error_of_opening(&path, error))?;
        let mut header = migration::run(dir, &db, header, options)?;
        let trees = Arc::new(Trees::open(db, lock)?);
        let layout = options.network.layout(header.activations);
        let mut committed: Vec<_> = numbered(&trees.segments, "segments")?.into_iter().collect();
        committed.sort_unstable_by_key(|(number, _)| *number);
        let reserve = Reserve {
            dir: dir.to_owned(),
            bytes: options.reserve_bytes,
        };
        let blocks = EmbeddedBlocks {
            segments: Segments::open(dir.join("activations"), &committed)?,
            trees: Arc::clone(&trees),
            reserve: reserve.clone(),
        };
        let body_files = numbered(&trees.body_files, "body_files")?;
        let metadata = EmbeddedMetadata {
            bodies: Bodies::open(dir.join("bodies"), &body_files)?,
            reserve,
            dimensions: options.network.descriptor_dimensions(),
            block_len: layout.block_len() as u64,
            pictures: Mutex::new(trees.next_sequence()?),
            removed: Mutex::default(),
            frontier: Mutex::new(()),
            leases: Leases::new(lease_time),
            run: AtomicU64::new(0),
            crawl: AtomicU64::new(0),
            trees,
        };
        let store = Self {
            identity: Identity {
                id: header.id.clone(),
                network: options.network.id().clone(),
                layout,
                descriptor: options.network.descriptor_id().to_owned(),
            },
            metadata,
            blocks,
        };
        if header.descriptor != store.identity.descriptor {
            store.describe_anew(options.network)?;
            header.descriptor.clone_from(&store.identity.descriptor);
            header.write(dir)?;
        }
        Ok(store)
    }
}
