//! Learning how pictures look: a matrix under which edits that keep a look stay near their
//! picture, edits that break it go away, and what people find nearer is nearer.

mod folds;
mod loss;
mod start;

use nalgebra::DMatrix;
use rand::SeedableRng;
use rand::seq::index::sample;
use rand_chacha::ChaCha8Rng;

use super::projection::principal;
use super::thresholds::thresholds;
use crate::head::{Thresholds, sigmoid};
use crate::network::{
    LookDescriptor, LookOdds, LookPart, LookProjection, LookStatistics, NetworkId, Statistic,
};

pub use folds::{LookFigures, Triplet, agreement, ceiling, held_out};

/// Numbers in a look.
const DIMENSIONS: usize = 128;
/// Principal directions that they are sought among.
const DIRECTIONS: usize = 256;
/// Steps of the descent, and how far one goes, against the mean size of the matrix's numbers.
const STEPS: usize = 60;
const RATE: f32 = 0.02;
/// Pictures with edits, and others, that one step looks at.
const SOURCES: usize = 60;
const OTHERS: usize = 1_200;
/// What people's judgements count against edits.
const PEOPLE: f32 = 16.0;

/// Layers of MobileNetV2 whose statistics make a look: the ends of blocks 3, 6, 10 and 13. Those
/// before see edges and colours, those behind see what is shown.
const LAYERS: [&str; 4] = ["block_3", "block_6", "block_10", "block_13"];

/// The parts of a look, for a network of these layers: those named as above, or where there are
/// none the layers at the same depths.
pub fn look_parts(layers: &[String]) -> Vec<LookPart> {
    let named = LAYERS.iter().filter_map(|name| {
        let is_it = |layer: &String| layer == name || layer.starts_with(&format!("{name}_"));
        layers.iter().position(is_it)
    });
    let mut places: Vec<usize> = named.collect();
    if places.len() < LAYERS.len() {
        let at = |share: f64| (share * layers.len() as f64) as usize;
        places = [0.17, 0.34, 0.56, 0.73].map(at).to_vec();
        places.dedup();
    }
    let both = |layer: usize| {
        [Statistic::Mean, Statistic::Spread].map(|statistic| LookPart {
            layer: u32::try_from(layer).unwrap_or(u32::MAX),
            statistic,
        })
    };
    places.into_iter().flat_map(both).collect()
}

/// A picture with versions of it.
#[derive(Debug, Clone)]
pub struct Versions {
    /// Its group: of one fold with all of the group.
    pub group: usize,
    /// The picture, and edits that keep its look.
    pub kept: Vec<Vec<f32>>,
    /// Edits that break it.
    pub broken: Vec<Vec<f32>>,
}

/// What looks are learned from: statistics of layers, as they are.
#[derive(Debug, Clone)]
pub struct LookSet {
    /// What the statistics are of.
    pub parts: Vec<LookPart>,
    /// Numbers of each part.
    pub widths: Vec<usize>,
    /// Pictures, each with its group.
    pub pictures: Vec<(usize, Vec<f32>)>,
    /// Pictures with versions.
    pub versions: Vec<Versions>,
    /// Pictures that people have judged.
    pub judged: Vec<Vec<f32>>,
    /// The judgements, of those.
    pub triplets: Vec<Triplet>,
    /// Seed of everything random.
    pub seed: u64,
}

