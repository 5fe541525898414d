//! What a search reads of each picture, in rows of one length by its number.
//!
//! sled reads a page of its file for a value, and makes all values in it; a search asks for some hundreds,
//! of pages that no cache of a bearable size holds. The file is derived and may be deleted: a row that is
//! missing, torn, of another store, or described in another way, is read from the records and written anew.

use std::io;
use std::path::Path;

use super::disk::{Disk, DiskFile, SystemDisk};
use super::trees::encode;
use crate::network::Descriptor;
use crate::picture::PictureId;
use crate::store::{EntryLocation, PictureRow, Sequence};

/// The folder of what is derived, and the file's name in it.
const FOLDER: &str = "index";
const FILE: &str = "rows";
/// Bytes for where an entry lies: it takes fewer, and the first of them says how many.
const PLACE: usize = 96;
/// Bytes of a checksum, and of a picture's id.
const CHECKSUM: usize = 4;
const ID: usize = 32;

/// The rows of a store.
pub(super) struct Rows {
    /// `None` where it cannot be opened: then all is read from the records.
    file: Option<Box<dyn DiskFile>>,
    /// Whether nothing may be written.
    is_frozen: bool,
    /// Of whose pictures, and how they are described: rows of others have other checksums.
    seed: u32,
    dimensions: usize,
}

impl Rows {
    /// Opens the rows of a store, whose pictures have descriptors of so many numbers. Where they cannot be
    /// written they are read.
    pub(super) fn open(dir: &Path, (store, descriptor): (&str, &str), dimensions: usize) -> Self {
        let folder = dir.join(FOLDER);
        let path = folder.join(FILE);
        let open = || {
            let created = SystemDisk.create_folder(&folder);
            let created = created.and_then(|()| SystemDisk.create(&path));
            created.or_else(|_| SystemDisk.open(&path))
        };
        Self {
            file: open()
                .inspect_err(
                    |error| tracing::debug!(%error, "searches read the records themselves"),
                )
                .ok(),
            is_frozen: false,
            seed: crc32fast::hash(format!("{store} {descriptor} {dimensions}").as_bytes()),
            dimensions,
        }
    }

    /// Writes nothing from now on.
    pub(super) fn freeze(&mut self) {
        self.is_frozen = true;
    }

    /// Deletes the rows of a store whose numbers or descriptors are made anew.
    pub(super) fn forget(dir: &Path) -> io::Result<()> {
        match std::fs::remove_file(dir.join(FOLDER).join(FILE)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }

    /// A picture's row, if it is there and whole.
    pub(super) fn get(&self, sequence: Sequence) -> Option<PictureRow> {
        let file = self.file.as_ref()?;
        let mut row = vec![0; self.length()];
        file.read_at(&mut row, self.offset(sequence)?).ok()?;
        let (checksum, row) = row.split_first_chunk::<CHECKSUM>()?;
        if u32::from_le_bytes(*checksum) != self.checksum(sequence, row) {
            return None;
        }
        let (id, row) = row.split_first_chunk::<ID>()?;
        let (place, descriptor) = row.split_first_chunk::<PLACE>()?;
        let (length, place) = place.split_first()?;
        let location = match usize::from(*length) {
            0 => None,
            length => Some(postcard::from_bytes(place.get(..length)?).ok()?),
        };
        Some(PictureRow {
            id: PictureId::from_bytes(*id),
            location,
            descriptor: Descriptor::from_bytes(descriptor, self.dimensions)?,
        })
    }

    /// Keeps a picture's row. Only time is lost where it cannot be written.
    pub(super) fn put(&self, sequence: Sequence, row: &PictureRow) {
        let Some((file, offset)) = self.file.as_ref().zip(self.offset(sequence)) else {
            return;
        };
        if self.is_frozen {
            return;
        }
        let Some(place) = place(row.location.as_ref()) else {
            return;
        };
        let mut bytes = vec![0; CHECKSUM];
        bytes.extend(row.id.as_bytes());
        bytes.extend(place);
        bytes.extend(row.descriptor.to_bytes());
        if bytes.len() != self.length() {
            return;
        }
        let checksum = self.checksum(sequence, &bytes[CHECKSUM..]);
        bytes[..CHECKSUM].copy_from_slice(&checksum.to_le_bytes());
        if let Err(error) = file.write_at(&bytes, offset) {
            tracing::debug!(%error, "a row is not kept");
        }
    }

    fn length(&self) -> usize {
        CHECKSUM + ID + PLACE + self.dimensions * size_of::<f32>()
    }

    fn offset(&self, sequence: Sequence) -> Option<u64> {
        sequence.0.checked_mul(self.length() as u64)
    }

    fn checksum(&self, sequence: Sequence, row: &[u8]) -> u32 {
        let mut hasher = crc32fast::Hasher::new_with_initial(self.seed);
        hasher.update(&sequence.0.to_le_bytes());
        hasher.update(row);
        hasher.finalize()
    }
}

/// Where an entry lies, as a row keeps it; `None` if that is longer than it has room for.
fn place(location: Option<&EntryLocation>) -> Option<[u8; PLACE]> {
    let mut place = [0; PLACE];
    if let Some(location) = location {
        let bytes = encode(location);
        place[0] = u8::try_from(bytes.len()).ok()?;
        place.get_mut(1..=bytes.len())?.copy_from_slice(&bytes);
    }
    Some(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(n: u8) -> PictureRow {
        PictureRow {
            id: PictureId::from_bytes([n; ID]),
            location: None,
            descriptor: Descriptor::normalized(vec![f32::from(n) + 1.0, 2.0]),
        }
    }

    fn open(dir: &Path, descriptor: &str) -> Rows {
        Rows::open(dir, ("a store", descriptor), 2)
    }

    #[test]
    fn a_row_is_what_was_kept_or_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let rows = open(dir.path(), "a way");
        assert_eq!(rows.get(Sequence(3)), None);
        rows.put(Sequence(3), &row(3));
        rows.put(Sequence(1), &row(1));
        for n in [1, 3] {
            assert_eq!(rows.get(Sequence(n.into())), Some(row(n)));
        }
        // A hole is no row, and what follows the last is none.
        assert_eq!((rows.get(Sequence(0)), rows.get(Sequence(2))), (None, None));
        assert_eq!(rows.get(Sequence(u64::MAX)), None);
        // Of another store, or described in another way.
        assert_eq!(open(dir.path(), "another").get(Sequence(3)), None);
        // A frozen one reads, and writes nothing.
        let mut frozen = open(dir.path(), "a way");
        frozen.freeze();
        frozen.put(Sequence(1), &row(2));
        assert_eq!(frozen.get(Sequence(1)), Some(row(1)));
        // Any bit that is another makes it none.
        let path = dir.path().join(FOLDER).join(FILE);
        let whole = std::fs::read(&path).unwrap();
        let begin = rows.length();
        for at in [begin, begin + 5, begin + 40, 2 * begin - 1] {
            let mut damaged = whole.clone();
            damaged[at] ^= 4;
            std::fs::write(&path, damaged).unwrap();
            assert_eq!(open(dir.path(), "a way").get(Sequence(1)), None);
        }
        Rows::forget(dir.path()).unwrap();
        Rows::forget(dir.path()).unwrap();
        assert!(!path.exists());
    }
}
