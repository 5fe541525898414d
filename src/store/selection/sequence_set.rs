//! A set of pictures.

use std::sync::Arc;

use crate::store::Sequence;

/// Pictures by their numbers: a bit each, in chunks that clones share.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SequenceSet {
    /// By what their numbers begin with, in order. None of them is empty.
    chunks: Vec<(u64, Arc<Chunk>)>,
    len: usize,
}

/// Words of 64 pictures each.
const WORDS: usize = 64;
type Chunk = [u64; WORDS];

/// Where a picture's bit is: its chunk's number, its word, and the bit alone.
fn place(sequence: Sequence) -> (u64, usize, u64) {
    let word = sequence.0 / 64;
    let (chunk, word) = (word / WORDS as u64, word % WORDS as u64);
    (chunk, word as usize, 1 << (sequence.0 % 64))
}

impl SequenceSet {
    /// Adds a picture. Returns whether it was not there.
    pub fn insert(&mut self, sequence: Sequence) -> bool {
        let (number, word, bit) = place(sequence);
        let at = self.find(number).unwrap_or_else(|at| {
            self.chunks.insert(at, (number, Arc::new([0; WORDS])));
            at
        });
        let word = &mut Arc::make_mut(&mut self.chunks[at].1)[word];
        let is_new = *word & bit == 0;
        *word |= bit;
        self.len += usize::from(is_new);
        is_new
    }

    /// Takes a picture out. Returns whether it was there.
    pub fn remove(&mut self, sequence: Sequence) -> bool {
        if !self.contains(sequence) {
            return false;
        }
        let (number, word, bit) = place(sequence);
        if let Ok(at) = self.find(number) {
            let chunk = Arc::make_mut(&mut self.chunks[at].1);
            chunk[word] &= !bit;
            if chunk.iter().all(|word| *word == 0) {
                self.chunks.remove(at);
            }
            self.len -= 1;
        }
        true
    }

    /// Whether a picture is there.
    pub fn contains(&self, sequence: Sequence) -> bool {
        let (number, word, bit) = place(sequence);
        let found = self.find(number);
        found.is_ok_and(|at| self.chunks[at].1[word] & bit != 0)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// All of them, in the order of storing.
    pub fn iter(&self) -> impl Iterator<Item = Sequence> + '_ {
        let words = self.chunks.iter().flat_map(|(number, chunk)| {
            let first = number * WORDS as u64;
            chunk.iter().zip(first..)
        });
        words.flat_map(|(word, at)| {
            let rest = |word: &u64| Some(word & (word - 1)).filter(|rest| *rest != 0);
            let words = std::iter::successors(Some(*word).filter(|word| *word != 0), rest);
            words.map(move |word| Sequence(at * 64 + u64::from(word.trailing_zeros())))
        })
    }

    /// Where the chunk of a number is, or is to be.
    fn find(&self, number: u64) -> Result<usize, usize> {
        self.chunks.binary_search_by_key(&number, |chunk| chunk.0)
    }
}

impl FromIterator<Sequence> for SequenceSet {
    fn from_iter<I: IntoIterator<Item = Sequence>>(sequences: I) -> Self {
        let mut set = Self::default();
        for sequence in sequences {
            set.insert(sequence);
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use std::collections::BTreeSet;

    #[test]
    fn it_is_a_set_in_order() {
        let mut random = ChaCha8Rng::seed_from_u64(5);
        let (mut set, mut known) = (SequenceSet::default(), BTreeSet::new());
        for turn in 0..30_000 {
            // Some stand close together, some far away.
            let most = [200, 100_000, u64::MAX][turn % 3];
            let sequence = Sequence(random.random_range(0..=most));
            match random.random_range(0..5) {
                0 => assert_eq!(set.remove(sequence), known.remove(&sequence)),
                _ => assert_eq!(set.insert(sequence), known.insert(sequence)),
            }
            assert_eq!(set.contains(sequence), known.contains(&sequence));
            assert_eq!(set.len(), known.len());
        }
        assert!(set.iter().eq(known.iter().copied()));
        let kept = set.clone();
        assert_eq!(kept, known.iter().copied().collect::<SequenceSet>());
        for sequence in &known {
            assert!(set.remove(*sequence));
        }
        // What was given out stays.
        assert_eq!(kept.len(), known.len());
        assert_eq!(set, SequenceSet::default());
    }
}
