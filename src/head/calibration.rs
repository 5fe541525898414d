//! From what a list tells of a candidate to the probability that it is right.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use super::list_rule::ListRule;
use super::logistic::{self, Logistic};
use super::reference_set::ReferenceSet;
use crate::activation::Activations;

/// The probability that a candidate is right, from the features of its list: a logistic
/// regression, learned on lists from stores of many sizes and mixes.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    rule: ListRule,
    logistic: Logistic,
    references: ReferenceSet,
    /// A picture whose middle layer varies less than this from place to place shows nothing.
    plain_below: f32,
}

/// A calibration on disk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CalibrationFile {
    features: Vec<String>,
    mean: Vec<f32>,
    std: Vec<f32>,
    weights: Vec<f32>,
    bias: f32,
    /// Descriptors of pictures of all kinds, a signed byte a number, in base64.
    references: String,
    plain_below: f32,
}

/// Features farther than this from their mean, in standard deviations, count as so far.
const FARTHEST: f32 = 4.0;
/// The most that a picture of nothing scores with another.
const PLAIN: f32 = 0.5;
/// Factor of half the squared weights.
const REGULARISATION: f64 = 3e-4;

impl Calibration {
    /// Learns from rows of features of lists by [`ListRule::BySize`], each with its answer and how
    /// much it counts (in sum 1).
    pub fn fit(
        rows: &[Vec<f32>],
        same: &[bool],
        weights: &[f32],
        references: ReferenceSet,
        plain_below: f32,
    ) -> Self {
        let rule = ListRule::BySize;
        let signs = rule.features().iter().map(|f| f32::from(f.sign));
        let signs: Vec<f32> = signs.collect();
        let (mean, std) = logistic::moments(rows, signs.len());
        let clipped: Vec<Vec<f32>> = rows.iter().map(|row| clipped(row, &mean, &std)).collect();
        let inner = logistic::fit(&clipped, same, weights, &signs, REGULARISATION, None);
        // One standardisation of the two.
        let each = inner.weights.iter().zip(inner.mean.iter().zip(&inner.std));
        let (weights, shifts): (Vec<f32>, Vec<f32>) =
            each.map(|(w, (m, s))| (w / s, w * m / s)).unzip();
        Self {
            rule,
            logistic: Logistic {
                bias: inner.bias - shifts.iter().sum::<f32>(),
                mean,
                std,
                weights,
            },
            references,
            plain_below,
        }
    }

    /// How much a picture's middle layer varies from place to place, by which plain pictures are
    /// told: those of one colour, gradients, noise.
    pub fn variation(picture: Activations<'_>) -> Option<f32> {
        picture.layer_spread(picture.layer_count() / 2)
    }

    /// Whether a picture shows nothing.
    pub fn is_plain(&self, picture: Activations<'_>) -> bool {
        Self::variation(picture).is_some_and(|variation| variation < self.plain_below)
    }

    /// The most that two pictures can score, of which one may be plain: then nobody knows whether they
    /// are the same.
    pub fn ceiling(is_one_plain: bool) -> f32 {
        match is_one_plain {
            true => PLAIN,
            false => 1.0,
        }
    }

    /// Log-odds that a candidate is right.
    pub fn log_odds(&self, row: &[f32]) -> f32 {
        self.logistic.bias + self.terms(row).map(|(_, term)| term).sum::<f32>()
    }

    /// Each feature's share of the log-odds, by its place.
    pub fn terms<'a>(&'a self, row: &'a [f32]) -> impl Iterator<Item = (usize, f32)> + 'a {
        let l = &self.logistic;
        let scaled = clipped(row, &l.mean, &l.std).into_iter();
        let terms = scaled.zip(&l.weights).map(|(value, weight)| value * weight);
        terms.enumerate()
    }

    /// How much one unit of a feature, within bounds, adds to the log-odds.
    pub(super) fn slope(&self, feature: usize) -> f32 {
        self.logistic.weights[feature] / self.logistic.std[feature]
    }

    /// How lists are ordered for it.
    pub fn rule(&self) -> ListRule {
        self.rule
    }

    /// Pictures of all kinds.
    pub fn references(&self) -> &ReferenceSet {
        &self.references
    }

