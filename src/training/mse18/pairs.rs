//! Pairs of labelled pictures, and what is measured of them.

use rand::Rng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::activation::Activations;

/// Two pictures of a set and whether they are of one class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    /// Index of one picture.
    pub a: usize,
    /// Index of the other.
    pub b: usize,
    /// Whether both have the same label.
    pub same: bool,
}

/// Pairs and their per-layer MSEs, the inputs of a head.
#[derive(Debug, Clone, Default)]
pub struct PairSet {
    /// Whether each pair is of one class.
    pub same: Vec<bool>,
    /// One row of MSEs a pair.
    pub mses: Vec<Vec<f32>>,
}

impl PairSet {
    /// Compares the pictures of every pair, on all cores.
    pub fn compute(pictures: &[Activations<'_>], pairs: &[Pair]) -> Self {
        let mses = pairs
            .par_iter()
            .map(|pair| pictures[pair.a].mses(pictures[pair.b]))
            .collect();
        Self {
            same: pairs.iter().map(|pair| pair.same).collect(),
            mses,
        }
    }

    /// How many pairs there are.
    pub fn len(&self) -> usize {
        self.same.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.same.is_empty()
    }
}

/// All pairs of `pictures` (index, class), as the report takes them; where there are more
/// than `most`, a sample: same pairs up to half of it, the rest different ones, drawn with
/// replacement.
pub(super) fn pairs_of(
    pictures: &[(usize, usize)],
    most: usize,
    rng: &mut ChaCha8Rng,
) -> Vec<Pair> {
    let count = pictures.len() * pictures.len().saturating_sub(1) / 2;
    let pair = |i: usize, j: usize| {
        let ((a, class_a), (b, class_b)) = (pictures[i], pictures[j]);
        Pair {
            a,
            b,
            same: class_a == class_b,
        }
    };
    if count <= most {
        return (0..pictures.len())
            .flat_map(|i| (i + 1..pictures.len()).map(move |j| (i, j)))
            .map(|(i, j)| pair(i, j))
            .collect();
    }
    // Same pairs are the rare kind: all of them, up to half; the rest at random.
    let mut pairs: Vec<Pair> = (0..pictures.len())
        .flat_map(|i| (i + 1..pictures.len()).map(move |j| (i, j)))
        .map(|(i, j)| pair(i, j))
        .filter(|pair| pair.same)
        .collect();
    pairs.shuffle(rng);
    pairs.truncate(most / 2);
    let one_class = pictures.iter().all(|(_, class)| *class == pictures[0].1);
    while pairs.len() < most && !one_class {
        let (i, j) = (
            rng.random_range(0..pictures.len()),
            rng.random_range(0..pictures.len()),
        );
        let drawn = pair(i, j);
        if !drawn.same {
            pairs.push(drawn);
        }
    }
    pairs
}

/// Splits pictures class by class: `share` of each, at least one, goes to the second part.
pub(super) fn split_by_picture(
    labels: &[usize],
    share: f64,
    rng: &mut ChaCha8Rng,
) -> [Vec<(usize, usize)>; 2] {
    let classes = labels.iter().max().map_or(0, |last| last + 1);
    let mut parts = [Vec::new(), Vec::new()];
    for class in 0..classes {
        let mut members: Vec<usize> = (0..labels.len()).filter(|i| labels[*i] == class).collect();
        members.shuffle(rng);
        let held = ((members.len() as f64 * share).round() as usize)
            .clamp(1, members.len().saturating_sub(2).max(1));
        let held = if members.len() > 2 { held } else { 0 };
        for (rank, i) in members.into_iter().enumerate() {
            parts[usize::from(rank < held)].push((i, class));
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn all_pairs_of_sixty_pictures_are_the_reports() {
        let pictures: Vec<_> = (0..60).map(|i| (i, i / 20)).collect();
        let pairs = pairs_of(&pictures, 10_000, &mut ChaCha8Rng::seed_from_u64(1));
        assert_eq!(pairs.len(), 1770);
        assert_eq!(pairs.iter().filter(|pair| pair.same).count(), 570);
    }

    #[test]
    fn a_sample_is_half_same() {
        let pictures: Vec<_> = (0..300).map(|i| (i, i / 30)).collect();
        let pairs = pairs_of(&pictures, 2_000, &mut ChaCha8Rng::seed_from_u64(1));
        assert_eq!(pairs.len(), 2_000);
        assert_eq!(pairs.iter().filter(|pair| pair.same).count(), 1_000);
    }

    #[test]
    fn one_class_alone_gives_same_pairs_and_an_end() {
        let pictures: Vec<_> = (0..100).map(|i| (i, 0)).collect();
        let pairs = pairs_of(&pictures, 100, &mut ChaCha8Rng::seed_from_u64(1));
        assert!(pairs.len() == 50 && pairs.iter().all(|pair| pair.same));
    }

    #[test]
    fn a_split_shares_no_picture() {
        let labels: Vec<_> = (0..60).map(|i| i / 20).collect();
        let [train, held] = split_by_picture(&labels, 0.2, &mut ChaCha8Rng::seed_from_u64(1));
        assert_eq!((train.len(), held.len()), (48, 12));
        assert!(held.iter().all(|picture| !train.contains(picture)));
    }
}
