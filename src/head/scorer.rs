//! Log-odds that two pictures are "the same", from what was measured of them.

use serde::{Deserialize, Serialize};

use super::logistic::{self, Logistic};
use super::signal::Signal;
use crate::activation::Layout;

/// A logistic regression over some signals: log-odds that two pictures are "the same". No
/// signal counts against its own meaning: weights of distances are at most 0 and weights of
/// similarities at least 0, so a nearer picture never scores less.
///
/// ```
/// use simdex::head::{Scorer, Signal, sigmoid};
///
/// // Pairs of a network of no layers: the fewer bits of their hashes differ, the more are the
/// // same.
/// let place = Signal::Hash.index(0);
/// let pair = |bits: f32| {
///     let mut values = vec![0.0; place + 1];
///     values[place] = bits;
///     values
/// };
/// let rows = [0.0, 0.1, 0.2, 0.8, 0.9, 1.0].map(pair);
/// let same = [true, true, true, false, false, false];
/// let scorer = Scorer::fit(0, &[Signal::Hash], &rows, &same, 1e-3);
/// assert!(sigmoid(scorer.log_odds(&pair(0.0))) > 0.9);
/// assert!(sigmoid(scorer.log_odds(&pair(1.0))) < 0.1);
/// // Where a signal could not be measured, the odds are those without it.
/// assert!((sigmoid(scorer.log_odds(&pair(f32::NAN))) - 0.5).abs() < 0.1);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Scorer {
    signals: Vec<Signal>,
    /// Place of each signal among all.
    places: Vec<usize>,
    logistic: Logistic,
}

/// A scorer on disk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScorerFile {
    signals: Vec<String>,
    mean: Vec<f32>,
    std: Vec<f32>,
    weights: Vec<f32>,
    bias: f32,
}

/// Weights below this, in log-odds per standard deviation, are taken for 0.
const LEAST_WEIGHT: f32 = 0.01;

impl Scorer {
    /// Learns from rows of all signals, each with its answer. Both answers together get
    /// the same weight, so that .5 means even odds where half of the pairs are the same.
    pub fn fit(
        layers: usize,
        signals: &[Signal],
        rows: &[Vec<f32>],
        same: &[bool],
        regularisation: f64,
    ) -> Self {
        let places: Vec<usize> = signals.iter().map(|s| s.index(layers)).collect();
        let narrow = narrow(&places, rows);
        let weights = logistic::balanced(same);
        let signs = signs(signals);
        let mut logistic = logistic::fit(&narrow, same, &weights, &signs, regularisation, None);
        // A signal that hardly counts need not be measured.
        let small = |weight: &&mut f32| weight.abs() < LEAST_WEIGHT;
        logistic
            .weights
            .iter_mut()
            .filter(small)
            .for_each(|weight| *weight = 0.0);
        Self {
            signals: signals.to_vec(),
            places,
            logistic,
        }
    }

    /// The same signals, trained further. With fewer rows it stays nearer to what it was.
    /// Signals that the rows do not have keep their weights.
    #[must_use]
    pub fn refit(&self, unmeasured: &[Signal], rows: &[Vec<f32>], same: &[bool]) -> Self {
        let mut narrow = narrow(&self.places, rows);
        for (i, signal) in self.signals.iter().enumerate() {
            if unmeasured.contains(signal) {
                let mean = self.logistic.mean[i];
                narrow.iter_mut().for_each(|row| row[i] = mean);
            }
        }
        let pull = PRIOR_PAIRS / rows.len().max(1) as f64;
        let prior = Some(&self.logistic);
        Self {
            logistic: logistic::fit(
                &narrow,
                same,
                &logistic::balanced(same),
                &signs(&self.signals),
                pull,
                prior,
            ),
            ..self.clone()
        }
    }

    /// Log-odds of "the same", from all signals.
    pub fn log_odds(&self, values: &[f32]) -> f32 {
        self.logistic.bias + self.terms(values).map(|(_, term)| term).sum::<f32>()
    }

