//! A picture and those near it: who is whose neighbour.

use std::borrow::Cow;

use rayon::prelude::*;

use crate::network::{Descriptor, Descriptors};

/// A picture and those near it, and how near each is to each other.
#[derive(Debug, Clone)]
pub struct NeighbourGraph {
    descriptors: Descriptors,
    /// The cosine of every picture with every other, picture by picture.
    cosines: Vec<f32>,
    /// Of each picture, picture by picture, itself and its nearest, nearest first.
    nearest: Vec<usize>,
    /// Of each picture, picture by picture, the place of every other among its nearest.
    places: Vec<u8>,
}

/// Nearest pictures that are kept of each.
const NEAREST: usize = 40;
/// The place of a picture that is not among them.
const FAR: u8 = u8::MAX;
/// A neighbour brings its own neighbours in if this share of them is in already.
const SHARE: f32 = 2.0 / 3.0;
/// A neighbour counts by the cube of its cosine when a picture is expanded.
const EXPANSION_POWER: i32 = 3;

impl NeighbourGraph {
    /// Of pictures, the query first.
    pub fn new<'a>(descriptors: impl IntoIterator<Item = &'a Descriptor>) -> Self {
        let descriptors = Descriptors::of(descriptors);
        let count = descriptors.len();
        let cosines = descriptors.all_cosines();
        let nearest = all_nearest(&cosines, count, NEAREST);
        let mut places = vec![FAR; count * count];
        let of_each = places.chunks_exact_mut(count.max(1));
        for (places, nearest) in of_each.zip(nearest.chunks_exact(kept(count, NEAREST))) {
            for (place, other) in (0..).zip(nearest) {
                places[*other] = place;
            }
        }
        Self {
            descriptors,
            cosines,
            nearest,
            places,
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
        &self.cosines[picture * self.len()..][..self.len()]
    }

    /// The `count` pictures (at most 40) nearest to a picture, itself left out.
    pub fn nearest(&self, picture: usize, count: usize) -> &[usize] {
        &self.with_nearest(picture, count)[1..]
    }

    /// The same behind the picture itself.
    fn with_nearest(&self, picture: usize, count: usize) -> &[usize] {
        let kept = kept(self.len(), NEAREST);
        &self.nearest[picture * kept..][..kept.min(count + 1)]
    }

    /// Whether another picture is among the `count` (at most 40) nearest to a picture.
    pub fn is_near(&self, picture: usize, other: usize, count: usize) -> bool {
        usize::from(self.places[picture * self.len() + other]) <= count
    }

    /// Whether each of two is among the `count` nearest to the other.
    fn are_mutual(&self, a: usize, b: usize, count: usize) -> bool {
        self.is_near(a, b, count) && self.is_near(b, a, count)
    }

    /// The cosine with the `count`-th nearest picture, or with the farthest of fewer.
    pub fn cosine_at(&self, picture: usize, count: usize) -> f32 {
        let last = self.nearest(picture, count).last();
        last.map_or(0.0, |&other| self.cosines(picture)[other])
    }

    /// How densely pictures lie around a picture: the mean cosine with its `count` nearest, the
    /// query and itself left out.
    pub fn density(&self, picture: usize, count: usize) -> f32 {
        let others = self.nearest(picture, count + 1).iter();
        let others = others.filter(|other| **other != 0).take(count);
        mean(others.map(|&other| self.cosines(picture)[other]))
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
        let reciprocal = |i: usize, k: usize| -> Vec<usize> {
            let near = self.with_nearest(i, k).iter().copied();
            near.filter(|&j| self.is_near(j, i, k)).collect()
        };
        let all = || (0..count).into_par_iter().with_min_len(32);
        let narrow: Vec<Vec<usize>> = all().map(|i| reciprocal(i, k / 2)).collect();
        let own = all().map(|i| {
            // The narrow neighbourhoods of the members that mostly lie inside.
            let mut members = reciprocal(i, k);
            for member in 0..members.len() {
                let narrow = &narrow[members[member]];
                let inside = narrow.iter().filter(|j| self.are_mutual(i, **j, k));
                if inside.count() as f32 > SHARE * narrow.len() as f32 {
                    members.extend(narrow);
                }
            }
            members.sort_unstable();
            members.dedup();
            weigh(&members, self.cosines(i))
        });
        let own: Vec<Vec<(usize, f32)>> = own.collect();
        let members = |i: usize| self.with_nearest(i, k).iter().take(averaged);
        let add = |sum: &mut Vec<f32>, i: usize| {
            let share = members(i).len() as f32;
            for &member in members(i) {
                for &(j, weight) in &own[member] {
                    sum[j] += weight / share;
                }
            }
        };
        let mut first = vec![0f32; count];
        add(&mut first, 0);
        // Of all others nothing is in common.
        let first: Vec<(usize, f32)> = first.into_iter().enumerate().collect();
        let first: Vec<(usize, f32)> = first.into_iter().filter(|(_, it)| *it > 0.0).collect();
        (1..count)
            .into_par_iter()
            .with_min_len(32)
            .map_init(
                || vec![0f32; count],
                |sum, i| {
                    add(sum, i);
                    let common = first.iter().map(|(j, weight)| weight.min(sum[*j]));
                    let common = common.fold(0.0, |sum, common| sum + common);
                    for &member in members(i) {
                        own[member].iter().for_each(|(j, _)| sum[*j] = 0.0);
                    }
                    common / (2.0 - common)
                },
            )
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
                let cosines = at.all_cosines();
                (all_nearest(&cosines, at.len(), count), cosines, count)
            });
            let (nearest, cosines, kept_of_each) = match &moved_on {
                Some((nearest, cosines, kept)) => (nearest, cosines, *kept),
                None => (&self.nearest, &self.cosines, NEAREST),
            };
            let kept = kept(at.len(), kept_of_each);
            // Towards its nearest, which come behind itself.
            let moved = at.changed(|i, sum| {
                let nearest = nearest[i * kept..][..kept].iter();
                for &j in nearest.skip(1).take(count) {
                    let cosine = cosines[i * at.len() + j];
                    let weight = cosine.max(0.0).powi(EXPANSION_POWER);
                    let pairs = sum.iter_mut().zip(at.get(j));
                    pairs.for_each(|(sum, value)| *sum += weight * value);
                }
            });
            at = Cow::Owned(moved);
        }
        if at.is_empty() {
            return Vec::new();
        }
        let [mut cosines] = at.cosines([at.get(0)]);
        cosines.split_off(1)
    }
}

