//! Walks over local files and folders and hands each new picture in.

use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use walkdir::WalkDir;

use super::{Ingest, LocalFile, Receipt};
use crate::picture::looks_like_picture;
use crate::shutdown::Shutdown;
use crate::store::{Store, StoreError};

/// What a walk over local files reports as it goes.
#[derive(Debug)]
pub enum FileReport {
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
}

/// Indexes files and folders (recursively) and reports everything to `report`; returns
/// when all is stored, or early and cleanly when asked to stop.
///
/// A file that is named itself is always tried; within folders only files whose names end like
/// a picture's.
///
/// # Errors
/// If the store fails.
pub fn add_files(
    paths: &[PathBuf],
    store: &Store,
    ingest: Ingest<LocalFile>,
    shutdown: &Shutdown,
    report: &mut dyn FnMut(FileReport),
) -> Result<(), StoreError> {
    let (jobs, receipts) = (ingest.jobs(), ingest.receipts());
    let (found, finds) = std::sync::mpsc::sync_channel(256);
    std::thread::scope(|scope| {
        // Two feeders into one channel, so that one loop reports.
        let walk_found = found.clone();
        let walker = scope.spawn(move || {
            let result = walk(paths, store, &jobs, shutdown, &walk_found);
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
        let finisher = scope.spawn(move || ingest.finish());
        for event in finds {
            report(event);
        }
        let join = |result: std::thread::Result<Result<(), StoreError>>| {
            result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        join(finisher.join()).and(join(walker.join()))
    })
}

fn walk(
    paths: &[PathBuf],
    store: &Store,
    jobs: &async_channel::Sender<LocalFile>,
    shutdown: &Shutdown,
    found: &std::sync::mpsc::SyncSender<FileReport>,
) -> Result<(), StoreError> {
    for root in paths {
        let named = root.is_file();
        for entry in WalkDir::new(root).follow_links(true).sort_by_file_name() {
            if shutdown.requested() {
                return Ok(());
            }
            let report = match entry {
                Err(error) => FileReport::Unreadable {
                    path: error.path().unwrap_or(root).to_owned(),
                    message: error.to_string(),
                },
                Ok(entry) if !entry.file_type().is_file() => continue,
                Ok(entry) if !named && !looks_like_picture(entry.path()) => continue,
                Ok(entry) => match offer(entry.path(), store, jobs)? {
                    // The writer has failed; its error is the one to show.
                    None => return Ok(()),
                    Some(report) => report,
                },
            };
            if found.send(report).is_err() {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn offer(
    path: &Path,
    store: &Store,
    jobs: &async_channel::Sender<LocalFile>,
) -> Result<Option<FileReport>, StoreError> {
    let listed = std::path::absolute(path)
        .and_then(|absolute| Ok((std::fs::metadata(&absolute)?, absolute)));
    let (data, path) = match listed {
        Ok(listed) => listed,
        Err(error) => {
            return Ok(Some(FileReport::Unreadable {
                path: path.to_owned(),
                message: error.to_string(),
            }));
        }
    };
    let modified = data
        .modified()
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let modified_ns = modified.as_ref().map_or(0, Duration::as_nanos);
    let modified_ns = u64::try_from(modified_ns).unwrap_or(u64::MAX);
    let bytes = data.len();
    if store.known_file(&path, bytes, modified_ns)?.is_some() {
        return Ok(Some(FileReport::Unchanged));
    }
    let file = LocalFile {
        path,
        bytes,
        modified_ns,
    };
    Ok(jobs
        .send_blocking(file)
        .is_ok()
        .then_some(FileReport::Found { bytes }))
}
