//! What is known of each picture that is in a group.

use std::sync::Arc;

use crate::picture::PerceptualHash;
use crate::store::Sequence;

/// Entries that are copied together when one of them changes.
const CHUNK: usize = 4_096;

/// A picture in its group. The members of a group are a ring: each names one other, and following
/// them leads through all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct GroupEntry {
    pub(super) hash: PerceptualHash,
    /// The picture itself, if it is the original.
    pub(super) original: Sequence,
    /// The member that is next in the ring: the picture itself, if it is alone.
    pub(super) next: Sequence,
}

/// Entries in the order of storing. A clone shares them, and later changes of either copy only the
/// chunks that they are in.
#[derive(Debug, Clone, Default)]
pub(super) struct Entries {
    /// None of them is empty.
    chunks: Vec<Chunk>,
}

/// Some entries that follow each other.
#[derive(Debug, Clone)]
struct Chunk {
    /// The first picture of them: read where chunks are sought.
    first: Sequence,
    entries: Arc<Vec<(Sequence, GroupEntry)>>,
}

impl Chunk {
    fn of(entries: Vec<(Sequence, GroupEntry)>) -> Option<Self> {
        Some(Self {
            first: entries.first()?.0,
            entries: Arc::new(entries),
        })
    }
}

impl Entries {
    pub(super) fn len(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.entries.len()).sum()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Sequence, &GroupEntry)> {
        let entries = self.chunks.iter().flat_map(|chunk| chunk.entries.iter());
        entries.map(|(sequence, entry)| (*sequence, entry))
    }

    pub(super) fn last(&self) -> Option<Sequence> {
        let entry = self.chunks.last()?.entries.last();
        entry.map(|(sequence, _)| *sequence)
    }

    pub(super) fn get(&self, sequence: Sequence) -> Option<&GroupEntry> {
        let chunk = &self.chunks.get(self.chunk_of(sequence)?)?.entries;
        let place = place(chunk, sequence).ok()?;
        Some(&chunk[place].1)
    }

    pub(super) fn get_mut(&mut self, sequence: Sequence) -> Option<&mut GroupEntry> {
        let number = self.chunk_of(sequence)?;
        let chunk = &mut self.chunks[number].entries;
        let place = place(chunk, sequence).ok()?;
        Some(&mut Arc::make_mut(chunk)[place].1)
    }

    /// Adds one that is not there yet.
    pub(super) fn insert(&mut self, sequence: Sequence, entry: GroupEntry) {
        let is_last = self.last().is_none_or(|last| last < sequence);
        let is_full = |chunk: &Chunk| chunk.entries.len() >= CHUNK;
        if is_last && self.chunks.last().is_none_or(is_full) {
            self.chunks.extend(Chunk::of(vec![(sequence, entry)]));
            return;
        }
        let number = self.chunk_of(sequence).unwrap_or(0);
        let chunk = &mut self.chunks[number];
        chunk.first = chunk.first.min(sequence);
        let entries = Arc::make_mut(&mut chunk.entries);
        if let Err(place) = place(entries, sequence) {
            entries.insert(place, (sequence, entry));
        }
        if entries.len() > 2 * CHUNK {
            let second = Chunk::of(entries.split_off(CHUNK));
            self.chunks.splice(number + 1..number + 1, second);
        }
    }

    pub(super) fn remove(&mut self, sequence: Sequence) {
        let Some(number) = self.chunk_of(sequence) else {
            return;
        };
        let chunk = &mut self.chunks[number];
        if let Ok(place) = place(&chunk.entries, sequence) {
            let entries = Arc::make_mut(&mut chunk.entries);
            entries.remove(place);
            match entries.first() {
                Some((first, _)) => chunk.first = *first,
                None => _ = self.chunks.remove(number),
            }
        }
    }

    /// How many were stored before `end`.
    pub(super) fn before(&self, end: Sequence) -> usize {
        let Some(number) = self.chunk_of(end) else {
            return 0;
        };
        let whole = self.chunks[..number]
            .iter()
            .map(|chunk| chunk.entries.len());
        let entries = &self.chunks[number].entries;
        let of_chunk = entries.partition_point(|(sequence, _)| *sequence < end);
        whole.sum::<usize>() + of_chunk
    }

    /// The chunk that a picture is in, if it is in any; `None` if it is before all.
    fn chunk_of(&self, sequence: Sequence) -> Option<usize> {
        let begins_before = |chunk: &Chunk| chunk.first <= sequence;
        self.chunks.partition_point(begins_before).checked_sub(1)
    }
}

/// The place of a picture, or where it would be. Numbers are given one after the other, so that it is
/// sought from where it is if none between was removed: a walk through a graph asks for thousands.
fn place(chunk: &[(Sequence, GroupEntry)], sequence: Sequence) -> Result<usize, usize> {
    let first = chunk.first().map_or(sequence, |(first, _)| *first);
    let most = sequence.0.saturating_sub(first.0).saturating_add(1);
    let end = usize::try_from(most).map_or(chunk.len(), |most| most.min(chunk.len()));
    let mut back = 1;
    while back < end && chunk[end - back].0 > sequence {
        back *= 2;
    }
    let begin = end.saturating_sub(back);
    let found = chunk[begin..end].binary_search_by_key(&sequence, |(sequence, _)| *sequence);
    found.map(|at| begin + at).map_err(|at| begin + at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use std::collections::BTreeMap;

    #[test]
    fn they_are_a_sorted_map_that_is_cheap_to_clone() {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let (mut entries, mut map) = (Entries::default(), BTreeMap::new());
        let entry = |n: u64| GroupEntry {
            hash: PerceptualHash(n),
            original: Sequence(n),
            next: Sequence(n),
        };
        for n in 0..30_000 {
            entries.insert(Sequence(2 * n), entry(n));
            map.insert(Sequence(2 * n), entry(n));
        }
        let before = entries.clone();
        for n in 0..20_000 {
            let sequence = Sequence(random.random_range(0..60_010));
            match random.random_range(0..3) {
                0 => {
                    entries.remove(sequence);
                    map.remove(&sequence);
                }
                1 if !map.contains_key(&sequence) => {
                    entries.insert(sequence, entry(n));
                    map.insert(sequence, entry(n));
                }
                _ => {
                    let both = [entries.get_mut(sequence), map.get_mut(&sequence)];
                    both.into_iter().flatten().for_each(|e| *e = entry(n));
                }
            }
            assert_eq!(entries.get(sequence), map.get(&sequence));
            assert_eq!(entries.before(sequence), map.range(..sequence).count());
        }
        assert_eq!(entries.len(), map.len());
        assert_eq!(entries.last(), map.last_key_value().map(|(last, _)| *last));
        assert!(entries.iter().eq(map.iter().map(|(s, e)| (*s, e))));
        assert!(
            before
                .iter()
                .map(|(s, _)| s.0)
                .eq((0..30_000).map(|n| 2 * n))
        );
    }
}
