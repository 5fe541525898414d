//! sled's files before sled has them. What it cannot read it takes for empty and writes over, so
//! they are read first, and held until it is known what sled made of them.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::atomic_file::AtomicFile;
use crate::store::StoreError;

/// How much of sled's files is held in memory while it opens them, in bytes; of more none is.
const MOST_HELD: u64 = 64 << 20;
/// How much is read at once of those that are not held.
const READ_AT_ONCE: usize = 1 << 20;
/// How often, and how far apart, it is asked whether sled has let go of its file.
const LOCK_TRIES: u32 = 100;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// sled's files as they were before it opened them.
#[derive(Debug)]
pub(in crate::store::embedded) struct Held {
    /// What was in each; none if they are too large.
    files: Vec<(PathBuf, Vec<u8>)>,
}

/// Makes sled's files ready for it. What it was writing as a snapshot of its log when it was killed or
/// the disk was full is removed: it would take that for a snapshot, and everything in it is in the
/// log. All others are read once.
///
/// # Errors
/// If one cannot be read now.
pub(in crate::store::embedded) fn make_ready(path: &Path) -> Result<Held, StoreError> {
    let (mut paths, mut bytes) = (Vec::new(), 0);
    for file in files(path)? {
        let failed = |error| StoreError::io(&file, error);
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            tracing::debug!(path = %file.display(), "an unfinished snapshot is removed");
            std::fs::remove_file(&file).map_err(failed)?;
            continue;
        }
        bytes += file.metadata().map_err(failed)?.len();
        paths.push(file);
    }
    let is_held = bytes <= MOST_HELD;
    let mut held = Vec::new();
    for file in paths {
        let read = match is_held {
            true => std::fs::read(&file),
            false => read_through(&file).map(|()| Vec::new()),
        };
        held.push((
            file.clone(),
            read.map_err(|error| StoreError::io(&file, error))?,
        ));
    }
    held.retain(|_| is_held);
    Ok(Held { files: held })
}

fn read_through(path: &Path) -> io::Result<()> {
    let mut file = io::BufReader::with_capacity(READ_AT_ONCE, File::open(path)?);
    io::copy(&mut file, &mut io::sink()).map(drop)
}

impl Held {
    /// Puts back what sled has changed, once it has let go of it. Returns whether there was
    /// anything.
    ///
    /// # Errors
    /// If the disk is full or fails.
    pub(in crate::store::embedded) fn put_back(&self, path: &Path) -> Result<bool, StoreError> {
        let Some((first, _)) = self.files.first() else {
            return Ok(false);
        };
        let db = first.with_file_name("db");
        if !is_let_go(&db) {
            return Ok(false);
        }
        let mut has_changed = false;
        for (file, before) in &self.files {
            if !is(file, before).map_err(|error| StoreError::io(file, error))? {
                let written = AtomicFile::new(file).write(before);
                written.map_err(|error| StoreError::io(file, error))?;
                has_changed = true;
            }
        }
        // A snapshot of what sled made of them.
        for file in files(path)? {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            let was_there = self.files.iter().any(|(held, _)| *held == file);
            if name.starts_with("snap.") && !was_there {
                std::fs::remove_file(&file).map_err(|error| StoreError::io(&file, error))?;
                has_changed = true;
            }
        }
        Ok(has_changed)
    }
}

/// Whether a file still has these bytes.
fn is(path: &Path, before: &[u8]) -> io::Result<bool> {
    match path.metadata() {
        Ok(data) if data.len() == before.len() as u64 => {}
        Err(error) if !is_missing(&error) => return Err(error),
        _ => return Ok(false),
    }
    let mut bytes = Vec::with_capacity(before.len());
    File::open(path)?.read_to_end(&mut bytes)?;
    Ok(bytes == before)
}

/// Waits until no thread of sled has its file any more; `false` if one keeps it.
fn is_let_go(db: &Path) -> bool {
    let Ok(file) = File::open(db) else {
        return true;
    };
    (0..LOCK_TRIES).any(|_| {
        let is_free = file.try_lock().is_ok();
        if !is_free {
            std::thread::sleep(LOCK_PAUSE);
        }
        is_free
    })
}

/// The files in sled's folder; none before there is one.
fn files(path: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let mut files = Vec::new();
    for entry in walkdir::WalkDir::new(path) {
        match entry {
            Ok(entry) if entry.file_type().is_file() => files.push(entry.into_path()),
            Ok(_) => {}
            Err(error) if error.io_error().is_some_and(is_missing) => {}
            Err(error) => return Err(StoreError::io(path, error.into())),
        }
    }
    Ok(files)
}

fn is_missing(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
}

#[cfg(test)]
mod tests {
    use super::super::open;
    use super::*;

    #[test]
    fn what_sled_wrote_over_is_put_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("records");
        let db = open(&path).unwrap();
        for n in 0..500u32 {
            db.insert(n.to_be_bytes(), vec![7; 100]).unwrap();
        }
        db.flush().unwrap();
        drop(db);
        let held = make_ready(&path).unwrap();
        assert!(!held.put_back(&path).unwrap());
        // As it does with what it cannot read.
        let file = path.join("db");
        let length = file.metadata().unwrap().len();
        std::fs::write(&file, vec![0; usize::try_from(length).unwrap()]).unwrap();
        let db = open(&path).unwrap();
        assert_eq!(db.len(), 0);
        db.insert(b"new", b"1").unwrap();
        db.flush().unwrap();
        drop(db);
        assert!(held.put_back(&path).unwrap());
        assert_eq!(open(&path).unwrap().len(), 500);
    }
}
