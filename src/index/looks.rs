//! How the stored pictures look, in memory: `look-alike` compares all of them, a byte a number.

use std::collections::HashSet;
use std::sync::Arc;

use rayon::prelude::*;

use super::near_duplicates::NearDuplicates;
use super::{Accept, Candidate, Index, best};
use crate::network::LookDescriptor;
use crate::store::{Sequence, SequenceSet, Store, StoreError};

/// Looks that are compared by one task, and shared with the next moment if none of them changes.
const CHUNK: usize = 4_096;
/// Where a filter refuses much, so many times as many candidates are looked at next.
const GROWTH: usize = 8;

/// How the originals of an [`Index`] look. It never changes; a later one shares most of it.
#[derive(Clone, Default)]
pub struct Looks {
    chunks: Vec<Arc<Chunk>>,
    /// Everything stored before is taken in, as far as it is an original.
    next: Sequence,
    near_duplicates: NearDuplicates,
}

#[derive(Clone, Default)]
struct Chunk {
    sequences: Vec<Sequence>,
    /// Signed bytes, one look after the other.
    bytes: Vec<u8>,
    inverse_norms: Vec<f32>,
}

impl Looks {
    /// What `index` covers of its store before `end`.
    ///
    /// # Errors
    /// If the store fails.
    pub fn caught_up(
        &self,
        store: &Store,
        index: &Index,
        end: Sequence,
    ) -> Result<Self, StoreError> {
        let mut looks = self.clone();
        let before = std::mem::replace(&mut looks.near_duplicates, index.near_duplicates.clone());
        if before.departures() != looks.near_duplicates.departures() {
            looks.drop_dead();
            looks.add_promoted(store)?;
        }
        for entry in store.looks(looks.next) {
            let (sequence, look) = entry?;
            if sequence >= end {
                break;
            }
            if looks.near_duplicates.has_original(sequence) {
                looks.push(sequence, &look);
            }
        }
        looks.next = end.max(looks.next);
        Ok(looks)
    }

    /// Lets go of what was removed or became a copy.
    fn drop_dead(&mut self) {
        let is_there = |s: &Sequence| self.near_duplicates.has_original(*s);
        for chunk in &mut self.chunks {
            if !chunk.sequences.iter().all(is_there) {
                *chunk = Arc::new(chunk.only(&is_there));
            }
        }
        self.chunks.retain(|chunk| !chunk.sequences.is_empty());
    }

    /// Adds what was a copy, or had no look, when it was stored.
    fn add_promoted(&mut self, store: &Store) -> Result<(), StoreError> {
        let held = self.chunks.iter().flat_map(|chunk| &chunk.sequences);
        let held: HashSet<Sequence> = held.copied().collect();
        let earlier = self.near_duplicates.originals();
        let earlier = earlier.take_while(|sequence| *sequence < self.next);
        let missing: Vec<Sequence> = earlier.filter(|s| !held.contains(s)).collect();
        for sequence in missing {
            if let Some(look) = store.look(sequence)? {
                self.push(sequence, &look);
            }
        }
        Ok(())
    }

    pub(super) fn push(&mut self, sequence: Sequence, look: &LookDescriptor) {
        let is_full = |chunk: &Arc<Chunk>| chunk.sequences.len() >= CHUNK;
        if self.chunks.last().is_none_or(is_full) {
            self.chunks.push(Arc::default());
        }
        if let Some(chunk) = self.chunks.last_mut() {
            let chunk = Arc::make_mut(chunk);
            chunk.sequences.push(sequence);
            chunk.bytes.extend_from_slice(look.bytes());
            chunk.inverse_norms.push(look.inverse_norm());
        }
    }

    /// Those of the groups of some pictures of `index` alone.
    #[must_use]
    pub fn of_few(&self, index: &Index, pictures: &[Sequence]) -> Self {
        let originals: SequenceSet = index.originals_of(pictures).into_iter().collect();
        let chunks = self.chunks.par_iter();
        let chunks = chunks.map(|chunk| chunk.only(&|sequence| originals.contains(*sequence)));
        let chunks = chunks.filter(|chunk| !chunk.sequences.is_empty());
        Self {
            chunks: chunks.map(Arc::new).collect(),
            ..self.clone()
        }
    }

    /// Looks held.
    pub fn len(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.sequences.len()).sum()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// The `count` pictures of `index` that look most like `query` and that `accept` lets
    /// through, best first. Of a group of copies only one comes: the original, or the first
    /// that `accept` lets through.
    pub fn search(
        &self,
        index: &Index,
        query: &LookDescriptor,
        count: usize,
        accept: Accept<'_>,
    ) -> Vec<Candidate> {
        let mut wanted = count.max(1);
        loop {
            let nearest = self.nearest(query, wanted);
            let is_all = nearest.len() == self.len();
            let shown = nearest.into_iter().filter_map(|candidate| {
                let sequence = index.shown(candidate.sequence, accept)?;
                Some(Candidate {
                    sequence,
                    ..candidate
                })
            });
            let shown: Vec<Candidate> = shown.take(count).collect();
            if shown.len() == count || is_all {
                return shown;
            }
            wanted = wanted.saturating_mul(GROWTH);
        }
    }

    fn nearest(&self, query: &LookDescriptor, count: usize) -> Vec<Candidate> {
        let of_chunks: Vec<Vec<Candidate>> = self
            .chunks
            .par_iter()
            .map(|chunk| best(chunk.compared(query), count))
            .collect();
        best(of_chunks.concat(), count)
    }
}

