//! sled, with the guards that it needs: what it says of a flush is not enough, it may panic over
//! damaged files, and nobody hears of the errors of its own timer.

mod files;

use std::cell::Cell;
use std::io;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Once, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

pub(super) use self::files::{Held, make_ready};
use super::disk::Disk;
use super::trees::{error_of_opening, system_error};
use crate::store::StoreError;

/// sled's page cache, in bytes. sled 0.34 does not keep to it, so only small records pass
/// through sled and the cache is small: a frontier of two million URLs takes 1.1 GB of memory
/// with 64 MiB here and a tenth of it with 4 MiB, at the same speed.
const CACHE_BYTES: u64 = 4 << 20;
/// How often, and how far apart, sled's file is tried that its own threads still hold.
const LOCK_TRIES: u32 = 100;
const LOCK_PAUSE: Duration = Duration::from_millis(20);
/// Longest time that what the crawler learns is in memory alone.
const FLUSH_EVERY: Duration = Duration::from_millis(500);

/// Opens sled in a folder.
///
/// # Errors
/// If it cannot be read; damaged files are [`StoreError::Records`].
pub(super) fn open(path: &Path) -> Result<sled::Db, StoreError> {
    make_ready(path)?;
    open_ready(path)
}

/// Opens sled in a folder whose files were made ready.
///
/// # Errors
/// As [`open`].
pub(super) fn open_ready(path: &Path) -> Result<sled::Db, StoreError> {
    let config = sled::Config::new()
        .path(path)
        .cache_capacity(CACHE_BYTES)
        // What its own timer cannot write it tells nobody.
        .flush_every_ms(None);
    let mut tries = 0;
    loop {
        match caught(|| config.open()) {
            // sled's threads hold its file for a moment after the last handle was dropped. The
            // store's own lock keeps everybody else out.
            Ok(Err(error)) if is_held(&error) && tries < LOCK_TRIES => {
                tries += 1;
                std::thread::sleep(LOCK_PAUSE);
            }
            Ok(opened) => return opened.map_err(|error| error_of_opening(path, error)),
            Err(panic) => return Err(panic.at(path)),
        }
    }
}

fn is_held(error: &sled::Error) -> bool {
    matches!(error, sled::Error::Io(error) if error.to_string().contains("acquire lock"))
}

/// What `work` gives with the records at a path; [`StoreError::Records`] if sled panicked over
/// them.
pub(super) fn or_damaged<T>(
    path: &Path,
    work: impl FnOnce() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    match caught(work) {
        // Of a tree that is read later, without a word of where it is.
        Ok(Err(StoreError::Engine { source, .. })) if is_damage(&*source) => Err(damaged(path)),
        Ok(result) => result,
        Err(panic) => Err(panic.at(path)),
    }
}

fn is_damage(error: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    let error = error.downcast_ref::<sled::Error>();
    matches!(error, Some(sled::Error::Corruption { .. }))
}

fn damaged(path: &Path) -> StoreError {
    StoreError::Records {
        path: path.to_owned(),
        message: "they are damaged".to_owned(),
    }
}

/// What `work` gives; `None` if sled panicked over it.
pub(super) fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    caught(work).ok()
}

/// What sled said when it panicked.
#[derive(Debug)]
struct Panic(String);

impl Panic {
    /// What it means for the records at a path: sled panics over a disk that fails, too.
    fn at(self, path: &Path) -> StoreError {
        match system_error(&self.0) {
            Some(error) => StoreError::io(path, error),
            None => damaged(path),
        }
    }
}

thread_local! {
    /// Whether this thread's panics are caught here.
    static IS_GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Keeps panics of sled that become errors off the user's terminal; all others print as usual.
pub fn silence_caught_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| match IS_GUARDED.get() {
            true => tracing::debug!(%info, "the engine of the records panicked"),
            false => before(info),
        }));
    });
}

fn caught<T>(work: impl FnOnce() -> T) -> Result<T, Panic> {
    let before = IS_GUARDED.replace(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    IS_GUARDED.set(before);
    result.map_err(|payload| {
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
        Panic(text.unwrap_or_default().to_owned())
    })
}

/// What keeps sled open. sled writes once more when the last of it is dropped, and panics where
/// it cannot; what was acknowledged is on the disk by then.
#[derive(Debug)]
pub(super) struct Closing<T>(Option<T>);

impl<T> Closing<T> {
    pub(super) fn new(open: T) -> Self {
        Self(Some(open))
    }
}

impl<T> Deref for Closing<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_ref().expect("it is taken when this is dropped")
    }
}

