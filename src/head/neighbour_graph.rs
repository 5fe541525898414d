//! A picture and those near it: who is whose neighbour.

use std::borrow::Cow;

use rayon::prelude::*;

use crate::network::Descriptor;

/// A picture and those near it, and how near each is to each other.
#[derive(Debug, Clone)]
pub struct NeighbourGraph {
    descriptors: Vec<Descriptor>,
    /// The cosine of every picture with every other.
    cosines: Vec<Vec<f32>>,
    /// Of each picture itself and its nearest, nearest first.
    nearest: Vec<Vec<usize>>,
}

/// Nearest pictures that are kept of each.
const NEAREST: usize = 40;
/// A neighbour brings its own neighbours in if this share of them is in already.
const SHARE: f32 = 2.0 / 3.0;
/// A neighbour counts by the cube of its cosine when a picture is expanded.
const EXPANSION_POWER: i32 = 3;

impl NeighbourGraph {
    /// Of pictures, the query first.
    pub fn new(descriptors: Vec<Descriptor>) -> Self {
        let cosines = cosines(&descriptors);
        Self {
            nearest: all_nearest(&cosines, NEAREST),
            cosines,
            descriptors,
        }
    }

    /// Pictures, the query among them.
    pub fn len(&self) -> usize {
        self.descriptors.len()
    }

    /// Whether there is not even a query.
    pub fn is_empty(&self) -> bool {
        self.descriptors.is_empty()
    }

    /// The cosines of a picture with each, itself included.
    pub fn cosines(&self, picture: usize) -> &[f32] {
        &self.cosines[picture]
    }

    /// The `count` pictures (at most 40) nearest to a picture, itself left out.
    pub fn nearest(&self, picture: usize, count: usize) -> &[usize] {
        let all = &self.nearest[picture];
        &all[1..all.len().min(count + 1)]
    }

    /// The cosine with the `count`-th nearest picture, or with the farthest of fewer.
    pub fn cosine_at(&self, picture: usize, count: usize) -> f32 {
        let last = self.nearest(picture, count).last();
        last.map_or(0.0, |&other| self.cosines[picture][other])
    }

    /// How densely pictures lie around a picture: the mean cosine with its `count` nearest, the
    /// query and itself left out.
    pub fn density(&self, picture: usize, count: usize) -> f32 {
        let others = self.nearest(picture, count + 1).iter();
        let others = others.filter(|other| **other != 0).take(count);
        mean(others.map(|&other| self.cosines[picture][other]))
    }

    /// The size of a neighbourhood, of `most` pictures at most: one that holds most of the pictures
    /// sets none apart.
    pub fn neighbourhood(&self, most: usize) -> usize {
        most.min(self.len() / 4).min(NEAREST)
    }

    /// How much the neighbourhood of the query has in common with that of each of the others, 0 to
    /// 1: the Jaccard similarity of `k`-reciprocal neighbourhoods (Zhong et al. 2017), each averaged
    /// over the picture's `averaged` nearest.
    pub fn common_neighbours(&self, k: usize, averaged: usize) -> Vec<f32> {
        let count = self.len();
        let k = self.neighbourhood(k);
        if k == 0 {
            return vec![0.0; count.saturating_sub(1)];
        }
        let nearest = &self.nearest;
        let reciprocal = |i: usize, k: usize| -> Vec<usize> {
            let mutual = |j: &&usize| nearest[**j][..=k].contains(&i);
            nearest[i][..=k].iter().filter(mutual).copied().collect()
        };
        let all = || (0..count).into_par_iter().with_min_len(32);
        let narrow: Vec<Vec<usize>> = all().map(|i| reciprocal(i, k / 2)).collect();
        let own: Vec<Vec<(usize, f32)>> = all()
            .map(|i| weigh(&expand(&reciprocal(i, k), &narrow), &self.cosines[i]))
            .collect();
        let average = |i: usize| -> Vec<f32> {
            let members = &nearest[i][..averaged.min(k + 1)];
            let mut sum = vec![0f32; count];
            for &member in members {
                for &(j, weight) in &own[member] {
                    sum[j] += weight / members.len() as f32;
                }
            }
            sum
        };
        let first = average(0);
        (1..count)
            .into_par_iter()
            .with_min_len(32)
            .map(|i| {
                let common: f32 = first.iter().zip(average(i)).map(|(a, b)| a.min(b)).sum();
                common / (2.0 - common)
            })
            .collect()
    }

