//! The linear probe that classification is measured against: multinomial logistic
//! regression on the embeddings.

use candle_core::{D, Device, Result, Tensor};
use candle_nn::ops::softmax;

use crate::network::Embedding;

/// Full steps of gradient descent with momentum; the loss is convex and hardly changes after
/// them.
const STEPS: usize = 300;
const RATE: f64 = 1.0;
const MOMENTUM: f64 = 0.9;
const WEIGHT_DECAY: f64 = 1e-4;

/// Trains on `labelled` and gives the class probabilities of each of `asked`.
pub(super) fn probabilities(
    labelled: &[&Embedding],
    labels: &[usize],
    classes: usize,
    asked: &[&Embedding],
) -> Result<Vec<Vec<f32>>> {
    let (x, asked) = (rows(labelled)?, rows(asked)?);
    let mean = x.mean_keepdim(0)?;
    let (x, asked) = (x.broadcast_sub(&mean)?, asked.broadcast_sub(&mean)?);
    // Centred embeddings are short; at length 1 on average one rate suits all networks.
    let length = x.sqr()?.sum(1)?.mean(0)?.sqrt()?.to_scalar::<f32>()?;
    let scale = 1.0 / f64::from(length.max(f32::MIN_POSITIVE));
    let (x, asked) = ((x * scale)?, (asked * scale)?);
    let (count, width) = x.dims2()?;
    let truth = one_hot(labels, classes)?;
    let transposed = x.t()?.contiguous()?;
    let mut weights = Tensor::zeros((width, classes), x.dtype(), &Device::Cpu)?;
    let mut bias = Tensor::zeros((1, classes), x.dtype(), &Device::Cpu)?;
    let (mut speed, mut bias_speed) = (weights.clone(), bias.clone());
    for _ in 0..STEPS {
        let given = softmax(&x.matmul(&weights)?.broadcast_add(&bias)?, D::Minus1)?;
        let error = ((given - &truth)? / count as f64)?;
        let gradient = (transposed.matmul(&error)? + (&weights * WEIGHT_DECAY)?)?;
        speed = ((speed * MOMENTUM)? + gradient)?;
        bias_speed = ((bias_speed * MOMENTUM)? + error.sum_keepdim(0)?)?;
        weights = (weights - (&speed * RATE)?)?;
        bias = (bias - (&bias_speed * RATE)?)?;
    }
    softmax(&asked.matmul(&weights)?.broadcast_add(&bias)?, D::Minus1)?.to_vec2()
}

fn rows(embeddings: &[&Embedding]) -> Result<Tensor> {
    let width = embeddings.first().map_or(0, |first| first.values().len());
    let values: Vec<f32> = embeddings
        .iter()
        .flat_map(|embedding| embedding.values().iter().copied())
        .collect();
    Tensor::from_vec(values, (embeddings.len(), width), &Device::Cpu)
}

fn one_hot(labels: &[usize], classes: usize) -> Result<Tensor> {
    let mut values = vec![0f32; labels.len() * classes];
    for (row, label) in labels.iter().enumerate() {
        values[row * classes + label] = 1.0;
    }
    Tensor::from_vec(values, (labels.len(), classes), &Device::Cpu)
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
        )
        .unwrap();
        assert!(given[0][0] > 0.9 && given[1][1] > 0.9, "{given:?}");
    }
}
