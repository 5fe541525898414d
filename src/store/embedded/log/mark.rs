//! The high-water mark: how far the log reached with the last commit, and what the catalogue
//! came to. It is kept outside the records and synced with each commit, so that records which
//! have forgotten something are told apart from those that have not.
//!
//! Two slots are written in turn, so that a torn write leaves the one before. When the newer
//! one is lost, the log has more than the mark says, which is found and taken in.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::format::StoreId;
use crate::picture::PictureId;
use crate::store::embedded::disk::{Disk, DiskFile, read_if_there};
use crate::store::{Sequence, StoreError};

/// The file's name in the store's folder.
pub const FILE: &str = "log.mark";
const MAGIC: [u8; 4] = *b"SXM1";
/// Bytes of a slot: one write of one page.
const SLOT: usize = 4096;

/// A place in the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// Number of the entry that comes here.
    pub next: u64,
    /// The segment.
    pub segment: u32,
    /// Bytes of it that are before.
    pub length: u64,
    /// How often segments were rewritten: places of entries are of this count.
    pub rewrites: u64,
}

/// What the catalogue came to, in little.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// The number after the last picture's.
    pub next_sequence: u64,
    /// Pictures with features.
    pub pictures: u64,
    /// Pictures that wait for them.
    pub waiting: u64,
    /// All of both, folded together, so that one in place of another is noticed.
    pub digest: u64,
}

impl Totals {
    /// Whether both are of the same pictures.
    pub fn matches(self, other: Self) -> bool {
        let Self {
            pictures,
            waiting,
            digest,
            ..
        } = self;
        (pictures, waiting, digest) == (other.pictures, other.waiting, other.digest)
    }

    /// Counts a picture with features in.
    pub fn add_picture(&mut self, id: PictureId, sequence: Sequence) {
        self.pictures += 1;
        self.digest ^= fold(id, sequence.0);
    }

    /// Counts it out.
    pub fn take_picture(&mut self, id: PictureId, sequence: Sequence) {
        self.pictures = self.pictures.saturating_sub(1);
        self.digest ^= fold(id, sequence.0);
    }

    /// Counts a picture without features in.
    pub fn add_waiting(&mut self, id: PictureId) {
        self.waiting += 1;
        self.digest ^= fold(id, u64::MAX);
    }

    /// Counts it out.
    pub fn take_waiting(&mut self, id: PictureId) {
        self.waiting = self.waiting.saturating_sub(1);
        self.digest ^= fold(id, u64::MAX);
    }
}