    fn terms<'a>(&'a self, values: &'a [f32]) -> impl Iterator<Item = (Signal, f32)> + 'a {
        let l = &self.logistic;
        self.signals.iter().enumerate().map(move |(i, &signal)| {
            let value = values[self.places[i]];
            // What could not be measured is taken to be as in the average pair.
            let scaled = match value.is_nan() {
                true => 0.0,
                false => (value - l.mean[i]) / l.std[i],
            };
            (signal, l.weights[i] * scaled)
        })
    }

    /// What speaks for "the same" and against it, in log-odds against the average pair of
    /// the training: by layer, then the whole picture, its neighbourhood and its parts.
    pub fn evidence(&self, layout: &Layout, values: &[f32]) -> Vec<(String, f32)> {
        let mut groups: Vec<(String, f32)> = Vec::new();
        for (signal, term) in self.terms(values) {
            let name = match signal.layer() {
                Some(layer) => layout.layers()[layer].name.clone(),
                None => signal.name(layout),
            };
            match groups.iter_mut().find(|(group, _)| *group == name) {
                Some((_, sum)) => *sum += term,
                None => groups.push((name, term)),
            }
        }
        groups.retain(|(_, sum)| *sum != 0.0);
        groups
    }

    /// Whether it looks at this signal.
    pub fn uses(&self, signal: Signal) -> bool {
        self.signals.contains(&signal)
    }

    /// Signals with their weights, per standard deviation.
    pub fn weights(&self) -> impl Iterator<Item = (Signal, f32)> + '_ {
        self.signals
            .iter()
            .copied()
            .zip(self.logistic.weights.iter().copied())
    }

    pub(super) fn to_file(&self, layout: &Layout) -> ScorerFile {
        ScorerFile {
            signals: self.signals.iter().map(|s| s.name(layout)).collect(),
            mean: self.logistic.mean.clone(),
            std: self.logistic.std.clone(),
            weights: self.logistic.weights.clone(),
            bias: self.logistic.bias,
        }
    }

    pub(super) fn from_file(file: ScorerFile, layout: &Layout) -> Result<Self, String> {
        let layers = layout.layers().len();
        let signals = file
            .signals
            .iter()
            .map(|name| {
                Signal::named(name, layout).ok_or_else(|| format!("there is no signal {name}"))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let count = signals.len();
        if [&file.mean, &file.std, &file.weights]
            .iter()
            .any(|v| v.len() != count)
        {
            return Err(format!("a scorer is not of {count} signals"));
        }
        if file.std.iter().any(|std| *std <= 0.0) {
            return Err("a standard deviation is not positive".to_owned());
        }
        Ok(Self {
            places: signals.iter().map(|s| s.index(layers)).collect(),
            signals,
            logistic: Logistic {
                mean: file.mean,
                std: file.std,
                weights: file.weights,
                bias: file.bias,
            },
        })
    }
}

/// The weights so far count as much as this many new pairs.
const PRIOR_PAIRS: f64 = 10.0;

fn narrow(places: &[usize], rows: &[Vec<f32>]) -> Vec<Vec<f32>> {
    let pick = |row: &Vec<f32>| places.iter().map(|&place| row[place]).collect();
    rows.iter().map(pick).collect()
}

/// The signs that weights must have.
fn signs(signals: &[Signal]) -> Vec<f32> {
    let sign = |s: &Signal| if s.is_similarity() { 1.0 } else { -1.0 };
    signals.iter().map(sign).collect()
}

/// Log-odds to a probability.
pub fn sigmoid(log_odds: f32) -> f32 {
    1.0 / (1.0 + (-log_odds).exp())
}

/// Log-odds of a probability, as far from 0 and 1 as an f32 can tell.
pub fn logit(probability: f32) -> f32 {
    let p = probability.clamp(1e-6, 1.0 - 1e-6);
    (p / (1.0 - p)).ln()
}
