//! `simdex eval pairs`: the report's protocol, repeated over seeded draws.
//!
//! A draw takes 20 pictures a class for training and 4 a class for the report's 66 pairs;
//! all pictures not trained on give the second, larger set of pairs. Pictures are split,
//! never pairs.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::Serialize;

use super::pair_table::Table;
use super::{Estimate, Metrics, Trial};
use crate::head::{ClassProbabilities, Fused, Ranking};
use crate::network::Descriptor;
use crate::plural::counted;
use crate::shutdown::Shutdown;
use crate::training::mse18::{Pair, PairSet, TrainError, TrainOptions, train_on_pairs};

/// How to evaluate.
#[derive(Debug, Clone, Copy)]
pub struct PairsOptions {
    /// Draws.
    pub draws: usize,
    /// Pictures a class trained on; the report's 20.
    pub train_per_class: usize,
    /// Pictures a class of the small test; the report's 4.
    pub test_per_class: usize,
    /// Epochs of training; the report's 400.
    pub epochs: usize,
}

/// One ranking's figures on one kind of pairs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Figures {
    /// Share of pairs answered right.
    pub accuracy: Estimate,
    /// Mean of the accuracies on same and on different pairs.
    pub balanced_accuracy: Estimate,
    /// Area under the ROC curve.
    pub auc: Estimate,
    /// Accuracy of always answering "different".
    pub baseline: Estimate,
}

/// One ranking's row of the table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// `mse18`, trained anew in each draw; `embedding`, whose threshold was; `fused` as
    /// shipped, which saw no label of this set; `train`, taught the draw's labels.
    pub head: &'static str,
    /// On the report's small test (66 pairs for three classes).
    pub few_pairs: Figures,
    /// On all pairs of pictures not trained on.
    pub held_out_pairs: Figures,
}

/// The evaluation; the JSON that `eval` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PairsEvaluation {
    /// The classes.
    pub classes: Vec<String>,
    /// Pictures in all.
    pub pictures: usize,
    /// How many of the pictures each ranking was trained on: its figures flatter it.
    pub seen: Vec<(String, usize)>,
    /// Draws.
    pub draws: usize,
    /// Pictures a class trained on in each draw.
    pub train_per_class: usize,
    /// Pairs of the small test in each draw.
    pub few_pairs: usize,
    /// Pairs of held-out pictures in each draw.
    pub held_out_pairs: usize,
    /// What the report says of its own head: accuracy on its 66 pairs.
    pub report_accuracy: f64,
    /// Accuracy of `mse18` by the report's own split: a fifth of the pairs of the training
    /// pictures, same-class pairs twice, so that pairs and pictures are on both sides.
    pub leaky_split_accuracy: Estimate,
    /// What the report says of that: its validation accuracy.
    pub report_leaky_accuracy: f64,
    /// One row a ranking.
    pub rows: Vec<Row>,
}

/// "about 49 out of 66 image pair were given correct similarity score" (Experimental Results).
const REPORT_ACCURACY: f64 = 0.742;
/// "validation accuracy of 73.5%" (Experimental Results).
const REPORT_LEAKY_ACCURACY: f64 = 0.735;

/// An evaluation cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluationError {
    /// A class is too small to be split.
    #[error("class {class} has {}; the protocol needs {needs}", counted(*has, "picture"))]
    TooFew {
        /// The class.
        class: String,
        /// Pictures in it.
        has: usize,
        /// Pictures needed.
        needs: usize,
    },
    /// Training failed or was interrupted.
    #[error(transparent)]
    Train(#[from] TrainError),
}

