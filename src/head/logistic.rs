//! Logistic regression with weights of given signs, by accelerated projected gradient descent
//! (FISTA, Beck and Teboulle 2009): the problem is convex, so the result does not depend on the
//! start.

use rayon::prelude::*;

/// A fitted regression over standardised inputs.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Logistic {
    pub(super) mean: Vec<f32>,
    pub(super) std: Vec<f32>,
    pub(super) weights: Vec<f32>,
    pub(super) bias: f32,
}

const STEPS: usize = 1_500;
/// Rows summed by one task.
const CHUNK: usize = 2_048;

/// Weights of rows by which both outcomes count the same.
pub(super) fn balanced(same: &[bool]) -> Vec<f32> {
    let of_same = same.iter().filter(|same| **same).count().max(1) as f32;
    let of_different = (same.len() as f32 - of_same).max(1.0);
    let weight = |same: &bool| match same {
        true => 0.5 / of_same,
        false => 0.5 / of_different,
    };
    same.iter().map(weight).collect()
}

/// Fits `rows` to `same`, each row counting by its weight; all weights sum to 1. `signs` is 1, -1
/// or 0 (any sign) for each input; `regularisation` is the factor of half the squared weights, or
/// of half the squared distance from the weights of `prior`, a regression that is known.
pub(super) fn fit(
    rows: &[Vec<f32>],
    same: &[bool],
    weights: &[f32],
    signs: &[f32],
    regularisation: f64,
    prior: Option<&Logistic>,
) -> Logistic {
    let width = signs.len();
    let (mean, std) = match prior {
        Some(prior) => (prior.mean.clone(), prior.std.clone()),
        None => moments(rows, width),
    };
    let home = prior.map_or_else(
        || vec![0.0; width + 1],
        |prior| prior.weights.iter().copied().chain([prior.bias]).collect(),
    );
    let x: Vec<f32> = rows
        .iter()
        .flat_map(|row| {
            (0..width)
                .map(|i| (row[i] - mean[i]) / std[i])
                .collect::<Vec<_>>()
        })
        .collect();
    // The loss's curvature is at most a quarter of the weighted second moment's.
    let step = 1.0 / (0.25 * largest_moment(&x, weights, width) + regularisation as f32);
    let mut at = home.clone();
    let (mut ahead, mut t) = (at.clone(), 1f32);
    for _ in 0..STEPS {
        let gradient = gradient(&x, same, weights, &ahead);
        let mut next: Vec<f32> = (0..=width)
            .map(|i| {
                let pull = match i < width {
                    true => regularisation as f32 * (ahead[i] - home[i]),
                    false => 0.0,
                };
                ahead[i] - step * (gradient[i] + pull)
            })
            .collect();
        for (value, sign) in next.iter_mut().zip(signs) {
            if *value * sign < 0.0 {
                *value = 0.0;
            }
        }
        let t_next = f32::midpoint(1.0, (1.0 + 4.0 * t * t).sqrt());
        let momentum = (t - 1.0) / t_next;
        for i in 0..=width {
            ahead[i] = next[i] + momentum * (next[i] - at[i]);
        }
        (at, t) = (next, t_next);
    }
    let bias = at[width];
    at.truncate(width);
    Logistic {
        mean,
        std,
        weights: at,
        bias,
    }
}

/// Mean and standard deviation of each input; an input that never moves gets 1.
pub(super) fn moments(rows: &[Vec<f32>], width: usize) -> (Vec<f32>, Vec<f32>) {
    let count = rows.len().max(1) as f64;
    let column = |i: usize| rows.iter().map(move |row| f64::from(row[i]));
    let mean = |i: usize| column(i).sum::<f64>() / count;
    let std = |i: usize| {
        let m = mean(i);
        let variance = column(i).map(|v| (v - m).powi(2)).sum::<f64>() / count;
        if variance > 1e-12 {
            variance.sqrt() as f32
        } else {
            1.0
        }
    };
    (0..width).map(|i| (mean(i) as f32, std(i))).unzip()
}

/// The weighted gradient of the cross-entropy; the last entry is the bias's.
fn gradient(x: &[f32], same: &[bool], weights: &[f32], at: &[f32]) -> Vec<f32> {
    let width = at.len() - 1;
    let parts: Vec<Vec<f32>> = x
        .par_chunks(CHUNK * width)
        .zip(same.par_chunks(CHUNK))
        .zip(weights.par_chunks(CHUNK))
        .map(|((x, same), weights)| {
            let mut sum = vec![0f32; width + 1];
            for ((row, &same), weight) in x.chunks_exact(width).zip(same).zip(weights) {
                let z: f32 = at[width] + row.iter().zip(at).map(|(a, b)| a * b).sum::<f32>();
                let p = 1.0 / (1.0 + (-z).exp());
                let g = weight * (p - f32::from(u8::from(same)));
                sum.iter_mut().zip(row).for_each(|(s, v)| *s += g * v);
                sum[width] += g;
            }
            sum
        })
        .collect();
    // In order, so that the same input gives the same bits on any number of threads.
    let mut total = vec![0f32; width + 1];
    for part in parts {
        total.iter_mut().zip(part).for_each(|(t, p)| *t += p);
    }
    total
}

/// The largest eigenvalue of the weighted second moment of the inputs and the constant 1,
/// by power iteration, with a margin.
fn largest_moment(x: &[f32], weights: &[f32], width: usize) -> f32 {
    let mut v = vec![1.0 / ((width + 1) as f32).sqrt(); width + 1];
    let mut value = 1.0;
    for _ in 0..20 {
        let mut next = vec![0f32; width + 1];
        for (row, weight) in x.chunks_exact(width).zip(weights) {
            let z = v[width] + row.iter().zip(&v).map(|(a, b)| a * b).sum::<f32>();
            let z = z * weight;
            next.iter_mut().zip(row).for_each(|(n, r)| *n += z * r);
            next[width] += z;
        }
        value = next.iter().map(|n| n * n).sum::<f32>().sqrt().max(1e-6);
        v = next.into_iter().map(|n| n / value).collect();
    }
    value * 1.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odds_are_calibrated_and_signs_are_kept() {
        // x = 0 is "same" in one of four, x = 1 in three of four; the second input repeats
        // the first, but may only count against.
        let mut rows = Vec::new();
        let mut same = Vec::new();
        for i in 0..400 {
            let x = f32::from(u8::from(i % 2 == 0));
            rows.push(vec![x, x]);
            same.push(if i % 2 == 0 { i % 8 != 0 } else { i % 8 == 1 });
        }
        let fit = fit(&rows, &same, &balanced(&same), &[1.0, -1.0], 1e-6, None);
        let odds = |x: f32| {
            let scaled = |i: usize| (x - fit.mean[i]) / fit.std[i] * fit.weights[i];
            fit.bias + scaled(0) + scaled(1)
        };
        assert!((odds(1.0) - 3f32.ln()).abs() < 0.02, "{}", odds(1.0));
        assert!((odds(0.0) + 3f32.ln()).abs() < 0.02, "{}", odds(0.0));
        assert!(fit.weights[0] > 0.0 && fit.weights[1] <= 0.0);
    }
}
