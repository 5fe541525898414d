//! Near-copies: which stored pictures are one picture in other sizes and qualities.
//!
//! Derived data, as the index is: brought up to date when the index is opened, saved beside
//! it, and made anew from the store where it is missing or damaged. Each group has one
//! original, the member stored first, which alone stands in the index.

mod apart;
mod file;
mod hash_table;
mod verify;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{IndexError, LATER};
use crate::picture::{PerceptualHash, PictureId};
use crate::store::{Sequence, Store, StoreError};
use apart::Apart;
use hash_table::HashTable;
use verify::Verifier;
pub use verify::are_near_copies;

/// All stored pictures in their groups.
#[derive(Debug, Clone, Default)]
pub struct NearDuplicates {
    entries: BTreeMap<Sequence, GroupEntry>,
    /// The originals by their hashes.
    originals: HashTable,
    /// Members of groups of two and more by their original, all in the order of storing.
    groups: HashMap<Sequence, Vec<Sequence>>,
    /// What the user has told apart.
    apart: Arc<Apart>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct GroupEntry {
    hash: PerceptualHash,
    /// The picture itself, if it is the original.
    original: u64,
}

/// Originals that a new picture is compared with, nearest by hash first. Plain pictures
/// share a hash by the thousand; this bounds what they cost.
const MOST_COMPARED: usize = 64;
/// New pictures that are grouped between two saves, and two steps of the progress bar.
const CHUNK: usize = 1_000;

impl NearDuplicates {
    /// Loads what is saved and takes in what has changed: where an original was removed, the
    /// next of its group takes its place; what is new is compared with the originals. That
    /// is saved again and again, so that a process that is stopped over a large store has
    /// not worked for nothing. Where it cannot be saved there is a warning: only time is lost.
    ///
    /// # Errors
    /// If the store fails.
    pub fn open(
        store: &Store,
        live: &HashSet<Sequence>,
        progress: &dyn Fn(usize, usize),
    ) -> Result<Self, StoreError> {
        Self::open_by(CHUNK, store, live, progress)
    }

    fn open_by(
        chunk: usize,
        store: &Store,
        live: &HashSet<Sequence>,
        progress: &dyn Fn(usize, usize),
    ) -> Result<Self, StoreError> {
        let (saved, apart) = file::load(store).unwrap_or_default();
        let mut entries = saved.clone();
        entries.retain(|sequence, _| live.contains(sequence));
        elect(&mut entries);
        let has_changed = entries != saved;
        let next = saved.last_key_value().map_or(0, |(last, _)| last.0 + 1);
        let mut new: Vec<Sequence> = live.iter().copied().filter(|s| s.0 >= next).collect();
        new.sort_unstable();
        let mut all = Self {
            originals: originals(&entries),
            groups: groups(&entries),
            entries,
            apart: Arc::new(apart),
        };
        let mut saving = Ok(());
        if all.heed(store)? || has_changed {
            saving = all.save(store);
        }
        let mut done = 0;
        for part in new.chunks(chunk) {
            all.take_in(store, part)?;
            if saving.is_ok() {
                saving = all.save(store);
            }
            done += part.len();
            progress(done, new.len());
        }
        if let Err(error) = saving {
            tracing::warn!(%error, "{LATER}");
        }
        Ok(all)
    }

    /// Groups pictures that were stored since; their sequences ascend.
    ///
    /// # Errors
    /// If the store fails.
    pub(super) fn take_in(&mut self, store: &Store, new: &[Sequence]) -> Result<(), StoreError> {
        let mut copies = 0;
        for &sequence in new {
            // Removed since the list was made.
            let Some(id) = store.picture_at(sequence)? else {
                continue;
            };
            let Some(record) = store.picture(id)? else {
                continue;
            };
            let hash = record.perceptual_hash;
            match self.original_of(store, sequence, id, hash)? {
                Some(original) => {
                    copies += 1;
                    let members = self.groups.entry(original);
                    members.or_insert_with(|| vec![original]).push(sequence);
                    let original = original.0;
                    self.entries.insert(sequence, GroupEntry { hash, original });
                }
                None => {
                    self.originals.insert(hash, sequence);
                    let original = sequence.0;
                    self.entries.insert(sequence, GroupEntry { hash, original });
                }
            }
        }
        tracing::debug!(new = new.len(), copies, "near-copies are grouped");
        Ok(())
    }