/// Measures heads on labelled pictures. The pictures themselves, without their labels, are
/// the collection from which `fused` takes its centre and neighbourhoods. The trial's progress
/// has a step for each picture, then one for each draw.
///
/// # Errors
/// If a class is too small or training fails.
pub fn evaluate_pairs(
    trial: &Trial<'_>,
    head: &Fused,
    labels: &[usize],
    classes: &[String],
    options: &PairsOptions,
) -> Result<PairsEvaluation, EvaluationError> {
    let members = |class: usize| (0..labels.len()).filter(move |i| labels[*i] == class);
    let needs = options
        .train_per_class
        .saturating_add(options.test_per_class);
    for (class, name) in classes.iter().enumerate() {
        let has = members(class).count();
        if has < needs {
            return Err(EvaluationError::TooFew {
                class: name.clone(),
                has,
                needs,
            });
        }
    }
    let ranking = Ranking::Fused(Box::new(head.clone()));
    let table = Table::compute(trial, &ranking).ok_or(TrainError::Interrupted)?;
    let draws = (0..options.draws)
        .into_par_iter()
        .map(|draw| {
            let mut rng = ChaCha8Rng::seed_from_u64(trial.seed.wrapping_add(draw as u64));
            let (mut train, mut few, mut held) = (Vec::new(), Vec::new(), Vec::new());
            for class in 0..classes.len() {
                let mut all: Vec<usize> = members(class).collect();
                all.shuffle(&mut rng);
                let (trained, rest) = all.split_at(options.train_per_class);
                train.extend_from_slice(trained);
                few.extend_from_slice(&rest[..options.test_per_class]);
                held.extend_from_slice(rest);
            }
            let result = measure(
                &table,
                head,
                labels,
                [&train, &few, &held],
                options,
                &mut rng,
                trial.shutdown,
            );
            (trial.progress)();
            result
        })
        .collect::<Result<Vec<_>, _>>()?;
    let row = |head, pick: &dyn Fn(&Draw) -> [Metrics; 2]| Row {
        head,
        few_pairs: figures(&draws.iter().map(|draw| pick(draw)[0]).collect::<Vec<_>>()),
        held_out_pairs: figures(&draws.iter().map(|draw| pick(draw)[1]).collect::<Vec<_>>()),
    };
    Ok(PairsEvaluation {
        classes: classes.to_vec(),
        pictures: trial.pictures.len(),
        seen: trial.seen(&[("fused", &ranking)]),
        draws: draws.len(),
        train_per_class: options.train_per_class,
        few_pairs: draws.first().map_or(0, |draw| draw.few_pairs),
        held_out_pairs: draws.first().map_or(0, |draw| draw.held_pairs),
        report_accuracy: REPORT_ACCURACY,
        rows: vec![
            row("mse18", &|draw| draw.mse18),
            row("embedding", &|draw| draw.embedding),
            row("fused", &|draw| draw.fused),
            row("train", &|draw| draw.taught),
        ],
        leaky_split_accuracy: Estimate::of(draws.iter().map(|draw| draw.leaky)),
        report_leaky_accuracy: REPORT_LEAKY_ACCURACY,
    })
}

struct Draw {
    few_pairs: usize,
    held_pairs: usize,
    mse18: [Metrics; 2],
    embedding: [Metrics; 2],
    fused: [Metrics; 2],
    taught: [Metrics; 2],
    leaky: f64,
}

fn measure(
    table: &Table,
    head: &Fused,
    labels: &[usize],
    [train, few, held]: [&[usize]; 3],
    options: &PairsOptions,
    rng: &mut ChaCha8Rng,
    shutdown: &Shutdown,
) -> Result<Draw, TrainError> {
    let descriptors: Vec<&Descriptor> = train.iter().map(|&i| &table.descriptors[i]).collect();
    let taught_labels: Vec<usize> = train.iter().map(|&i| labels[i]).collect();
    let classes: Vec<String> = (0..=labels.iter().max().copied().unwrap_or(0))
        .map(|class| class.to_string())
        .collect();
    let probe = head.probe_of(&descriptors, &taught_labels, &classes);
    let told = table.descriptors.iter().map(|d| probe.probabilities(d));
    let told: Vec<ClassProbabilities> = told.collect();
    let [train, few, held] = [train, few, held].map(|pictures| all_pairs(pictures, labels));
    let set = |pairs: &[Pair]| PairSet {
        same: pairs.iter().map(|pair| pair.same).collect(),
        mses: pairs
            .iter()
            .map(|pair| table.row(pair).1.to_vec())
            .collect(),
    };
    let train_options = TrainOptions {
        epochs: options.epochs,
        ..TrainOptions::default()
    };
    let trained = train_on_pairs(&set(&train), &train_options, rng, shutdown)?;
    let mse18 = |pairs: &[Pair]| {
        let scored: Vec<_> = pairs
            .iter()
            .map(|pair| (trained.score(table.row(pair).1), pair.same))
            .collect();
        Metrics::of(&scored, 0.5)
    };
    let cosines = |pairs: &[Pair]| -> Vec<_> {
        pairs
            .iter()
            .map(|pair| (table.row(pair).0, pair.same))
            .collect()
    };
    let threshold = best_threshold(&cosines(&train));
    let embedding = |pairs: &[Pair]| Metrics::of(&cosines(pairs), threshold);
    let fused = |pairs: &[Pair]| {
        let scored: Vec<_> = pairs.iter().map(|p| (table.fused(p), p.same)).collect();
        Metrics::of(&scored, 0.5)
    };
    let taught = |pairs: &[Pair]| {
        let score = |p: &Pair| told[p.a].same(&told[p.b], table.fused(p));
        let scored: Vec<_> = pairs.iter().map(|p| (score(p), p.same)).collect();
        Metrics::of(&scored, 0.5)
    };
    let leaky = leaky_split(&set(&train), &train_options, rng, shutdown)?;
    Ok(Draw {
        leaky,
        fused: [fused(&few), fused(&held)],
        taught: [taught(&few), taught(&held)],
        few_pairs: few.len(),
        held_pairs: held.len(),
        mse18: [mse18(&few), mse18(&held)],
        embedding: [embedding(&few), embedding(&held)],
    })
}