    /// The cosine of the query with each of the others after each picture has moved towards its
    /// `rounds[0]` nearest, then towards its `rounds[1]` nearest, and so on (query expansion and
    /// database-side augmentation with weights that fall with distance, Radenović et al. 2019).
    pub fn expanded_cosines(&self, rounds: &[usize]) -> Vec<f32> {
        let others = self.len().saturating_sub(1);
        // Among few pictures the nearest ones are not near.
        let most = (others / 8).max(1);
        let mut at = Cow::Borrowed(&self.descriptors);
        for (round, &count) in rounds.iter().enumerate() {
            let count = count.min(most);
            let moved_on = (round > 0).then(|| {
                let rows = cosines(&at);
                (all_nearest(&rows, count), rows)
            });
            let (nearest, rows) = match &moved_on {
                Some((nearest, rows)) => (nearest, rows),
                None => (&self.nearest, &self.cosines),
            };
            let moved: Vec<Descriptor> = (0..at.len())
                .into_par_iter()
                .with_min_len(16)
                .map(|i| moved(&at, i, &nearest[i], &rows[i], count))
                .collect();
            at = Cow::Owned(moved);
        }
        let Some(query) = at.first() else {
            return Vec::new();
        };
        at[1..].iter().map(|other| query.cosine(other)).collect()
    }
}

/// A picture moved towards its nearest, which come behind itself.
fn moved(
    all: &[Descriptor],
    i: usize,
    nearest: &[usize],
    cosines: &[f32],
    count: usize,
) -> Descriptor {
    let mut sum = all[i].values().to_vec();
    for &j in nearest.iter().skip(1).take(count) {
        let weight = cosines[j].max(0.0).powi(EXPANSION_POWER);
        let pairs = sum.iter_mut().zip(all[j].values());
        pairs.for_each(|(sum, value)| *sum += weight * value);
    }
    Descriptor::normalized(sum)
}

pub(super) fn mean(values: impl Iterator<Item = f32>) -> f32 {
    let (mut sum, mut count) = (0f32, 0f32);
    for value in values {
        sum += value;
        count += 1.0;
    }
    sum / count.max(1.0)
}

/// The cosine of every picture with every other.
fn cosines(pictures: &[Descriptor]) -> Vec<Vec<f32>> {
    let mut rows: Vec<Vec<f32>> = pictures
        .par_iter()
        .enumerate()
        .with_min_len(4)
        .map(|(i, a)| {
            let mut row = Vec::with_capacity(pictures.len());
            // The first `i` values are in other rows too, and are copied from there below.
            row.resize(i, 0.0);
            row.extend(a.cosines(&pictures[i..]));
            row
        })
        .collect();
    for i in 1..rows.len() {
        let (before, own) = rows.split_at_mut(i);
        for (value, row) in own[0].iter_mut().zip(before) {
            *value = row[i];
        }
    }
    rows
}

/// Each picture itself and its `k` nearest, nearest first.
fn all_nearest(cosines: &[Vec<f32>], k: usize) -> Vec<Vec<usize>> {
    let rows = cosines.par_iter().with_min_len(16).enumerate();
    rows.map(|(i, row)| nearest(i, row, k)).collect()
}

fn nearest(own: usize, cosines: &[f32], k: usize) -> Vec<usize> {
    // A number for each that is least for the nearest, and of equals for the first: such are quickly
    // sorted.
    let key = |(i, cosine): (usize, &f32)| {
        let cosine = if i == own { f32::INFINITY } else { *cosine };
        u64::from(!ascending(cosine)) << 32 | i as u64
    };
    let mut order: Vec<u64> = cosines.iter().enumerate().map(key).collect();
    if k + 1 < order.len() {
        order.select_nth_unstable(k);
        order.truncate(k + 1);
    }
    order.sort_unstable();
    order.into_iter().map(|key| key as u32 as usize).collect()
}

