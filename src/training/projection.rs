//! Learning the projection: a PCA of pooled layers, whitened within classes.

use nalgebra::{DMatrix, SymmetricEigen};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::network::{NetworkId, Part, Pool, Projection};

/// What is pooled, and how much each part counts. Early and middle layers help on kinds of pictures
/// that were not trained on, and harm on those that were: they count little.
const PARTS: [(Pool, f32); 8] = [
    (Pool::RootMiddle, 1.0),
    (Pool::RootMean, 1.0),
    (Pool::RootSpread, 0.6),
    (Pool::Mean(16), 1.0),
    (Pool::Mean(14), 0.2),
    (Pool::Mean(13), 0.2),
    (Pool::Mean(10), 0.2),
    (Pool::Mean(6), 0.2),
];
/// Numbers in a descriptor.
const DIMENSIONS: usize = 256;
/// Extra directions that are sought, so that the last ones are accurate too.
const SPARE: usize = 32;
/// Rounds of subspace iteration.
const ROUNDS: usize = 6;
/// How far the spread within classes is pulled towards being the same in all directions.
/// Without it, classes that were not trained on do worse.
const SHRINKAGE: f32 = 0.2;
/// The spread within classes is evened out halfway: each direction is divided by the square root
/// of its spread.
const WHITENING: f32 = 0.25;
/// Least spread of a channel.
const LEAST_SPREAD: f32 = 1e-4;

/// What is pooled of a network of so many layers.
pub(super) fn pools(layers: usize) -> Vec<Pool> {
    let all = PARTS.iter().map(|(pool, _)| *pool);
    all.filter(|pool| match pool {
        Pool::Mean(layer) => usize::from(*layer) + 1 < layers,
        _ => true,
    })
    .collect()
}

fn weight(pool: Pool) -> f32 {
    let part = PARTS.iter().find(|(other, _)| *other == pool);
    part.map_or(1.0, |(_, weight)| *weight)
}

/// Fits a projection to pictures that were pooled by [`pools`], their classes, and how much each
/// counts (in sum 1).
pub(super) fn fit_projection(
    network: &NetworkId,
    pools: &[Pool],
    pictures: &[&[Vec<f32>]],
    labels: &[usize],
    weights: &[f32],
) -> Projection {
    let parts: Vec<Part> = (0..pools.len())
        .map(|part| fit_part(pools[part], part, pictures, weights))
        .collect();
    let width = parts.iter().map(|part| part.mean.len()).sum();
    // Column-major: a picture is a column.
    let mut columns = DMatrix::<f32>::zeros(width, pictures.len());
    for (i, picture) in pictures.iter().enumerate() {
        let mut all = Vec::with_capacity(width);
        for (part, values) in parts.iter().zip(*picture) {
            let start = all.len();
            all.extend_from_slice(values);
            part.prepare(&mut all[start..]);
        }
        let root = weights[i].sqrt();
        for (place, value) in columns.column_mut(i).iter_mut().zip(all) {
            *place = value * root;
        }
    }
    let rows = columns.transpose();
    let wanted = DIMENSIONS.min(pictures.len().saturating_sub(1)).max(1);
    let directions = principal(&rows, wanted);
    // Rows already hold the root of their weight, so that sums of squares are weighted.
    let projected = &rows * &directions;
    let whitening = within_class(&projected, labels, weights);
    // Descriptors are rows x directions x whitening; kept as rows of the transpose.
    let matrix = (directions * whitening).transpose();
    let matrix: Vec<Vec<f32>> = matrix
        .row_iter()
        .map(|row| row.iter().copied().collect())
        .collect();
    Projection::new(network.clone(), parts, &matrix)
}

/// The weighted mean of one part, and of plain layers the weighted spread.
fn fit_part(pool: Pool, part: usize, pictures: &[&[Vec<f32>]], weights: &[f32]) -> Part {
    let width = pictures.first().map_or(0, |picture| picture[part].len());
    let (mut mean, mut squares) = (vec![0f64; width], vec![0f64; width]);
    for (picture, weight) in pictures.iter().zip(weights) {
        let sums = mean.iter_mut().zip(&mut squares);
        for ((sum, square), value) in sums.zip(&picture[part]) {
            *sum += f64::from(weight * value);
            *square += f64::from(weight * value * value);
        }
    }
    let spread = mean.iter().zip(squares);
    let spread = spread.map(|(m, s)| (s - m * m).max(0.0).sqrt() as f32 + LEAST_SPREAD);
    Part {
        pool,
        weight: weight(pool),
        spread: match pool {
            Pool::Mean(_) => spread.collect(),
            _ => Vec::new(),
        },
        mean: mean.iter().map(|m| *m as f32).collect(),
    }
}

