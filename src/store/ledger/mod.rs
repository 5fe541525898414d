//! The politeness ledger: every request, written down before it is sent.
//!
//! `requests.log` in the store's folder is append-only; `record.rs` has its format. A request
//! takes 128 bytes, and as much again when its host is named for the first time. An entry is
//! one write to the system, so it outlives the process however that ends. Only a power failure
//! may lose the last seconds, since files are synced only on closing. A full file becomes
//! `requests.1.log`, and the oldest is dropped.

mod clock;
mod files;
mod gaps;
mod incidents;
mod labels;
mod last_requests;
mod record;
mod report;
mod tally;
mod track;

use std::collections::HashSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use clock::rfc3339;
pub use incidents::{Pause, Violation};
pub use labels::{Outcome, Purpose, RobotsDecision};
pub use last_requests::{LastRequest, LastRequests};
pub use record::{Ending, RequestTerms};
pub use report::{Report, Row, Told};
pub use tally::politeness;

use super::StoreError;
use crate::canonical_url::HostId;
use clock::Clock;
use files::LogFile;
pub use files::is_file_name;
use last_requests::Window;
use record::{End, LEN, LedgerEntry, NamePart, Start};

/// An open ledger. The store's lock sees to it that only one process writes.
#[derive(Debug)]
pub struct Ledger {
    dir: PathBuf,
    retention: Retention,
    tail: Mutex<Tail>,
}

/// How much of the ledger is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// The size at which a file is full, in bytes.
    pub file_bytes: u64,
    /// Full files that are kept beside the one that is written to; at least one is, so
    /// that pacing can be restored.
    pub full_files: u32,
}

#[derive(Debug)]
struct Tail {
    log: LogFile,
    /// Part of a record lies behind the last one, because the disk was full.
    torn: bool,
    clock: Clock,
    /// Hosts whose name is in the file.
    named: HashSet<HostId>,
}

/// The most hosts that are remembered as named; after that all are named again.
const NAMED: usize = 100_000;

/// A request that is written down as started. Dropped without [`Self::ended`], it is written
/// down as abandoned, so only a killed process leaves a request without an end.
#[derive(Debug)]
#[must_use = "dropping it says that the request was abandoned"]
pub struct Request {
    ledger: Arc<Ledger>,
    number: u64,
    terms: RequestTerms,
    ended: bool,
}

impl Default for Retention {
    /// 256 MiB a file and three full ones: at most 1 GiB, some eight million requests.
    fn default() -> Self {
        Self {
            file_bytes: 256 << 20,
            full_files: 3,
        }
    }
}

impl Ledger {
    /// Opens the ledger in the folder `dir`, making a new one where there is none. What a
    /// power failure or a full disk left of the last records is cut off.
    ///
    /// # Errors
    /// If the file is no ledger, of a newer simdex, or cannot be read and written.
    pub fn open(dir: &Path, retention: Retention) -> Result<Self, StoreError> {
        let mut tail = Tail {
            log: LogFile::open_newest(dir)?,
            torn: false,
            clock: Clock::new(),
            named: HashSet::new(),
        };
        let time_ms = tail.clock.now_ms();
        tail.write(&LedgerEntry::Opened { time_ms }.encode())?;
        Ok(Self {
            dir: dir.to_owned(),
            retention,
            tail: Mutex::new(tail),
        })
    }

    /// Writes down that a request to the host of this name is about to be sent. It must not
    /// be sent if this fails.
    ///
    /// # Errors
    /// If it cannot be written; a full disk says so.
    pub fn started(
        self: &Arc<Self>,
        name: &str,
        terms: RequestTerms,
    ) -> Result<Request, StoreError> {
        let mut tail = self.lock();
        if (tail.log.records + 1).saturating_mul(LEN as u64) > self.retention.file_bytes {
            tail.rotate(self.retention)?;
        }
        let mut bytes = Vec::with_capacity(3 * LEN);
        let is_new = !tail.named.contains(&terms.host);
        if is_new {
            for part in NamePart::split(terms.host, name) {
                bytes.extend(LedgerEntry::Name(part).encode());
            }
        }
        // A request's number is its record's, so numbers rise when the ledger is reopened.
        let number = tail.log.first + tail.log.records + (bytes.len() / LEN) as u64;
        let start = Start {
            number,
            time_ms: tail.clock.now_ms(),
            terms,
        };
        bytes.extend(LedgerEntry::Started(start).encode());
        tail.write(&bytes)?;
        if is_new {
            if tail.named.len() >= NAMED {
                tail.named.clear();
            }
            tail.named.insert(terms.host);
        }
        Ok(Request {
            ledger: Arc::clone(self),
            number,
            terms,
            ended: false,
        })
    }

    /// For each host and address that was asked in the time `within`: when it was asked last
    /// and when it may be asked again. Read it after opening, so that pacing continues where
    /// the last process stopped. `within` should be the longest delay and the longest
    /// Retry-After that are honoured: nothing that is returned asks for a longer wait, whatever
    /// the clock did since it was written. (If the clock was set forward by more than that
    /// between two runs, the last run looks long gone; nothing shows the difference.)
    ///
    /// # Errors
    /// If the files cannot be read.
    pub fn last_requests(&self, within: Duration) -> Result<LastRequests, StoreError> {
        let now_ms = self.lock().clock.now_ms();
        let within_ms = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
        let window = Window { now_ms, within_ms };
        LastRequests::read(&files::all_files(&self.dir)?, window)
    }

    fn lock(&self) -> MutexGuard<'_, Tail> {
        self.tail.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        // If this fails, everything was written all the same; only a power failure can lose it.
        let _ = self.lock().log.file.sync_data();
    }
}

impl Tail {
    /// Writes whole records.
    fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.mend()?;
        if let Err(error) = (&self.log.file).write_all(bytes) {
            // Part of a record may be there; behind it nothing could be read.
            self.torn = self.log.truncate().is_err();
            return Err(StoreError::io(&self.log.path, error));
        }
        self.log.records += (bytes.len() / LEN) as u64;
        Ok(())
    }

    fn mend(&mut self) -> Result<(), StoreError> {
        if self.torn {
            let cut = self.log.truncate();
            cut.map_err(|error| StoreError::io(&self.log.path, error))?;
            self.torn = false;
        }
        Ok(())
    }

    fn rotate(&mut self, retention: Retention) -> Result<(), StoreError> {
        self.mend()?;
        self.log.rotate(retention)?;
        self.named.clear();
        Ok(())
    }
}

impl Request {
    /// Writes down how the request ended. The host's next turn must not begin to count
    /// before this.
    ///
    /// # Errors
    /// If it cannot be written; a full disk says so.
    pub fn ended(mut self, ending: Ending) -> Result<(), StoreError> {
        self.write_end(ending)
    }

    fn write_end(&mut self, ending: Ending) -> Result<(), StoreError> {
        self.ended = true;
        let address = ending.address.or(self.terms.address);
        let mut tail = self.ledger.lock();
        let end = End {
            number: self.number,
            time_ms: tail.clock.now_ms(),
            host: self.terms.host,
            ending: Ending { address, ..ending },
        };
        tail.write(&LedgerEntry::Ended(end).encode())
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        if !self.ended {
            // If this fails, so will the start of the next request, which can report it.
            let _ = self.write_end(Ending {
                address: None,
                status: 0,
                outcome: Outcome::Abandoned,
                bytes: 0,
                delay_ms: self.terms.delay_ms,
                wait_ms: 0,
            });
        }
    }
}

#[cfg(test)]
mod tests;
