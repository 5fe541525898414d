//! How well looks are told that were not learned from.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::{LookSet, fit_look};
use crate::network::{LookDescriptor, NetworkId};

/// What people said: which of two pictures is nearer to a third.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Triplet {
    /// The third, by number.
    pub reference: usize,
    /// One of the two.
    pub a: usize,
    /// The other.
    pub b: usize,
    /// Share of votes for the first.
    pub share: f32,
    /// Votes.
    pub votes: f32,
}

/// The share of votes that agree with a similarity.
pub fn agreement(triplets: &[Triplet], similarity: &dyn Fn(usize, usize) -> f32) -> f64 {
    let agreed = triplets.iter().map(|t| {
        let (a, b) = (similarity(t.reference, t.a), similarity(t.reference, t.b));
        let share = f64::from(t.share);
        let share = match a.total_cmp(&b) {
            std::cmp::Ordering::Greater => share,
            std::cmp::Ordering::Less => 1.0 - share,
            // It does not say.
            std::cmp::Ordering::Equal => 0.5,
        };
        share * f64::from(t.votes)
    });
    agreed.sum::<f64>() / votes(triplets)
}

/// The share that agrees with the majority of each: no similarity can have more.
pub fn ceiling(triplets: &[Triplet]) -> f64 {
    let most = |t: &Triplet| f64::from(t.share.max(1.0 - t.share)) * f64::from(t.votes);
    triplets.iter().map(most).sum::<f64>() / votes(triplets)
}

fn votes(triplets: &[Triplet]) -> f64 {
    let votes = triplets.iter().map(|t| f64::from(t.votes));
    votes.sum::<f64>().max(f64::MIN_POSITIVE)
}

/// Parts that pictures and judgements are divided into.
const FOLDS: usize = 5;

/// How well looks do on what they were not learned from.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LookFigures {
    /// Agreement with people on each judged picture as the reference, with its votes.
    pub people: Vec<(f64, f64)>,
    /// Of each picture with versions: how often one that keeps the look was nearer to another
    /// than those that break it were.
    pub kept_first: Vec<f64>,
}

/// Learns without one fold of groups and of judged pictures after the other, and measures on
/// that one. `note` is told of each.
pub fn held_out(network: &NetworkId, set: &LookSet, note: &dyn Fn(usize, usize)) -> LookFigures {
    let mut rng = ChaCha8Rng::seed_from_u64(set.seed);
    let mut fold_of: Vec<usize> = (0..set.judged.len()).map(|i| i % FOLDS).collect();
    fold_of.shuffle(&mut rng);
    let mut figures = LookFigures::default();
    for fold in 0..FOLDS {
        note(fold + 1, FOLDS);
        let seen = |group: usize| group % FOLDS != fold;
        let judged = |i: usize| fold_of[i] != fold;
        let pictures = set.pictures.iter().filter(|(group, _)| seen(*group));
        let versions = set.versions.iter().filter(|v| seen(v.group));
        let triplets = set.triplets.iter();
        let triplets = triplets.filter(|t| judged(t.reference) && judged(t.a) && judged(t.b));
        let taught = LookSet {
            pictures: pictures.cloned().collect(),
            versions: versions.cloned().collect(),
            triplets: triplets.copied().collect(),
            ..set.clone()
        };
        if taught.pictures.is_empty() {
            continue;
        }
        let projection = fit_look(network, &taught);
        let look = |row: &Vec<f32>| projection.describe_statistics(row.clone());
        let looks: Vec<LookDescriptor> = set.judged.iter().map(&look).collect();
        for reference in (0..set.judged.len()).filter(|i| !judged(*i)) {
            let asked = set.triplets.iter().filter(|t| t.reference == reference);
            let asked: Vec<Triplet> = asked.copied().collect();
            if !asked.is_empty() {
                let agreed = agreement(&asked, &|a, b| looks[a].cosine(&looks[b]));
                figures.people.push((agreed, votes(&asked)));
            }
        }
        for versions in set.versions.iter().filter(|v| !seen(v.group)) {
            let kept: Vec<LookDescriptor> = versions.kept.iter().map(&look).collect();
            let broken: Vec<LookDescriptor> = versions.broken.iter().map(&look).collect();
            let mut right = Vec::new();
            for (i, one) in kept.iter().enumerate() {
                for (_, two) in kept.iter().enumerate().filter(|(j, _)| *j != i) {
                    let cosine = one.cosine(two);
                    let is_nearer = broken.iter().map(|b| cosine > one.cosine(b));
                    right.extend(is_nearer.map(|is| f64::from(u8::from(is))));
                }
            }
            let count = right.len().max(1) as f64;
            figures.kept_first.push(right.iter().sum::<f64>() / count);
        }
    }
    figures
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn votes_are_counted() {
        let triplet = |share| Triplet {
            reference: 0,
            a: 1,
            b: 2,
            share,
            votes: 4.0,
        };
        let triplets = [triplet(0.75), triplet(0.25)];
        assert_eq!(ceiling(&triplets), 0.75);
        assert_eq!(agreement(&triplets, &|_, i| i as f32), 0.5);
        assert_eq!(agreement(&triplets[..1], &|_, i| -(i as f32)), 0.75);
        assert_eq!(agreement(&triplets[..1], &|_, _| 0.0), 0.5);
    }
}
