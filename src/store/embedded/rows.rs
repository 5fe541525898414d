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
    /// `None` where there are none: then all is read from the records.
    file: Option<Box<dyn DiskFile>>,
    /// Of whose pictures, and how they are described: rows of others have other checksums.
    seed: u32,
    dimensions: usize,
}

impl Rows {
    /// No rows, of descriptors of so many numbers.
    pub(super) fn none(dimensions: usize) -> Self {
        Self {
            file: None,
            seed: 0,
            dimensions,
        }
    }

    /// Opens the rows of a store, whose pictures have descriptors of so many numbers. Where that fails there
    /// are none.
    pub(super) fn open(dir: &Path, (store, descriptor): (&str, &str), dimensions: usize) -> Self {
        let folder = dir.join(FOLDER);
        let open = || {
            SystemDisk.create_folder(&folder)?;
            SystemDisk.create(&folder.join(FILE))
        };
        let file = open().inspect_err(|error| {
            tracing::warn!(%error, "searches are slower: what they read cannot be kept");
        });
        Self {
            file: file.ok(),
            seed: crc32fast::hash(format!("{store} {descriptor} {dimensions}").as_bytes()),
            dimensions,
        }
    }

    /// Deletes the rows of a store whose pictures get other numbers.
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
        let location = place.get(..usize::from(*length))?;
        Some(PictureRow {
            id: PictureId::from_bytes(*id),
            location: Some(postcard::from_bytes(location).ok()?),
            descriptor: Descriptor::from_bytes(descriptor, self.dimensions)?,
        })
    }

    /// Keeps a picture's row. Only time is lost where it cannot be written.
    pub(super) fn put(
        &self,
        sequence: Sequence,
        id: PictureId,
        location: EntryLocation,
        descriptor: &[u8],
    ) {
        let Some(place) = place(location) else {
            return;
        };
        let mut row = vec![0; CHECKSUM];
        row.extend(id.as_bytes());
        row.extend(place);
        row.extend(descriptor);
        if row.len() == self.length() {
            let checksum = self.checksum(sequence, &row[CHECKSUM..]);
            row[..CHECKSUM].copy_from_slice(&checksum.to_le_bytes());
            self.write(sequence, &row);
        }
    }

    /// Forgets a picture's row: nothing of it is left.
    pub(super) fn clear(&self, sequence: Sequence) {
        self.write(sequence, &vec![0; self.length()]);
    }

    fn write(&self, sequence: Sequence, bytes: &[u8]) {
        if let Some((file, offset)) = self.file.as_ref().zip(self.offset(sequence))
            && let Err(error) = file.write_at(bytes, offset)
        {
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
fn place(location: EntryLocation) -> Option<[u8; PLACE]> {
    let mut place = [0; PLACE];
    let bytes = encode(&location);
    place[0] = u8::try_from(bytes.len()).ok()?;
    place.get_mut(1..=bytes.len())?.copy_from_slice(&bytes);
    Some(place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Span;

    fn row(n: u8) -> PictureRow {
        // The longest there is.
        let span = Span {
            segment: u32::MAX,
            offset: u64::MAX,
            length: u64::MAX,
            checksum: u32::MAX,
        };
        PictureRow {
            id: PictureId::from_bytes([n; ID]),
            location: Some(EntryLocation {
                segment: u32::MAX,
                offset: u64::MAX,
                payload: Some(span),
                thumbnail: Some(span),
            }),
            descriptor: Descriptor::normalized(vec![f32::from(n) + 1.0, 2.0]),
        }
    }

    fn put(rows: &Rows, n: u8) {
        let row = row(n);
        let (sequence, descriptor) = (Sequence(n.into()), row.descriptor.to_bytes());
        rows.put(sequence, row.id, row.location.unwrap(), &descriptor);
    }

    fn open(dir: &Path, descriptor: &str) -> Rows {
        Rows::open(dir, ("a store", descriptor), 2)
    }

    #[test]
    fn a_row_is_what_was_kept_or_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let rows = open(dir.path(), "a way");
        assert_eq!(rows.get(Sequence(3)), None);
        put(&rows, 3);
        put(&rows, 1);
        for n in [1, 3] {
            assert_eq!(rows.get(Sequence(n.into())), Some(row(n)));
        }
        // A hole is no row, and what follows the last is none.
        assert_eq!((rows.get(Sequence(0)), rows.get(Sequence(2))), (None, None));
        assert_eq!(rows.get(Sequence(u64::MAX)), None);
        // Of another store, or described in another way.
        assert_eq!(open(dir.path(), "another").get(Sequence(3)), None);
        // Without a file there is nothing, and nothing is kept.
        let none = Rows::none(2);
        put(&none, 1);
        assert_eq!(none.get(Sequence(1)), None);
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
        std::fs::write(&path, whole).unwrap();
        let rows = open(dir.path(), "a way");
        rows.clear(Sequence(1));
        assert_eq!(rows.get(Sequence(1)), None);
        let left = std::fs::read(&path).unwrap();
        assert!(left[begin..2 * begin].iter().all(|byte| *byte == 0));
        assert_eq!(rows.get(Sequence(3)), Some(row(3)));
        Rows::forget(dir.path()).unwrap();
        Rows::forget(dir.path()).unwrap();
        assert!(!path.exists());
    }
}