/// Fits a look projection.
pub fn fit_look(network: &NetworkId, set: &LookSet) -> LookProjection {
    let statistics = statistics(set);
    let standard = |rows: &[Vec<f32>]| matrix(&statistics, rows);
    let plain: Vec<Vec<f32>> = set.pictures.iter().map(|(_, row)| row.clone()).collect();
    let mut plain = standard(&plain);
    let mean = plain.row_mean();
    let centre = |rows: &mut DMatrix<f32>| {
        for mut row in rows.row_iter_mut() {
            row -= &mean;
        }
    };
    centre(&mut plain);
    let wanted = DIRECTIONS.min(plain.nrows()).min(plain.ncols());
    let directions = principal(&plain, wanted);
    let project = |rows: &[Vec<f32>]| {
        let mut rows = standard(rows);
        centre(&mut rows);
        rows * &directions
    };
    let others = plain * &directions;
    let versions: Vec<Placed> = set
        .versions
        .iter()
        .map(|versions| Placed {
            kept: project(&versions.kept),
            broken: project(&versions.broken),
        })
        .collect();
    let judged = project(&set.judged);
    let start = start::start(&others, &versions, DIMENSIONS);
    let learned = descend(start, &others, &versions, &judged, set);
    // Looks are (statistics - mean) x directions x learned; kept as rows of the transpose.
    let whole = (&directions * &learned).transpose();
    let rows: Vec<Vec<f32>> = whole
        .row_iter()
        .map(|row| row.iter().copied().collect())
        .collect();
    let offset = &whole * mean.transpose();
    let offset = offset.iter().copied().collect();
    let none = LookOdds::default();
    let projection = LookProjection::new(network.clone(), &statistics, &rows, offset, none);
    let odds = odds(&projection, set);
    projection.with_odds(odds)
}

/// A picture's versions, in principal directions.
struct Placed {
    kept: DMatrix<f32>,
    broken: DMatrix<f32>,
}

fn statistics(set: &LookSet) -> LookStatistics {
    let width: usize = set.widths.iter().sum();
    let count = set.pictures.len().max(1) as f64;
    let (mut sums, mut squares) = (vec![0f64; width], vec![0f64; width]);
    for (_, row) in &set.pictures {
        for (i, value) in row.iter().enumerate() {
            sums[i] += f64::from(*value);
            squares[i] += f64::from(*value).powi(2);
        }
    }
    let mean: Vec<f64> = sums.iter().map(|sum| sum / count).collect();
    let spread = squares.iter().zip(&mean);
    let spread: Vec<f64> = spread
        .map(|(square, mean)| (square / count - mean * mean).max(0.0).sqrt())
        .collect();
    // Numbers that hardly vary must not weigh as much as those that do.
    let mut inverse_std = Vec::with_capacity(width);
    let mut from = 0;
    for width in &set.widths {
        let part = from..from + width;
        let largest = mean[part.clone()].iter().fold(0f64, |m, v| m.max(v.abs()));
        let least = 1e-4 * largest + 1e-8;
        inverse_std.extend(spread[part].iter().map(|s| (1.0 / (s + least)) as f32));
        from += width;
    }
    LookStatistics {
        parts: set.parts.clone(),
        widths: set.widths.clone(),
        mean: mean.into_iter().map(|mean| mean as f32).collect(),
        inverse_std,
    }
}

fn matrix(statistics: &LookStatistics, rows: &[Vec<f32>]) -> DMatrix<f32> {
    let mut all = DMatrix::zeros(rows.len(), statistics.mean.len());
    for (i, row) in rows.iter().enumerate() {
        let mut row = row.clone();
        statistics.standardise(&mut row);
        all.row_mut(i).copy_from_slice(&row);
    }
    all
}

/// Gradient descent (Adam, Kingma and Ba 2015) on both losses together.
fn descend(
    mut at: DMatrix<f32>,
    others: &DMatrix<f32>,
    versions: &[Placed],
    judged: &DMatrix<f32>,
    set: &LookSet,
) -> DMatrix<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(set.seed);
    let rate = RATE * at.iter().map(|v| v.abs()).sum::<f32>() / at.len().max(1) as f32;
    let mut first = DMatrix::<f32>::zeros(at.nrows(), at.ncols());
    let mut second = first.clone();
    for step in 1..=STEPS {
        let sources = sample(&mut rng, versions.len(), SOURCES.min(versions.len()));
        let drawn = sample(&mut rng, others.nrows(), OTHERS.min(others.nrows()));
        let batch = loss::Batch::new(
            sources.iter().map(|i| &versions[i]),
            drawn.iter().map(|i| others.row(i)),
            others.ncols(),
        );
        let mut gradient = batch.gradient(&at);
        gradient += loss::people(&at, judged, &set.triplets) * PEOPLE;
        first = first * 0.9 + &gradient * 0.1;
        second = second * 0.99 + gradient.component_mul(&gradient) * 0.01;
        let power = i32::try_from(step).unwrap_or(i32::MAX);
        let (of_first, of_second) = (1.0 - 0.9f32.powi(power), 1.0 - 0.99f32.powi(power));
        at.zip_zip_apply(&first, &second, |value, first, second| {
            *value -= rate * (first / of_first) / ((second / of_second).sqrt() + 1e-12);
        });
    }
    at
}

