//! Append-only segment files for activations.
//!
//! sled keeps what exists and where; the bytes lie here, because sled's memory grows with
//! the bytes written through it (ARCHITECTURE.md has the figures). A record is 64 bytes of
//! header (magic, CRC-32 of the block, the block's length, the picture's id) and the block.
//! Bytes behind the committed length of a segment are a torn write and are cut off when
//! the store is opened.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use memmap2::Mmap;
use serde::{Deserialize, Serialize};

use crate::picture::PictureId;
use crate::store::{Block, BlockLocation, StoreError};

const MAGIC: [u8; 4] = *b"SXA1";
const HEADER: usize = 64;
/// A segment is closed when it has grown past this many bytes.
const SEGMENT_BYTES: u64 = 256 << 20;

/// What is committed of a segment file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentRecord {
    /// Bytes that count; anything behind them is a torn write.
    pub length: u64,
    /// Records in it.
    pub records: u64,
    /// Records in it whose pictures were removed.
    pub dead: u64,
}

/// The segment files of one store.
pub struct Segments {
    dir: PathBuf,
    writer: Mutex<Writer>,
    /// Maps of closed and open segments; a map is replaced when the file has outgrown it.
    maps: Mutex<HashMap<u32, Arc<Mmap>>>,
}

struct Writer {
    segment: u32,
    file: Option<File>,
    /// Bytes written, committed or not.
    length: u64,
}

impl Writer {
    /// At the start of a new segment.
    fn of(segment: u32) -> Self {
        Self {
            segment,
            file: None,
            length: 0,
        }
    }
}

/// Where the record of a block ends in its segment, in bytes.
pub fn record_end(block: BlockLocation) -> u64 {
    block.offset + HEADER as u64 + block.length
}

impl Segments {
    /// Opens the segments in `dir`, cutting each file to its committed length and deleting
    /// files that nothing was committed to.
    pub fn open(dir: PathBuf, committed: &[(u32, SegmentRecord)]) -> Result<Self, StoreError> {
        std::fs::create_dir_all(&dir).map_err(|error| StoreError::io(&dir, error))?;
        let known: HashMap<u32, SegmentRecord> = committed.iter().copied().collect();
        for entry in std::fs::read_dir(&dir).map_err(|error| StoreError::io(&dir, error))? {
            let path = entry.map_err(|error| StoreError::io(&dir, error))?.path();
            let Some(number) = number_of(&path) else {
                continue;
            };
            trim(&path, known.get(&number)).map_err(|error| StoreError::io(&path, error))?;
        }
        for (number, record) in committed {
            let path = dir.join(file_name(*number));
            let length = path.metadata().map(|data| data.len()).unwrap_or(0);
            if length < record.length {
                return Err(StoreError::Truncated {
                    path,
                    length,
                    committed: record.length,
                });
            }
        }
        let (segment, last) = committed.last().copied().unwrap_or_default();
        Ok(Self {
            dir,
            writer: Mutex::new(Writer {
                segment,
                file: None,
                length: last.length,
            }),
            maps: Mutex::default(),
        })
    }

    fn path(&self, segment: u32) -> PathBuf {
        self.dir.join(file_name(segment))
    }