/// The report's own split: same-class pairs twice, then a fifth of all pairs held out.
fn leaky_split(
    pairs: &PairSet,
    options: &TrainOptions,
    rng: &mut ChaCha8Rng,
    shutdown: &Shutdown,
) -> Result<f64, TrainError> {
    let mut order: Vec<usize> = (0..pairs.len()).collect();
    order.extend((0..pairs.len()).filter(|&i| pairs.same[i]));
    order.shuffle(rng);
    let (held, train) = order.split_at(order.len() / 5);
    let subset = |of: &[usize]| PairSet {
        same: of.iter().map(|&i| pairs.same[i]).collect(),
        mses: of.iter().map(|&i| pairs.mses[i].clone()).collect(),
    };
    let trained = train_on_pairs(&subset(train), options, rng, shutdown)?;
    let scored: Vec<_> = held
        .iter()
        .map(|&i| (trained.score(&pairs.mses[i]), pairs.same[i]))
        .collect();
    Ok(Metrics::of(&scored, 0.5).accuracy)
}

fn all_pairs(pictures: &[usize], labels: &[usize]) -> Vec<Pair> {
    let mut pairs = Vec::with_capacity(pictures.len() * pictures.len() / 2);
    for (i, &a) in pictures.iter().enumerate() {
        for &b in &pictures[i + 1..] {
            pairs.push(Pair {
                a,
                b,
                same: labels[a] == labels[b],
            });
        }
    }
    pairs
}

/// The threshold with the best balanced accuracy on training pairs.
fn best_threshold(scored: &[(f32, bool)]) -> f32 {
    let mut sorted = scored.to_vec();
    sorted.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    let same = sorted.iter().filter(|pair| pair.1).count().max(1) as f64;
    let different = (sorted.len() as f64 - same).max(1.0);
    let (mut found, mut wrong) = (0.0, 0.0);
    let mut best = (f64::MIN, 0.5);
    for &(score, is_same) in &sorted {
        if is_same {
            found += 1.0;
        } else {
            wrong += 1.0;
        }
        let balanced = found / same - wrong / different;
        if balanced > best.0 {
            best = (balanced, score);
        }
    }
    best.1
}

fn figures(metrics: &[Metrics]) -> Figures {
    let of = |value: &dyn Fn(&Metrics) -> f64| Estimate::of(metrics.iter().map(value));
    Figures {
        accuracy: of(&|m| m.accuracy),
        balanced_accuracy: of(&|m| m.balanced_accuracy),
        auc: of(&|m| m.auc),
        baseline: of(&|m| m.baseline),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twelve_pictures_of_three_classes_give_the_reports_66_pairs() {
        let labels: Vec<usize> = (0..12).map(|i| i / 4).collect();
        let pictures: Vec<usize> = (0..12).collect();
        let pairs = all_pairs(&pictures, &labels);
        assert_eq!(pairs.len(), 66);
        let different = pairs.iter().filter(|pair| !pair.same).count();
        // Always answering "different" is right in 72.7 %.
        assert_eq!(different, 48);
    }

    #[test]
    fn the_threshold_separates() {
        let scored = [
            (0.9, true),
            (0.8, true),
            (0.3, false),
            (0.2, false),
            (0.1, false),
        ];
        let threshold = best_threshold(&scored);
        assert_eq!(Metrics::of(&scored, threshold).accuracy, 1.0);
    }
}
