//! The files of a ledger: `requests.log`, and the full ones before it, `requests.1.log` the
//! newest.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::record::{self, LEN};
use super::{Retention, StoreError};

/// The name of the file that is written to.
pub(super) const NEWEST: &str = "requests.log";

/// Whether a file of a store's folder is one of its ledger.
pub fn is_file_name(name: &str) -> bool {
    name == NEWEST || number_of(name).is_some()
}

/// The number of a full file.
fn number_of(name: &str) -> Option<u32> {
    let number = name.strip_prefix("requests.")?.strip_suffix(".log")?;
    let number = number.parse::<u32>().ok()?;
    (1..u32::MAX).contains(&number).then_some(number)
}

/// A file of a ledger.
#[derive(Debug)]
pub(super) struct LogFile {
    pub(super) path: PathBuf,
    pub(super) file: File,
    /// The number of its header; its records are numbered on from there.
    pub(super) first: u64,
    /// Whole records, the header included.
    pub(super) records: u64,
}

impl LogFile {
    /// Opens the newest file to write to it, making a new one where there is none. What a
    /// power failure or a full disk left at its end is cut off.
    pub(super) fn open_newest(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join(NEWEST);
        let io = |error| StoreError::io(&path, error);
        let open = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(&path);
        let file = open.map_err(io)?;
        let length = file.metadata().map_err(io)?.len();
        if length < LEN as u64 {
            let mut start = Vec::new();
            (&file).read_to_end(&mut start).map_err(io)?;
            let previous = full_files(dir)?.into_iter().max_by_key(|file| file.first);
            let first = previous.map_or(0, |file| file.first.saturating_add(file.records));
            // Its very first write may have been cut short.
            if !record::header(first).starts_with(&start) {
                return Err(foreign(&path));
            }
            return Self::begin(path, file, first);
        }
        let mut log = Self::read(path, file)?;
        log.cut_damaged_end()?;
        let bytes = length - log.records * LEN as u64;
        if bytes > 0 {
            let path = log.path.display();
            tracing::warn!(%path, bytes, "the end of the ledger was damaged and is cut off");
            log.truncate()
                .map_err(|error| StoreError::io(&log.path, error))?;
        }
        Ok(log)
    }

    /// Sets this full file aside, drops the oldest, and begins the next.
    pub(super) fn rotate(&mut self, retention: Retention) -> Result<(), StoreError> {
        let dir = self.path.parent().unwrap_or(Path::new("")).to_owned();
        // If no new file can be made, none that is there may be lost.
        let next = dir.join("requests.next");
        let mut open = OpenOptions::new();
        let open = open.read(true).append(true).create(true).open(&next);
        let file = open.map_err(|error| StoreError::io(&next, error))?;
        let first = self.first.saturating_add(self.records);
        let next = Self::begin(next, file, first)?;
        let keep = retention.full_files.max(1);
        let newest = (0, self.path.clone());
        // From the oldest to the newest, so that none is overwritten.
        for (number, path) in numbered(&dir)?.into_iter().rev().chain([newest]) {
            let moved = match number < keep {
                true => std::fs::rename(&path, dir.join(format!("requests.{}.log", number + 1))),
                false => std::fs::remove_file(&path),
            };
            moved.map_err(|error| StoreError::io(&path, error))?;
        }
        std::fs::rename(&next.path, &self.path)
            .map_err(|error| StoreError::io(&next.path, error))?;
        *self = Self {
            path: self.path.clone(),
            ..next
        };
        Ok(())
    }

    /// Cuts off what is behind the last record.
    pub(super) fn truncate(&self) -> std::io::Result<()> {
        self.file.set_len(self.records * LEN as u64)
    }

    /// Reads records `from..to` (0 is the header), as many as are there.
    pub(super) fn read_records(&self, from: u64, to: u64) -> Result<Vec<[u8; LEN]>, StoreError> {
        let mut bytes = Vec::new();
        let mut read = || {
            (&self.file).seek(SeekFrom::Start(from * LEN as u64))?;
            let length = to.saturating_sub(from) * LEN as u64;
            (&self.file).take(length).read_to_end(&mut bytes)
        };
        read().map_err(|error| StoreError::io(&self.path, error))?;
        Ok(bytes.as_chunks::<LEN>().0.to_vec())
    }

    fn begin(path: PathBuf, file: File, first: u64) -> Result<Self, StoreError> {
        let write = || {
            file.set_len(0)?;
            (&file).write_all(&record::header(first))
        };
        write().map_err(|error| StoreError::io(&path, error))?;
        Ok(Self {
            path,
            file,
            first,
            records: 1,
        })
    }

    fn read(path: PathBuf, mut file: File) -> Result<Self, StoreError> {
        let io = |error| StoreError::io(&path, error);
        let records = file.metadata().map_err(io)?.len() / LEN as u64;
        let mut header = [0; LEN];
        match file.read_exact(&mut header) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Err(foreign(&path)),
            result => result.map_err(io)?,
        }
        match record::read_header(&header) {
            Some((record::VERSION, first)) => Ok(Self {
                path,
                file,
                first,
                records,
            }),
            Some((newer, _)) => Err(StoreError::Ledger {
                path,
                message: format!(
                    "its format is {newer}, this simdex knows {}",
                    record::VERSION
                ),
            }),
            None => Err(foreign(&path)),
        }
    }

    /// Does not count damaged records at the end.
    fn cut_damaged_end(&mut self) -> Result<(), StoreError> {
        while self.records > 1 {
            let from = self.records.saturating_sub(BLOCK).max(1);
            let block = self.read_records(from, self.records)?;
            if let Some(last) = block.iter().rposition(record::is_sound) {
                self.records = from + last as u64 + 1;
                return Ok(());
            }
            self.records = from;
        }
        Ok(())
    }
}

/// Records read at once: 64 KiB.
pub(super) const BLOCK: u64 = 1_024;

/// All files of the ledger in `dir`, the oldest first; none is an error.
pub(super) fn all_files(dir: &Path) -> Result<Vec<LogFile>, StoreError> {
    let path = dir.join(NEWEST);
    let newest = File::open(&path).map_err(|error| StoreError::io(&path, error))?;
    let mut files = full_files(dir)?;
    files.push(LogFile::read(path, newest)?);
    files.sort_by_key(|file| file.first);
    // If a crawl has just set its file aside, it was opened under both names.
    files.dedup_by_key(|file| file.first);
    Ok(files)
}

fn full_files(dir: &Path) -> Result<Vec<LogFile>, StoreError> {
    let open = |(_, path): (u32, PathBuf)| match File::open(&path) {
        // The crawl that is running has just dropped it.
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => Some(Err(StoreError::io(&path, error))),
        Ok(file) => Some(LogFile::read(path, file)),
    };
    numbered(dir)?.into_iter().filter_map(open).collect()
}

/// The full files and their numbers, ascending: the newest first.
fn numbered(dir: &Path) -> Result<Vec<(u32, PathBuf)>, StoreError> {
    let io = |error| StoreError::io(dir, error);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(io)? {
        let name = entry.map_err(io)?.file_name();
        let number = name.to_str().and_then(number_of);
        found.extend(number.map(|number| (number, dir.join(&name))));
    }
    found.sort_unstable();
    Ok(found)
}

fn foreign(path: &Path) -> StoreError {
    StoreError::Ledger {
        path: path.to_owned(),
        message: "it does not begin as one; move it away, and simdex begins a new one".to_owned(),
    }
}
