//! The dense network while it is trained.

use candle_core::{Device, Result as CandleResult, Tensor, Var};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::head::DenseLayer;

/// The report's network.
const WIDTHS: [usize; 2] = [32, 64];
const DROPOUT: f32 = 0.3;

/// The trained parameters: weights (inputs x outputs) and bias of each dense layer.
pub(super) struct Parameters(Vec<(Var, Var)>);

impl Parameters {
    /// All that is learned.
    pub(super) fn variables(&self) -> Vec<Var> {
        let layers = self.0.iter();
        layers.flat_map(|(w, b)| [w.clone(), b.clone()]).collect()
    }

    /// Glorot-uniform weights and zero biases, Keras's defaults.
    pub(super) fn glorot(inputs: usize, rng: &mut ChaCha8Rng) -> CandleResult<Self> {
        let widths: Vec<usize> = [inputs].into_iter().chain(WIDTHS).chain([1]).collect();
        widths
            .windows(2)
            .map(|pair| {
                let limit = (6.0 / (pair[0] + pair[1]) as f32).sqrt();
                let values: Vec<f32> = (0..pair[0] * pair[1])
                    .map(|_| rng.random_range(-limit..limit))
                    .collect();
                let weights = Tensor::from_vec(values, (pair[0], pair[1]), &Device::Cpu)?;
                let bias = Tensor::zeros(pair[1], candle_core::DType::F32, &Device::Cpu)?;
                Ok((Var::from_tensor(&weights)?, Var::from_tensor(&bias)?))
            })
            .collect::<CandleResult<_>>()
            .map(Self)
    }

    /// Logits, one a row; with `dropout` the hidden units are dropped at random.
    pub(super) fn forward(
        &self,
        x: &Tensor,
        mut dropout: Option<&mut ChaCha8Rng>,
    ) -> CandleResult<Tensor> {
        let mut values = x.clone();
        let last = self.0.len() - 1;
        for (i, (weights, bias)) in self.0.iter().enumerate() {
            values = values.matmul(weights)?.broadcast_add(bias)?;
            if i < last {
                values = values.relu()?;
                if let Some(rng) = dropout.as_deref_mut() {
                    values = (values.clone() * mask(values.dims2()?, rng)?)?;
                }
            }
        }
        values.squeeze(1)
    }

    /// Mean of the accuracies on same and on different pairs; `None` if one kind is missing.
    pub(super) fn balanced_accuracy(
        &self,
        inputs: &[Vec<f32>],
        same: &[bool],
    ) -> CandleResult<Option<f32>> {
        let of_same = same.iter().filter(|same| **same).count();
        let of_different = same.len() - of_same;
        if of_same == 0 || of_different == 0 {
            return Ok(None);
        }
        let width = inputs.first().map_or(0, Vec::len);
        let x = Tensor::from_vec(inputs.concat(), (inputs.len(), width), &Device::Cpu)?;
        let logits = self.forward(&x, None)?.to_vec1::<f32>()?;
        let right = |kind: bool| {
            let pairs = logits.iter().zip(same);
            pairs
                .filter(|(z, same)| **same == kind && (**z >= 0.0) == kind)
                .count() as f32
        };
        let (found, rejected) = (right(true), right(false));
        Ok(Some(
            (found / of_same as f32 + rejected / of_different as f32) / 2.0,
        ))
    }

    pub(super) fn export(&self) -> CandleResult<Vec<DenseLayer>> {
        self.0
            .iter()
            .map(|(weights, bias)| {
                Ok(DenseLayer {
                    weights: weights.t()?.to_vec2()?,
                    bias: bias.to_vec1()?,
                })
            })
            .collect()
    }
}

/// Inverted dropout: kept units are scaled up, so that nothing changes when scoring.
fn mask((rows, columns): (usize, usize), rng: &mut ChaCha8Rng) -> CandleResult<Tensor> {
    let values: Vec<f32> = (0..rows * columns)
        .map(|_| {
            if rng.random::<f32>() < DROPOUT {
                0.0
            } else {
                1.0 / (1.0 - DROPOUT)
            }
        })
        .collect();
    Tensor::from_vec(values, (rows, columns), &Device::Cpu)
}
