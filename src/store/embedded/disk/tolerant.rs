//! Segments of which what cannot be read is passed over, so that one bad place of a disk does
//! not take all else with it: it reads as zeros, which no checksum is right for.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Disk, DiskFile, Mapped};

/// Bytes that are read, or cannot be, as one.
const PAGE: u64 = 4096;

/// A disk whose segments are read past what cannot be read. Everything else about it is as it
/// was: what cannot be read of the small files may be whole, and is an error.
#[derive(Debug)]
pub(in crate::store) struct TolerantDisk {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
}

impl TolerantDisk {
    /// With the segments in a folder.
    pub(in crate::store) fn over(disk: Arc<dyn Disk>, folder: PathBuf) -> Self {
        Self { disk, folder }
    }
}

impl Disk for TolerantDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.disk.create(path)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let file = self.disk.open(path)?;
        Ok(match path.starts_with(&self.folder) {
            true => Box::new(TolerantFile {
                file,
                path: path.to_owned(),
            }),
            false => file,
        })
    }

    fn length(&self, path: &Path) -> io::Result<u64> {
        self.disk.length(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        self.disk.list(folder)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.disk.remove(path)
    }

    fn sync_foreign(&self, path: &Path) -> io::Result<()> {
        self.disk.sync_foreign(path)
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        self.disk.create_folder(folder)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.disk.sync_folder(folder)
    }
}

#[derive(Debug)]
struct TolerantFile {
    file: Box<dyn DiskFile>,
    path: PathBuf,
}

impl DiskFile for TolerantFile {
    fn length(&self) -> io::Result<u64> {
        self.file.length()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        match self.file.read_at(buffer, offset) {
            Err(error) if is_of_the_disk(&error) => {}
            read => return read,
        }
        let (mut at, mut rest) = (offset, buffer);
        while !rest.is_empty() {
            let to_next = PAGE - at % PAGE;
            let length = rest
                .len()
                .min(usize::try_from(to_next).unwrap_or(usize::MAX));
            let (page, behind) = rest.split_at_mut(length);
            match self.file.read_at(page, at) {
                Err(error) if is_of_the_disk(&error) => {
                    page.fill(0);
                    tracing::warn!(
                        path = %self.path.display(),
                        from = at,
                        bytes = length,
                        "they cannot be read now, and are passed over"
                    );
                }
                read => read?,
            }
            at += length as u64;
            rest = behind;
        }
        Ok(())
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.file.write_at(bytes, offset)
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        self.file.set_length(length)
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }

    fn map(&self) -> io::Result<Mapped> {
        self.file.map()
    }
}

/// EIO: a place of the disk cannot be read. All else is of the system's state.
fn is_of_the_disk(error: &io::Error) -> bool {
    cfg!(unix) && error.raw_os_error() == Some(5)
}