    /// Leaves out pictures that were removed; where one was an original, the next of its
    /// group takes its place.
    pub(super) fn remove(&mut self, removed: &[Sequence]) {
        for sequence in removed {
            self.entries.remove(sequence);
        }
        if !removed.is_empty() {
            self.settle();
        }
    }

    /// Each group gets the original that it has to have.
    fn settle(&mut self) {
        elect(&mut self.entries);
        self.originals = originals(&self.entries);
        self.groups = groups(&self.entries);
    }

    /// Brings the groups in line with what the user says of pairs now. Returns whether that is
    /// something else than before.
    ///
    /// # Errors
    /// If the store fails.
    pub(super) fn heed(&mut self, store: &Store) -> Result<bool, StoreError> {
        let now = Apart::read(store)?;
        if now == *self.apart {
            return Ok(false);
        }
        let changed = now.differs_from(&self.apart);
        self.apart = Arc::new(now);
        let mut again = BTreeSet::new();
        for [a, b] in changed {
            if let (Some(a), Some(b)) = (self.place(store, a)?, self.place(store, b)?) {
                // The later one leaves, or may come back: originals are the first of their groups.
                let later = a.max(b);
                again.insert(later);
                if self.is_original(later) {
                    again.extend(self.group(later));
                }
            }
        }
        let again: Vec<Sequence> = again.into_iter().collect();
        self.remove(&again);
        self.take_in(store, &again)?;
        self.settle();
        Ok(true)
    }

    /// The place of a picture that is in a group.
    fn place(&self, store: &Store, id: PictureId) -> Result<Option<Sequence>, StoreError> {
        let record = store.picture(id)?;
        let sequence = record.map(|record| Sequence(record.sequence));
        Ok(sequence.filter(|sequence| self.contains(*sequence)))
    }

    /// How many pictures are in groups, each picture without copies in one of its own.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether a picture is in a group.
    pub(super) fn contains(&self, sequence: Sequence) -> bool {
        self.entries.contains_key(&sequence)
    }

    /// How many pictures in groups were stored before `end`.
    pub(super) fn stored_before(&self, end: Sequence) -> u64 {
        self.entries.range(..end).count() as u64
    }

    /// The pictures that stand in the index, in the order of storing.
    pub(super) fn originals(&self) -> impl Iterator<Item = Sequence> + '_ {
        let entries = self.entries.iter();
        let originals = entries.filter(|(sequence, entry)| entry.original == sequence.0);
        originals.map(|(sequence, _)| *sequence)
    }

    /// The first original, nearest by hash first, of which a new picture is a copy, and from whose
    /// group it was not told apart.
    fn original_of(
        &self,
        store: &Store,
        sequence: Sequence,
        id: PictureId,
        hash: PerceptualHash,
    ) -> Result<Option<Sequence>, StoreError> {
        let mut near = self.originals.near(hash, MOST_COMPARED);
        for other in self.apart.from(id) {
            if let Some(other) = self.place(store, other)? {
                near.retain(|original| *original != self.original(other));
            }
        }
        if near.is_empty() {
            return Ok(None);
        }
        let verifier = Verifier::new(store, sequence)?;
        for candidate in near {
            if verifier.is_copy_of(candidate)? {
                return Ok(Some(candidate));
            }
        }
        Ok(None)
    }

    /// Saves the groups beside the index's snapshot.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub(super) fn save(&self, store: &Store) -> Result<(), IndexError> {
        file::save(store, &self.entries, &self.apart).map_err(|source| IndexError::Save {
            what: "groups of copies",
            path: store.index_dir().unwrap_or_default(),
            source,
        })
    }

    /// A picture's perceptual hash, if it is covered.
    pub fn hash(&self, sequence: Sequence) -> Option<PerceptualHash> {
        self.entries.get(&sequence).map(|entry| entry.hash)
    }

    /// Whether a picture stands in the index: it is no copy of another.
    pub fn is_original(&self, sequence: Sequence) -> bool {
        self.original(sequence) == sequence
    }

    /// What a picture is a copy of; itself, if of none.
    pub fn original(&self, sequence: Sequence) -> Sequence {
        let entry = self.entries.get(&sequence);
        entry.map_or(sequence, |entry| Sequence(entry.original))
    }

    /// All members of a picture's group, in the order of storing; empty for a picture
    /// without copies.
    pub fn group(&self, sequence: Sequence) -> &[Sequence] {
        self.groups
            .get(&self.original(sequence))
            .map_or(&[], Vec::as_slice)
    }

    /// All groups of two and more, in the order of storing.
    pub fn groups(&self) -> Vec<&[Sequence]> {
        let mut groups: Vec<&[Sequence]> = self.groups.values().map(Vec::as_slice).collect();
        groups.sort_unstable();
        groups
    }
}

