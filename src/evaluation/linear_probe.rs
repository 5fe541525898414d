//! The linear probe that classification is measured against: multinomial logistic
//! regression on the embeddings.

use nalgebra::{DMatrix, RowDVector};

use crate::network::Embedding;

/// Full steps of gradient descent with momentum; the loss is convex and hardly changes after
/// them.
const STEPS: usize = 300;
const RATE: f32 = 1.0;
const MOMENTUM: f32 = 0.9;
const WEIGHT_DECAY: f32 = 1e-4;

/// Trains on `labelled` and gives the class probabilities of each of `asked`.
pub(super) fn probabilities(
    labelled: &[&Embedding],
    labels: &[usize],
    classes: usize,
    asked: &[&Embedding],
) -> Vec<Vec<f32>> {
    let (mut x, mut asked) = (rows(labelled), rows(asked));
    let mean = x.row_mean();
    for rows in [&mut x, &mut asked] {
        rows.row_iter_mut().for_each(|mut row| row -= &mean);
    }
    // Centred embeddings are short; at length 1 on average one rate suits all networks.
    let count = x.nrows() as f32;
    let length = (x.norm_squared() / count).sqrt().max(f32::MIN_POSITIVE);
    x /= length;
    asked /= length;
    let transposed = x.transpose();
    let mut weights = DMatrix::zeros(x.ncols(), classes);
    let mut bias = RowDVector::zeros(classes);
    let (mut speed, mut bias_speed) = (weights.clone(), bias.clone());
    for _ in 0..STEPS {
        let mut error = given(&x, &weights, &bias);
        for (row, label) in labels.iter().enumerate() {
            error[(row, *label)] -= 1.0;
        }
        error /= count;
        speed = speed * MOMENTUM + &transposed * &error + &weights * WEIGHT_DECAY;
        bias_speed = bias_speed * MOMENTUM + error.row_sum();
        weights -= &speed * RATE;
        bias -= &bias_speed * RATE;
    }
    let given = given(&asked, &weights, &bias);
    let rows = given.row_iter();
    rows.map(|row| row.iter().copied().collect()).collect()
}

/// The probability of each class, a row for each of `x`.
fn given(x: &DMatrix<f32>, weights: &DMatrix<f32>, bias: &RowDVector<f32>) -> DMatrix<f32> {
    let mut given = x * weights;
    for mut row in given.row_iter_mut() {
        row += bias;
        let most = row.max();
        row.apply(|value| *value = (*value - most).exp());
        let sum = row.sum();
        row /= sum;
    }
    given
}

fn rows(embeddings: &[&Embedding]) -> DMatrix<f32> {
    let width = embeddings.first().map_or(0, |first| first.values().len());
    let values = embeddings.iter().flat_map(|it| it.values().iter().copied());
    DMatrix::from_row_iterator(embeddings.len(), width, values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn learns_what_a_line_can_tell() {
        let at = |x: f32, y: f32| Embedding::normalized(&[x, y, 0.2]);
        let all = [at(1.0, 0.1), at(0.9, 0.2), at(0.1, 1.0), at(0.2, 0.8)];
        let asked = [at(0.8, 0.2), at(0.1, 0.7)];
        let given = probabilities(
            &all.iter().collect::<Vec<_>>(),
            &[0, 0, 1, 1],
            2,
            &asked.iter().collect::<Vec<_>>(),
        );
        assert!(given[0][0] > 0.9 && given[1][1] > 0.9, "{given:?}");
    }
}
