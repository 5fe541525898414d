//! Pictures that were fetched and wait for their features: append-only files of bodies.
//!
//! A record is 48 bytes of header (magic, CRC-32, length, the picture's id) and the body.
//! A file is deleted once every body in it has got its features. Bytes behind a file's
//! committed length are a torn write and are cut off when the store is opened.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::picture::PictureId;
use crate::store::StoreError;

const MAGIC: [u8; 4] = *b"SXB1";
const HEADER: usize = 48;
/// A file is closed when it has grown past this many bytes.
const FILE_BYTES: u64 = 256 << 20;

/// Where a body lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BodyExtent {
    pub file: u32,
    offset: u64,
    length: u64,
}

/// What is committed of a file of bodies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BodyFileRecord {
    /// Bytes that count.
    pub length: u64,
    /// Bodies in it that wait for their features.
    pub waiting: u64,
}

/// The files of bodies of one store.
pub struct Bodies {
    dir: PathBuf,
    writer: Mutex<Writer>,
}

struct Writer {
    number: u32,
    file: Option<File>,
    length: u64,
}

impl Bodies {
    /// Opens the files in `dir`, cutting each to its committed length and deleting those
    /// that nothing was committed to.
    pub fn open(
        dir: PathBuf,
        committed: &HashMap<u32, BodyFileRecord>,
    ) -> Result<Self, StoreError> {
        let io = |error| StoreError::io(&dir, error);
        std::fs::create_dir_all(&dir).map_err(io)?;
        for entry in std::fs::read_dir(&dir).map_err(io)? {
            let path = entry.map_err(io)?.path();
            if let Some(number) = number_of(&path) {
                trim(&path, committed.get(&number)).map_err(|e| StoreError::io(&path, e))?;
            }
        }
        let newest = committed.iter().max_by_key(|(number, _)| **number);
        let (number, length) = newest.map_or((0, 0), |(number, file)| (*number, file.length));
        Ok(Self {
            dir,
            writer: Mutex::new(Writer {
                number,
                file: None,
                length,
            }),
        })
    }

    /// Appends a body. It counts only once [`Self::sync`] has returned and its extent and
    /// its file's length are in sled. The length of the file is returned, too.
    pub fn append(&self, picture: PictureId, body: &[u8]) -> Result<(BodyExtent, u64), StoreError> {
        let mut writer = self.writer();
        if writer.length > FILE_BYTES {
            self.sync_writer(&mut writer)?;
            writer.number += 1;
            writer.length = 0;
            writer.file = None;
        }
        let path = self.path(writer.number);
        let io = |error| StoreError::io(&path, error);
        let offset = writer.length;
        let file = match &mut writer.file {
            Some(file) => file,
            None => {
                let file = OpenOptions::new().create(true).append(true).open(&path);
                let file = file.map_err(io)?;
                file.set_len(offset).map_err(io)?;
                writer.file.insert(file)
            }
        };
        let mut record = Vec::with_capacity(HEADER + body.len());
        record.extend_from_slice(&MAGIC);
        record.extend_from_slice(&crc32fast::hash(body).to_le_bytes());
        record.extend_from_slice(&(body.len() as u64).to_le_bytes());
        record.extend_from_slice(picture.as_bytes());
        record.extend_from_slice(body);
        if let Err(error) = file.write_all(&record) {
            // What was written of it is cut off when the file is opened again.
            writer.file = None;
            return Err(io(error));
        }
        writer.length += record.len() as u64;
        let extent = BodyExtent {
            file: writer.number,
            offset,
            length: body.len() as u64,
        };
        Ok((extent, writer.length))
    }

    /// Makes what was appended survive a power failure.
    pub fn sync(&self) -> Result<(), StoreError> {
        self.sync_writer(&mut self.writer())
    }

    fn sync_writer(&self, writer: &mut Writer) -> Result<(), StoreError> {
        match &writer.file {
            Some(file) => file
                .sync_data()
                .map_err(|error| StoreError::io(&self.path(writer.number), error)),
            None => Ok(()),
        }
    }

    /// The file that is written to.
    pub fn current(&self) -> u32 {
        self.writer().number
    }

    /// A body, checked against its checksum.
    pub fn read(&self, picture: PictureId, at: BodyExtent) -> Result<Vec<u8>, StoreError> {
        let path = self.path(at.file);
        let damaged = || StoreError::Damaged { picture };
        let length = usize::try_from(at.length).map_err(|_| damaged())?;
        let mut record = vec![0; HEADER + length];
        let mut read = || {
            let mut file = File::open(&path)?;
            file.seek(SeekFrom::Start(at.offset))?;
            file.read_exact(&mut record)
        };
        read().map_err(|error| StoreError::io(&path, error))?;
        let body = record.split_off(HEADER);
        let fits = record[..4] == MAGIC
            && record[4..8] == crc32fast::hash(&body).to_le_bytes()
            && record[16..] == picture.as_bytes()[..];
        fits.then_some(body).ok_or_else(damaged)
    }

    /// Deletes a file in which nothing waits any more.
    pub fn delete(&self, number: u32) -> Result<(), StoreError> {
        let path = self.path(number);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(StoreError::io(&path, error))
            }
            _ => Ok(()),
        }
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, number: u32) -> PathBuf {
        self.dir.join(format!("{number:08}.bodies"))
    }
}

fn number_of(path: &Path) -> Option<u32> {
    (path.extension()? == "bodies")
        .then(|| path.file_stem()?.to_str()?.parse().ok())
        .flatten()
}

fn trim(path: &Path, committed: Option<&BodyFileRecord>) -> std::io::Result<()> {
    match committed {
        None => std::fs::remove_file(path),
        Some(file) if path.metadata()?.len() > file.length => OpenOptions::new()
            .write(true)
            .open(path)?
            .set_len(file.length),
        Some(_) => Ok(()),
    }
}
