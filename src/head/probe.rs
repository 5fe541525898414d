//! What the user's labels teach.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::label_weights::LabelWeights;
use super::scorer::{logit, sigmoid};
use crate::activation::inner_product_f32;
use crate::network::Descriptor;

/// What the user's own labels say: a multinomial logistic regression over descriptors, and how
/// familiar a picture looks, so that the probe does not answer for classes it never saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// Names of the classes.
    pub classes: Vec<String>,
    /// Mean of the training pictures' descriptors.
    #[serde(rename = "centre")]
    mean: Vec<f32>,
    /// Classes x dimensions.
    weights: Vec<Vec<f32>>,
    bias: Vec<f32>,
    /// What pictures of all kinds have in common. It is subtracted so that a picture of no
    /// known class stands out. (If the mean of the labelled pictures were subtracted and there
    /// were two classes, each would be as far from the other as possible.)
    #[serde(rename = "home")]
    background_mean: Vec<f32>,
    /// Mean direction of each class, without that.
    centroids: Vec<Vec<f32>>,
    /// Cosine to the nearest centroid at which a picture is as likely known as not, and
    /// how steeply it grows likelier.
    familiar_at: f32,
    familiar_slope: f32,
    /// How much all this counts in a list.
    #[serde(default)]
    in_lists: LabelWeights,
}

/// Pictures of all kinds, by their descriptors' means and standard deviations. Descriptors
/// are principal components, so that their numbers vary by themselves.
#[derive(Debug, Clone, Copy)]
pub struct Background<'a> {
    /// Mean of each number.
    pub mean: &'a [f32],
    /// Standard deviation of each number.
    pub spread: &'a [f32],
}

/// Standard deviations of the numbers of descriptors whose mean is known.
pub fn spread<'a>(mean: &[f32], descriptors: impl Iterator<Item = &'a Descriptor>) -> Vec<f32> {
    let (mut squares, mut count) = (vec![0f32; mean.len()], 0f32);
    for descriptor in descriptors {
        for (square, value) in squares.iter_mut().zip(descriptor.values()) {
            *square += value * value;
        }
        count += 1.0;
    }
    let variance = |(square, mean): (&f32, &f32)| square / count.max(1.0) - mean * mean;
    let pairs = squares.iter().zip(mean);
    pairs.map(|pair| variance(pair).max(0.0).sqrt()).collect()
}

/// Background pictures drawn.
const DRAWN: usize = 500;

impl Background<'_> {
    /// Descriptors of pictures of no kind in particular.
    fn draw(&self) -> Vec<Descriptor> {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut one = || {
            let values = self.mean.iter().zip(self.spread).map(|(mean, spread)| {
                // The sum of twelve is as good as normal here.
                let normal: f32 = (0..12).map(|_| rng.random::<f32>()).sum::<f32>() - 6.0;
                mean + spread * normal
            });
            Descriptor::normalized(values.collect())
        };
        (0..DRAWN).map(|_| one()).collect()
    }
}

/// What the probe makes of one picture.
#[derive(Debug, Clone)]
pub struct ClassProbabilities {
    /// Probability of each class, if it is one of them.
    pub classes: Vec<f32>,
    /// Probability that it is of one of them.
    pub known: f32,
    /// How much that counts.
    weights: LabelWeights,
}

const STEPS: usize = 400;
/// Factor of half the squared weights: descriptors are at unit length, so that weights of
/// some tens are needed to be sure of anything.
const REGULARISATION: f32 = 3e-4;

impl Probe {
    /// Learns from descriptors and the class of each, among a background of others.
    pub fn fit(
        background: Background<'_>,
        descriptors: &[&Descriptor],
        labels: &[usize],
        classes: &[String],
    ) -> Self {
        let mut mean = vec![0f32; descriptors.first().map_or(0, |d| d.values().len())];
        for descriptor in descriptors {
            let share = 1.0 / descriptors.len() as f32;
            mean.iter_mut()
                .zip(descriptor.values())
                .for_each(|(m, v)| *m += share * v);
        }
        let inputs: Vec<Descriptor> = descriptors.iter().map(|d| d.minus_mean(&mean)).collect();
        let (weights, bias) = regress(&inputs, labels, classes.len());
        let centred = |d: &Descriptor| d.minus_mean(background.mean);
        let pictures: Vec<Descriptor> = descriptors.iter().map(|d| centred(d)).collect();
        let drawn: Vec<Descriptor> = background.draw().iter().map(centred).collect();
        let sums = sums(&pictures, labels, classes.len());
        let (familiar_at, familiar_slope) = familiarity(&pictures, labels, &sums, &drawn);
        Self {
            classes: classes.to_vec(),
            mean,
            weights,
            bias,
            background_mean: background.mean.to_vec(),
            centroids: sums.into_iter().map(direction).collect(),
            familiar_at,
            familiar_slope,
            in_lists: LabelWeights::default(),
        }
    }

