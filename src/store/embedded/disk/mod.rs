//! The few operations on files that durability rests on, behind a trait, so that tests can
//! lose, tear, reorder and refuse them.

#[cfg(test)]
pub(in crate::store) mod crash;
mod frozen;
mod system;
mod tolerant;

use std::fmt::Debug;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::atomic_file::folder_of;
use crate::store::StoreError;

pub(in crate::store) use frozen::FrozenDisk;
pub(in crate::store) use system::SystemDisk;
pub(in crate::store) use tolerant::TolerantDisk;

/// Bytes of a file, read in place.
pub(in crate::store) type Mapped = Arc<dyn Map>;

/// What is read in place.
pub(in crate::store) trait Map: AsRef<[u8]> + Send + Sync {
    /// Has the system begin to read a part that is used soon.
    fn will_need(&self, _part: Range<usize>) {}
}

impl Map for Vec<u8> {}

/// Where files are. What it promises is what POSIX does: bytes are safe after
/// [`DiskFile::sync`], names after [`Disk::sync_folder`].
pub(in crate::store) trait Disk: Debug + Send + Sync {
    /// Opens a file, making an empty one where there is none.
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Opens a file that must be there, for reading.
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// The length of a file in bytes.
    fn length(&self, path: &Path) -> io::Result<u64>;

    /// The names of the files in a folder.
    fn list(&self, folder: &Path) -> io::Result<Vec<String>>;

    /// Gives a file another name, in place of what has that name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Deletes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes what somebody else has written to a file survive a power failure.
    fn sync_foreign(&self, path: &Path) -> io::Result<()>;

    /// Makes a folder, if it is not there.
    fn create_folder(&self, folder: &Path) -> io::Result<()>;

    /// Makes the names in a folder survive a power failure.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
}

/// An open file.
pub(in crate::store) trait DiskFile: Debug + Send + Sync {
    /// Its length in bytes.
    fn length(&self) -> io::Result<u64>;

    /// Fills `buffer` from `offset` on.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;

    /// Writes all of `bytes` at `offset`.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Cuts the file, or fills it up with zeros.
    fn set_length(&self, length: u64) -> io::Result<()>;

    /// Makes what was written survive a power failure.
    fn sync(&self) -> io::Result<()>;

    /// All its bytes, read in place.
    fn map(&self) -> io::Result<Mapped>;
}

/// Reads a whole file, if it is there.
pub(in crate::store) fn read_if_there(disk: &dyn Disk, path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match disk.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let length = usize::try_from(file.length()?).map_err(io::Error::other)?;
    let mut bytes = vec![0; length];
    file.read_at(&mut bytes, 0)?;
    Ok(Some(bytes))
}

/// Gives a file or a folder a name that nothing has, beside its own.
pub(in crate::store) fn aside(disk: &dyn Disk, path: &Path) -> Result<PathBuf, StoreError> {
    let failed = |error| StoreError::io(path, error);
    let folder = folder_of(path);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let taken = disk.list(folder).map_err(failed)?;
    let mut names = (1_u32..).map(|n| format!("{name}.unknown-{n}"));
    let free = names.find(|name| !taken.contains(name) && !folder.join(name).exists());
    let aside = folder.join(free.unwrap_or_default());
    disk.rename(path, &aside).map_err(failed)?;
    disk.sync_folder(folder).map_err(failed)?;
    Ok(aside)
}

/// Puts a new file in an old one's place, in one step.
pub(in crate::store) fn replace(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let file = disk.create(&new)?;
    file.set_length(0)?;
    file.write_at(bytes, 0)?;
    file.sync()?;
    drop(file);
    disk.rename(&new, path)?;
    disk.sync_folder(folder_of(path))
}
