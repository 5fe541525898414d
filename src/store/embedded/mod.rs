//! The store in a folder: a log of entries is the truth about pictures, sled is an index over it
//! and keeps what the crawler knows.
//!
//! sled's types stay in here.

mod blocks;
mod disk;
mod files;
mod keeping;
mod log;
mod metadata;
mod migration;
mod records;
mod recovery;
mod rows;
mod sightings;
mod transfer;
mod trees;

#[cfg(test)]
mod conversion_tests;
#[cfg(test)]
mod damage_tests;
#[cfg(test)]
mod misplaced_tests;
#[cfg(test)]
mod newest_tests;
#[cfg(test)]
mod repair_tests;
#[cfg(test)]
mod rows_tests;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(super) use blocks::EmbeddedBlocks;
#[cfg(feature = "cluster")]
pub(super) use files::Lock;
pub use records::silence_caught_panics;

use super::keeping::Layouts;
use super::leases::Leases;
use super::losses::Losses;
use super::{Identity, Sequence, StoreError, StoreOptions};
use crate::canonical_url::HostId;
use disk::{Disk, SystemDisk};
#[cfg(not(feature = "cluster"))]
use files::Lock;
use files::{Header, Reserve, WITH_LOG};
use log::{Log, Opened, StoreId, Totals};
use metadata::describe::Describer;
use records::{Closing, Flusher, Held, Records};
use recovery::usable_records::are_damaged;
use rows::{LookRows, MeasureFile, Rows};
use sightings::Sightings;
use trees::Trees;

/// The folder of sled, in the store's.
const RECORDS: &str = "records";

/// What a store in a folder knows.
pub(super) struct EmbeddedMetadata {
    /// Before the records: it uses them.
    _flusher: Flusher,
    dir: PathBuf,
    store_id: StoreId,
    trees: Arc<Closing<Trees>>,
    records: Arc<Records>,
    log: Arc<Log>,
    reserve: Reserve,
    /// Numbers in a descriptor.
    dimensions: usize,
    /// What searches read, and how pictures look.
    rows: Rows,
    looks: LookRows,
    /// Held while rows are written of what the records have, and while pictures leave or move.
    row_changes: Mutex<()>,
    /// What makes them of activations.
    describer: Describer,
    /// What filters select by: how large pictures are and when they were stored, and where they were seen.
    measures: MeasureFile,
    sightings: Sightings,
    /// How pictures are described.
    descriptor: String,
    /// How their looks are told, and the bytes of one; `None` if the network tells none.
    look: Option<(String, usize)>,
    /// What the catalogue comes to. Held while pictures are committed or removed.
    totals: Mutex<Totals>,
    /// Pictures that were removed since the store was opened.
    removed: Mutex<Vec<Sequence>>,
    /// How often it changed which pairs are no near-copies.
    changes_of_duplicates: AtomicU64,
    /// Held while the frontier is read and changed. Before the totals, if both are.
    frontier: Mutex<()>,
    /// Hosts that got work because of what came of other URLs.
    new_work: Mutex<Vec<HostId>>,
    /// Which URLs of the frontier are handed out.
    leases: Leases,
    /// What the present run has removed.
    losses: Losses,
    /// The number of the crawler's present run; 0 if it does not run.
    run: AtomicU64,
    /// The crawl that it belongs to.
    crawl: AtomicU64,
    /// The copy of the records of a store that cannot be written. Dropped last.
    private: Option<tempfile::TempDir>,
}

/// An open store of this kind.
pub(super) struct Embedded {
    pub(super) identity: Identity,
    /// Whether blocks of another encoding may be among those of the store's.
    pub(super) is_converting: bool,
    pub(super) metadata: EmbeddedMetadata,
    pub(super) blocks: EmbeddedBlocks,
}

impl Embedded {
    /// Whether `dir` holds a store.
    pub(super) fn exists(dir: &Path) -> bool {
        recovery::header::has_traces(dir)
    }

    /// The id in the header of the store in `dir`.
    pub(super) fn id_in(dir: &Path) -> Option<String> {
        Header::read(dir).ok().flatten().map(|header| header.id)
    }

