//! How pictures look, in rows: that they have a look or none, and 128 signed bytes.

use std::io;
use std::path::Path;

use super::file::{Read, RowFile, pass_over};
use crate::network::LookDescriptor;
use crate::picture::PictureId;
use crate::store::Sequence;
use crate::store::embedded::disk::Disk;

pub(super) const FILE: &str = "looks";
/// What a row begins with. Nothing else is one: a row of zeros is none.
const HAS_LOOK: u8 = 1;
const HAS_NONE: u8 = 2;

/// The looks of a store.
pub(in crate::store::embedded) struct LookRows {
    /// The file, of which rows are cleared and which is synced.
    pub(in crate::store::embedded) file: RowFile,
    /// Bytes of a look.
    dimensions: usize,
}

impl LookRows {
    /// No rows, of looks of so many bytes.
    pub(in crate::store::embedded) fn none(dimensions: usize) -> Self {
        Self {
            file: RowFile::none(1 + dimensions),
            dimensions,
        }
    }

    /// Opens the rows of a store, whose looks are told in a way and have so many bytes.
    ///
    /// # Errors
    /// If that fails.
    pub(in crate::store::embedded) fn open(
        disk: &dyn Disk,
        dir: &Path,
        (store, look): (&str, &str),
        dimensions: usize,
    ) -> io::Result<Self> {
        let of = format!("{store} {look}");
        Ok(Self {
            file: RowFile::open(disk, dir, FILE, &of, 1 + dimensions)?,
            dimensions,
        })
    }

    /// How a picture looks, or that it has no look; `None` if there is no row of it.
    pub(in crate::store::embedded) fn get(
        &self,
        sequence: Sequence,
        id: PictureId,
    ) -> Option<Option<LookDescriptor>> {
        self.parse(&self.file.get(sequence, id.as_bytes())?)
    }

    /// The rows of so many numbers from `first` on.
    pub(in crate::store::embedded) fn read(&self, first: Sequence, count: u64) -> Read {
        self.file.read(first, count)
    }

    /// The same of one of the rows that were read.
    pub(in crate::store::embedded) fn get_of(
        &self,
        read: &Read,
        sequence: Sequence,
        id: PictureId,
    ) -> Option<Option<LookDescriptor>> {
        self.parse(self.file.row(read, sequence, id.as_bytes())?)
    }

    fn parse(&self, row: &[u8]) -> Option<Option<LookDescriptor>> {
        match row.split_first()? {
            (&HAS_LOOK, look) => LookDescriptor::from_bytes(look, self.dimensions).map(Some),
            (&HAS_NONE, _) => Some(None),
            _ => None,
        }
    }

    /// Keeps how a picture looks, or that it has no look.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(in crate::store::embedded) fn keep(
        &self,
        sequence: Sequence,
        id: PictureId,
        look: Option<&[u8]>,
    ) -> io::Result<()> {
        let mut row = vec![0; 1 + self.dimensions];
        row[0] = HAS_NONE;
        if let Some(look) = look.filter(|look| look.len() == self.dimensions) {
            row[0] = HAS_LOOK;
            row[1..].copy_from_slice(look);
        }
        self.file.put(sequence, id.as_bytes(), &row)
    }

    /// The same, where only time is lost if it cannot be written.
    pub(in crate::store::embedded) fn put(
        &self,
        sequence: Sequence,
        id: PictureId,
        look: Option<&[u8]>,
    ) {
        pass_over(self.keep(sequence, id, look));
    }
}

#[cfg(test)]
mod tests {
    use super::super::file::{CHECKSUM, FOLDER};
    use super::*;
    use crate::store::embedded::disk::SystemDisk;

    #[test]
    fn a_look_is_what_was_kept_of_that_picture_or_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let open =
            |way: &str| LookRows::open(&SystemDisk, dir.path(), ("a store", way), 3).unwrap();
        let rows = open("a way");
        let id = |n| PictureId::from_bytes([n; PictureId::LEN]);
        let look = LookDescriptor::quantised(&[1.0, -2.0, 3.0]);
        rows.put(Sequence(2), id(2), Some(look.bytes()));
        rows.put(Sequence(3), id(3), None);
        for rows in [&rows, &open("a way")] {
            assert_eq!(rows.get(Sequence(2), id(2)), Some(Some(look.clone())));
            assert_eq!(rows.get(Sequence(3), id(3)), Some(None));
            let read = rows.read(Sequence(1), 100);
            assert_eq!(
                rows.get_of(&read, Sequence(2), id(2)),
                Some(Some(look.clone()))
            );
            assert_eq!(rows.get_of(&read, Sequence(3), id(3)), Some(None));
            for (number, picture) in [(0, 0), (1, 1), (4, 4), (2, 3), (3, 2)] {
                assert_eq!(rows.get(Sequence(number), id(picture)), None);
                assert_eq!(rows.get_of(&read, Sequence(number), id(picture)), None);
            }
        }
        assert_eq!(open("another").get(Sequence(2), id(2)), None);
        rows.file.clear(Sequence(2)).unwrap();
        assert_eq!(rows.get(Sequence(2), id(2)), None);
        let row = CHECKSUM + 4;
        let path = dir.path().join(FOLDER).join(FILE);
        let zeros = |to: usize| {
            std::fs::read(&path).unwrap()[..to]
                .iter()
                .all(|byte| *byte == 0)
        };
        assert!(zeros(3 * row) && !zeros(4 * row));
        rows.file
            .clear_between(Sequence(1), Some(Sequence(9)))
            .unwrap();
        assert!(zeros(4 * row));
        rows.file.clear_between(Sequence(1), None).unwrap();
        assert_eq!(std::fs::read(&path).unwrap().len(), row);
    }
}