/// Other pictures that each version is held against: the nearest of them.
const NEAREST: usize = 10;
/// Looks of this cosine are the same.
const SAME: f64 = 0.98;
/// Rounds of the fit of the odds.
const ROUNDS: usize = 50;

/// The odds of a cosine: versions that keep a look against those that break it and the nearest
/// other pictures, both kinds with the same weight (Newton's method).
fn odds(projection: &LookProjection, set: &LookSet) -> LookOdds {
    let look = |row: &Vec<f32>| projection.describe_statistics(row.clone());
    let others: Vec<LookDescriptor> = set.pictures.iter().map(|(_, row)| look(row)).collect();
    let (mut alike, mut other) = (Vec::new(), Vec::new());
    for versions in &set.versions {
        let kept: Vec<LookDescriptor> = versions.kept.iter().map(&look).collect();
        for (i, one) in kept.iter().enumerate() {
            alike.extend(kept[i + 1..].iter().map(|two| f64::from(one.cosine(two))));
            // Grey pictures are not broken by taking their colours away.
            let differs = |cosine: &f64| *cosine < SAME;
            let broken = versions.broken.iter().map(&look);
            let broken = broken.map(|broken| f64::from(one.cosine(&broken)));
            other.extend(broken.filter(differs));
            // The picture itself and its near-copies are among them.
            let near = others.iter().map(|other| f64::from(one.cosine(other)));
            let mut near: Vec<f64> = near.filter(differs).collect();
            near.sort_by(|a, b| b.total_cmp(a));
            other.extend(near.into_iter().take(NEAREST));
        }
    }
    let (slope, bias) = logistic(&alike, &other);
    let mut odds = LookOdds {
        slope,
        bias,
        precision: [None; 2],
    };
    let scored = [(&alike, true), (&other, false)];
    let scored = scored.into_iter().flat_map(|(cosines, right)| {
        let score = move |cosine: &f64| (sigmoid(odds.of(*cosine as f32)), right);
        cosines.iter().map(score)
    });
    let Thresholds {
        precision_90,
        precision_99,
    } = thresholds(&scored.collect::<Vec<_>>());
    odds.precision = [precision_90, precision_99];
    odds
}

