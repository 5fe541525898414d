//! Near-copies: which stored pictures are one picture in other sizes and qualities.
//!
//! Derived data, as the index is: brought up to date when the index is opened, saved beside
//! it, and made anew from the store where it is missing or damaged. Each group has one
//! original, the member stored first, which alone stands in the index.
//!
//! [`NearDuplicates`] are the groups of one moment, which searches see; `Grouping` makes the next
//! moment's of them.

mod apart;
mod entries;
mod file;
mod grouping;
mod hash_table;
mod verify;

use crate::picture::PerceptualHash;
use crate::store::Sequence;
use entries::{Entries, GroupEntry};
pub(super) use grouping::Grouping;
pub use verify::are_near_copies;

/// All stored pictures in their groups, at one moment. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct NearDuplicates {
    entries: Entries,
    /// How often a picture has left, or its group has got another original.
    departures: u64,
}

impl NearDuplicates {
    /// Adds a picture that is not there yet, to the group of an original or to one of its own. If
    /// it was stored before that original, it takes its place.
    fn insert(&mut self, sequence: Sequence, hash: PerceptualHash, original: Option<Sequence>) {
        let next = original.and_then(|original| {
            let entry = self.entries.get_mut(original)?;
            Some(std::mem::replace(&mut entry.next, sequence))
        });
        let entry = GroupEntry {
            hash,
            original: original.filter(|_| next.is_some()).unwrap_or(sequence),
            next: next.unwrap_or(sequence),
        };
        self.entries.insert(sequence, entry);
        if original.is_some_and(|original| sequence < original) {
            self.elect(sequence);
        }
    }

    /// Leaves out pictures that were removed; where one was an original, the next of its
    /// group takes its place.
    pub(super) fn remove(&mut self, removed: &[Sequence]) {
        for &sequence in removed {
            let Some(entry) = self.entries.get(sequence).copied() else {
                continue;
            };
            self.departures += 1;
            let others: Vec<Sequence> = self.ring(sequence).skip(1).collect();
            self.entries.remove(sequence);
            if let Some(before) = others.last().and_then(|last| self.entries.get_mut(*last)) {
                before.next = entry.next;
            }
            if let Some(other) = others.first().filter(|_| entry.original == sequence) {
                self.elect(*other);
            }
        }
    }

    /// Makes the first of a member's group its original.
    fn elect(&mut self, member: Sequence) {
        let members: Vec<Sequence> = self.ring(member).collect();
        let first = members.iter().copied().min().unwrap_or(member);
        for member in members {
            if let Some(entry) = self.entries.get_mut(member) {
                entry.original = first;
            }
        }
        self.departures += 1;
    }

    /// A picture and those that follow it around its group's ring.
    fn ring(&self, sequence: Sequence) -> impl Iterator<Item = Sequence> + '_ {
        let next = move |at: &Sequence| self.entries.get(*at).map(|entry| entry.next);
        let first = self.contains(sequence).then_some(sequence);
        std::iter::successors(first, move |at| next(at).filter(|next| *next != sequence))
    }

    /// How many pictures are in groups, each picture without copies in one of its own.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// How often a picture has left, or its group has got another original.
    pub(super) fn departures(&self) -> u64 {
        self.departures
    }

    /// Whether a picture is in a group.
    pub(super) fn contains(&self, sequence: Sequence) -> bool {
        self.entries.get(sequence).is_some()
    }

    /// Whether a picture is there, and a copy of none.
    pub(super) fn has_original(&self, sequence: Sequence) -> bool {
        let entry = self.entries.get(sequence);
        entry.is_some_and(|entry| entry.original == sequence)
    }

    /// How many pictures in groups were stored before `end`.
    pub(super) fn stored_before(&self, end: Sequence) -> u64 {
        self.entries.before(end) as u64
    }

    /// The pictures that stand in the index, in the order of storing.
    pub(super) fn originals(&self) -> impl Iterator<Item = Sequence> + '_ {
        let entries = self.entries.iter();
        let originals = entries.filter(|(sequence, entry)| entry.original == *sequence);
        originals.map(|(sequence, _)| sequence)
    }

    /// A picture's perceptual hash, if it is covered.
    pub fn hash(&self, sequence: Sequence) -> Option<PerceptualHash> {
        self.entries.get(sequence).map(|entry| entry.hash)
    }

    /// Whether a picture stands in the index: it is no copy of another.
    pub fn is_original(&self, sequence: Sequence) -> bool {
        self.original(sequence) == sequence
    }

    /// What a picture is a copy of; itself, if of none.
    pub fn original(&self, sequence: Sequence) -> Sequence {
        let entry = self.entries.get(sequence);
        entry.map_or(sequence, |entry| entry.original)
    }

    /// All members of a picture's group, in the order of storing; empty for a picture
    /// without copies.
    pub fn group(&self, sequence: Sequence) -> Vec<Sequence> {
        let entry = self.entries.get(sequence);
        // A filter asks this of each picture that it refuses.
        if entry.is_none_or(|entry| entry.next == sequence) {
            return Vec::new();
        }
        let mut members: Vec<Sequence> = self.ring(sequence).collect();
        members.sort_unstable();
        members
    }

    /// All groups of two and more, in the order of storing.
    pub fn groups(&self) -> Vec<Vec<Sequence>> {
        let groups = self.originals().map(|original| self.group(original));
        groups.filter(|group| !group.is_empty()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_of_a_group_takes_the_place_of_a_removed_original() {
        let mut all = NearDuplicates::default();
        let insert = |all: &mut NearDuplicates, sequence, original: Option<u64>| {
            let hash = PerceptualHash(sequence);
            all.insert(Sequence(sequence), hash, original.map(Sequence));
        };
        for (sequence, original) in [(1, None), (2, Some(1)), (3, None), (5, Some(1)), (6, None)] {
            insert(&mut all, sequence, original);
        }
        let numbers = |group: Vec<Sequence>| group.iter().map(|s| s.0).collect::<Vec<_>>();
        let before = all.clone();
        all.remove(&[Sequence(1)]);
        assert_eq!(all.original(Sequence(5)), Sequence(2));
        assert_eq!(numbers(all.group(Sequence(5))), [2, 5]);
        assert_eq!(numbers(all.originals().collect()), [2, 3, 6]);
        // What was given out stays.
        assert_eq!(numbers(before.group(Sequence(2))), [1, 2, 5]);
        // One that comes back, stored before the others, is their original again.
        insert(&mut all, 1, Some(2));
        assert_eq!(numbers(all.group(Sequence(2))), [1, 2, 5]);
        assert_eq!(all.original(Sequence(2)), Sequence(1));
        all.remove(&[Sequence(2), Sequence(1)]);
        assert!(all.group(Sequence(5)).is_empty());
        assert_eq!((all.len(), all.originals().count()), (3, 3));
        all.remove(&[3, 5, 6].map(Sequence));
        assert_eq!((all.len(), all.originals().count()), (0, 0));
    }
}
