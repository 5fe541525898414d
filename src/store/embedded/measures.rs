//! The measures of a store's pictures: a file of rows by their numbers, in memory once a filter has asked.
//!
//! The file is derived and may be deleted: what is missing in it, torn, or of another store, is read from the
//! records, and the file is written anew.

use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::EmbeddedMetadata;
use super::disk::{Disk, DiskFile, SystemDisk};
use super::trees::decode;
use crate::store::{Measure, Measures, PictureRecord, Sequence, StoreError};

/// The folder of what is derived, and the file's name in it.
const FOLDER: &str = "index";
const FILE: &str = "measures";
/// Bytes of a row: width, height, time and a checksum of them with the picture's number.
const ROW: usize = 20;
const CHECKSUM: usize = 4;

/// A row; nothing in it is of a picture that has left.
type Row = [u8; ROW];

/// The measures of a store.
pub(super) struct MeasureFile {
    /// `None` where there is none: then all is read from the records.
    file: Option<Box<dyn DiskFile>>,
    /// Of whose pictures: rows of others have other checksums.
    seed: u32,
    /// All of them, once they were asked for.
    known: Mutex<Option<Measures>>,
}

impl MeasureFile {
    /// No file.
    pub(super) fn none() -> Self {
        Self {
            file: None,
            seed: 0,
            known: Mutex::default(),
        }
    }

    /// Opens the file of a store. Where that fails there is none.
    pub(super) fn open(dir: &Path, store: &str) -> Self {
        let folder = dir.join(FOLDER);
        let open = || {
            SystemDisk.create_folder(&folder)?;
            SystemDisk.create(&folder.join(FILE))
        };
        let file = open().inspect_err(|error| {
            tracing::warn!(%error, "the first search with a filter is slower: what it reads cannot be kept");
        });
        Self {
            file: file.ok(),
            seed: crc32fast::hash(store.as_bytes()),
            known: Mutex::default(),
        }
    }

    /// Deletes the file of a store whose pictures get other numbers.
    pub(super) fn forget(dir: &Path) -> io::Result<()> {
        match std::fs::remove_file(dir.join(FOLDER).join(FILE)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }

    /// Keeps the measure of a picture; `None`: it has left. Only time is lost where it cannot be written.
    pub(super) fn put(&self, sequence: Sequence, measure: Option<Measure>) {
        // Held, so that who reads all of them now has this one.
        let mut known = self.known();
        if let Some(known) = &mut *known {
            known.set(sequence, measure);
        }
        let offset = sequence.0.checked_mul(ROW as u64);
        if let Some((file, offset)) = self.file.as_ref().zip(offset)
            && let Err(error) = file.write_at(&self.row(sequence, measure), offset)
        {
            tracing::debug!(%error, "a measure is not kept");
        }
    }

    fn known(&self) -> MutexGuard<'_, Option<Measures>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn row(&self, sequence: Sequence, measure: Option<Measure>) -> Row {
        let Measure {
            width,
            height,
            first_seen_s,
        } = measure.unwrap_or_default();
        let mut row = [0; ROW];
        row[4..8].copy_from_slice(&width.to_le_bytes());
        row[8..12].copy_from_slice(&height.to_le_bytes());
        row[12..].copy_from_slice(&first_seen_s.to_le_bytes());
        let checksum = self.checksum(sequence, &row);
        row[..CHECKSUM].copy_from_slice(&checksum.to_le_bytes());
        row
    }

    fn checksum(&self, sequence: Sequence, row: &Row) -> u32 {
        let mut hasher = crc32fast::Hasher::new_with_initial(self.seed);
        hasher.update(&sequence.0.to_le_bytes());
        hasher.update(&row[CHECKSUM..]);
        hasher.finalize()
    }

    /// What a row says: the measure of its picture, or that there is none; `None` if it says nothing.
    fn read_row(&self, sequence: Sequence, row: &Row) -> Option<Option<Measure>> {
        let number =
            |at: usize| u32::from_le_bytes([row[at], row[at + 1], row[at + 2], row[at + 3]]);
        if number(0) != self.checksum(sequence, row) {
            return None;
        }
        let measure = Measure {
            width: number(4),
            height: number(8),
            first_seen_s: (u64::from(number(16)) << 32) | u64::from(number(12)),
        };
        Some((measure.width > 0).then_some(measure))
    }

    /// What the file says, and whether that is all before `end`.
    fn read(&self, end: Sequence) -> (Measures, bool) {
        let mut measures = Measures::default();
        let read = |file: &dyn DiskFile| {
            let length = usize::try_from(file.length()?).map_err(io::Error::other)?;
            let mut bytes = vec![0; length];
            file.read_at(&mut bytes, 0)?;
            Ok::<_, io::Error>(bytes)
        };
        let bytes = self.file.as_ref().map(|file| read(&**file));
        let bytes = bytes.and_then(Result::ok).unwrap_or_default();
        let (rows, _) = bytes.as_chunks::<ROW>();
        let mut are_all = rows.len() as u64 >= end.0;
        for (row, sequence) in rows.iter().zip((0..).map(Sequence)) {
            match self.read_row(sequence, row) {
                Some(measure) => measures.set(sequence, measure),
                None => are_all = false,
            }
        }
        (measures, are_all)
    }