    /// The same with other weights in lists.
    #[must_use]
    pub fn weighed(self, weights: LabelWeights) -> Self {
        Self {
            in_lists: weights,
            ..self
        }
    }

    /// How much the labels count in lists.
    pub fn weights(&self) -> LabelWeights {
        self.in_lists
    }

    /// Whether the lengths fit together and to descriptors of `dimensions`.
    pub(super) fn fits(&self, dimensions: usize) -> bool {
        let count = self.classes.len();
        let wide =
            |rows: &[Vec<f32>]| rows.len() == count && rows.iter().all(|r| r.len() == dimensions);
        count > 0
            && wide(&self.weights)
            && wide(&self.centroids)
            && self.bias.len() == count
            && self.mean.len() == dimensions
            && self.background_mean.len() == dimensions
    }

    /// To which class a picture belongs.
    pub fn probabilities(&self, descriptor: &Descriptor) -> ClassProbabilities {
        let input = descriptor.minus_mean(&self.mean);
        let nearest = nearest(
            &self.centroids,
            &descriptor.minus_mean(&self.background_mean),
        );
        ClassProbabilities {
            classes: softmax(&self.weights, &self.bias, &input),
            known: sigmoid(self.familiar_slope * (nearest - self.familiar_at)),
            weights: self.in_lists,
        }
    }
}

impl ClassProbabilities {
    /// What the labels say for two pictures being of one class, in log-odds against chance.
    pub fn agreement(&self, other: &Self) -> f32 {
        const SURE: f32 = 1e-3;
        let agree = inner_product_f32(&self.classes, &other.classes);
        let chance = 1.0 / self.classes.len().max(2) as f32;
        let [agree, chance] = [agree, chance].map(|p| logit(p.clamp(SURE, 1.0 - SURE)));
        agree - chance
    }

    /// How familiar both pictures look, 0 to 1: the labels count less the less they know.
    pub fn known_both(&self, other: &Self) -> f32 {
        self.known * other.known
    }

    /// What the labels add to the log-odds of a pair alone.
    pub fn odds(&self, other: &Self) -> f32 {
        self.known_both(other) * self.weights.agreement * self.agreement(other)
    }

    /// What the labels add to the log-odds of a candidate, for which its list gives `list`.
    pub fn odds_in_list(&self, other: &Self, list: f32) -> f32 {
        let known = self.known_both(other);
        self.weights.odds(known, self.agreement(other), list)
    }

    /// Probability that two pictures are of one class; without the labels, `otherwise`.
    pub fn same(&self, other: &Self, otherwise: f32) -> f32 {
        sigmoid(logit(otherwise) + self.odds(other))
    }
}

fn nearest(centroids: &[Vec<f32>], input: &Descriptor) -> f32 {
    let cosines = centroids
        .iter()
        .map(|c| inner_product_f32(c, input.values()));
    cosines.fold(-1.0, f32::max)
}

fn softmax(weights: &[Vec<f32>], bias: &[f32], input: &Descriptor) -> Vec<f32> {
    let scores: Vec<f32> = weights
        .iter()
        .zip(bias)
        .map(|(row, bias)| bias + inner_product_f32(row, input.values()))
        .collect();
    let largest = scores.iter().copied().fold(f32::MIN, f32::max);
    let exps: Vec<f32> = scores.iter().map(|s| (s - largest).exp()).collect();
    let sum: f32 = exps.iter().sum();
    exps.into_iter().map(|e| e / sum).collect()
}

/// Multinomial logistic regression by accelerated gradient descent; each class has the
/// same total weight.
fn regress(inputs: &[Descriptor], labels: &[usize], classes: usize) -> (Vec<Vec<f32>>, Vec<f32>) {
    let width = inputs.first().map_or(0, |input| input.values().len());
    let mut counts = vec![0f32; classes];
    labels.iter().for_each(|&label| counts[label] += 1.0);
    let present = counts.iter().filter(|count| **count > 0.0).count().max(1) as f32;
    let zero = || vec![vec![0f32; width + 1]; classes];
    let (mut at, mut ahead, mut t) = (zero(), zero(), 1f32);
    // Inputs and the constant are at unit length: the curvature is at most a half of 2.
    let step = 1.0;
    for _ in 0..STEPS {
        let (weights, bias) = split(&ahead, width);
        let parts: Vec<Vec<Vec<f32>>> = inputs
            .par_chunks(512)
            .zip(labels.par_chunks(512))
            .map(|(inputs, labels)| {
                let mut sums = zero();
                for (input, &label) in inputs.iter().zip(labels) {
                    let p = softmax(&weights, &bias, input);
                    for (class, sum) in sums.iter_mut().enumerate() {
                        let answer = f32::from(u8::from(class == label));
                        let g = (p[class] - answer) / (counts[label] * present);
                        sum.iter_mut()
                            .zip(input.values())
                            .for_each(|(s, v)| *s += g * v);
                        sum[width] += g;
                    }
                }
                sums
            })
            .collect();
        let t_next = f32::midpoint(1.0, (1.0 + 4.0 * t * t).sqrt());
        let momentum = (t - 1.0) / t_next;
        for class in 0..classes {
            for i in 0..=width {
                let gradient: f32 = parts.iter().map(|part| part[class][i]).sum();
                let pull = if i < width {
                    REGULARISATION * ahead[class][i]
                } else {
                    0.0
                };
                let next = ahead[class][i] - step * (gradient + pull);
                ahead[class][i] = next + momentum * (next - at[class][i]);
                at[class][i] = next;
            }
        }
        t = t_next;
    }
    split(&at, width)
}