pub(super) fn mean(values: impl Iterator<Item = f32>) -> f32 {
    let (mut sum, mut count) = (0f32, 0f32);
    for value in values {
        sum += value;
        count += 1.0;
    }
    sum / count.max(1.0)
}

/// How many are kept of each of `count` pictures: itself and its `k` nearest.
fn kept(count: usize, k: usize) -> usize {
    count.clamp(1, k + 1)
}

/// Of each of `count` pictures, picture by picture, itself and its `k` nearest, nearest first.
fn all_nearest(cosines: &[f32], count: usize, k: usize) -> Vec<usize> {
    let kept = kept(count, k);
    let mut nearest = vec![0; count * kept];
    let each = nearest.par_chunks_exact_mut(kept);
    let each = each.zip(cosines.par_chunks_exact(count.max(1))).enumerate();
    each.with_min_len(16)
        .for_each_init(Room::default, |room, (i, (nearest, row))| {
            nearest.copy_from_slice(self::nearest(i, row, k, room));
        });
    nearest
}

/// So few are kept sorted while the others are looked at.
const FEW: usize = 8;

/// A picture itself and its `k` nearest, nearest first.
fn nearest<'a>(own: usize, cosines: &[f32], k: usize, room: &'a mut Room) -> &'a [usize] {
    let (order, places) = room;
    // A number for each that is least for the nearest, and of equals for the first: such are quickly
    // sorted.
    let key = |(i, cosine): (usize, &f32)| {
        let cosine = if i == own { f32::INFINITY } else { *cosine };
        u64::from(!ascending(cosine)) << 32 | i as u64
    };
    let keys = cosines.iter().enumerate().map(key);
    order.clear();
    if k < FEW {
        for key in keys {
            if order.get(k).is_none_or(|last| key < *last) {
                order.truncate(k);
                order.insert(order.partition_point(|nearer| *nearer < key), key);
            }
        }
    } else {
        order.extend(keys);
        if k + 1 < order.len() {
            order.select_nth_unstable(k);
            order.truncate(k + 1);
        }
        order.sort_unstable();
    }
    places.clear();
    places.extend(order.iter().map(|key| *key as u32 as usize));
    places
}

/// Room for the work: numbers by which pictures are ordered, and their places.
type Room = (Vec<u64>, Vec<usize>);

/// A number that grows with a float, by the order of [`f32::total_cmp`].
fn ascending(value: f32) -> u32 {
    let bits = value.to_bits();
    let is_negative = bits >> 31 == 1;
    bits ^ if is_negative { u32::MAX } else { 1 << 31 }
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
        NeighbourGraph::new(&pictures)
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
        let room = &mut Room::default();
        assert_eq!(nearest(0, &cosines, 3, room), [0, 4, 2, 3]);
        assert_eq!(nearest(5, &cosines, 7, room), [5, 4, 2, 0, 3, 6, 7, 1]);
        // However many are asked for.
        let many: Vec<f32> = (0..100).map(|i| ((i * 37) as f32).sin()).collect();
        let all = nearest(9, &many, 99, room).to_vec();
        for k in 0..99 {
            assert_eq!(nearest(9, &many, k, room), &all[..=k]);
        }
    }

    #[test]
    fn few_pictures_have_no_neighbourhoods() {
        let few = NeighbourGraph::new(&[at(0.0), at(0.1)]);
        assert_eq!(few.common_neighbours(15, 5), [0.0]);
        let none = NeighbourGraph::new(&[]);
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
        let two = NeighbourGraph::new(&[at(0.0), at(1.0)]);
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
