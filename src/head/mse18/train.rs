use candle_core::{Device, Result as CandleResult, Tensor, Var};
use candle_nn::{AdamW, Optimizer, ParamsAdamW};
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::file::{Dense, Epoch, HeadFile, Scaler, Training};
use super::pairs::{PairSet, pairs_of, split_by_picture};
use super::{Mse18, score};
use crate::activation::Layout;
use crate::network::NetworkId;
use crate::shutdown::Shutdown;

/// How to train.
#[derive(Debug, Clone, Copy)]
pub struct TrainOptions {
    /// Passes over the pairs; the report's 400.
    pub epochs: usize,
    /// Share of each class's pictures held out for validation; 0 for none.
    pub validation_share: f64,
    /// Most pairs trained on; of more, a sample is drawn.
    pub max_pairs: usize,
    /// Seed of everything random.
    pub seed: u64,
}

impl Default for TrainOptions {
    fn default() -> Self {
        Self {
            epochs: 400,
            validation_share: 0.2,
            max_pairs: 20_000,
            seed: 1,
        }
    }
}

/// Training failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// There are not both kinds of pairs.
    #[error("training needs pairs of one class and pairs of two classes")]
    OneKind,
    /// The tensor library failed.
    #[error("training failed: {0}")]
    Tensor(#[from] candle_core::Error),
    /// Ctrl-C.
    #[error("training was interrupted; nothing was written")]
    Interrupted,
}

/// Keras's defaults, which the report uses.
const BATCH: usize = 32;
const LEARNING_RATE: f64 = 1e-3;
const EPSILON: f64 = 1e-7;
/// The report's network.
const WIDTHS: [usize; 2] = [32, 64];
const DROPOUT: f32 = 0.3;

/// Labelled pictures to train on.
#[derive(Debug, Clone, Copy)]
pub struct TrainingSet<'a> {
    /// How the blocks are laid out.
    pub layout: &'a Layout,
    /// Each picture's activations.
    pub blocks: &'a [&'a [u8]],
    /// Each picture's class, an index into `classes`.
    pub labels: &'a [usize],
    /// Names of the classes.
    pub classes: &'a [String],
}

/// Trains `mse18` on all pairs of labelled pictures.
///
/// As the report, but the split is by picture: pairs that share a picture are not
/// independent, so a split by pair lets the validation see training pictures. And instead
/// of doubling the same-class pairs, both kinds get the same total weight in the loss.
///
/// # Errors
/// If there are not both kinds of pairs, or on Ctrl-C.
pub fn train(
    network: &NetworkId,
    set: &TrainingSet<'_>,
    options: &TrainOptions,
    shutdown: &Shutdown,
    progress: &mut dyn FnMut(usize, &Epoch),
) -> Result<Mse18, TrainError> {
    let mut rng = ChaCha8Rng::seed_from_u64(options.seed);
    let [train, held] = if options.validation_share > 0.0 {
        split_by_picture(set.labels, options.validation_share, &mut rng)
    } else {
        [set.labels.iter().copied().enumerate().collect(), Vec::new()]
    };
    let train_pairs = pairs_of(&train, options.max_pairs, &mut rng);
    let held_pairs = pairs_of(&held, options.max_pairs, &mut rng);
    let train_set = PairSet::compute(set.layout, set.blocks, &train_pairs);
    let held_set = PairSet::compute(set.layout, set.blocks, &held_pairs);
    let (scaler, dense, epochs) = fit(
        &train_set,
        &held_set,
        options.epochs,
        &mut rng,
        shutdown,
        progress,
    )?;
    let training = Training {
        classes: set.classes.to_vec(),
        train_pictures: train.len(),
        validation_pictures: held.len(),
        train_pairs: train_set.len(),
        validation_pairs: held_set.len(),
        seed: options.seed,
        epochs,
    };
    let layers = set
        .layout
        .layers()
        .iter()
        .map(|layer| layer.name.clone())
        .collect();
    let file = HeadFile::new(network.clone(), layers, scaler, dense, training);
    Ok(Mse18 { file })
}

/// Trains on pairs that are compared already and gives the scoring function.
///
/// # Errors
/// If there are not both kinds of pairs, or on Ctrl-C.
pub fn train_on_pairs(
    pairs: &PairSet,
    options: &TrainOptions,
    rng: &mut ChaCha8Rng,
    shutdown: &Shutdown,
) -> Result<impl Fn(&[f32]) -> f32 + use<>, TrainError> {
    let none = PairSet::default();
    let (scaler, dense, _) = fit(pairs, &none, options.epochs, rng, shutdown, &mut |_, _| {})?;
    Ok(move |mses: &[f32]| score(&scaler, &dense, mses))
}