/// Makes the first of each group its original, also where that one is gone.
fn elect(entries: &mut BTreeMap<Sequence, GroupEntry>) {
    let mut first = HashMap::new();
    for (sequence, entry) in entries {
        entry.original = *first.entry(entry.original).or_insert(sequence.0);
    }
}

fn originals(entries: &BTreeMap<Sequence, GroupEntry>) -> HashTable {
    let mut originals = HashTable::default();
    for (sequence, entry) in entries {
        if entry.original == sequence.0 {
            originals.insert(entry.hash, *sequence);
        }
    }
    originals
}

/// Members of groups of two and more, in the order of storing.
fn groups(entries: &BTreeMap<Sequence, GroupEntry>) -> HashMap<Sequence, Vec<Sequence>> {
    let mut groups: HashMap<Sequence, Vec<Sequence>> = HashMap::new();
    for (sequence, entry) in entries {
        let original = Sequence(entry.original);
        if original != *sequence {
            let members = groups.entry(original);
            members.or_insert_with(|| vec![original]).push(*sequence);
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::activation::Encoding;
    use crate::network::{Descriptor, Embedding, Network};
    use crate::picture::PictureId;
    use crate::store::{NewPicture, PictureOutcome, Source, StoreOptions};

    /// A picture whose hash is near no other number's.
    fn picture(network: &Network, store: &Store, number: u64) -> PictureOutcome {
        let origin = Source::File {
            path: number.to_string().into(),
            bytes: 1,
            modified_ns: 1,
        };
        let picture = NewPicture {
            id: PictureId::of(&number.to_le_bytes()),
            width: 1,
            height: 1,
            media_type: "image/jpeg",
            bytes: 1,
            perceptual_hash: PerceptualHash(0xff << (8 * number)),
            embedding: Embedding::normalized(&[1.0]),
            descriptor: Descriptor::normalized(vec![1.0; network.descriptor_dimensions()]),
            look: None,
            thumbnail: Vec::new(),
            block: vec![0; store.layout().block_len()],
        };
        PictureOutcome::Picture(origin, Box::new(picture))
    }

    #[test]
    fn what_was_grouped_when_a_process_is_stopped_is_not_grouped_again() {
        let dir = tempfile::tempdir().unwrap();
        let network = Network::builtin().unwrap();
        let options = StoreOptions {
            network: &network,
            activations: Encoding::Int8,
            reserve_bytes: 0,
        };
        let store = Store::open(dir.path(), &options).unwrap();
        let pictures = (0..5).map(|number| picture(&network, &store, number));
        store.commit(pictures.collect()).unwrap();
        let live: HashSet<Sequence> = store.pictures().map(|entry| entry.unwrap().0).collect();
        let stopped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            NearDuplicates::open_by(2, &store, &live, &|done, total| {
                assert_eq!(total, 5);
                assert_eq!(file::load(&store).unwrap().0.len(), done);
                assert!(done < 4, "stopped here");
            })
        }));
        assert!(stopped.is_err());
        let steps = std::cell::RefCell::new(Vec::new());
        let copies = NearDuplicates::open_by(2, &store, &live, &|done, total| {
            steps.borrow_mut().push((done, total));
        });
        assert_eq!(copies.unwrap().entries.len(), 5);
        assert_eq!(steps.into_inner(), [(1, 1)]);
    }

    #[test]
    fn the_next_of_a_group_takes_the_place_of_a_removed_original() {
        let entry = |original| GroupEntry {
            hash: PerceptualHash(0),
            original,
        };
        let mut entries: BTreeMap<Sequence, GroupEntry> = [(2, 1), (3, 3), (5, 1), (6, 4)]
            .map(|(sequence, original)| (Sequence(sequence), entry(original)))
            .into();
        elect(&mut entries);
        let originals: Vec<u64> = entries.values().map(|entry| entry.original).collect();
        assert_eq!(originals, [2, 3, 2, 6]);
    }
}
