//! WARC files (ISO 28500:2017, WARC/1.1) of what was fetched (`--warc`).

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use super::exchange::Exchange;
use super::warc_record::{Description, Records, record_id};
use super::writer_thread::WriterThread;

/// Writes exchanges to WARC files, each record a gzip member of its own if the name ends in
/// `.gz`. An exchange is written at once, so a killed process leaves at most one torn
/// record, at the end of its file; each run begins a new file.
///
/// A thread of its own compresses and writes; fetching waits for it when two exchanges are
/// queued. If it cannot write any more (the disk is full), that is reported once and the crawl
/// goes on without it.
#[derive(Debug)]
pub struct WarcWriter {
    path: PathBuf,
    exchanges: WriterThread<Records>,
}

/// What a WARC file is written with.
#[derive(Debug, Clone)]
pub struct WarcOptions {
    /// The User-Agent header of the requests.
    pub user_agent: String,
    /// Whom to ask about the crawl.
    pub contact: Option<String>,
    /// A file that would grow beyond this many bytes is followed by the next; a single
    /// exchange may be larger.
    pub max_bytes: u64,
}

/// A WARC file cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("the WARC file {path}: {source}")]
pub struct WarcError {
    /// The file, or the first of them.
    pub path: PathBuf,
    /// What the system said.
    pub source: Arc<io::Error>,
}

/// Exchanges that wait for the thread, each in memory with its body.
const WAITING: usize = 2;

impl WarcOptions {
    /// The usual size of a WARC file, in bytes: 1 GB.
    pub const MAX_BYTES: u64 = 1_000_000_000;
}

impl WarcWriter {
    /// Begins a file at `path`, which ends in `.warc` or `.warc.gz`. If the file exists it is
    /// left alone, and the next free name of `NAME-00001.warc.gz` and so on is used, as when a
    /// file is full.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn create(path: &Path, options: WarcOptions) -> Result<Self, WarcError> {
        let start = || {
            let begun = WarcFile::begin(path, 0, &options)?;
            let base = path.to_owned();
            let write = move |exchanges: &Receiver<_>| write(begun, &base, &options, exchanges);
            WriterThread::start("warc", WAITING, write)
        };
        let exchanges = start().map_err(|error| warc_error(path, error.into()))?;
        Ok(Self {
            path: path.to_owned(),
            exchanges,
        })
    }

    /// Writes a request, its response and what is known of both. Without a whole answer
    /// nothing is written: nobody knows how much of the request was sent.
    ///
    /// # Errors
    /// The first time that an earlier exchange could not be written; later ones are
    /// dropped.
    pub fn record(&self, exchange: &Exchange<'_>) -> Result<(), WarcError> {
        let Ok(answer) = &exchange.outcome else {
            return Ok(());
        };
        let sent = self.exchanges.send(Records::new(exchange, answer));
        sent.map_err(|error| warc_error(&self.path, error))
    }

    /// Writes what is left.
    ///
    /// # Errors
    /// If an exchange is missing, whether that was reported before or not.
    pub fn close(self) -> Result<(), WarcError> {
        let closed = self.exchanges.close();
        closed.map_err(|error| warc_error(&self.path, error))
    }
}

fn write(
    mut file: WarcFile,
    base: &Path,
    options: &WarcOptions,
    exchanges: &Receiver<Records>,
) -> io::Result<()> {
    for records in exchanges {
        let mut bytes = records.encode(&file.info_id, is_gzip(base))?;
        let length = file.length.saturating_add(bytes.len() as u64);
        if length > options.max_bytes && !file.fresh {
            file = WarcFile::begin(base, file.number.saturating_add(1), options)?;
            // Records point to the description of their own file.
            bytes = records.encode(&file.info_id, is_gzip(base))?;
        }
        file.append(&bytes)?;
        file.fresh = false;
    }
    Ok(())
}

#[derive(Debug)]
struct WarcFile {
    file: File,
    length: u64,
    /// Its number; 0 for the file with the name that was given.
    number: u32,
    /// The id of the record that describes it.
    info_id: String,
    /// Nothing but that record is in it.
    fresh: bool,
}

impl WarcFile {
    /// Begins the first file from `number` on that does not exist yet.
    fn begin(base: &Path, mut number: u32, options: &WarcOptions) -> io::Result<Self> {
        let (file, path) = loop {
            let path = numbered(base, number);
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => break (file, path),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    number = number.checked_add(1).ok_or(error)?;
                }
                Err(error) => return Err(error),
            }
        };
        let mut begun = Self {
            file,
            length: 0,
            number,
            info_id: record_id(),
            fresh: true,
        };
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let info = Description {
            file_name: &name,
            user_agent: &options.user_agent,
            contact: options.contact.as_deref(),
        };
        let info = info.encode(&begun.info_id, is_gzip(base))?;
        begun.append(&info)?;
        Ok(begun)
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Err(error) = self.file.write_all(bytes) {
            // Half a record would confuse readers, so it is cut off; if that fails, they report
            // it.
            let _ = self.file.set_len(self.length);
            let _ = self.file.seek(SeekFrom::Start(self.length));
            return Err(error);
        }
        self.length += bytes.len() as u64;
        Ok(())
    }
}

fn warc_error(path: &Path, source: Arc<io::Error>) -> WarcError {
    WarcError {
        path: path.to_owned(),
        source,
    }
}

fn is_gzip(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "gz")
}

/// `crawl.warc.gz` is followed by `crawl-00001.warc.gz`.
fn numbered(base: &Path, number: u32) -> PathBuf {
    if number == 0 {
        return base.to_owned();
    }
    let name = base.file_name().unwrap_or_default().to_string_lossy();
    let stem = name.strip_suffix(".gz").unwrap_or(&name);
    let stem = stem.strip_suffix(".warc").unwrap_or(stem);
    let end = &name[stem.len()..];
    base.with_file_name(format!("{stem}-{number:05}{end}"))
}

#[cfg(test)]
mod tests;