/// The trained parameters: weights (inputs x outputs) and bias of each dense layer.
struct Parameters(Vec<(Var, Var)>);

fn fit(
    train: &PairSet,
    held: &PairSet,
    epochs: usize,
    rng: &mut ChaCha8Rng,
    shutdown: &Shutdown,
    progress: &mut dyn FnMut(usize, &Epoch),
) -> Result<(Scaler, Vec<Dense>, Vec<Epoch>), TrainError> {
    let same = train.same.iter().filter(|same| **same).count();
    let different = train.len() - same;
    if same == 0 || different == 0 {
        return Err(TrainError::OneKind);
    }
    let scaler = standard_scaler(&train.mses);
    let inputs = scaled(&scaler, &train.mses);
    let held_inputs = scaled(&scaler, &held.mses);
    let width = scaler.mean.len();
    let parameters = Parameters::glorot(width, rng)?;
    let mut optimizer = AdamW::new(
        parameters
            .0
            .iter()
            .flat_map(|(w, b)| [w.clone(), b.clone()])
            .collect(),
        // Without weight decay AdamW is Adam.
        ParamsAdamW {
            lr: LEARNING_RATE,
            eps: EPSILON,
            weight_decay: 0.0,
            ..ParamsAdamW::default()
        },
    )?;
    // Each kind of pair has half of the total weight.
    let weight = |same_pair: bool| {
        let of_kind = if same_pair { same } else { different };
        train.len() as f32 / (2.0 * of_kind as f32)
    };
    let mut order: Vec<usize> = (0..train.len()).collect();
    let mut history = Vec::with_capacity(epochs);
    for number in 1..=epochs {
        if shutdown.requested() {
            return Err(TrainError::Interrupted);
        }
        order.shuffle(rng);
        let mut loss_sum = 0.0;
        for batch in order.chunks(BATCH) {
            let rows: Vec<f32> = batch
                .iter()
                .flat_map(|i| inputs[*i].iter().copied())
                .collect();
            let labels = batch.iter().map(|i| f32::from(u8::from(train.same[*i])));
            let weights = batch.iter().map(|i| weight(train.same[*i]));
            let x = Tensor::from_vec(rows, (batch.len(), width), &Device::Cpu)?;
            let y = Tensor::from_iter(labels, &Device::Cpu)?;
            let w = Tensor::from_iter(weights, &Device::Cpu)?;
            let logits = parameters.forward(&x, Some(rng))?;
            let loss = weighted_cross_entropy(&logits, &y, &w)?;
            optimizer.backward_step(&loss)?;
            loss_sum += loss.to_scalar::<f32>()? * batch.len() as f32;
        }
        let epoch = Epoch {
            loss: loss_sum / train.len() as f32,
            // Both kinds were counted above.
            train_accuracy: parameters
                .balanced_accuracy(&inputs, &train.same)?
                .unwrap_or_default(),
            validation_accuracy: parameters.balanced_accuracy(&held_inputs, &held.same)?,
        };
        progress(number, &epoch);
        history.push(epoch);
    }
    Ok((scaler, parameters.export()?, history))
}

/// Binary cross-entropy from logits: softplus(z) - y z, in the form that cannot overflow.
fn weighted_cross_entropy(z: &Tensor, y: &Tensor, weights: &Tensor) -> CandleResult<Tensor> {
    let softplus = (z.relu()? + (z.abs()?.neg()?.exp()? + 1.0)?.log()?)?;
    ((softplus - (z * y)?)? * weights)?.mean_all()
}

impl Parameters {
    /// Glorot-uniform weights and zero biases, Keras's defaults.
    fn glorot(inputs: usize, rng: &mut ChaCha8Rng) -> CandleResult<Self> {
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
    fn forward(&self, x: &Tensor, mut dropout: Option<&mut ChaCha8Rng>) -> CandleResult<Tensor> {
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
    fn balanced_accuracy(&self, inputs: &[Vec<f32>], same: &[bool]) -> CandleResult<Option<f32>> {
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

    fn export(&self) -> CandleResult<Vec<Dense>> {
        self.0
            .iter()
            .map(|(weights, bias)| {
                Ok(Dense {
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

fn standard_scaler(rows: &[Vec<f32>]) -> Scaler {
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
    Scaler {
        mean: mean.into_iter().map(|mean| mean as f32).collect(),
        std,
    }
}

fn scaled(scaler: &Scaler, rows: &[Vec<f32>]) -> Vec<Vec<f32>> {
    rows.iter()
        .map(|row| {
            row.iter()
                .zip(scaler.mean.iter().zip(&scaler.std))
                .map(|(value, (mean, std))| (value - mean) / std)
                .collect()
        })
        .collect()
}
