//! A file of rows of one length by the pictures' numbers, each with a checksum.

use std::io;
use std::path::Path;

use crate::store::Sequence;
use crate::store::embedded::disk::{Disk, DiskFile};

/// The folder of what is derived.
pub(super) const FOLDER: &str = "index";
pub(super) const CHECKSUM: usize = 4;
/// Zeros that are written in one step.
const AT_ONCE: u64 = 1 << 20;

/// Rows of one length; what is not as it was written is none.
pub(in crate::store::embedded) struct RowFile {
    /// `None` where there is none: nothing is kept then.
    file: Option<Box<dyn DiskFile>>,
    /// Of whose pictures, and of what: rows of others have other checksums.
    seed: u32,
    /// Bytes of a row, its checksum included.
    length: usize,
}

/// Rows that were read in one step.
pub(in crate::store::embedded) struct Read {
    first: Sequence,
    bytes: Vec<u8>,
}

impl RowFile {
    /// No file, of rows of so many bytes.
    pub(super) fn none(bytes: usize) -> Self {
        Self {
            file: None,
            seed: 0,
            length: CHECKSUM + bytes,
        }
    }

    /// Opens the file of a name in a store's folder, making it where there is none: rows of so many bytes, `of`
    /// something.
    ///
    /// # Errors
    /// If that fails.
    pub(super) fn open(
        disk: &dyn Disk,
        dir: &Path,
        name: &str,
        of: &str,
        bytes: usize,
    ) -> io::Result<Self> {
        let folder = dir.join(FOLDER);
        disk.create_folder(&folder)?;
        Ok(Self {
            file: Some(disk.create(&folder.join(name))?),
            seed: crc32fast::hash(of.as_bytes()),
            ..Self::none(bytes)
        })
    }

    /// A picture's row, if it is there and whole. `owner` is what it must be of beside its number.
    pub(super) fn get(&self, sequence: Sequence, owner: &[u8]) -> Option<Vec<u8>> {
        let file = self.file.as_ref()?;
        let mut row = vec![0; self.length];
        file.read_at(&mut row, self.offset(sequence)?).ok()?;
        self.is_whole(sequence, owner, &row)
            .then(|| row.split_off(CHECKSUM))
    }

    /// The rows of so many numbers from `first` on, as far as there are so many.
    pub(super) fn read(&self, first: Sequence, count: u64) -> Read {
        let read = |file: &dyn DiskFile| {
            let offset = self.offset(first).unwrap_or(u64::MAX);
            let there = file.length()?.saturating_sub(offset);
            let length = count.saturating_mul(self.length as u64).min(there);
            let length = usize::try_from(length).map_err(io::Error::other)?;
            let mut bytes = vec![0; length];
            file.read_at(&mut bytes, offset)?;
            Ok::<_, io::Error>(bytes)
        };
        let bytes = self.file.as_ref().map(|file| read(&**file));
        Read {
            first,
            bytes: bytes.and_then(Result::ok).unwrap_or_default(),
        }
    }

    /// How many rows were read, whole or not.
    pub(super) fn count(&self, read: &Read) -> u64 {
        (read.bytes.len() / self.length) as u64
    }

    /// One of the rows that were read, if it is whole.
    pub(super) fn row<'a>(
        &self,
        read: &'a Read,
        sequence: Sequence,
        owner: &[u8],
    ) -> Option<&'a [u8]> {
        let at = usize::try_from(sequence.0.checked_sub(read.first.0)?).ok()?;
        let at = at.checked_mul(self.length)?;
        let row = read.bytes.get(at..at.checked_add(self.length)?)?;
        self.is_whole(sequence, owner, row)
            .then(|| &row[CHECKSUM..])
    }

    /// Keeps a picture's row.
    ///
    /// # Errors
    /// If it cannot be written. Where there is no file, it is not kept, and that is none.
    pub(super) fn put(&self, sequence: Sequence, owner: &[u8], row: &[u8]) -> io::Result<()> {
        self.write(sequence, &self.with_checksum(sequence, owner, row))
    }

    /// Keeps all rows there are, from the first number on.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub(super) fn set_all<'a>(
        &self,
        rows: impl Iterator<Item = (Sequence, &'a [u8])>,
    ) -> io::Result<()> {
        let rows = rows.flat_map(|(sequence, row)| self.with_checksum(sequence, &[], row));
        let rows: Vec<u8> = rows.collect();
        self.write(Sequence(0), &rows)?;
        let file = self.file.as_ref();
        file.map_or(Ok(()), |file| file.set_length(rows.len() as u64))
    }

    /// Leaves nothing of a picture's row.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub(in crate::store::embedded) fn clear(&self, sequence: Sequence) -> io::Result<()> {
        self.clear_between(sequence, Some(Sequence(sequence.0.saturating_add(1))))
    }

    /// Leaves nothing of the rows from `first` to before `end`, or to the end of the file.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub(in crate::store::embedded) fn clear_between(
        &self,
        first: Sequence,
        end: Option<Sequence>,
    ) -> io::Result<()> {
        let Some(file) = self.file.as_ref() else {
            return Ok(());
        };
        let length = file.length()?;
        let offset = |sequence| self.offset(sequence).unwrap_or(u64::MAX).min(length);
        let mut at = offset(first);
        let Some(end) = end else {
            return if at < length {
                file.set_length(at)
            } else {
                Ok(())
            };
        };
        let end = offset(end);
        while at < end {
            let bytes = (end - at).min(AT_ONCE);
            file.write_at(&vec![0; bytes as usize], at)?;
            at += bytes;
        }
        Ok(())
    }

    /// Makes what was written survive a power failure.
    ///
    /// # Errors
    /// If that fails.
    pub(in crate::store::embedded) fn sync(&self) -> io::Result<()> {
        self.file.as_ref().map_or(Ok(()), |file| file.sync())
    }

    fn write(&self, sequence: Sequence, bytes: &[u8]) -> io::Result<()> {
        match self.file.as_ref().zip(self.offset(sequence)) {
            Some((file, offset)) => file.write_at(bytes, offset),
            None => Ok(()),
        }
    }

    fn with_checksum(&self, sequence: Sequence, owner: &[u8], row: &[u8]) -> Vec<u8> {
        let mut all = self.checksum(sequence, owner, row).to_le_bytes().to_vec();
        all.extend(row);
        debug_assert_eq!(all.len(), self.length, "rows are of one length");
        all
    }

    fn is_whole(&self, sequence: Sequence, owner: &[u8], row: &[u8]) -> bool {
        let parts = row.split_first_chunk::<CHECKSUM>();
        parts.is_some_and(|(checksum, row)| {
            u32::from_le_bytes(*checksum) == self.checksum(sequence, owner, row)
        })
    }

    fn offset(&self, sequence: Sequence) -> Option<u64> {
        sequence.0.checked_mul(self.length as u64)
    }

    fn checksum(&self, sequence: Sequence, owner: &[u8], row: &[u8]) -> u32 {
        let mut hasher = crc32fast::Hasher::new_with_initial(self.seed);
        hasher.update(&sequence.0.to_le_bytes());
        hasher.update(owner);
        hasher.update(row);
        hasher.finalize()
    }
}

/// Deletes the file of a name in a store's folder.
///
/// # Errors
/// If it is there and cannot be deleted.
pub(super) fn forget(dir: &Path, name: &str) -> io::Result<()> {
    match std::fs::remove_file(dir.join(FOLDER).join(name)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Says that a row is not kept: only time is lost by that.
pub(super) fn pass_over(written: io::Result<()>) {
    if let Err(error) = written {
        tracing::debug!(%error, "a row is not kept");
    }
}
