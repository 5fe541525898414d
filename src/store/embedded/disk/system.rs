//! Files of the system.

use std::fs::{File, OpenOptions};
use std::io;
#[cfg(unix)]
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

#[cfg(unix)]
use memmap2::Advice;
use memmap2::Mmap;

use super::{Disk, DiskFile, Map, Mapped};

/// The system's own files.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct SystemDisk;

impl Disk for SystemDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Ok(Box::new(SystemFile(options.open(path)?)))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(SystemFile(File::open(path)?)))
    }

    fn length(&self, path: &Path) -> io::Result<u64> {
        Ok(std::fs::metadata(path)?.len())
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let names = std::fs::read_dir(folder)?.map(|entry| {
            let entry = entry?;
            let name = entry.file_name().into_string().ok();
            Ok(name.filter(|_| entry.path().is_file()))
        });
        names.filter_map(Result::transpose).collect()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn sync_foreign(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_data()
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        std::fs::create_dir_all(folder)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        crate::atomic_file::sync_folder(folder)
    }
}

#[derive(Debug)]
struct SystemFile(File);

impl DiskFile for SystemFile {
    fn length(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    #[cfg(unix)]
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(&self.0, buffer, offset)
    }

    #[cfg(unix)]
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::write_all_at(&self.0, bytes, offset)
    }

    #[cfg(not(unix))]
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        use std::io::{Read, Seek, SeekFrom};
        // A handle of its own has a position of its own.
        let mut file = self.0.try_clone()?;
        file.seek(SeekFrom::Start(offset))?;
        file.read_exact(buffer)
    }

    #[cfg(not(unix))]
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        use std::io::{Seek, SeekFrom, Write};
        let mut file = self.0.try_clone()?;
        file.seek(SeekFrom::Start(offset))?;
        file.write_all(bytes)
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        self.0.set_len(length)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn map(&self) -> io::Result<Mapped> {
        // SAFETY: simdex never cuts a file that it maps, and the store's lock keeps other
        // simdex processes out. Readers compare the file's length first, so that only a cut
        // from outside in the middle of a read is left.
        let map = unsafe { Mmap::map(&self.0) }?;
        // Blocks lie anywhere. What the system reads around each may be a thousand times as much, and takes the
        // place of others in memory.
        #[cfg(unix)]
        map.advise(Advice::Random)?;
        Ok(Arc::new(SystemMap(map)))
    }
}

/// A file that the system maps.
struct SystemMap(Mmap);

impl AsRef<[u8]> for SystemMap {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Map for SystemMap {
    #[cfg(unix)]
    fn will_need(&self, part: Range<usize>) {
        let begun = self
            .0
            .advise_range(Advice::WillNeed, part.start, part.len());
        if let Err(error) = begun {
            tracing::debug!(%error, "what is read soon is not read ahead");
        }
    }
}
