//! The dense network while it is trained.

use nalgebra::{DMatrix, DVector, RowDVector};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::head::DenseLayer;

/// The report's network.
const WIDTHS: [usize; 2] = [32, 64];
const DROPOUT: f32 = 0.3;
/// Inverted dropout: kept units are scaled up, so that nothing changes when scoring.
const KEPT: f32 = 1.0 / (1.0 - DROPOUT);

/// Weights (inputs x outputs) and bias of a layer.
#[derive(Debug, Clone)]
struct Dense {
    weights: DMatrix<f32>,
    bias: RowDVector<f32>,
}

/// The trained parameters of each layer. A gradient has the same form.
#[derive(Debug, Clone)]
pub(super) struct Parameters(Vec<Dense>);

/// What a batch became on its way through the network.
pub(super) struct Pass {
    /// What each layer was given, a row for each of the batch.
    given: Vec<DMatrix<f32>>,
    /// What the last one gave.
    pub(super) logits: DVector<f32>,
}

impl Parameters {
    /// Glorot-uniform weights and zero biases, Keras's defaults.
    pub(super) fn glorot(inputs: usize, rng: &mut ChaCha8Rng) -> Self {
        let widths: Vec<usize> = [inputs].into_iter().chain(WIDTHS).chain([1]).collect();
        let layers = widths.windows(2).map(|pair| {
            let limit = (6.0 / (pair[0] + pair[1]) as f32).sqrt();
            let values = (0..pair[0] * pair[1]).map(|_| rng.random_range(-limit..limit));
            Dense {
                weights: DMatrix::from_row_iterator(pair[0], pair[1], values),
                bias: RowDVector::zeros(pair[1]),
            }
        });
        Self(layers.collect())
    }

    /// The same form, of zeros.
    pub(super) fn zeros(&self) -> Self {
        let mut zeros = self.clone();
        zeros.values_mut().for_each(|value| *value = 0.0);
        zeros
    }

    pub(super) fn values(&self) -> impl Iterator<Item = f32> {
        let layers = self.0.iter();
        layers.flat_map(|layer| layer.weights.iter().chain(layer.bias.iter()).copied())
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut f32> {
        let layers = self.0.iter_mut();
        layers.flat_map(|layer| layer.weights.iter_mut().chain(layer.bias.iter_mut()))
    }

    /// Sends a batch through, a row each; with `dropout` the hidden units are dropped at random.
    pub(super) fn pass(&self, batch: DMatrix<f32>, mut dropout: Option<&mut ChaCha8Rng>) -> Pass {
        let mut given = Vec::with_capacity(self.0.len());
        let mut values = batch;
        for layer in &self.0 {
            // Between layers; the last one's are logits.
            if !given.is_empty() {
                values.apply(|value| *value = value.max(0.0));
                if let Some(rng) = dropout.as_deref_mut() {
                    drop_out(&mut values, rng);
                }
            }
            let mut next = &values * &layer.weights;
            next.row_iter_mut().for_each(|mut row| row += &layer.bias);
            given.push(std::mem::replace(&mut values, next));
        }
        Pass {
            given,
            logits: values.column(0).into_owned(),
        }
    }

    /// The gradient of a loss, of its slopes by the logits of a pass with dropout.
    pub(super) fn gradient(&self, pass: &Pass, slopes: DVector<f32>) -> Self {
        let mut slopes = DMatrix::from_column_slice(slopes.len(), 1, slopes.as_slice());
        let mut layers = Vec::with_capacity(self.0.len());
        for (layer, given) in self.0.iter().zip(&pass.given).rev() {
            let mut before = &slopes * layer.weights.transpose();
            // What gave nothing was dropped, or below zero.
            before.zip_apply(given, |slope, given| {
                *slope *= if given > 0.0 { KEPT } else { 0.0 };
            });
            layers.push(Dense {
                weights: given.transpose() * &slopes,
                bias: slopes.row_sum(),
            });
            slopes = before;
        }
        layers.reverse();
        Self(layers)
    }

    /// Mean of the accuracies on same and on different pairs; `None` if one kind is missing.
    pub(super) fn balanced_accuracy(&self, inputs: &[Vec<f32>], same: &[bool]) -> Option<f32> {
        let of_same = same.iter().filter(|same| **same).count();
        let of_different = same.len() - of_same;
        if of_same == 0 || of_different == 0 {
            return None;
        }
        let logits = self.pass(batch(inputs.iter()), None).logits;
        let right = |kind: bool| {
            let pairs = logits.iter().zip(same);
            pairs
                .filter(|(z, same)| **same == kind && (**z >= 0.0) == kind)
                .count() as f32
        };
        let (found, rejected) = (right(true), right(false));
        Some((found / of_same as f32 + rejected / of_different as f32) / 2.0)
    }

    pub(super) fn export(&self) -> Vec<DenseLayer> {
        let layers = self.0.iter().map(|layer| DenseLayer {
            weights: layer
                .weights
                .column_iter()
                .map(|column| column.iter().copied().collect())
                .collect(),
            bias: layer.bias.iter().copied().collect(),
        });
        layers.collect()
    }
}

/// Inputs of the network, a row each.
pub(super) fn batch<'a>(rows: impl ExactSizeIterator<Item = &'a Vec<f32>> + Clone) -> DMatrix<f32> {
    let (count, width) = (rows.len(), rows.clone().next().map_or(0, Vec::len));
    DMatrix::from_row_iterator(count, width, rows.flatten().copied())
}

fn drop_out(values: &mut DMatrix<f32>, rng: &mut ChaCha8Rng) {
    for row in 0..values.nrows() {
        for value in &mut values.row_mut(row) {
            *value *= if rng.random::<f32>() < DROPOUT {
                0.0
            } else {
                KEPT
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn a_gradient_is_what_the_loss_changes_by() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let parameters = Parameters::glorot(5, &mut rng);
        let rows: Vec<Vec<f32>> = (0..7)
            .map(|_| (0..5).map(|_| rng.random_range(-1.0..1.0)).collect())
            .collect();
        // The sum of the logits, with the same units dropped each time.
        let pass = |parameters: &Parameters| {
            let mut rng = ChaCha8Rng::seed_from_u64(9);
            parameters.pass(batch(rows.iter()), Some(&mut rng))
        };
        let of = |parameters: &Parameters| f64::from(pass(parameters).logits.sum());
        let gradient = parameters.gradient(&pass(&parameters), DVector::repeat(7, 1.0));
        let slopes: Vec<f32> = gradient.values().collect();
        let most = slopes.iter().fold(0.0, |most: f32, it| most.max(it.abs()));
        assert!(most > 1.0, "{most}");
        for at in (0..slopes.len()).step_by(97) {
            let moved = |by: f32| {
                let mut moved = parameters.clone();
                *moved.values_mut().nth(at).unwrap() += by;
                of(&moved)
            };
            let step = 1e-3;
            let slope = (moved(step) - moved(-step)) / f64::from(2.0 * step);
            assert!(
                (slope - f64::from(slopes[at])).abs() < 0.02,
                "{at}: {slope}"
            );
        }
    }
}
