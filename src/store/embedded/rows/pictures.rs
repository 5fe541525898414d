//! What a search reads of each picture, in rows: which it is, where its entry lies, and its descriptor.
//!
//! sled reads a page of its file for a value, and makes all values in it; a search asks for some hundreds,
//! of pages that no cache of a bearable size holds.

use std::io;
use std::path::Path;

use super::file::{Read, RowFile, pass_over};
use crate::network::Descriptor;
use crate::picture::PictureId;
use crate::store::embedded::disk::Disk;
use crate::store::embedded::trees::encode;
use crate::store::{EntryLocation, PictureRow, Sequence};

pub(super) const FILE: &str = "rows";
/// Bytes for where an entry lies: it takes fewer, and the first of them says how many.
const PLACE: usize = 96;
/// Bytes of a picture's id.
const ID: usize = PictureId::LEN;

/// The rows of a store.
pub(in crate::store::embedded) struct Rows {
    /// The file, of which rows are cleared and which is synced.
    pub(in crate::store::embedded) file: RowFile,
    dimensions: usize,
}

impl Rows {
    /// No rows, of descriptors of so many numbers.
    pub(in crate::store::embedded) fn none(dimensions: usize) -> Self {
        Self {
            file: RowFile::none(length(dimensions)),
            dimensions,
        }
    }

    /// Opens the rows of a store, whose pictures are described in a way and have descriptors of so many numbers.
    ///
    /// # Errors
    /// If that fails.
    pub(in crate::store::embedded) fn open(
        disk: &dyn Disk,
        dir: &Path,
        (store, descriptor): (&str, &str),
        dimensions: usize,
    ) -> io::Result<Self> {
        let of = format!("{store} {descriptor} {dimensions}");
        Ok(Self {
            file: RowFile::open(disk, dir, FILE, &of, length(dimensions))?,
            dimensions,
        })
    }

    /// A picture's row, if it is there and whole.
    pub(in crate::store::embedded) fn get(&self, sequence: Sequence) -> Option<PictureRow> {
        self.parse(&self.file.get(sequence, &[])?)
    }

    /// The rows of so many numbers from `first` on.
    pub(in crate::store::embedded) fn read(&self, first: Sequence, count: u64) -> Read {
        self.file.read(first, count)
    }

    /// The same as [`Self::get`], of one of the rows that were read.
    pub(in crate::store::embedded) fn get_of(
        &self,
        read: &Read,
        sequence: Sequence,
    ) -> Option<PictureRow> {
        self.parse(self.file.row(read, sequence, &[])?)
    }

    fn parse(&self, row: &[u8]) -> Option<PictureRow> {
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

    /// Keeps a picture's row.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(in crate::store::embedded) fn keep(
        &self,
        sequence: Sequence,
        id: PictureId,
        location: EntryLocation,
        descriptor: &[u8],
    ) -> io::Result<()> {
        let Some(place) = place(location) else {
            return Ok(());
        };
        let row = [&id.as_bytes()[..], &place, descriptor].concat();
        match row.len() == length(self.dimensions) {
            true => self.file.put(sequence, &[], &row),
            false => Ok(()),
        }
    }

    /// The same, where only time is lost if it cannot be written.
    pub(in crate::store::embedded) fn put(
        &self,
        sequence: Sequence,
        id: PictureId,
        location: EntryLocation,
        descriptor: &[u8],
    ) {
        pass_over(self.keep(sequence, id, location, descriptor));
    }

    /// Has a picture's row, if there is one, say where its entry lies now.
    pub(in crate::store::embedded) fn move_to(
        &self,
        sequence: Sequence,
        id: PictureId,
        to: EntryLocation,
    ) {
        match self.get(sequence).filter(|row| row.id == id) {
            Some(row) => self.put(sequence, id, to, &row.descriptor.to_bytes()),
            None => pass_over(self.file.clear(sequence)),
        }
    }
}

/// Bytes of a row of so many numbers, without its checksum.
fn length(dimensions: usize) -> usize {
    ID + PLACE + dimensions * size_of::<f32>()
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
    use super::super::file::{CHECKSUM, FOLDER};
    use super::super::forget;
    use super::*;
    use crate::store::Span;
    use crate::store::embedded::disk::SystemDisk;

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
        Rows::open(&SystemDisk, dir, ("a store", descriptor), 2).unwrap()
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
        let read = rows.read(Sequence(1), 9);
        for n in 0..5 {
            let expected = [1, 3].contains(&n).then(|| row(n));
            assert_eq!(rows.get_of(&read, Sequence(n.into())), expected);
        }
        // Where it lies may change; of another picture that is nothing.
        let to = EntryLocation {
            offset: 64,
            ..row(3).location.unwrap()
        };
        rows.move_to(Sequence(3), row(3).id, to);
        assert_eq!(rows.get(Sequence(3)).unwrap().location, Some(to));
        assert_eq!(rows.get(Sequence(3)).unwrap().descriptor, row(3).descriptor);
        rows.move_to(Sequence(3), row(4).id, to);
        assert_eq!(rows.get(Sequence(3)), None);
        put(&rows, 3);
        // Of another store, or described in another way.
        assert_eq!(open(dir.path(), "another").get(Sequence(3)), None);
        // Without a file there is nothing, and nothing is kept.
        let none = Rows::none(2);
        put(&none, 1);
        assert_eq!(none.get(Sequence(1)), None);
        // Any bit that is another makes it none.
        let path = dir.path().join(FOLDER).join(FILE);
        let whole = std::fs::read(&path).unwrap();
        let begin = CHECKSUM + length(2);
        for at in [begin, begin + 5, begin + 40, 2 * begin - 1] {
            let mut damaged = whole.clone();
            damaged[at] ^= 4;
            std::fs::write(&path, damaged).unwrap();
            assert_eq!(open(dir.path(), "a way").get(Sequence(1)), None);
        }
        std::fs::write(&path, whole).unwrap();
        let rows = open(dir.path(), "a way");
        rows.file.clear(Sequence(1)).unwrap();
        assert_eq!(rows.get(Sequence(1)), None);
        let left = std::fs::read(&path).unwrap();
        assert!(left[begin..2 * begin].iter().all(|byte| *byte == 0));
        assert_eq!(rows.get(Sequence(3)), Some(row(3)));
        forget(dir.path()).unwrap();
        forget(dir.path()).unwrap();
        assert!(!path.exists());
    }
}