fn split(rows: &[Vec<f32>], width: usize) -> (Vec<Vec<f32>>, Vec<f32>) {
    rows.iter()
        .map(|row| (row[..width].to_vec(), row[width]))
        .unzip()
}

/// Sums over the pictures of each class.
fn sums(inputs: &[Descriptor], labels: &[usize], classes: usize) -> Vec<Vec<f32>> {
    let width = inputs.first().map_or(0, |input| input.values().len());
    let mut sums = vec![vec![0f32; width]; classes];
    for (input, &label) in inputs.iter().zip(labels) {
        let pairs = sums[label].iter_mut().zip(input.values());
        pairs.for_each(|(sum, value)| *sum += value);
    }
    sums
}

fn direction(sum: Vec<f32>) -> Vec<f32> {
    Descriptor::normalized(sum).values().to_vec()
}

/// The cosine to the nearest class at which a picture is as likely known as not. It lies
/// between the pictures' distances from their own class, which was learned without them, and
/// the distances of pictures of no known class. For those stand drawn pictures, and the
/// pictures themselves with their own class left out.
fn familiarity(
    inputs: &[Descriptor],
    labels: &[usize],
    sums: &[Vec<f32>],
    background: &[Descriptor],
) -> (f32, f32) {
    let all: Vec<Vec<f32>> = sums.iter().cloned().map(direction).collect();
    let (mut known, mut others) = (Vec::new(), Vec::new());
    for (input, &label) in inputs.iter().zip(labels) {
        let without = sums[label].iter().zip(input.values()).map(|(s, v)| s - v);
        let own = inner_product_f32(&direction(without.collect()), input.values());
        let classes = all.iter().enumerate().filter(|(class, _)| *class != label);
        let nearest = classes
            .map(|(_, class)| inner_product_f32(class, input.values()))
            .fold(-1.0, f32::max);
        known.push(own.max(nearest));
        others.push(nearest);
    }
    let drawn: Vec<f32> = background.iter().map(|d| nearest(&all, d)).collect();
    let (known_mean, known_std) = moments(&known);
    let (others_mean, others_std) = moments(&others);
    let (drawn_mean, drawn_std) = moments(&drawn);
    let unknown_mean = f32::midpoint(others_mean, drawn_mean);
    let unknown_variance = f32::midpoint(others_std.powi(2), drawn_std.powi(2));
    // Two normal distributions of one spread: log-odds are linear between their means.
    let spread = f32::midpoint(known_std.powi(2), unknown_variance).max(1e-4);
    let gap = (known_mean - unknown_mean).max(1e-3);
    (f32::midpoint(known_mean, unknown_mean), gap / spread)
}

fn moments(values: &[f32]) -> (f32, f32) {
    let count = values.len().max(1) as f32;
    let mean = values.iter().sum::<f32>() / count;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / count;
    (mean, variance.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_classes_are_told_apart_and_one_of_no_class_is_noticed() {
        let at = |axis: usize, i: usize| {
            let mut values = vec![0.05; 8];
            values[axis] = 1.0;
            values[(axis + i) % 8] += 0.2;
            Descriptor::normalized(values)
        };
        let labelled: Vec<_> = (0..3)
            .flat_map(|class| (1..8).map(move |i| (at(class, i), class)))
            .collect();
        let descriptors: Vec<_> = labelled.iter().map(|(d, _)| d).collect();
        let labels: Vec<_> = labelled.iter().map(|(_, class)| *class).collect();
        let names = ["a", "b", "c"].map(str::to_owned);
        let all: Vec<Descriptor> = (0..8)
            .flat_map(|axis| (1..8).map(move |i| at(axis, i)))
            .collect();
        let mean: Vec<f32> = (0..8)
            .map(|i| all.iter().map(|d| d.values()[i]).sum::<f32>() / all.len() as f32)
            .collect();
        let background = Background {
            mean: &mean,
            spread: &spread(&mean, all.iter()),
        };
        let probe = Probe::fit(background, &descriptors, &labels, &names);
        let read = |axis| probe.probabilities(&at(axis, 3));
        let (first, again, second, unknown) = (read(0), read(0), read(1), read(6));
        assert!(first.same(&again, 0.5) > 0.8, "{first:?}");
        assert!(first.same(&second, 0.5) < 0.2, "{second:?}");
        assert!(unknown.known < 0.2 && first.known > 0.8, "{unknown:?}");
        assert!((unknown.same(&unknown, 0.7) - 0.7).abs() < 0.1);
    }
}