impl Chunk {
    fn compared(&self, query: &LookDescriptor) -> Vec<Candidate> {
        let width = query.bytes().len().max(1);
        let looks = self.bytes.chunks_exact(width).zip(&self.inverse_norms);
        self.sequences
            .iter()
            .zip(looks)
            .map(|(&sequence, (bytes, inverse_norm))| Candidate {
                sequence,
                cosine: query.cosine_of(bytes, *inverse_norm),
            })
            .collect()
    }

    fn only(&self, is_there: &dyn Fn(&Sequence) -> bool) -> Self {
        let width = self.bytes.len() / self.sequences.len().max(1);
        let mut kept = Self::default();
        let looks = self
            .bytes
            .chunks_exact(width.max(1))
            .zip(&self.inverse_norms);
        for (sequence, (bytes, inverse_norm)) in self.sequences.iter().zip(looks) {
            if is_there(sequence) {
                kept.sequences.push(*sequence);
                kept.bytes.extend_from_slice(bytes);
                kept.inverse_norms.push(*inverse_norm);
            }
        }
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::activation::Encoding;
    use crate::config::Config;
    use crate::index::IndexWriter;
    use crate::network::{Descriptor, Embedding, LookProjection, Network};
    use crate::picture::{PerceptualHash, PictureId};
    use crate::store::{NewPicture, PictureOutcome, Source, StoreOptions};

    struct Room {
        network: Network,
        store: Arc<Store>,
    }

    impl Room {
        fn new() -> Self {
            let network = Network::builtin().unwrap();
            let store = Store::in_memory(&StoreOptions {
                network: &network,
                activations: Encoding::default(),
                recent_bytes: None,
                reserve_bytes: 0,
            });
            Self {
                store: Arc::new(store),
                network,
            }
        }

        /// Looks turn with the number: the nearer two numbers, the nearer the looks.
        fn look(&self, number: u64) -> LookDescriptor {
            let width = self.network.look().map_or(0, LookProjection::dimensions);
            let mut values = vec![0.0; width];
            let angle = number as f32 * 0.05;
            (values[0], values[1]) = (angle.cos(), angle.sin());
            LookDescriptor::quantised(&values)
        }

        fn add(&self, number: u64) {
            let origin = Source::File {
                path: format!("/{number}").into(),
                bytes: 1,
                modified_ns: 1,
            };
            let dimensions = self.network.descriptor_dimensions();
            let picture = NewPicture {
                id: PictureId::of(&number.to_le_bytes()),
                width: 1,
                height: 1,
                media_type: "image/jpeg",
                bytes: 1,
                perceptual_hash: PerceptualHash(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
                embedding: Embedding::normalized(&[1.0]),
                descriptor: Descriptor::normalized(vec![1.0; dimensions]),
                look: Some(self.look(number)),
                thumbnail: Vec::new(),
                block: vec![0; self.store.layout().block_len()],
            };
            let outcome = PictureOutcome::Picture(origin, Box::new(picture));
            assert_eq!(self.store.commit(vec![outcome]).unwrap(), [true]);
        }

        fn remove(&self, number: u64) {
            let id = PictureId::of(&number.to_le_bytes());
            assert!(self.store.remove_picture(id).unwrap());
        }
    }

    fn found(looks: &Looks, index: &Index, query: &LookDescriptor, count: usize) -> Vec<u64> {
        let found = looks.search(index, query, count, &|_| true);
        found.iter().map(|candidate| candidate.sequence.0).collect()
    }

    #[test]
    fn looks_follow_the_store() {
        let room = Room::new();
        (0..20).for_each(|n| room.add(n));
        let config = Config::default().index;
        let mut writer = IndexWriter::open(&room.store, &config, &|_, _| true).unwrap();
        let catch_up = |looks: &Looks, writer: &mut IndexWriter| {
            let index = writer.refresh().unwrap();
            let end = Sequence(room.store.next_sequence());
            (looks.caught_up(&room.store, &index, end).unwrap(), index)
        };
        let (looks, index) = catch_up(&Looks::default(), &mut writer);
        assert_eq!(looks.len(), index.near_duplicates.originals().count());
        let nearest = found(&looks, &index, &room.look(3), 3);
        assert_eq!(nearest[0], 3, "{nearest:?}");
        room.remove(3);
        (20..25).for_each(|n| room.add(n));
        let (later, index) = catch_up(&looks, &mut writer);
        assert_eq!(later.len(), index.near_duplicates.originals().count());
        assert!(!found(&later, &index, &room.look(3), 25).contains(&3));
        assert_eq!(found(&later, &index, &room.look(24), 1), [24]);
        // What searches see already does not change.
        assert_eq!(looks.len(), 20);
    }

    #[test]
    fn filters_hold_however_narrow() {
        let room = Room::new();
        (0..30).for_each(|n| room.add(n));
        let config = Config::default().index;
        let mut writer = IndexWriter::open(&room.store, &config, &|_, _| true).unwrap();
        let index = writer.refresh().unwrap();
        let looks = Looks::default();
        let looks = looks.caught_up(&room.store, &index, Sequence(30)).unwrap();
        let accept = |sequence: Sequence| sequence.0 >= 27;
        let found = looks.search(&index, &room.look(0), 2, &accept);
        let found: Vec<u64> = found.iter().map(|c| c.sequence.0).collect();
        assert_eq!(found, [27, 28]);
        assert_eq!(looks.search(&index, &room.look(0), 9, &accept).len(), 3);
        assert!(
            Looks::default()
                .search(&index, &room.look(0), 3, &|_| true)
                .is_empty()
        );
    }
}