/// Slope and bias of a logistic regression over one number.
fn logistic(alike: &[f64], other: &[f64]) -> (f32, f32) {
    let weighed = |all: &[f64], is: f64| -> Vec<(f64, f64, f64)> {
        let weight = 0.5 / all.len().max(1) as f64;
        all.iter().map(|x| (*x, is, weight)).collect()
    };
    let rows = [weighed(alike, 1.0), weighed(other, 0.0)].concat();
    let (mut slope, mut bias) = (1.0, 0.0);
    for _ in 0..ROUNDS {
        // The gradient and the second derivatives; a little is added so that they can be inverted.
        let (mut g, mut h) = ([0.0; 2], [1e-6, 0.0, 1e-6]);
        for (x, is, weight) in &rows {
            let p = 1.0 / (1.0 + (-(slope * x + bias)).exp());
            let (error, curve) = (weight * (p - is), weight * p * (1.0 - p));
            g[0] += error * x;
            g[1] += error;
            h[0] += curve * x * x;
            h[1] += curve * x;
            h[2] += curve;
        }
        let determinant = h[0] * h[2] - h[1] * h[1];
        let step = [
            (h[2] * g[0] - h[1] * g[1]) / determinant,
            (h[0] * g[1] - h[1] * g[0]) / determinant,
        ];
        slope -= step[0].clamp(-5.0, 5.0);
        bias -= step[1].clamp(-5.0, 5.0);
    }
    (slope.max(0.1) as f32, bias as f32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;

    #[test]
    fn the_odds_are_even_in_the_middle() {
        let (slope, bias) = logistic(&[0.9, 0.8, 0.7, 0.55], &[0.5, 0.4, 0.3, 0.6]);
        assert!(slope > 1.0);
        assert!((slope * 0.6 + bias).abs() < 1.0, "{slope} {bias}");
    }

    /// Of six numbers the first two tell the look, the next two are kept by no edit, and people go
    /// by the fifth.
    #[test]
    fn what_edits_and_people_say_is_learned() {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let mut row = || -> Vec<f32> { (0..6).map(|_| rng.random::<f32>() - 0.5).collect() };
        let pictures: Vec<(usize, Vec<f32>)> = (0..200).map(|i| (i % 5, row())).collect();
        let noise: Vec<Vec<f32>> = (0..400).map(|_| row()).collect();
        let version = |i: usize, n: usize, look: bool| {
            let mut version = pictures[i].1.clone();
            let drawn = &noise[(i * 7 + n * 31) % noise.len()];
            version[2..4].copy_from_slice(&drawn[2..4]);
            if !look {
                version[..2].copy_from_slice(&drawn[..2]);
            }
            version
        };
        let versions = (0..60).map(|i| Versions {
            group: i % 5,
            kept: (0..4).map(|n| version(i, n, true)).collect(),
            broken: (4..7).map(|n| version(i, n, false)).collect(),
        });
        let judged: Vec<Vec<f32>> = (0..20).map(|_| row()).collect();
        let nearer = |r: usize, a: usize, b: usize| {
            let off = |i: usize| (judged[r][4] - judged[i][4]).abs();
            off(a) < off(b)
        };
        let mut triplets = Vec::new();
        for reference in 0..20 {
            for n in 1..12 {
                let (a, b) = ((reference + n) % 20, (reference + n + 3) % 20);
                if reference != b {
                    triplets.push(Triplet {
                        reference,
                        a,
                        b,
                        share: if nearer(reference, a, b) { 1.0 } else { 0.0 },
                        votes: 1.0,
                    });
                }
            }
        }
        let part = LookPart {
            layer: 0,
            statistic: Statistic::Mean,
        };
        let set = LookSet {
            parts: vec![part],
            widths: vec![6],
            pictures: pictures.clone(),
            versions: versions.collect(),
            judged,
            triplets,
            seed: 1,
        };
        let network: NetworkId = serde_json::from_str("\"0\"").unwrap();
        let unjudged = LookSet {
            triplets: Vec::new(),
            ..set.clone()
        };
        let projection = fit_look(&network, &unjudged);
        let look = |row: &[f32]| projection.describe_statistics(row.to_vec());
        let right = set.versions.iter().filter(|versions| {
            let [one, two] = [0, 1].map(|i| look(&versions.kept[i]));
            let broken = look(&versions.broken[0]);
            one.cosine(&two) > one.cosine(&broken)
        });
        let right = right.count();
        assert!(right > 50, "{right}");
        let projection = fit_look(&network, &set);
        let look = |row: &[f32]| projection.describe_statistics(row.to_vec());
        let looks: Vec<LookDescriptor> = set.judged.iter().map(|row| look(row)).collect();
        let agreed = agreement(&set.triplets, &|a, b| looks[a].cosine(&looks[b]));
        assert!(agreed > 0.6, "{agreed}");
        assert!(projection.odds().of(0.99) > projection.odds().of(0.2) + 1.0);
    }

    #[test]
    fn parts_are_found_by_name_or_depth() {
        let names: Vec<String> = (0..18).map(|i| format!("block_{i}_project")).collect();
        let parts = look_parts(&names);
        let layers: Vec<u32> = parts.iter().map(|part| part.layer).collect();
        assert_eq!(layers, [3, 3, 6, 6, 10, 10, 13, 13]);
        let others: Vec<String> = (0..10).map(|i| format!("stage{i}")).collect();
        assert_eq!(look_parts(&others).len(), 8);
    }
}