impl<T> Drop for Closing<T> {
    fn drop(&mut self) {
        let open = self.0.take();
        if guarded(|| drop(open)).is_none() {
            tracing::warn!("the disk failed when the records were closed");
        }
    }
}

/// Makes what sled has survive a power failure.
#[derive(Debug)]
pub(super) struct Records {
    db: Closing<sled::Db>,
    dir: PathBuf,
    disk: Arc<dyn Disk>,
    has_failed: AtomicBool,
}

impl Records {
    pub(super) fn new(db: sled::Db, dir: PathBuf, disk: Arc<dyn Disk>) -> Self {
        Self {
            db: Closing::new(db),
            dir,
            disk,
            has_failed: AtomicBool::new(false),
        }
    }

    /// Writes everything so far to sled's file and syncs it: sled's own flush only asks the
    /// system to begin writing (sled issues 1351, 1452).
    ///
    /// # Errors
    /// If the disk fails, or has failed before: what sled has in memory cannot be told from what
    /// is on the disk then.
    pub(super) fn sync(&self) -> Result<(), StoreError> {
        self.check()?;
        let synced = match guarded(|| self.db.flush()) {
            // Also where it had nothing to write: some was written before, and not synced.
            Some(flushed) => flushed
                .map_err(StoreError::from)
                .and_then(|_| self.sync_file()),
            None => Err(self.failed()),
        };
        if synced.is_err() {
            self.has_failed.store(true, Ordering::Relaxed);
        }
        synced
    }

    fn sync_file(&self) -> Result<(), StoreError> {
        let path = self.dir.join("db");
        self.disk
            .sync_foreign(&path)
            .map_err(|error| StoreError::io(&path, error))
    }

    /// Fails once writing has failed.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    pub(super) fn check(&self) -> Result<(), StoreError> {
        match self.has_failed.load(Ordering::Relaxed) {
            true => Err(self.failed()),
            false => Ok(()),
        }
    }

    fn failed(&self) -> StoreError {
        StoreError::Failed {
            dir: self.dir.clone(),
        }
    }

    /// Whether writing has failed.
    pub(super) fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::Relaxed)
    }
}

/// A thread that flushes sled now and then.
#[derive(Debug)]
pub(super) struct Flusher {
    /// Dropped to stop it.
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Flusher {
    pub(super) fn start(records: Arc<Records>) -> io::Result<Self> {
        let (stop, stopped) = mpsc::channel::<()>();
        let thread = std::thread::Builder::new().name("flusher".to_owned());
        let thread = thread.spawn(move || {
            while stopped.recv_timeout(FLUSH_EVERY) == Err(mpsc::RecvTimeoutError::Timeout) {
                if let Err(error) = records.sync() {
                    tracing::error!(%error, "the store's records cannot be written");
                    break;
                }
            }
        })?;
        Ok(Self {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Flusher {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It panics over nothing that sync has not caught.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unfinished_snapshot_harms_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("records");
        let db = open(&path).unwrap();
        for n in 0..2_000u32 {
            db.insert(n.to_be_bytes(), vec![7; 100]).unwrap();
        }
        db.flush().unwrap();
        drop(db);
        // As a full disk leaves one.
        std::fs::write(path.join("snap.00000000FFFFFFFF.generating"), []).unwrap();
        let db = open(&path).unwrap();
        assert_eq!(db.len(), 2_000);
    }

    #[test]
    fn a_panic_over_the_last_bytes_ends_where_they_are_dropped() {
        struct Failing;
        impl Drop for Failing {
            fn drop(&mut self) {
                panic!("as sled does where a sync fails");
            }
        }
        drop(Closing::new(Failing));
    }

    #[test]
    fn a_disk_that_fails_is_no_damage_whoever_panics_over_it() {
        let path = Path::new("/store/records");
        // As sled does, which unwraps what the disk says.
        let failing = || -> io::Result<()> { Err(io::Error::from_raw_os_error(5)) };
        let error = or_damaged::<()>(path, || {
            failing().unwrap();
            Ok(())
        });
        let error = error.unwrap_err();
        assert!(
            matches!(&error, StoreError::Io { source, .. } if source.raw_os_error() == Some(5))
        );
        let text = error.to_string();
        assert!(
            text.contains("the disk") && !text.contains("repair"),
            "{text}"
        );
        let error = or_damaged::<()>(path, || panic!("index out of bounds"));
        assert!(matches!(error, Err(StoreError::Records { .. })));
    }
}