/// A number that grows with a float, by the order of [`f32::total_cmp`].
fn ascending(value: f32) -> u32 {
    let bits = value.to_bits();
    let is_negative = bits >> 31 == 1;
    bits ^ if is_negative { u32::MAX } else { 1 << 31 }
}

/// Adds the narrow neighbourhoods of the members that mostly lie inside.
fn expand(members: &[usize], narrow: &[Vec<usize>]) -> Vec<usize> {
    let mut all = members.to_vec();
    for &member in members {
        let inside = narrow[member]
            .iter()
            .filter(|j| members.contains(j))
            .count();
        if inside as f32 > SHARE * narrow[member].len() as f32 {
            all.extend(&narrow[member]);
        }
    }
    all.sort_unstable();
    all.dedup();
    all
}

/// Weights that fall with the distance and sum to 1.
fn weigh(members: &[usize], cosines: &[f32]) -> Vec<(usize, f32)> {
    let weights: Vec<f32> = members
        .iter()
        .map(|&j| (-(2.0 - 2.0 * cosines[j])).exp())
        .collect();
    let sum: f32 = weights.iter().sum();
    members
        .iter()
        .copied()
        .zip(weights.into_iter().map(|w| w / sum))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(angle: f32) -> Descriptor {
        Descriptor::normalized(vec![angle.cos(), angle.sin(), 0.2])
    }

    /// Two clusters; the first picture lies at the edge of the first, nearly as far from its far
    /// members as from the second cluster.
    fn clusters() -> NeighbourGraph {
        let mut pictures = vec![at(0.0)];
        pictures.extend((0..20).map(|i| at(0.02 * i as f32)));
        pictures.extend((0..60).map(|i| at(0.6 + 0.02 * i as f32)));
        NeighbourGraph::new(pictures)
    }

    #[test]
    fn pictures_of_one_cluster_share_a_neighbourhood() {
        let common = clusters().common_neighbours(15, 5);
        assert_eq!(common.len(), 80);
        let own = common[..20].iter().sum::<f32>() / 20.0;
        let other = common[20..].iter().sum::<f32>() / 60.0;
        assert!(own > 0.2 && other < 0.02, "{own} {other}");
        assert!(common.iter().all(|c| (0.0..=1.0).contains(c)));
    }

    #[test]
    fn the_nearest_come_first_and_of_equals_the_first() {
        let cosines = [0.5, -0.2, 0.9, 0.5, 1.0, -0.7, 0.0, -0.0];
        assert_eq!(nearest(0, &cosines, 3), [0, 4, 2, 3]);
        assert_eq!(nearest(5, &cosines, 7), [5, 4, 2, 0, 3, 6, 7, 1]);
    }

    #[test]
    fn few_pictures_have_no_neighbourhoods() {
        let few = NeighbourGraph::new(vec![at(0.0), at(0.1)]);
        assert_eq!(few.common_neighbours(15, 5), [0.0]);
        let none = NeighbourGraph::new(Vec::new());
        assert!(none.common_neighbours(15, 5).is_empty() && none.expanded_cosines(&[5]).is_empty());
    }

    #[test]
    fn expansion_draws_neighbours_together() {
        let graph = clusters();
        let before = graph.cosines(0);
        let after = graph.expanded_cosines(&[5, 3]);
        assert_eq!(after.len(), 80);
        assert!(after[5] > before[6], "{} {}", after[5], before[6]);
        // Two alone: each moves to the other.
        let two = NeighbourGraph::new(vec![at(0.0), at(1.0)]);
        assert!(two.expanded_cosines(&[5, 3])[0] > two.cosines(0)[1]);
    }

    #[test]
    fn neighbours_are_counted_without_the_picture_itself() {
        let graph = clusters();
        assert_eq!(graph.nearest(0, 3), [1, 2, 3]);
        let third = graph.cosine_at(0, 3);
        assert!((third - graph.cosines(0)[3]).abs() < 1e-6);
        // The query is left out of the density around another picture.
        let around = graph.density(1, 2);
        let expected = (graph.cosines(1)[2] + graph.cosines(1)[3]) / 2.0;
        assert!((around - expected).abs() < 1e-6);
    }
}
