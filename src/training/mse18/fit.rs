//! The course of the training: epochs of batches.

use nalgebra::DVector;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::TrainError;
use super::adam::Adam;
use super::dense::{Parameters, batch};
use super::pairs::PairSet;
use crate::head::{Epoch, Mse18Network, StandardScaler};
use crate::shutdown::Shutdown;

/// Keras's default, which the report uses.
const BATCH: usize = 32;

/// What is trained on, and for how long.
pub(super) struct Course<'a> {
    pub(super) train: &'a PairSet,
    /// Pairs on which each epoch is validated.
    pub(super) held: &'a PairSet,
    pub(super) epochs: usize,
}

impl Course<'_> {
    /// Trains, and measures after each epoch.
    pub(super) fn fit(
        &self,
        rng: &mut ChaCha8Rng,
        shutdown: &Shutdown,
        progress: &mut dyn FnMut(usize, &Epoch),
    ) -> Result<(Mse18Network, Vec<Epoch>), TrainError> {
        let weights = self.weights()?;
        let scaler = standard_scaler(&self.train.mses);
        let inputs = scaled(&scaler, &self.train.mses);
        let held_inputs = scaled(&scaler, &self.held.mses);
        let mut parameters = Parameters::glorot(scaler.mean.len(), rng);
        let mut adam = Adam::new(&parameters);
        let mut order: Vec<usize> = (0..self.train.len()).collect();
        let mut history = Vec::with_capacity(self.epochs);
        for number in 1..=self.epochs {
            if shutdown.requested() {
                return Err(TrainError::Interrupted);
            }
            order.shuffle(rng);
            let mut loss_sum = 0.0;
            for pairs in order.chunks(BATCH) {
                let pass = parameters.pass(batch(pairs.iter().map(|i| &inputs[*i])), Some(rng));
                let (loss, slopes) = self.loss(pairs, &weights, &pass.logits);
                let gradient = parameters.gradient(&pass, slopes);
                adam.step(&mut parameters, &gradient);
                loss_sum += loss;
            }
            let epoch = Epoch {
                loss: loss_sum / self.train.len() as f32,
                // Both kinds are there, as the weights need.
                train_accuracy: parameters
                    .balanced_accuracy(&inputs, &self.train.same)
                    .unwrap_or_default(),
                validation_accuracy: parameters.balanced_accuracy(&held_inputs, &self.held.same),
            };
            progress(number, &epoch);
            history.push(epoch);
        }
        let dense = parameters.export();
        Ok((Mse18Network { scaler, dense }, history))
    }

    /// The weight of each pair: each kind has half of the total.
    fn weights(&self) -> Result<Vec<f32>, TrainError> {
        let train = self.train;
        let same = train.same.iter().filter(|same| **same).count();
        let different = train.len() - same;
        if same == 0 || different == 0 {
            return Err(TrainError::OneKind);
        }
        let weight = |same_pair: &bool| {
            let of_kind = if *same_pair { same } else { different };
            train.len() as f32 / (2.0 * of_kind as f32)
        };
        Ok(train.same.iter().map(weight).collect())
    }

    /// The weighted binary cross-entropy of pairs, added up, and the slopes of its mean by their logits.
    fn loss(&self, pairs: &[usize], weights: &[f32], logits: &DVector<f32>) -> (f32, DVector<f32>) {
        let mut sum = 0.0;
        let slopes = pairs.iter().zip(logits).map(|(pair, z)| {
            let y = f32::from(u8::from(self.train.same[*pair]));
            // softplus(z) - y z, in the form that cannot overflow.
            sum += weights[*pair] * (z.max(0.0) + (-z.abs()).exp().ln_1p() - y * z);
            weights[*pair] * (1.0 / (1.0 + (-z).exp()) - y) / pairs.len() as f32
        });
        let slopes = DVector::from_iterator(pairs.len(), slopes);
        (sum, slopes)
    }
}

fn standard_scaler(rows: &[Vec<f32>]) -> StandardScaler {
    let width = rows.first().map_or(0, Vec::len);
    let count = rows.len().max(1) as f64;
    let column = |i: usize| rows.iter().map(move |row| f64::from(row[i]));
    let mean: Vec<f64> = (0..width).map(|i| column(i).sum::<f64>() / count).collect();
    let std = (0..width)
        .map(|i| {
            let variance = column(i).map(|v| (v - mean[i]).powi(2)).sum::<f64>() / count;
            // A constant input says nothing; scikit-learn divides it by 1 too.
            if variance > 0.0 {
                variance.sqrt() as f32
            } else {
                1.0
            }
        })
        .collect();
    StandardScaler {
        mean: mean.into_iter().map(|mean| mean as f32).collect(),
        std,
    }
}

fn scaled(scaler: &StandardScaler, rows: &[Vec<f32>]) -> Vec<Vec<f32>> {
    rows.iter()
        .map(|row| {
            row.iter()
                .zip(scaler.mean.iter().zip(&scaler.std))
                .map(|(value, (mean, std))| (value - mean) / std)
                .collect()
        })
        .collect()
}
