//! Training the report's head.

mod adam;
mod dense;
mod fit;
mod pairs;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

pub use pairs::{Pair, PairSet};

use crate::activation::Activations;
use crate::head::{Epoch, Mse18, Mse18Network, Mse18Training};
use crate::network::NetworkId;
use crate::shutdown::Shutdown;
use fit::Course;
use pairs::{pairs_of, split_by_picture};

/// How to train.
#[derive(Debug, Clone, Copy)]
pub struct TrainOptions {
    /// Passes over the pairs; the report's 400.
    pub epochs: usize,
    /// Share of each class's pictures held out for validation; 0 for none.
    pub validation_share: f64,
    /// Most pairs trained on; if there are more, a sample is drawn.
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
    /// Ctrl-C.
    #[error("training was interrupted; nothing was written")]
    Interrupted,
}

/// Labelled pictures to train on.
#[derive(Debug, Clone, Copy)]
pub struct TrainingSet<'a> {
    /// Each picture's activations.
    pub pictures: &'a [Activations<'a>],
    /// Each picture's class, an index into `classes`.
    pub labels: &'a [usize],
    /// Names of the classes.
    pub classes: &'a [String],
}

/// Trains `mse18` on all pairs of labelled pictures.
///
/// As in the report, but the split is by picture: pairs that share a picture are not
/// independent, so a split by pair lets the validation see training pictures. And instead of
/// doubling the same-class pairs, both kinds get the same total weight in the loss.
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
    let train_set = PairSet::compute(set.pictures, &train_pairs);
    let held_set = PairSet::compute(set.pictures, &held_pairs);
    let course = Course {
        train: &train_set,
        held: &held_set,
        epochs: options.epochs,
    };
    let (head, epochs) = course.fit(&mut rng, shutdown, progress)?;
    let training = Mse18Training {
        classes: set.classes.to_vec(),
        train_pictures: train.len(),
        validation_pictures: held.len(),
        train_pairs: train_set.len(),
        validation_pairs: held_set.len(),
        seed: options.seed,
        epochs,
    };
    let layers = set.pictures.first();
    let layers = layers.map_or(&[][..], |picture| picture.layout().layers());
    let layers = layers.iter().map(|layer| layer.name.clone()).collect();
    Ok(Mse18::new(network.clone(), layers, head, training))
}

/// Trains on pairs that are compared already.
///
/// # Errors
/// If there are not both kinds of pairs, or on Ctrl-C.
pub fn train_on_pairs(
    pairs: &PairSet,
    options: &TrainOptions,
    rng: &mut ChaCha8Rng,
    shutdown: &Shutdown,
) -> Result<Mse18Network, TrainError> {
    let none = PairSet::default();
    let course = Course {
        train: pairs,
        held: &none,
        epochs: options.epochs,
    };
    Ok(course.fit(rng, shutdown, &mut |_, _| {})?.0)
}
