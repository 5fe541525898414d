//! Segments as formats 1 to 3 wrote them: bare blocks behind 64 bytes of header (magic, CRC-32
//! of the block, its length, the picture).

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::old_records::{Extent, HEADER};
use crate::picture::PictureId;
use crate::store::StoreError;
use crate::store::embedded::disk::{Disk, SystemDisk};
use crate::store::embedded::log::{file_name, number_of};

const MAGIC: [u8; 4] = *b"SXA1";

/// Where a block lies, and its checksum.
pub(super) struct OldBlock {
    pub(super) offset: u64,
    pub(super) length: u64,
    pub(super) checksum: u32,
}

/// The files of blocks of a store of an older format.
pub(super) struct OldSegments {
    dir: PathBuf,
    /// The segment that is written to.
    segment: u32,
    file: Option<File>,
    length: u64,
}

impl OldSegments {
    /// Opens them. What is appended goes into a new segment.
    pub(super) fn open(dir: PathBuf) -> Result<Self, StoreError> {
        std::fs::create_dir_all(&dir).map_err(|error| StoreError::io(&dir, error))?;
        let last = numbers(&dir)?.into_iter().max();
        Ok(Self {
            dir,
            segment: last.map_or(0, |last| last + 1),
            file: None,
            length: 0,
        })
    }

    pub(super) fn path(&self, segment: u32) -> PathBuf {
        self.dir.join(file_name(segment))
    }

    /// Where the block at an extent lies, if it is the picture's.
    pub(super) fn find(&self, picture: PictureId, at: Extent) -> Result<OldBlock, StoreError> {
        let path = self.path(at.segment);
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::UnexpectedEof => StoreError::Damaged { picture },
            _ => StoreError::io(&path, error),
        };
        let file = SystemDisk.open(&path).map_err(failed)?;
        let mut header = [0; HEADER as usize];
        file.read_at(&mut header, at.offset).map_err(failed)?;
        let length = u64::from_le_bytes(
            header[8..16]
                .try_into()
                .map_err(io::Error::other)
                .map_err(failed)?,
        );
        let checksum = u32::from_le_bytes(
            header[4..8]
                .try_into()
                .map_err(io::Error::other)
                .map_err(failed)?,
        );
        if header[..4] != MAGIC || header[16..48] != picture.as_bytes()[..] {
            return Err(StoreError::Damaged { picture });
        }
        Ok(OldBlock {
            offset: at.offset + HEADER,
            length,
            checksum,
        })
    }

    /// Reads a block and checks it.
    pub(super) fn read(&self, picture: PictureId, at: Extent) -> Result<Vec<u8>, StoreError> {
        let block = self.find(picture, at)?;
        let path = self.path(at.segment);
        let failed = |error| StoreError::io(&path, error);
        let file = SystemDisk.open(&path).map_err(failed)?;
        if file.length().map_err(failed)?.saturating_sub(block.offset) < block.length {
            return Err(StoreError::Damaged { picture });
        }
        let length = usize::try_from(block.length)
            .map_err(io::Error::other)
            .map_err(failed)?;
        let mut bytes = vec![0; length];
        file.read_at(&mut bytes, block.offset).map_err(failed)?;
        match crc32fast::hash(&bytes) == block.checksum {
            true => Ok(bytes),
            false => Err(StoreError::Damaged { picture }),
        }
    }

    /// Appends a block and returns where it lies.
    pub(super) fn append(
        &mut self,
        picture: PictureId,
        block: &[u8],
    ) -> Result<Extent, StoreError> {
        let path = self.path(self.segment);
        let mut header = [0; HEADER as usize];
        header[..4].copy_from_slice(&MAGIC);
        header[4..8].copy_from_slice(&crc32fast::hash(block).to_le_bytes());
        header[8..16].copy_from_slice(&(block.len() as u64).to_le_bytes());
        header[16..48].copy_from_slice(picture.as_bytes());
        let mut write = || {
            let file = match &mut self.file {
                Some(file) => file,
                none => none.insert(OpenOptions::new().create(true).append(true).open(&path)?),
            };
            file.write_all(&header)?;
            file.write_all(block)
        };
        write().map_err(|error| StoreError::io(&path, error))?;
        let extent = Extent {
            segment: self.segment,
            offset: self.length,
        };
        self.length += HEADER + block.len() as u64;
        Ok(extent)
    }

    /// Makes what was appended survive a power failure.
    pub(super) fn sync(&self) -> Result<(), StoreError> {
        let sync = || match &self.file {
            Some(file) => {
                file.sync_data()?;
                crate::atomic_file::sync_folder(&self.dir)
            }
            None => Ok(()),
        };
        sync().map_err(|error| StoreError::io(&self.path(self.segment), error))
    }

    /// Deletes a segment that no extent points into any more.
    pub(super) fn delete(&self, segment: u32) -> Result<(), StoreError> {
        delete(&self.path(segment))
    }
}

/// The numbers of the segments in a folder.
pub(super) fn numbers(dir: &Path) -> Result<Vec<u32>, StoreError> {
    let names = SystemDisk.list(dir);
    let names = names.map_err(|error| StoreError::io(dir, error))?;
    Ok(names.iter().filter_map(|name| number_of(name)).collect())
}

/// Deletes a file, if it is there.
pub(super) fn delete(path: &Path) -> Result<(), StoreError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StoreError::io(path, error)),
        _ => Ok(()),
    }
}
