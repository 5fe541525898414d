//! Looking after a store that nobody has open: backups, repairs, and giving space back.

#[cfg(feature = "cluster")]
mod copy;
#[cfg(feature = "cluster")]
mod migrate;

use std::path::Path;

use serde::Serialize;

use super::collection::{existing_store, in_folder, store_options};
use super::{Collection, Error, Extraction};
#[cfg(feature = "cluster")]
pub use copy::{CopyJob, CopyReport, CopyStep, StoreNamed, copy_store};
#[cfg(feature = "cluster")]
pub use migrate::{Migrated, migrate};

use crate::config::{ByteSize, Config, Keep};
use crate::local_path::path_text;
use crate::shutdown::Shutdown;
use crate::store::{BackupOptions, Repaired, Store, StoreError, Wasteful};

/// The JSON of `backup`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BackupReport {
    /// Pictures with features.
    pub images: u64,
    /// Pictures without.
    pub waiting: u64,
    /// Bytes of the backup's segments.
    pub bytes: u64,
    /// Segments that were new or had grown.
    pub segments: u64,
    /// Bytes of them that were copied; what is linked is not.
    pub copied_bytes: u64,
    /// Bytes deleted from the backup.
    pub pruned_bytes: u64,
    /// What of the store is damaged: it is so in the backup, too.
    pub damaged: Vec<String>,
}

/// The JSON of `repair` and `restore`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RepairReport {
    /// Pictures with features.
    pub images: u64,
    /// Pictures without.
    pub waiting: u64,
    /// Pictures that were committed and are lost; null where that is not known.
    pub lost: Option<u64>,
    /// Bytes of the log that are damaged, and were passed over.
    pub damaged_bytes: u64,
    /// What was damaged of the backup that the store was made of.
    pub damaged: Vec<String>,
    /// Whether what the crawler knew is lost: it begins again at its seeds.
    pub forgot_crawl: bool,
    /// What could not be used and was left under another name.
    pub aside: Vec<String>,
    /// Pictures in it that the store does not have.
    pub images_aside: u64,
}

impl From<Repaired> for RepairReport {
    fn from(repaired: Repaired) -> Self {
        let there = repaired.pictures + repaired.waiting;
        let aside = repaired.aside.iter();
        Self {
            images: repaired.pictures,
            waiting: repaired.waiting,
            lost: match repaired.committed {
                Some(committed) => Some(committed.saturating_sub(there)),
                // All that may be of this store.
                None => Some(repaired.pictures_aside).filter(|lost| *lost > 0),
            },
            images_aside: repaired.pictures_aside,
            damaged_bytes: repaired.damaged_bytes,
            damaged: repaired.damaged,
            forgot_crawl: repaired.forgot_crawl,
            aside: aside.map(|path| path.display().to_string()).collect(),
        }
    }
}

/// The JSON of `compact`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CompactReport {
    /// Bytes of the store before.
    pub before_bytes: u64,
    /// Bytes after.
    pub after_bytes: u64,
    /// How much the store keeps of a picture: `full`, `compact` or `recent SIZE`.
    pub keep: Keep,
    /// Pictures of which all is kept.
    pub full: u64,
    /// Pictures of which a sketch is kept, and which stay so.
    pub sketches: u64,
    /// Pictures that were converted to it now.
    pub converted: u64,
    /// Pictures that are still stored in another way: it was asked to stop, or they are damaged.
    pub unconverted: u64,
    /// Whether it was asked to stop before it came to the end.
    pub stopped: bool,
    /// What is damaged, was kept, and may have bytes of what was removed.
    pub unread: Vec<String>,
    /// Files under another name, which the store does not use: they may have some, too.
    pub set_aside: Vec<String>,
}