    pub(super) fn to_file(&self) -> CalibrationFile {
        let features = self.rule.features().iter();
        CalibrationFile {
            features: features.map(|feature| feature.name.to_owned()).collect(),
            mean: self.logistic.mean.clone(),
            std: self.logistic.std.clone(),
            weights: self.logistic.weights.clone(),
            bias: self.logistic.bias,
            references: BASE64.encode(self.references.to_bytes()),
            plain_below: self.plain_below,
        }
    }

    pub(super) fn from_file(file: CalibrationFile, dimensions: usize) -> Result<Self, String> {
        let rule = ListRule::of_features(&file.features);
        let rule = rule.ok_or("its calibration reads other features than this simdex gives")?;
        let lengths = [&file.mean, &file.std, &file.weights];
        if lengths.iter().any(|v| v.len() != file.features.len()) {
            return Err("its calibration's lengths do not fit together".to_owned());
        }
        if file.std.iter().any(|std| *std <= 0.0) {
            return Err("a standard deviation is not positive".to_owned());
        }
        let bytes = BASE64.decode(&file.references);
        let bytes = bytes.map_err(|error| format!("its references are not base64: {error}"))?;
        let references = ReferenceSet::from_bytes(&bytes, dimensions);
        let references = references.ok_or("its references are of other descriptors")?;
        Ok(Self {
            rule,
            logistic: Logistic {
                mean: file.mean,
                std: file.std,
                weights: file.weights,
                bias: file.bias,
            },
            references,
            plain_below: file.plain_below,
        })
    }
}

/// Features in standard deviations, within bounds.
fn clipped(row: &[f32], mean: &[f32], std: &[f32]) -> Vec<f32> {
    let scales = mean.iter().zip(std);
    let scaled = row.iter().zip(scales).map(|(v, (m, s))| (v - m) / s);
    scaled.map(|v| v.clamp(-FARTHEST, FARTHEST)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Descriptor;

    fn rows() -> (Vec<Vec<f32>>, Vec<bool>) {
        // The order is right in three of four where it is high and in one of four where it is low;
        // the rank says the same, but counts in one direction only.
        let row = |i: usize| {
            let high = f32::from(u8::from(i.is_multiple_of(2)));
            let mut row = vec![0.0; ListRule::BySize.features().len()];
            row[0] = high;
            row[6] = high;
            row
        };
        let right = |i: usize| match i % 8 {
            0 => false,
            1 => true,
            other => other.is_multiple_of(2),
        };
        (0..800).map(|i| (row(i), right(i))).unzip()
    }

    #[test]
    fn probabilities_are_shares_and_survive_the_file() {
        let (rows, same) = rows();
        let weights = vec![1.0 / rows.len() as f32; rows.len()];
        let references = [Descriptor::normalized(vec![1.0, 2.0, 0.5, -1.0])];
        let references = ReferenceSet::new(&references);
        let fitted = Calibration::fit(&rows, &same, &weights, references, 0.1);
        let probability = |row: &[f32]| 1.0 / (1.0 + (-fitted.log_odds(row)).exp());
        assert!((probability(&rows[0]) - 0.75).abs() < 0.02);
        assert!((probability(&rows[1]) - 0.25).abs() < 0.02);
        let read = Calibration::from_file(fitted.to_file(), 4).unwrap();
        assert_eq!(read, fitted);
        assert!(Calibration::from_file(fitted.to_file(), 5).is_err());
        // A head of before has fewer features, and keeps its rule.
        let mut before = fitted.to_file();
        let fewer = ListRule::AnySize.features().len();
        before.features.truncate(fewer);
        assert!(Calibration::from_file(before.clone(), 4).is_err());
        for values in [&mut before.mean, &mut before.std, &mut before.weights] {
            values.truncate(fewer);
        }
        let read = Calibration::from_file(before.clone(), 4).unwrap();
        assert_eq!(read.rule(), ListRule::AnySize);
        assert_eq!(read.to_file(), before);
        let mut other = fitted.to_file();
        other.features[0] = "other".to_owned();
        assert!(Calibration::from_file(other, 4).is_err());
    }
}
