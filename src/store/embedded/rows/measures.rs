//! The measures of a store's pictures: a file of rows by their numbers, in memory once a filter has asked.
//!
//! The file is derived and may be deleted: what is missing in it, torn, or of another store, is read from the
//! records, and the file is written anew.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::file::{RowFile, pass_over};
use crate::store::embedded::EmbeddedMetadata;
use crate::store::embedded::disk::SystemDisk;
use crate::store::embedded::trees::decode;
use crate::store::{Measure, Measures, PictureRecord, Sequence, StoreError};

pub(super) const FILE: &str = "measures";
/// Bytes of a row: width, height and time; nothing of a picture that has left.
const ROW: usize = 16;

/// The measures of a store.
pub(in crate::store::embedded) struct MeasureFile {
    file: RowFile,
    /// All of them, once they were asked for.
    known: Mutex<Option<Measures>>,
}

impl MeasureFile {
    /// No file.
    pub(in crate::store::embedded) fn none() -> Self {
        Self {
            file: RowFile::none(ROW),
            known: Mutex::default(),
        }
    }

    /// Opens the file of a store. Where that fails there is none.
    pub(in crate::store::embedded) fn open(dir: &Path, store: &str) -> Self {
        match RowFile::open(&SystemDisk, dir, FILE, store, ROW) {
            Ok(file) => Self {
                file,
                known: Mutex::default(),
            },
            Err(error) => {
                tracing::warn!(%error, "the first search with a filter is slower: what it reads cannot be kept");
                Self::none()
            }
        }
    }

    /// Keeps the measure of a picture; `None`: it has left. Only time is lost where it cannot be written.
    pub(in crate::store::embedded) fn put(&self, sequence: Sequence, measure: Option<Measure>) {
        // Held, so that who reads all of them now has this one.
        let mut known = self.known();
        if let Some(known) = &mut *known {
            known.set(sequence, measure);
        }
        pass_over(self.file.put(sequence, &[], &row(measure)));
    }

    fn known(&self) -> MutexGuard<'_, Option<Measures>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the file says, and whether that is all before `end`.
    fn read(&self, end: Sequence) -> (Measures, bool) {
        let mut measures = Measures::default();
        let read = self.file.read(Sequence(0), u64::MAX);
        let count = self.file.count(&read);
        let mut are_all = count >= end.0;
        for sequence in (0..count).map(Sequence) {
            match self.file.row(&read, sequence, &[]) {
                Some(row) => measures.set(sequence, measure(row)),
                None => are_all = false,
            }
        }
        (measures, are_all)
    }

    /// Writes all that is known before `end`.
    fn write(&self, measures: &Measures, end: Sequence) {
        let sequences = (0..end.0).map(Sequence);
        let rows: Vec<_> = sequences.map(|it| (it, row(measures.get(it)))).collect();
        let rows = rows.iter().map(|(sequence, row)| (*sequence, &row[..]));
        pass_over(self.file.set_all(rows));
    }
}

fn row(measure: Option<Measure>) -> [u8; ROW] {
    let Measure {
        width,
        height,
        first_seen_s,
    } = measure.unwrap_or_default();
    let mut row = [0; ROW];
    row[..4].copy_from_slice(&width.to_le_bytes());
    row[4..8].copy_from_slice(&height.to_le_bytes());
    row[8..].copy_from_slice(&first_seen_s.to_le_bytes());
    row
}

/// What a row says: the measure of its picture, or that there is none.
fn measure(row: &[u8]) -> Option<Measure> {
    let (width, rest) = row.split_first_chunk()?;
    let (height, rest) = rest.split_first_chunk()?;
    let measure = Measure {
        width: u32::from_le_bytes(*width),
        height: u32::from_le_bytes(*height),
        first_seen_s: u64::from_le_bytes(rest.try_into().ok()?),
    };
    (measure.width > 0).then_some(measure)
}

impl EmbeddedMetadata {
    /// The measures of all pictures.
    pub(in crate::store::embedded) fn all_measures(&self) -> Result<Measures, StoreError> {
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
    use super::super::file::{CHECKSUM, FOLDER};
    use super::super::forget;
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
        let row = CHECKSUM + ROW;
        assert_eq!(whole.len(), 4 * row);
        let left = &whole[row + CHECKSUM..2 * row];
        assert!(
            left.iter().all(|byte| *byte == 0),
            "something of it is left"
        );
        let mut damaged = whole.clone();
        damaged[2 * row + 9] ^= 1;
        let others = [&whole[..], &[7; 3 * (CHECKSUM + ROW)]].concat();
        for bytes in [
            None,
            Some(&whole),
            Some(&damaged),
            Some(&whole[..row].to_vec()),
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
        forget(dir.path()).unwrap();
        forget(dir.path()).unwrap();
        assert_eq!(heights(dir.path()), expected);
    }
}