/// Brings a backup of the store up to date. The store may be in use. `progress` is told of bytes
/// so far and in all.
///
/// # Errors
/// If there is no store, a file of it is missing, or a disk is full or fails.
pub fn backup(
    config: &Config,
    to: &Path,
    options: BackupOptions,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<BackupReport, Error> {
    in_folder(config)?;
    let dir = existing_store(config)?;
    let done = Store::backup(&dir, to, options, progress)?;
    Ok(BackupReport {
        images: done.pictures,
        waiting: done.waiting,
        bytes: done.bytes,
        segments: done.segments,
        copied_bytes: done.copied_bytes,
        pruned_bytes: done.pruned_bytes,
        damaged: done.damaged,
    })
}

/// Makes a store of a backup where the configuration says. `progress` is told of bytes so far and
/// in all.
///
/// # Errors
/// If there is a store already, the backup is damaged, or a disk is full or fails.
pub fn restore(
    config: &Config,
    extraction: &Extraction,
    from: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<RepairReport, Error> {
    in_folder(config)?;
    let options = store_options(config, extraction);
    let repaired = Store::restore(from, &config.data_dir()?, &options, progress)?;
    let mut report = RepairReport::from(repaired);
    // A backup never has it.
    report.forgot_crawl = true;
    Ok(report)
}

/// Makes the store whole again from what is left of it.
///
/// # Errors
/// If there is none, it is in use, or the disk is full or fails.
pub fn repair(config: &Config, extraction: &Extraction) -> Result<RepairReport, Error> {
    in_folder(config)?;
    let repaired = Store::repair(&existing_store(config)?, &store_options(config, extraction))?;
    Ok(repaired.into())
}

/// Gives back all space of what was removed, and writes the records anew. If `keep` says how much of
/// a picture is to be kept, the store is changed to that before. What is stored otherwise than the store
/// keeps it is converted, of which `progress` is told, in pictures so far and in all; and so is what a store
/// that keeps its newest pictures in full has too many of. The store is opened by `open`, more than once.
///
/// # Errors
/// If the store is in use or keeps less than `keep`, or the disk is full or fails.
pub fn compact(
    open: &dyn Fn() -> Result<Collection, Error>,
    keep: Option<Keep>,
    shutdown: &Shutdown,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<CompactReport, Error> {
    let collection = match (open()?, keep) {
        (collection, Some(keep)) => changed_to(keep, collection, open)?,
        (collection, None) => collection,
    };
    let store = collection.store();
    let dir = store.dir().map(Path::to_owned);
    let dir = dir.ok_or(StoreError::NoFolder)?;
    let before_bytes = store.disk_bytes()?;
    let converted = store.convert(&mut |done, total| {
        progress(done, total);
        !shutdown.requested()
    })?;
    let full = store.count_in_full()?;
    let mut report = CompactReport {
        before_bytes,
        after_bytes: before_bytes,
        keep: kept(store),
        full,
        sketches: (store.picture_count() as u64).saturating_sub(full),
        converted: converted.pictures,
        unconverted: converted.total - converted.pictures,
        stopped: converted.stopped,
        unread: converted.unread,
        set_aside: Vec::new(),
    };
    if converted.stopped {
        report.after_bytes = store.disk_bytes()?;
        return Ok(report);
    }
    // Also what earlier removals had to keep.
    let unread = store.compact(Wasteful::Any)?.unread.into_iter();
    for text in unread.chain(store.nameless_bytes()?) {
        if !report.unread.contains(&text) {
            report.unread.push(text);
        }
    }
    let set_aside = store.set_aside();
    report.set_aside = set_aside.iter().map(|path| path_text(path)).collect();
    // The records can be replaced only when nobody has them open.
    drop(collection);
    if Store::exists(&dir) {
        Store::rewrite_records(&dir)?;
    }
    report.after_bytes = crate::store::bytes_below(&dir)?;
    Ok(report)
}

/// The collection, with a store that keeps so much of a picture from now on.
fn changed_to(
    keep: Keep,
    collection: Collection,
    open: &dyn Fn() -> Result<Collection, Error>,
) -> Result<Collection, Error> {
    let store = collection.store();
    let dir = store.dir().map(Path::to_owned);
    let dir = dir.ok_or(StoreError::NoFolder)?;
    let now = kept(store);
    if keep == now {
        return Ok(collection);
    }
    let (config, extraction) = (collection.config(), collection.extraction());
    in_folder(config)?;
    let (config, extraction) = (config.clone(), extraction.clone());
    // Whoever reads it sees one layout, for as long as it is open.
    drop(collection);
    let options = store_options(&config, &extraction);
    match keep {
        Keep::Full => Err(StoreError::Irreversible { dir })?,
        Keep::Compact => Store::keep_compact(&dir, &options)?,
        Keep::Recent(size) => Store::keep_recent(&dir, size.bytes(), &options)?,
    }
    open()
}

/// How much a store keeps of a picture.
pub(super) fn kept(store: &Store) -> Keep {
    match store.recent_bytes() {
        Some(bytes) => Keep::Recent(ByteSize::of_bytes(bytes)),
        None if store.layout().keeps_values() => Keep::Full,
        None => Keep::Compact,
    }
}