    /// What could not be used and has another name, by name.
    pub(super) fn set_aside(dir: &Path) -> Vec<PathBuf> {
        let folders = [dir.to_owned(), dir.join(log::FOLDER)];
        let entries = folders.iter().filter_map(|dir| std::fs::read_dir(dir).ok());
        let entries = entries.flatten().filter_map(Result::ok);
        let is_aside = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default();
            name.to_string_lossy().contains(".unknown-")
        };
        let mut paths: Vec<PathBuf> = entries.map(|it| it.path()).filter(is_aside).collect();
        paths.sort_unstable();
        paths
    }

    /// Opens the store in `dir`, making a new one where there is none. URLs are handed out
    /// for `lease_time`.
    pub(super) fn open(
        dir: &Path,
        options: &StoreOptions<'_>,
        lease_time: Duration,
    ) -> Result<Self, StoreError> {
        transfer::check_ended(dir)?;
        Self::open_on(Arc::new(SystemDisk), dir, options, lease_time)
    }

    fn open_on(
        disk: Arc<dyn Disk>,
        dir: &Path,
        options: &StoreOptions<'_>,
        lease_time: Duration,
    ) -> Result<Self, StoreError> {
        crate::private_folder::create(dir).map_err(|error| StoreError::io(dir, error))?;
        files::check_places(dir)?;
        let path = dir.join(RECORDS);
        let open = |held: &mut Option<Held>, is_last: bool| {
            let lock = Lock::take(dir)?;
            records::or_damaged(&path, || {
                let disk = Arc::clone(&disk);
                Self::open_locked(lock, disk, dir, options, lease_time, (held, is_last))
            })
        };
        let put_back = |held: &Option<Held>| match held {
            Some(held) => held.put_back(&path),
            None => Ok(false),
        };
        let mut held = None;
        match open(&mut held, false) {
            // sled writes over what it cannot read, though a read that failed once is no damage.
            Err(error) if are_damaged(&error) => {
                put_back(&held)?;
                let opened = open(&mut held, true);
                if opened.as_ref().err().is_some_and(are_damaged) {
                    put_back(&held)?;
                }
                opened
            }
            opened => opened,
        }
    }

    /// Opens the store behind its lock. `held` gets sled's files as they were before; where records
    /// are behind the log that is an error, unless this is the last try.
    fn open_locked(
        lock: Lock,
        disk: Arc<dyn Disk>,
        dir: &Path,
        options: &StoreOptions<'_>,
        lease_time: Duration,
        (held, is_last): (&mut Option<Held>, bool),
    ) -> Result<Self, StoreError> {
        let header = Header::read(dir)?;
        match &header {
            Some(header) => {
                if header.format >= WITH_LOG || Header::read_copy(dir).is_some() {
                    recovery::header::check(&*disk, dir, header)?;
                }
                header.check(dir, options.network.id())?;
                header.check_described(dir, options.network)?;
            }
            // A new one is not begun over what is left of another.
            None if Self::exists(dir) => {
                return Err(StoreError::NoHeader {
                    dir: dir.to_owned(),
                });
            }
            None => {}
        }
        recovery::record_rewrite::finish_rewriting(dir)?;
        let path = dir.join(RECORDS);
        let is_there = path.join("db").is_file();
        if let Some(header) = &header
            && header.format > 0
            && !is_there
        {
            return Err(StoreError::Records {
                path,
                message: "they are missing".to_owned(),
            });
        }
        *held = Some(records::make_ready(&path)?);
        let db = records::open_ready(&path)?;
        let header = migration::header(dir, &db, header, options)?;
        let trees = Trees::open(db.clone(), lock)?;
        let before = header.format;
        let mut header = migration::run(&disk, dir, &trees, header, options)?;
        if before < WITH_LOG {
            trees.recount()?;
        }
        let store_id = header.store_id(dir)?;
        let Opened { log, mark, .. } = Log::open(Arc::clone(&disk), dir, store_id)?;
        if !is_last && trees.applied()?.next < mark.position.next {
            return Err(StoreError::Records {
                path,
                message: "they are behind the log".to_owned(),
            });
        }
        let mut store = Self::assemble(Parts {
            dir,
            options,
            lease_time,
            header: &header,
            store_id,
            records: Records::new(db, path, disk),
            trees,
            log,
        })?;
        let metadata = &mut store.metadata;
        metadata.open_rows(&SystemDisk);
        metadata.measures = MeasureFile::open(dir, &store.identity.id);
        metadata.sightings.keep(metadata.has_sightings()?);
        metadata.reconcile(&mark)?;
        metadata.ensure_sightings()?;
        store.ensure_described(dir, &mut header)?;
        header.keep_copy(dir)?;
        Ok(store)
    }

    fn assemble(parts: Parts<'_, '_>) -> Result<Self, StoreError> {
        let Parts { dir, options, .. } = parts;
        let reserve = Reserve {
            dir: dir.to_owned(),
            bytes: options.reserve_bytes,
            is_frozen: false,
        };
        let trees = Arc::new(Closing::new(parts.trees));
        let records = Arc::new(parts.records);
        let log = Arc::new(parts.log);
        let blocks = EmbeddedBlocks {
            log: Arc::clone(&log),
            trees: Arc::clone(&trees),
            reserve: reserve.clone(),
        };
        let header = &parts.header;
        let sketch = header.recent_bytes.map(|_| header.sketch());
        let layouts = Layouts::of(options.network, header.activations, sketch);
        let flusher = Flusher::start(Arc::clone(&records));
        let metadata = EmbeddedMetadata {
            _flusher: flusher.map_err(|error| StoreError::io(dir, error))?,
            dir: dir.to_owned(),
            store_id: parts.store_id,
            trees,
            records,
            log,
            reserve,
            dimensions: options.network.descriptor_dimensions(),
            rows: Rows::none(options.network.descriptor_dimensions()),
            looks: LookRows::none(options.network.look().map_or(0, |look| look.dimensions())),
            row_changes: Mutex::default(),
            describer: Describer::new(options.network, &layouts),
            measures: MeasureFile::none(),
            sightings: Sightings::default(),
            descriptor: options.network.descriptor_id().to_owned(),
            look: options
                .network
                .look()
                .map(|look| (look.id().to_owned(), look.dimensions())),
            totals: Mutex::default(),
            removed: Mutex::default(),
            changes_of_duplicates: AtomicU64::new(0),
            frontier: Mutex::new(()),
            new_work: Mutex::default(),
            leases: Leases::new(parts.lease_time),
            losses: Losses::default(),
            run: AtomicU64::new(0),
            crawl: AtomicU64::new(0),
            private: None,
        };
        Ok(Self {
            is_converting: parts.header.converting,
            identity: Identity {
                id: parts.header.id.clone(),
                // What is derived lies in its folder.
                mark: parts.header.id.clone(),
                network: options.network.id().clone(),
                layouts,
                activations: parts.header.activations,
                recent_bytes: parts.header.recent_bytes,
                sketch,
                descriptor: options.network.descriptor_id().to_owned(),
                look: None,
            },
            metadata,
            blocks,
        })
    }
}