    /// Appends one block. It counts only once [`Self::sync`] has returned and its extent
    /// and its segment's record are in sled.
    pub fn append(&self, picture: PictureId, block: &[u8]) -> Result<BlockLocation, StoreError> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if writer.length >= SEGMENT_BYTES {
            self.sync_writer(&mut writer)?;
            *writer = Writer::of(writer.segment + 1);
        }
        let path = self.path(writer.segment);
        let offset = writer.length;
        let file = match &mut writer.file {
            Some(file) => file,
            none => {
                none.insert(open_for_append(&path, offset).map_err(|e| StoreError::io(&path, e))?)
            }
        };
        let written = file
            .write_all(&header(picture, block))
            .and_then(|()| file.write_all(block));
        if let Err(error) = written {
            // Leave no half record in the way of the next one; if this fails, opening the store
            // cuts it off.
            let _ = file.set_len(offset);
            writer.file = None;
            return Err(StoreError::io(&path, error));
        }
        let location = BlockLocation {
            segment: writer.segment,
            offset,
            length: block.len() as u64,
        };
        writer.length = record_end(location);
        Ok(location)
    }

    /// Makes what was appended survive a power failure.
    pub fn sync(&self) -> Result<(), StoreError> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        self.sync_writer(&mut writer)
    }

    fn sync_writer(&self, writer: &mut Writer) -> Result<(), StoreError> {
        match &mut writer.file {
            Some(file) => file
                .sync_data()
                .map_err(|error| StoreError::io(&self.path(writer.segment), error)),
            None => Ok(()),
        }
    }

    /// Closes the segment and begins a new one.
    pub fn start_segment(&self) {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        *writer = Writer::of(writer.segment + 1);
    }

    /// The segment being written to.
    pub fn current(&self) -> u32 {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.segment
    }

    /// The block at a location, if it is `picture`'s.
    pub fn read(&self, picture: PictureId, at: BlockLocation) -> Result<Block, StoreError> {
        self.find(picture, at).map(|(block, _)| block)
    }

    /// Reads a block and checks its checksum.
    pub fn verify(&self, picture: PictureId, at: BlockLocation) -> Result<Block, StoreError> {
        let (block, checksum) = self.find(picture, at)?;
        if checksum == crc32fast::hash(&block).to_le_bytes() {
            Ok(block)
        } else {
            Err(StoreError::Damaged { picture })
        }
    }

    /// A block and the checksum that it should have.
    fn find(&self, picture: PictureId, at: BlockLocation) -> Result<(Block, [u8; 4]), StoreError> {
        let damaged = || StoreError::Damaged { picture };
        let start = usize::try_from(at.offset).map_err(|_| damaged())?;
        let end = usize::try_from(record_end(at)).map_err(|_| damaged())?;
        let map = self.map(at.segment, end)?;
        let record = map.get(start..end).ok_or_else(damaged)?;
        if record[..4] != MAGIC
            || record[8..16] != at.length.to_le_bytes()
            || record[16..48] != picture.as_bytes()[..]
        {
            return Err(damaged());
        }
        let mut checksum = [0; 4];
        checksum.copy_from_slice(&record[4..8]);
        let block = Block::new(map, start + HEADER..end).ok_or_else(damaged)?;
        Ok((block, checksum))
    }

    /// A map of the segment that reaches at least to `end`.
    fn map(&self, segment: u32, end: usize) -> Result<Arc<Mmap>, StoreError> {
        let mut maps = self.maps.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(map) = maps.get(&segment)
            && map.len() >= end
        {
            return Ok(Arc::clone(map));
        }
        let path = self.path(segment);
        let file = File::open(&path).map_err(|error| StoreError::io(&path, error))?;
        // SAFETY: segments are append-only, and the store's lock keeps other simdex
        // processes from cutting or deleting them while they are mapped.
        let map = unsafe { Mmap::map(&file) }.map_err(|error| StoreError::io(&path, error))?;
        let map = Arc::new(map);
        maps.insert(segment, Arc::clone(&map));
        Ok(map)
    }

    /// Deletes a segment that no extent points into any more.
    pub fn delete(&self, segment: u32) -> Result<(), StoreError> {
        let mut maps = self.maps.lock().unwrap_or_else(PoisonError::into_inner);
        maps.remove(&segment);
        let path = self.path(segment);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(StoreError::io(&path, error))
            }
            _ => Ok(()),
        }
    }
}

fn file_name(segment: u32) -> String {
    format!("{segment:08}.activations")
}

fn number_of(path: &Path) -> Option<u32> {
    (path.extension()? == "activations")
        .then(|| path.file_stem()?.to_str()?.parse().ok())
        .flatten()
}

fn trim(path: &Path, committed: Option<&SegmentRecord>) -> io::Result<()> {
    let Some(committed) = committed else {
        tracing::debug!(path = %path.display(), "deleting a segment nothing was committed to");
        return std::fs::remove_file(path);
    };
    let length = path.metadata()?.len();
    if length > committed.length {
        tracing::debug!(path = %path.display(), bytes = length - committed.length, "cutting off a torn write");
        OpenOptions::new()
            .write(true)
            .open(path)?
            .set_len(committed.length)?;
    }
    Ok(())
}

fn open_for_append(path: &Path, length: u64) -> io::Result<File> {
    let file = OpenOptions::new().create(true).append(true).open(path)?;
    file.set_len(length)?;
    // The name of a new file must survive a power failure too.
    if let (0, Some(dir)) = (length, path.parent()) {
        File::open(dir)?.sync_all()?;
    }
    Ok(file)
}

fn header(picture: PictureId, block: &[u8]) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..4].copy_from_slice(&MAGIC);
    header[4..8].copy_from_slice(&crc32fast::hash(block).to_le_bytes());
    header[8..16].copy_from_slice(&(block.len() as u64).to_le_bytes());
    header[16..48].copy_from_slice(picture.as_bytes());
    header
}
