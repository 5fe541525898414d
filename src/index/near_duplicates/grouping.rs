//! Who is a copy of whom, kept up to date with the store.

use std::collections::BTreeSet;

use super::apart::Apart;
use super::file::GroupsFile;
use super::hash_table::HashTable;
use super::verify::Verifier;
use super::{NearDuplicates, file};
use crate::index::{IndexError, LATER, Progress};
use crate::picture::{PerceptualHash, PictureId};
use crate::store::{NearPicture, Sequence, Store, StoreError};

/// The groups as they are now, with what it takes to add to them.
pub(in crate::index) struct Grouping {
    now: NearDuplicates,
    /// The originals by their hashes; made when the first picture is added.
    by_hash: Option<HashTable>,
    /// What the user has told apart.
    apart: Apart,
    file: GroupsFile,
    /// Pictures whose entries have changed since they were saved.
    unsaved: BTreeSet<Sequence>,
}

/// Originals that a new picture is compared with, nearest by hash first. Plain pictures
/// share a hash by the thousand; this bounds what they cost.
const MOST_COMPARED: usize = 64;
/// New pictures that are grouped between two saves, and two steps of the progress bar.
const CHUNK: usize = 1_000;

impl Grouping {
    /// Loads what is saved and takes in what has changed among the pictures stored before `end`:
    /// where an original was removed, the next of its group takes its place; what is new is
    /// compared with the originals. That is saved again and again, so that a process that is
    /// stopped over a large store has not worked for nothing. Where it cannot be saved there is
    /// a warning: only time is lost.
    ///
    /// # Errors
    /// If the store fails, or `progress` says that it is not to go on.
    pub(in crate::index) fn open(
        store: &Store,
        end: Sequence,
        progress: Progress<'_>,
    ) -> Result<Self, IndexError> {
        Self::open_by(CHUNK, store, end, progress)
    }

    fn open_by(
        chunk: usize,
        store: &Store,
        end: Sequence,
        progress: Progress<'_>,
    ) -> Result<Self, IndexError> {
        let file::Saved { file, now, apart } = file::load(store);
        let mut all = Self {
            now,
            by_hash: None,
            apart,
            file,
            unsaved: BTreeSet::new(),
        };
        let (gone, new) = all.changes(store, end)?;
        all.remove(&gone);
        let mut saving = Ok(());
        if all.heed(store)? || !gone.is_empty() {
            saving = all.save(store);
        }
        let mut done = 0;
        for part in new.chunks(chunk) {
            all.take_in(store, part)?;
            if saving.is_ok() {
                saving = all.save(store);
            }
            done += part.len();
            if !progress(done, new.len()) {
                return Err(IndexError::Interrupted);
            }
        }
        if let Err(error) = saving {
            tracing::warn!(%error, "{LATER}");
        }
        Ok(all)
    }

    /// No groups yet: of a few pictures, which nobody saves.
    ///
    /// # Errors
    /// If the store fails.
    pub(in crate::index) fn empty(store: &Store) -> Result<Self, StoreError> {
        Ok(Self {
            now: NearDuplicates::default(),
            by_hash: None,
            apart: Apart::read(store)?,
            file: GroupsFile::default(),
            unsaved: BTreeSet::new(),
        })
    }

    /// Groups a picture that a store has found, and that is in no group.
    ///
    /// # Errors
    /// If the store fails.
    pub(in crate::index) fn take_in_found(
        &mut self,
        store: &Store,
        picture: &NearPicture,
    ) -> Result<(), StoreError> {
        let id = picture.row.id;
        self.add(store, picture.sequence, id, picture.hash)
            .map(drop)
    }

    /// The groups as they are now.
    pub(in crate::index) fn now(&self) -> &NearDuplicates {
        &self.now
    }

    /// Pictures in groups that the store does not have any more, and those that are in none.
    fn changes(
        &self,
        store: &Store,
        end: Sequence,
    ) -> Result<(Vec<Sequence>, Vec<Sequence>), StoreError> {
        let (mut gone, mut new) = (Vec::new(), Vec::new());
        let next = self.now.entries.last().map_or(0, |last| last.0 + 1);
        for entry in store.pictures_from(Sequence(next)) {
            new.push(entry?.0);
        }
        // No picture comes before others that are there: if as many are left, they are the same.
        if store.picture_count() != self.now.len() + new.len() {
            new.clear();
            let mut known = self.now.entries.iter().map(|(sequence, _)| sequence);
            let mut next = known.next();
            for entry in store.pictures() {
                let (sequence, _) = entry?;
                while let Some(before) = next.filter(|next| *next < sequence) {
                    gone.push(before);
                    next = known.next();
                }
                match next == Some(sequence) {
                    true => next = known.next(),
                    false => new.push(sequence),
                }
            }
            gone.extend(next);
            gone.extend(known);
        }
        new.retain(|sequence| *sequence < end);
        Ok((gone, new))
    }

    /// Groups pictures. Those that are in a group stay as they are: where the store fails half-way,
    /// the same pictures are given again.
    ///
    /// # Errors
    /// If the store fails.
    pub(in crate::index) fn take_in(
        &mut self,
        store: &Store,
        new: &[Sequence],
    ) -> Result<(), StoreError> {
        let mut copies = 0;
        for &sequence in new {
            if self.now.contains(sequence) {
                continue;
            }
            // Removed since the list was made.
            let Some(id) = store.picture_at(sequence)? else {
                continue;
            };
            let Some(record) = store.picture(id)? else {
                continue;
            };
            let is_copy = self.add(store, sequence, id, record.perceptual_hash)?;
            copies += usize::from(is_copy);
        }
        if !new.is_empty() {
            tracing::debug!(new = new.len(), copies, "near-copies are grouped");
        }
        Ok(())
    }