/// A picture's identity is a hash already; its number is mixed in (the finaliser of
/// MurmurHash3).
fn fold(id: PictureId, number: u64) -> u64 {
    let mut eight = [0; 8];
    eight.copy_from_slice(&id.as_bytes()[..8]);
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    mixed = (mixed ^ (mixed >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    u64::from_le_bytes(eight) ^ mixed ^ (mixed >> 33)
}

/// What is in a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Counts writes; the slot with the higher one is newer.
    generation: u64,
    store: StoreId,
    /// Where the log ends.
    pub position: Position,
    /// What the catalogue came to with it.
    pub totals: Totals,
}

/// The file of the mark.
#[derive(Debug)]
pub struct MarkFile {
    path: PathBuf,
    file: Box<dyn DiskFile>,
    store: StoreId,
    generation: u64,
}

impl Mark {
    /// Of which store the mark in a folder is, if there is one and it is whole.
    pub fn owner(disk: &dyn Disk, dir: &Path) -> Option<StoreId> {
        let bytes = read_if_there(disk, &dir.join(FILE)).ok()??;
        let marks = bytes.chunks_exact(SLOT).filter_map(read);
        let newest = marks.max_by_key(|mark| mark.generation);
        newest.map(|mark| mark.store)
    }

    /// Reads the mark of a store; `None` if there is none.
    pub fn read(disk: &dyn Disk, dir: &Path, store: StoreId) -> Result<Option<Self>, StoreError> {
        let path = dir.join(FILE);
        let bytes = read_if_there(disk, &path).map_err(|error| StoreError::io(&path, error))?;
        let Some(bytes) = bytes else {
            return Ok(None);
        };
        let slots = bytes.chunks_exact(SLOT).filter_map(read);
        let wrong = |message: &str| StoreError::Log {
            path: path.clone(),
            message: message.to_owned(),
        };
        let newest = slots.max_by_key(|mark| mark.generation);
        match newest.ok_or_else(|| wrong("it is damaged"))? {
            mark if mark.store == store => Ok(Some(mark)),
            _ => Err(wrong("it is of another store")),
        }
    }
}

/// Writes the mark of a copy of a store.
pub fn write(disk: &dyn Disk, dir: &Path, store: StoreId, mark: Mark) -> Result<(), StoreError> {
    let mut file = match Mark::read(disk, dir, store) {
        Ok(Some(before)) => MarkFile::of(disk, dir, store, before.generation)?,
        _ => MarkFile::create(disk, dir, store)?,
    };
    file.write(mark.position, mark.totals)
}

impl MarkFile {
    /// Reads the mark; `None` if there is none. The caller makes one with [`Self::create`].
    pub fn open(
        disk: &dyn Disk,
        dir: &Path,
        store: StoreId,
    ) -> Result<Option<(Self, Mark)>, StoreError> {
        let Some(mark) = Mark::read(disk, dir, store)? else {
            return Ok(None);
        };
        let file = Self::of(disk, dir, store, mark.generation)?;
        Ok(Some((file, mark)))
    }

    fn of(
        disk: &dyn Disk,
        dir: &Path,
        store: StoreId,
        generation: u64,
    ) -> Result<Self, StoreError> {
        let path = dir.join(FILE);
        let file = disk.create(&path);
        let file = file.map_err(|error| StoreError::io(&path, error))?;
        Ok(Self {
            path,
            file,
            store,
            generation,
        })
    }

    /// Makes the file anew.
    pub fn create(disk: &dyn Disk, dir: &Path, store: StoreId) -> Result<Self, StoreError> {
        let path = dir.join(FILE);
        let make = || {
            let file = disk.create(&path)?;
            // Both slots at once: later writes need no space.
            file.set_length(0)?;
            file.write_at(&vec![0; 2 * SLOT], 0)?;
            file.sync()?;
            disk.sync_folder(dir)?;
            Ok(file)
        };
        let file = make().map_err(|error| StoreError::io(&path, error))?;
        Ok(Self {
            path,
            file,
            store,
            generation: 0,
        })
    }

    /// Writes the mark and returns once it would survive a power failure.
    pub fn write(&mut self, position: Position, totals: Totals) -> Result<(), StoreError> {
        self.generation += 1;
        let mark = Mark {
            generation: self.generation,
            store: self.store,
            position,
            totals,
        };
        let at = SLOT as u64 * (self.generation % 2);
        let write = || {
            self.file.write_at(&slot(&mark), at)?;
            self.file.sync()
        };
        write().map_err(|error| StoreError::io(&self.path, error))
    }
}

fn slot(mark: &Mark) -> Vec<u8> {
    let payload = postcard::to_stdvec(mark).expect("plain numbers always encode");
    let mut slot = vec![0; SLOT];
    slot[..4].copy_from_slice(&MAGIC);
    slot[8..8 + payload.len()].copy_from_slice(&payload);
    let checksum = crc32fast::hash(&slot[8..]);
    slot[4..8].copy_from_slice(&checksum.to_le_bytes());
    slot
}

fn read(slot: &[u8]) -> Option<Mark> {
    let sound = slot[..4] == MAGIC && slot[4..8] == crc32fast::hash(&slot[8..]).to_le_bytes();
    sound
        .then(|| postcard::from_bytes(&slot[8..]).ok())
        .flatten()
}