/// The first principal directions, as columns, by randomised subspace iteration (Halko,
/// Martinsson and Tropp 2011).
pub(super) fn principal(rows: &DMatrix<f32>, wanted: usize) -> DMatrix<f32> {
    let width = rows.ncols();
    let sought = (wanted + SPARE).min(width).min(rows.nrows());
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut basis = DMatrix::from_fn(width, sought, |_, _| rng.random::<f32>() - 0.5);
    for _ in 0..ROUNDS {
        basis = rows.tr_mul(&(rows * basis)).qr().q();
    }
    let small = rows * &basis;
    let eigen = SymmetricEigen::new(small.tr_mul(&small));
    let mut order: Vec<usize> = (0..sought).collect();
    order.sort_by(|a, b| eigen.eigenvalues[*b].total_cmp(&eigen.eigenvalues[*a]));
    order.truncate(wanted);
    &basis * eigen.eigenvectors.select_columns(&order)
}

/// The matrix that evens out the spread within classes, shrunk. Rows hold the root of their
/// weight; pictures of one class weigh the same.
fn within_class(projected: &DMatrix<f32>, labels: &[usize], weights: &[f32]) -> DMatrix<f32> {
    let width = projected.ncols();
    let classes = labels.iter().max().map_or(0, |last| last + 1);
    let mut sums = DMatrix::<f32>::zeros(classes, width);
    let mut counts = vec![0f32; classes];
    for (i, &label) in labels.iter().enumerate() {
        counts[label] += 1.0;
        let mut sum = sums.row_mut(label);
        sum += projected.row(i);
    }
    let mut off = projected.clone();
    for (i, &label) in labels.iter().enumerate() {
        let mean = sums.row(label) / counts[label];
        let mut row = off.row_mut(i);
        row -= mean;
    }
    let scatter = off.tr_mul(&off) / weights.iter().sum::<f32>().max(f32::MIN_POSITIVE);
    let level = scatter.trace() / width as f32;
    let shrunk =
        scatter * (1.0 - SHRINKAGE) + DMatrix::identity(width, width) * (SHRINKAGE * level);
    let eigen = SymmetricEigen::new(shrunk);
    let mut whitening = eigen.eigenvectors;
    for (i, mut column) in whitening.column_iter_mut().enumerate() {
        column /= eigen.eigenvalues[i].max(1e-12).powf(WHITENING);
    }
    whitening
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn principal_directions_are_found() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        // Spreads 8, 4, 2, 1, ... along the axes.
        let rows = DMatrix::from_fn(400, 12, |_, c| {
            (rng.random::<f32>() - 0.5) * 8.0 / 2f32.powi(c as i32)
        });
        let directions = principal(&rows, 3);
        for i in 0..3 {
            assert!(directions[(i, i)].abs() > 0.98, "{directions}");
        }
    }

    #[test]
    fn classes_lie_together_after_projection() {
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        // Classes differ in the first number; the second varies most, whatever the class.
        let pools = [Pool::RootMean, Pool::Mean(1)];
        let pictures: Vec<Vec<Vec<f32>>> = (0..60)
            .map(|i| {
                let noise = (rng.random::<f32>() - 0.5) * 6.0;
                let class = if i % 2 == 0 { 1.0 } else { -1.0 };
                let other = rng.random::<f32>();
                vec![vec![class, noise, 0.1], vec![other, 1.0 - other]]
            })
            .collect();
        let views: Vec<&[Vec<f32>]> = pictures.iter().map(Vec::as_slice).collect();
        let labels: Vec<usize> = (0..60).map(|i| i % 2).collect();
        let network = crate::network::Network::builtin().unwrap();
        let weights = vec![1.0 / 60.0; 60];
        let projection = fit_projection(network.id(), &pools, &views, &labels, &weights);
        let at = |i: usize| projection.apply(&pictures[i]);
        let mean = |pairs: &dyn Fn(usize, usize) -> bool| {
            let all = (0..60).flat_map(|i| (0..i).map(move |j| (i, j)));
            let cosines: Vec<f32> = all
                .filter(|(i, j)| pairs(*i, *j))
                .map(|(i, j)| at(i).cosine(&at(j)))
                .collect();
            cosines.iter().sum::<f32>() / cosines.len() as f32
        };
        let (same, other) = (mean(&|i, j| i % 2 == j % 2), mean(&|i, j| i % 2 != j % 2));
        assert!(same > other + 0.2, "{same} {other}");
        assert_eq!(
            projection.apply(&pictures[0]).values().len(),
            projection.dimensions()
        );
    }

    #[test]
    fn layers_that_a_network_does_not_have_are_not_pooled() {
        assert_eq!(pools(18).len(), PARTS.len());
        assert_eq!(pools(8).last(), Some(&Pool::Mean(6)));
        assert_eq!(pools(1).len(), 3);
    }
}