    /// Groups a picture that is in no group. Says whether it is a copy of another.
    fn add(
        &mut self,
        store: &Store,
        sequence: Sequence,
        id: PictureId,
        hash: PerceptualHash,
    ) -> Result<bool, StoreError> {
        let original = self.original_of(store, sequence, id, hash)?;
        self.now.insert(sequence, hash, original);
        self.unsaved.insert(sequence);
        let now = self.now.original(sequence);
        if original != Some(now) {
            // It is alone, or it was stored before the others.
            if let Some(original) = original {
                self.unsaved.extend(self.now.group(original));
                self.unlist(original);
            }
            self.list(sequence, hash);
        }
        Ok(original.is_some())
    }

    fn list(&mut self, original: Sequence, hash: PerceptualHash) {
        if let Some(by_hash) = &mut self.by_hash {
            by_hash.insert(hash, original);
        }
    }

    fn unlist(&mut self, original: Sequence) {
        if let (Some(by_hash), Some(hash)) = (&mut self.by_hash, self.now.hash(original)) {
            by_hash.remove(hash, original);
        }
    }

    /// Leaves out pictures that were removed; where one was an original, the next of its
    /// group takes its place.
    pub(in crate::index) fn remove(&mut self, removed: &[Sequence]) {
        for &sequence in removed {
            if !self.now.contains(sequence) {
                continue;
            }
            self.unsaved.insert(sequence);
            if !self.now.is_original(sequence) {
                self.now.remove(&[sequence]);
                continue;
            }
            self.unlist(sequence);
            let group = self.now.group(sequence);
            self.now.remove(&[sequence]);
            if let Some(member) = group.iter().find(|member| **member != sequence) {
                let elected = self.now.original(*member);
                if let Some(hash) = self.now.hash(elected) {
                    self.list(elected, hash);
                }
                self.unsaved.extend(group);
            }
        }
    }

    /// Brings the groups in line with what the user says of pairs now. Returns whether that is
    /// something else than before.
    ///
    /// # Errors
    /// If the store fails.
    pub(in crate::index) fn heed(&mut self, store: &Store) -> Result<bool, StoreError> {
        let now = Apart::read(store)?;
        if now == self.apart {
            return Ok(false);
        }
        let changed = now.differs_from(&self.apart);
        self.apart = now;
        self.file.outdated();
        let mut again = BTreeSet::new();
        for [a, b] in changed {
            if let (Some(a), Some(b)) = (self.place(store, a)?, self.place(store, b)?) {
                // The later one leaves, or may come back: originals are the first of their groups.
                let later = a.max(b);
                again.insert(later);
                if self.now.is_original(later) {
                    again.extend(self.now.group(later));
                }
            }
        }
        let again: Vec<Sequence> = again.into_iter().collect();
        self.remove(&again);
        self.take_in(store, &again)?;
        Ok(true)
    }

    /// The place of a picture that is in a group.
    fn place(&self, store: &Store, id: PictureId) -> Result<Option<Sequence>, StoreError> {
        let record = store.picture(id)?;
        let sequence = record.map(|record| Sequence(record.sequence));
        Ok(sequence.filter(|sequence| self.now.contains(*sequence)))
    }

    /// The first original, nearest by hash first, of which a new picture is a copy, and from whose
    /// group it was not told apart.
    fn original_of(
        &mut self,
        store: &Store,
        sequence: Sequence,
        id: PictureId,
        hash: PerceptualHash,
    ) -> Result<Option<Sequence>, StoreError> {
        let now = &self.now;
        let by_hash = self.by_hash.get_or_insert_with(|| by_hash(now));
        let mut near = by_hash.near(hash, MOST_COMPARED);
        for other in self.apart.from(id) {
            if let Some(other) = self.place(store, other)? {
                near.retain(|original| *original != self.now.original(other));
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

    /// Saves what has changed beside the index's snapshot.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub(in crate::index) fn save(&mut self, store: &Store) -> Result<(), IndexError> {
        let saved = self.file.save(store, &self.now, &self.apart, &self.unsaved);
        saved.map_err(|source| IndexError::Save {
            what: "groups of copies",
            path: store.index_dir().unwrap_or_default(),
            source,
        })?;
        self.unsaved.clear();
        Ok(())
    }
}

fn by_hash(groups: &NearDuplicates) -> HashTable {
    let mut originals = HashTable::default();
    for original in groups.originals() {
        if let Some(hash) = groups.hash(original) {
            originals.insert(hash, original);
        }
    }
    originals
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::activation::Encoding;
    use crate::network::{Descriptor, Embedding, Network};
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
            recent_bytes: None,
            reserve_bytes: 0,
        };
        let store = Store::open(dir.path(), &options).unwrap();
        let pictures = (0..5).map(|number| picture(&network, &store, number));
        store.commit(pictures.collect()).unwrap();
        let end = Sequence(store.next_sequence());
        let stopped = {
            Grouping::open_by(2, &store, end, &|done, total| {
                assert_eq!(total, 5);
                assert_eq!(file::load(&store).now.len(), done);
                done < 4
            })
        };
        assert!(matches!(stopped, Err(IndexError::Interrupted)));
        let steps = std::sync::Mutex::new(Vec::new());
        let copies = Grouping::open_by(2, &store, end, &|done, total| {
            steps.lock().unwrap().push((done, total));
            true
        });
        let mut copies = copies.unwrap();
        assert_eq!(copies.now.len(), 5);
        assert_eq!(steps.into_inner().unwrap(), [(1, 1)]);
        // Nor is what is given again.
        let all: Vec<Sequence> = copies.now.originals().collect();
        copies.take_in(&store, &all).unwrap();
        assert!(copies.unsaved.is_empty());
        assert_eq!(copies.now.len(), 5);
    }
}