/// What a store is put together of.
struct Parts<'a, 'n> {
    dir: &'a Path,
    options: &'a StoreOptions<'n>,
    lease_time: Duration,
    header: &'a Header,
    store_id: StoreId,
    records: Records,
    trees: Trees,
    log: Log,
}

impl EmbeddedMetadata {
    /// Opens the rows of descriptors and looks. Where that fails there are none, and the log is read.
    fn open_rows(&mut self, disk: &dyn Disk) {
        let store = format!("{:032x}", u128::from_be_bytes(self.store_id));
        let warn = |error: &std::io::Error| {
            if error.kind() != std::io::ErrorKind::NotFound {
                tracing::warn!(%error, "searches are slower: what they read cannot be kept");
            }
        };
        let way = (&*store, &*self.descriptor);
        if let Ok(rows) = Rows::open(disk, &self.dir, way, self.dimensions).inspect_err(warn) {
            self.rows = rows;
        }
        if let Some((look, dimensions)) = &self.look
            && let Ok(looks) =
                LookRows::open(disk, &self.dir, (&store, look), *dimensions).inspect_err(warn)
        {
            self.looks = looks;
        }
    }

    /// Has what was written to rows survive a power failure.
    fn sync_rows(&self) {
        if let Err(error) = self.rows.file.sync().and(self.looks.file.sync()) {
            tracing::warn!(%error, "what was written to `index` may be lost with the power");
        }
    }
}

impl Drop for EmbeddedMetadata {
    fn drop(&mut self) {
        if self.records.has_failed() {
            // sled would flush once more, and panic if that fails. The process is about to end.
            std::mem::forget(Arc::clone(&self.trees));
            std::mem::forget(Arc::clone(&self.records));
        }
    }
}
