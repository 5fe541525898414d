//! Learning the projection: a PCA of the pooled last layer, whitened within classes.

use nalgebra::{DMatrix, SymmetricEigen};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::network::{NetworkId, Projection, subtract_mean};

/// Numbers in a descriptor.
const DIMENSIONS: usize = 256;
/// Extra directions that are sought, so that the last ones are accurate too.
const SPARE: usize = 32;
/// Rounds of subspace iteration.
const ROUNDS: usize = 6;
/// How far the spread within classes is pulled towards being the same in all directions.
/// Without it, classes that were not trained on do worse.
const SHRINKAGE: f32 = 0.5;

/// Fits a projection to pooled pictures and their classes.
pub fn fit_projection(network: &NetworkId, pooled: &[Vec<f32>], labels: &[usize]) -> Projection {
    let width = pooled.first().map_or(0, Vec::len);
    let count = pooled.len();
    let mut mean = vec![0f32; width];
    for row in pooled {
        let pairs = mean.iter_mut().zip(row);
        pairs.for_each(|(m, v)| *m += v / count as f32);
    }
    let mut rows = DMatrix::<f32>::zeros(count, width);
    for (i, row) in pooled.iter().enumerate() {
        let mut row = row.clone();
        subtract_mean(&mut row, &mean);
        rows.row_mut(i).copy_from_slice(&row);
    }
    let directions = principal(&rows, DIMENSIONS.min(count.saturating_sub(1)).max(1));
    let projected = &rows * &directions;
    let whitening = within_class(&projected, labels);
    // Descriptors are rows x directions x whitening; kept as rows of the transpose.
    let matrix = (directions * whitening).transpose();
    let matrix: Vec<Vec<f32>> = matrix
        .row_iter()
        .map(|row| row.iter().copied().collect())
        .collect();
    Projection::new(network.clone(), mean, &matrix)
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

/// The matrix that evens out the spread within classes, shrunk.
fn within_class(projected: &DMatrix<f32>, labels: &[usize]) -> DMatrix<f32> {
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
    let scatter = off.tr_mul(&off) / labels.len().max(1) as f32;
    let level = scatter.trace() / width as f32;
    let shrunk =
        scatter * (1.0 - SHRINKAGE) + DMatrix::identity(width, width) * (SHRINKAGE * level);
    let eigen = SymmetricEigen::new(shrunk);
    let mut whitening = eigen.eigenvectors;
    for (i, mut column) in whitening.column_iter_mut().enumerate() {
        column /= eigen.eigenvalues[i].max(1e-12).sqrt();
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
}
