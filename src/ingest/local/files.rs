//! Hands in the pictures among local files, and reports what came of each.

use std::path::{Path, PathBuf};

use super::exclude::Exclude;
use super::file_store::{FileStore, Intake};
use super::file_system::changed_ns;
use super::gone::{Gone, drop_gone};
use super::listing::{Listing, Rules, list};
use super::real_paths::RealPaths;
use super::unread::SkippedFiles;
use crate::ingest::{Ingest, ListedFile, LocalFile, Receipt};
use crate::shutdown::Shutdown;
use crate::store::{Store, StoreError};

/// Which local files are taken, and what becomes of those that are gone.
#[derive(Debug, Clone, Default)]
pub struct AddOptions {
    /// Whether hidden files and folders are read, too.
    pub hidden: bool,
    /// What is left out.
    pub exclude: Vec<Exclude>,
    /// Whether files that are gone are dropped however many there are.
    pub drop_missing: bool,
}

/// What a walk over local files reports as it goes.
#[derive(Debug)]
pub enum FileReport {
    /// All is listed: the first report of a walk.
    Listed {
        /// Pictures that will be looked at.
        files: u64,
        /// Pictures of formats that are not read.
        unread: SkippedFiles,
        /// Hidden and excluded files and folders.
        left_out: u64,
        /// Folders that were named and have no picture in them.
        without: Vec<PathBuf>,
    },
    /// A file was found and will be indexed.
    Found {
        /// Its size in bytes.
        bytes: u64,
    },
    /// A file is unchanged since it was indexed.
    Unchanged,
    /// A file or folder cannot be read.
    Unreadable {
        /// The path.
        path: PathBuf,
        /// What the system said.
        message: String,
    },
    /// A file was stored, or cannot be used.
    Finished(Receipt),
    /// Files that are gone were dropped, or kept: the last report of a walk that was not stopped.
    Gone(Gone),
}

/// Indexes files and folders by the default options.
///
/// # Errors
/// If the store fails.
pub fn add_files(
    paths: &[PathBuf],
    store: &Store,
    ingest: Ingest<ListedFile>,
    shutdown: &Shutdown,
    report: &mut dyn FnMut(FileReport),
) -> Result<(), StoreError> {
    let options = AddOptions::default();
    add_files_with(paths, &options, store, ingest.into(), shutdown, report)
}

/// Indexes files and folders (recursively), drops what is gone below them, and reports everything
/// to `report`; returns when all is stored, or early and cleanly when asked to stop.
///
/// A file that is named itself is always tried; within folders only files whose names end like
/// a picture's.
///
/// # Errors
/// If the store fails.
pub fn add_files_with<S: FileStore>(
    paths: &[PathBuf],
    options: &AddOptions,
    store: &S,
    intake: Intake<S::Error>,
    shutdown: &Shutdown,
    report: &mut dyn FnMut(FileReport),
) -> Result<(), S::Error> {
    let rules = Rules {
        hidden: options.hidden,
        exclude: &options.exclude,
    };
    let mut listing = list(paths, &rules, shutdown);
    report(FileReport::Listed {
        files: listing.files.len() as u64,
        unread: std::mem::take(&mut listing.unread),
        left_out: listing.left_out,
        without: listing.without_pictures(),
    });
    for (path, message) in std::mem::take(&mut listing.unreadable) {
        report(FileReport::Unreadable { path, message });
    }
    hand_in(&listing, store, intake, shutdown, report)?;
    if !shutdown.requested() {
        report(FileReport::Gone(drop_gone(
            store,
            &listing,
            options.drop_missing,
        )?));
    }
    Ok(())
}

fn hand_in<S: FileStore>(
    listing: &Listing,
    store: &S,
    intake: Intake<S::Error>,
    shutdown: &Shutdown,
    report: &mut dyn FnMut(FileReport),
) -> Result<(), S::Error> {
    let Intake {
        jobs,
        receipts,
        finish,
    } = intake;
    let (found, finds) = std::sync::mpsc::sync_channel(256);
    std::thread::scope(|scope| {
        // Two feeders into one channel, so that one loop reports.
        let walk_found = found.clone();
        let walker = scope.spawn(move || {
            let result = offer_all(listing, store, &jobs, shutdown, &walk_found);
            drop(jobs);
            result
        });
        scope.spawn(move || {
            while let Ok(receipt) = receipts.recv_blocking() {
                if found.send(FileReport::Finished(receipt)).is_err() {
                    break;
                }
            }
        });
        let finisher = scope.spawn(finish);
        for event in finds {
            report(event);
        }
        let join = |result: std::thread::Result<Result<(), S::Error>>| {
            result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        join(finisher.join()).and(join(walker.join()))
    })
}

fn offer_all<S: FileStore>(
    listing: &Listing,
    store: &S,
    jobs: &async_channel::Sender<ListedFile>,
    shutdown: &Shutdown,
    found: &std::sync::mpsc::SyncSender<FileReport>,
) -> Result<(), S::Error> {
    let mut real_paths = RealPaths::default();
    for (path, root) in &listing.files {
        if shutdown.requested() {
            return Ok(());
        }
        // Without a report the writer has failed; its error is the one to show.
        let root = &listing.roots[*root].path;
        let Some(report) = offer(path, root, &mut real_paths, store, jobs)? else {
            return Ok(());
        };
        if found.send(report).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

fn offer<S: FileStore>(
    path: &Path,
    root: &Path,
    real_paths: &mut RealPaths,
    store: &S,
    jobs: &async_channel::Sender<ListedFile>,
) -> Result<Option<FileReport>, S::Error> {
    let data = match std::fs::metadata(path) {
        Ok(data) => data,
        Err(error) => {
            return Ok(Some(FileReport::Unreadable {
                path: path.to_owned(),
                message: error.to_string(),
            }));
        }
    };
    let (bytes, modified_ns) = (data.len(), changed_ns(&data));
    // A file that was added by its own path is not added by a link's as well.
    if let Some(real) = real_paths.elsewhere(path)
        && store.is_known(&real, bytes, modified_ns)?
    {
        return Ok(Some(FileReport::Unchanged));
    }
    if store.is_known(path, bytes, modified_ns)? {
        return Ok(Some(FileReport::Unchanged));
    }
    let listed = ListedFile {
        file: LocalFile {
            path: path.to_owned(),
            bytes,
            modified_ns,
        },
        root: root.to_owned(),
    };
    Ok(jobs
        .send_blocking(listed)
        .is_ok()
        .then_some(FileReport::Found { bytes }))
}
