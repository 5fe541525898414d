//! The groups on disk: a file that grows by what has changed, beside the index's snapshot.
//!
//! Frames, each a length, a CRC-32 and as many bytes. The first says whose file it is and which pairs are
//! kept apart; the others are changes, one after the other: the last of a picture counts.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::apart::Apart;
use super::{GroupEntry, NearDuplicates};
use crate::atomic_file::AtomicFile;
use crate::picture::{PerceptualHash, PictureId};
use crate::store::{Sequence, Store};

#[derive(Serialize, Deserialize)]
struct Head {
    /// Of this file, and of the rule by which pictures are grouped.
    version: u32,
    store: String,
    /// The pairs that were kept apart.
    apart: Vec<[PictureId; 2]>,
}

const VERSION: u32 = 3;
/// Length and checksum.
const FRAME: usize = 8;
/// Sequence, hash, original.
const CHANGE: usize = 24;
/// The original of a picture that was removed.
const NONE: u64 = u64::MAX;
/// Changes beyond twice the pictures, and this many, have the file written anew.
const SPARE: usize = 10_000;

/// The file as far as it is known. It is appended to as long as its head is true.
#[derive(Debug, Default)]
pub(super) struct GroupsFile {
    /// Whole frames end here; 0 if the file has to be written anew.
    length: u64,
    /// Changes in it.
    changes: usize,
}

/// What was saved.
#[derive(Default)]
pub(super) struct Saved {
    pub(super) file: GroupsFile,
    pub(super) now: NearDuplicates,
    pub(super) apart: Apart,
}

/// `None` if the store is in memory.
fn path(store: &Store) -> Option<PathBuf> {
    Some(store.index_dir()?.join("copies"))
}

/// What is in the file; of one that is foreign, or damaged at its head, nothing, which only costs a
/// rebuild. A frame that was not written whole is where it ends.
pub(super) fn load(store: &Store) -> Saved {
    let Some(bytes) = path(store).and_then(|path| std::fs::read(path).ok()) else {
        return Saved::default();
    };
    let mut rest = bytes.as_slice();
    let head = frame(&mut rest).and_then(|head| postcard::from_bytes::<Head>(head).ok());
    let Some(head) = head.filter(|h| h.version == VERSION && h.store == store.mark()) else {
        tracing::warn!("the groups of copies are damaged or of another version; making them anew");
        return Saved::default();
    };
    let mut changes = Vec::new();
    let mut length = bytes.len() - rest.len();
    while let Some(frame) = frame(&mut rest) {
        changes.extend(frame.as_chunks::<CHANGE>().0.iter().map(Change::read));
        length = bytes.len() - rest.len();
    }
    let file = GroupsFile {
        length: length as u64,
        changes: changes.len(),
    };
    // Stable: of a picture's changes the last one stays the last.
    changes.sort_by_key(|change| change.sequence);
    let mut now = NearDuplicates::default();
    for of_picture in changes.chunk_by(|a, b| a.sequence == b.sequence) {
        if let Some(change) = of_picture.last().filter(|change| change.original != NONE) {
            let original = Some(Sequence(change.original)).filter(|o| now.has_original(*o));
            now.insert(Sequence(change.sequence), change.hash, original);
        }
    }
    let newest = now.entries.last();
    if newest.is_some_and(|newest| is_another(newest, &now, store)) {
        tracing::warn!("the groups of copies are those of a store before it was restored");
        return Saved::default();
    }
    Saved {
        file,
        now,
        apart: Apart::of(head.apart),
    }
}

/// Whether a number is another picture's by now, as in a store that was restored from an older backup.
fn is_another(sequence: Sequence, now: &NearDuplicates, store: &Store) -> bool {
    let hash = || {
        let id = store.picture_at(sequence).ok()??;
        Some(store.picture(id).ok()??.perceptual_hash)
    };
    let known = now.entries.get(sequence).map(|entry| entry.hash);
    hash().is_some_and(|hash| known.is_some_and(|known| known != hash))
}

impl GroupsFile {
    /// Its head is not true any more.
    pub(super) fn outdated(&mut self) {
        self.length = 0;
    }

    /// Appends what has changed, or writes all of it anew, in one step, where little of it counts
    /// any more. Of a store in memory nothing is saved.
    pub(super) fn save(
        &mut self,
        store: &Store,
        now: &NearDuplicates,
        apart: &Apart,
        changed: &BTreeSet<Sequence>,
    ) -> io::Result<()> {
        let Some(path) = path(store) else {
            return Ok(());
        };
        let most = 2 * now.len() + SPARE;
        // The folder may be deleted at any time.
        if self.length == 0 || self.changes + changed.len() > most || !path.exists() {
            let head = Head {
                version: VERSION,
                store: store.mark().to_owned(),
                apart: apart.pairs().collect(),
            };
            let head = postcard::to_stdvec(&head).map_err(io::Error::other)?;
            let all = now.entries.iter();
            let changes: Vec<u8> = all.flat_map(|(s, entry)| written(s, Some(entry))).collect();
            let file = [framed(&head)?, framed(&changes)?].concat();
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            AtomicFile::new(&path).write(&file)?;
            self.length = file.len() as u64;
            self.changes = now.len();
            return Ok(());
        }
        if changed.is_empty() {
            return Ok(());
        }
        let changes = changed.iter();
        let changes: Vec<u8> = changes
            .flat_map(|s| written(*s, now.entries.get(*s)))
            .collect();
        let frame = framed(&changes)?;
        let mut file = OpenOptions::new().write(true).open(&path)?;
        // What was not written whole is in the way.
        file.set_len(self.length)?;
        file.seek(SeekFrom::Start(self.length))?;
        file.write_all(&frame)?;
        self.length += frame.len() as u64;
        self.changes += changed.len();
        Ok(())
    }
}

struct Change {
    sequence: u64,
    hash: PerceptualHash,
    original: u64,
}

impl Change {
    fn read(bytes: &[u8; CHANGE]) -> Self {
        let (numbers, _) = bytes.as_chunks();
        let number = |n: usize| u64::from_le_bytes(numbers[n]);
        Self {
            sequence: number(0),
            hash: PerceptualHash(number(1)),
            original: number(2),
        }
    }
}

/// A picture's entry as it is now.
fn written(sequence: Sequence, entry: Option<&GroupEntry>) -> impl Iterator<Item = u8> + use<> {
    let hash = entry.map_or(0, |entry| entry.hash.0);
    let original = entry.map_or(NONE, |entry| entry.original.0);
    let numbers = [sequence.0, hash, original].into_iter();
    numbers.flat_map(u64::to_le_bytes)
}

fn framed(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
    let checksum = crc32fast::hash(bytes);
    Ok([&length.to_le_bytes()[..], &checksum.to_le_bytes(), bytes].concat())
}

/// The next frame; `None` if there is none, or it is damaged.
fn frame<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (head, behind) = rest.split_first_chunk::<FRAME>()?;
    let (numbers, _) = head.as_chunks();
    let length = u32::from_le_bytes(numbers[0]) as usize;
    let (bytes, behind) = behind.split_at_checked(length)?;
    let is_whole = crc32fast::hash(bytes) == u32::from_le_bytes(numbers[1]);
    is_whole.then(|| {
        *rest = behind;
        bytes
    })
}
