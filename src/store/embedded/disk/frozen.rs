//! Files that are read and never written: what is written is dropped. For a store on a disk that
//! cannot be written, whose records are a private copy.

use std::io;
use std::path::Path;

use super::{Disk, DiskFile, Mapped, SystemDisk};

/// The system's files, read only.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct FrozenDisk;

impl Disk for FrozenDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.open(path)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(FrozenFile(SystemDisk.open(path)?)))
    }

    fn length(&self, path: &Path) -> io::Result<u64> {
        SystemDisk.length(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        SystemDisk.list(folder)
    }

    fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn remove(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn sync_foreign(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn create_folder(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Debug)]
struct FrozenFile(Box<dyn DiskFile>);

impl DiskFile for FrozenFile {
    fn length(&self) -> io::Result<u64> {
        self.0.length()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.0.read_at(buffer, offset)
    }

    fn write_at(&self, _: &[u8], _: u64) -> io::Result<()> {
        Ok(())
    }

    fn set_length(&self, _: u64) -> io::Result<()> {
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    fn map(&self) -> io::Result<Mapped> {
        self.0.map()
    }
}
