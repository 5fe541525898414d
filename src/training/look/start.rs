//! Where the descent begins: the directions in which pictures and broken looks differ most,
//! against those in which kept looks differ.

use nalgebra::{DMatrix, SymmetricEigen};

use super::Placed;

/// How far the spread of kept looks is pulled towards being the same in all directions.
const SHRINKAGE: f32 = 0.3;

/// The first `dimensions` generalised eigenvectors, as columns, whitened by the spread of kept
/// looks.
pub(super) fn start(others: &DMatrix<f32>, versions: &[Placed], dimensions: usize) -> DMatrix<f32> {
    let width = others.ncols();
    let mut within = DMatrix::<f32>::zeros(width, width);
    let mut between = within.clone();
    let (mut kept_count, mut broken_count) = (0, 0);
    for Placed { kept, broken } in versions {
        let middle = kept.row_mean();
        for (rows, sum, count) in [
            (kept, &mut within, &mut kept_count),
            (broken, &mut between, &mut broken_count),
        ] {
            let mut off = rows.clone();
            for mut row in off.row_iter_mut() {
                row -= &middle;
            }
            *sum += off.tr_mul(&off);
            *count += off.nrows();
        }
    }
    within /= kept_count.max(1) as f32;
    between /= broken_count.max(1) as f32;
    between += others.tr_mul(others) / others.nrows().max(1) as f32;
    let level = (within.trace() / width as f32).max(1e-12);
    let within = within * (1.0 - SHRINKAGE) + DMatrix::identity(width, width) * (SHRINKAGE * level);
    let eigen = SymmetricEigen::new(within);
    let mut whitening = eigen.eigenvectors;
    for (i, mut column) in whitening.column_iter_mut().enumerate() {
        column /= eigen.eigenvalues[i].max(1e-12).sqrt();
    }
    let eigen = SymmetricEigen::new(whitening.tr_mul(&between) * &whitening);
    let mut order: Vec<usize> = (0..width).collect();
    order.sort_by(|a, b| eigen.eigenvalues[*b].total_cmp(&eigen.eigenvalues[*a]));
    order.truncate(dimensions);
    whitening * eigen.eigenvectors.select_columns(&order)
}
