//! Perceptual hashes, found by how few bits differ.

use std::collections::HashMap;

use crate::picture::PerceptualHash;
use crate::store::Sequence;

/// Bits in which the hashes of copies may differ, as measured (docs/similarity.md,
/// "Near-copies").
pub(super) const MOST_BITS: u32 = 7;

/// Finds hashes that differ in at most [`MOST_BITS`] bits without looking at all of them
/// (multi-index hashing: Norouzi, Punjani and Fleet 2012). The hash is cut into four bands
/// of 16 bits; of two hashes 7 bits apart, at least one band is at most 1 bit apart.
///
/// Plain pictures share a hash by the thousand, so each hash stands in the bands once.
#[derive(Debug, Clone, Default)]
pub(super) struct HashTable {
    places: HashMap<u64, u32>,
    /// Each hash with its pictures in the order of storing.
    hashes: Vec<(PerceptualHash, Vec<Sequence>)>,
    bands: HashMap<(u32, u16), Vec<u32>>,
}

const BANDS: u32 = 4;
const BAND_BITS: u32 = 16;
// With as many differing bits in each band as this, all four would pass the limit.
const _: () = assert!(MOST_BITS < BANDS * 2);

impl HashTable {
    pub(super) fn insert(&mut self, hash: PerceptualHash, sequence: Sequence) {
        if let Some(&place) = self.places.get(&hash.0) {
            let sequences = &mut self.hashes[place as usize].1;
            if let Err(at) = sequences.binary_search(&sequence) {
                sequences.insert(at, sequence);
            }
            return;
        }
        let place = self.hashes.len() as u32;
        self.places.insert(hash.0, place);
        self.hashes.push((hash, vec![sequence]));
        for band in 0..BANDS {
            let bits = band_of(hash, band);
            self.bands.entry((band, bits)).or_default().push(place);
        }
    }

    pub(super) fn remove(&mut self, hash: PerceptualHash, sequence: Sequence) {
        // A hash that no picture has any more stays in the bands: it may come again.
        if let Some(&place) = self.places.get(&hash.0) {
            self.hashes[place as usize]
                .1
                .retain(|other| *other != sequence);
        }
    }

    /// At most `most` of those near to `hash`: the nearest first, then in the order of
    /// storing.
    pub(super) fn near(&self, hash: PerceptualHash, most: usize) -> Vec<Sequence> {
        let mut found: Vec<(u32, u32)> = Vec::new();
        for band in 0..BANDS {
            let bits = band_of(hash, band);
            let flipped = (0..BAND_BITS).map(|bit| bits ^ 1 << bit);
            for bits in std::iter::once(bits).chain(flipped) {
                for &place in self.bands.get(&(band, bits)).into_iter().flatten() {
                    let distance = hash.distance(self.hashes[place as usize].0);
                    if distance <= MOST_BITS {
                        found.push((distance, place));
                    }
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        let mut near: Vec<(u32, Sequence)> = Vec::new();
        for (distance, place) in found {
            let enough = near.len() >= most;
            if enough && near.last().is_some_and(|(last, _)| *last < distance) {
                break;
            }
            let sequences = self.hashes[place as usize].1.iter().take(most);
            near.extend(sequences.map(|sequence| (distance, *sequence)));
        }
        near.sort_unstable();
        near.truncate(most);
        near.into_iter().map(|(_, sequence)| sequence).collect()
    }
}

fn band_of(hash: PerceptualHash, band: u32) -> u16 {
    (hash.0 >> (band * BAND_BITS)) as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn finds_exactly_what_a_scan_finds() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut hashes: Vec<u64> = (0..300).map(|_| rng.random()).collect();
        // Neighbours at every distance up to 10.
        for i in 0..600 {
            let mut hash = hashes[i % 300];
            for _ in 0..i % 11 {
                hash ^= 1u64 << rng.random_range(0..64);
            }
            hashes.push(hash);
        }
        let mut table = HashTable::default();
        for (i, hash) in hashes.iter().enumerate() {
            table.insert(PerceptualHash(*hash), Sequence(i as u64));
        }
        for hash in hashes.iter().map(|hash| PerceptualHash(*hash)) {
            let mut scan: Vec<(u32, Sequence)> = (0..hashes.len())
                .map(|i| (hash.distance(PerceptualHash(hashes[i])), Sequence(i as u64)))
                .filter(|(distance, _)| *distance <= MOST_BITS)
                .collect();
            scan.sort_unstable();
            let scan: Vec<Sequence> = scan.into_iter().map(|(_, sequence)| sequence).collect();
            assert_eq!(table.near(hash, usize::MAX), scan);
            assert_eq!(table.near(hash, 3), scan[..scan.len().min(3)]);
        }
    }

    #[test]
    fn what_was_taken_out_is_not_found() {
        let mut table = HashTable::default();
        (0..6).for_each(|i| table.insert(PerceptualHash(i % 2), Sequence(i)));
        table.remove(PerceptualHash(0), Sequence(2));
        table.remove(PerceptualHash(0), Sequence(3));
        assert_eq!(table.near(PerceptualHash(0), 4), [0, 4, 1, 3].map(Sequence));
        table.insert(PerceptualHash(0), Sequence(2));
        assert_eq!(table.near(PerceptualHash(0), 2), [0, 2].map(Sequence));
    }

    #[test]
    fn many_plain_pictures_cost_what_one_does() {
        let mut table = HashTable::default();
        for i in 0..10_000 {
            table.insert(PerceptualHash(i % 2), Sequence(i));
        }
        let near = table.near(PerceptualHash(0), 4);
        assert_eq!(near, [0, 2, 4, 6].map(Sequence));
        assert!(table.bands.values().all(|places| places.len() <= 2));
    }
}