    /// Writes all that is known before `end`.
    fn write(&self, measures: &Measures, end: Sequence) {
        let rows = (0..end.0).map(Sequence);
        let rows: Vec<u8> = rows
            .flat_map(|sequence| self.row(sequence, measures.get(sequence)))
            .collect();
        let write = |file: &dyn DiskFile| {
            file.write_at(&rows, 0)?;
            file.set_length(rows.len() as u64)
        };
        if let Some(file) = &self.file
            && let Err(error) = write(&**file)
        {
            tracing::debug!(%error, "measures are not kept");
        }
    }
}

impl EmbeddedMetadata {
    /// The measures of all pictures.
    pub(super) fn all_measures(&self) -> Result<Measures, StoreError> {
        if let Some(known) = &*self.measures.known() {
            return Ok(known.clone());
        }
        // Before what follows is held: whoever commits holds this first.
        let end = Sequence(self.next_sequence());
        let mut known = self.measures.known();
        if let Some(known) = &*known {
            return Ok(known.clone());
        }
        let (mut measures, are_all) = self.measures.read(end);
        if !are_all {
            measures = Measures::default();
            let mut last = end;
            for entry in &self.trees.pictures {
                let record: PictureRecord = decode("pictures", &entry?.1)?;
                let sequence = Sequence(record.sequence);
                measures.set(sequence, Some(Measure::from(&record)));
                last = last.max(Sequence(record.sequence.saturating_add(1)));
            }
            self.measures.write(&measures, last);
        }
        *known = Some(measures.clone());
        Ok(measures)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;
    use crate::store::conformance::fixture::{commit, file, options, picture_id};

    /// What a store says of its pictures' heights.
    fn heights(dir: &Path) -> Vec<(u64, u32)> {
        let store = Store::open(dir, &options()).unwrap();
        let measures = store.measures().unwrap().unwrap();
        for entry in store.pictures() {
            let (sequence, id) = entry.unwrap();
            let record = store.picture(id).unwrap().unwrap();
            assert_eq!(measures.get(sequence), Some(Measure::from(&record)));
        }
        measures
            .iter()
            .map(|(it, measure)| (it.0, measure.height))
            .collect()
    }

    #[test]
    fn what_the_file_lacks_is_read_from_the_records() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FOLDER).join(FILE);
        let store = Store::open(dir.path(), &options()).unwrap();
        for n in [5, 6, 7, 8] {
            assert!(commit(&store, file(&format!("{n}.png")), n));
        }
        let all = store.measures().unwrap().unwrap();
        store.remove_picture(picture_id(6)).unwrap();
        // What was given out stays; what is asked for now follows.
        assert!(all.get(Sequence(1)).is_some());
        let now = store.measures().unwrap().unwrap();
        assert_eq!((now.get(Sequence(1)), now.iter().count()), (None, 3));
        drop(store);
        let expected = [(0, 5), (2, 7), (3, 8)];
        let whole = std::fs::read(&path).unwrap();
        assert_eq!(whole.len(), 4 * ROW);
        let left = &whole[ROW + CHECKSUM..2 * ROW];
        assert!(
            left.iter().all(|byte| *byte == 0),
            "something of it is left"
        );
        let mut damaged = whole.clone();
        damaged[2 * ROW + 9] ^= 1;
        let others = [&whole[..], &[7; 3 * ROW]].concat();
        for bytes in [
            None,
            Some(&whole),
            Some(&damaged),
            Some(&whole[..ROW].to_vec()),
            Some(&others),
        ] {
            match bytes {
                Some(bytes) => std::fs::write(&path, bytes).unwrap(),
                None => std::fs::remove_file(&path).unwrap(),
            }
            assert_eq!(heights(dir.path()), expected);
            assert_eq!(std::fs::read(&path).unwrap(), whole);
        }
        // Those of another store are none.
        let file = MeasureFile::open(dir.path(), "another");
        assert_eq!(file.read(Sequence(4)).0.iter().count(), 0);
        // Without a file there are no rows, and nothing is kept.
        let none = MeasureFile::none();
        none.put(Sequence(0), Some(Measure::default()));
        assert!(!none.read(Sequence(1)).1);
        MeasureFile::forget(dir.path()).unwrap();
        MeasureFile::forget(dir.path()).unwrap();
        assert_eq!(heights(dir.path()), expected);
    }
}
