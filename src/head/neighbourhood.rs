//! What the neighbourhoods of two pictures have in common.

use rayon::prelude::*;

use crate::activation::inner_product_f32;
use crate::network::Descriptor;

/// Nearest pictures that make a neighbourhood.
const NEIGHBOURS: usize = 15;
/// Neighbourhoods averaged into one: the picture's own and its nearest pictures'.
const AVERAGED: usize = 5;
/// A neighbour brings its own neighbours in if this share of them is in already.
const SHARE: f32 = 2.0 / 3.0;

/// How much the neighbourhood of the first picture has in common with that of each of the
/// others, 0 to 1: the Jaccard similarity of k-reciprocal neighbourhoods (Zhong et al.
/// 2017), all neighbours being sought among the pictures given.
pub fn neighbourhoods(pictures: &[Descriptor]) -> Vec<f32> {
    let count = pictures.len();
    // A neighbourhood that holds most of the pictures sets none apart.
    let k = NEIGHBOURS.min(count / 4);
    if k == 0 {
        return vec![0.0; count.saturating_sub(1)];
    }
    let cosines = cosines(pictures);
    let nearest: Vec<Vec<usize>> = cosines
        .par_iter()
        .with_min_len(16)
        .enumerate()
        .map(|(i, row)| nearest(i, row, k))
        .collect();
    let reciprocal = |i: usize, k: usize| -> Vec<usize> {
        let mutual = |j: &&usize| nearest[**j][..=k].contains(&i);
        nearest[i][..=k].iter().filter(mutual).copied().collect()
    };
    let wide: Vec<Vec<usize>> = (0..count).map(|i| reciprocal(i, k)).collect();
    let narrow: Vec<Vec<usize>> = (0..count).map(|i| reciprocal(i, k / 2)).collect();
    let own: Vec<Vec<(usize, f32)>> = (0..count)
        .map(|i| weigh(&expand(&wide[i], &narrow), &cosines[i]))
        .collect();
    let average = |i: usize| -> Vec<f32> {
        let members = &nearest[i][..AVERAGED.min(k + 1)];
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
            let later = pictures[i..].iter();
            row.extend(later.map(|b| inner_product_f32(a.values(), b.values()).min(1.0)));
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

/// The picture itself and its `k` nearest, nearest first.
fn nearest(own: usize, cosines: &[f32], k: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..cosines.len()).collect();
    let key = |i: usize| if i == own { f32::INFINITY } else { cosines[i] };
    let by_cosine = |a: &usize, b: &usize| key(*b).total_cmp(&key(*a)).then(a.cmp(b));
    if k + 1 < order.len() {
        order.select_nth_unstable_by(k, by_cosine);
        order.truncate(k + 1);
    }
    order.sort_unstable_by(by_cosine);
    order
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

    #[test]
    fn pictures_of_one_cluster_share_a_neighbourhood() {
        // Two clusters; the first picture lies at the edge of the first, nearly as far
        // from its far members as from the second cluster.
        let mut pictures = vec![at(0.0)];
        pictures.extend((0..20).map(|i| at(0.02 * i as f32)));
        pictures.extend((0..60).map(|i| at(0.6 + 0.02 * i as f32)));
        let common = neighbourhoods(&pictures);
        assert_eq!(common.len(), 80);
        let own = common[..20].iter().sum::<f32>() / 20.0;
        let other = common[20..].iter().sum::<f32>() / 60.0;
        assert!(own > 0.2 && other < 0.02, "{own} {other}");
        assert!(common.iter().all(|c| (0.0..=1.0).contains(c)));
    }

    #[test]
    fn few_pictures_have_no_neighbourhoods() {
        assert_eq!(neighbourhoods(&[at(0.0), at(0.1)]), [0.0]);
        assert!(neighbourhoods(&[]).is_empty());
    }
}
