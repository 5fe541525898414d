//! What is wrong with a matrix, and which way it is to go.

use nalgebra::{DMatrix, RowDVector};

use super::{Placed, Triplet};

/// Differences of cosines that count as clear: of edits, and of people's judgements.
const EDITS: f32 = 0.1;
const JUDGED: f32 = 0.2;

/// Versions of some pictures, and other pictures.
pub(super) struct Batch {
    rows: DMatrix<f32>,
    /// The picture of each row, and whether it keeps its look; others are of none.
    of: Vec<(Option<usize>, bool)>,
}

impl Batch {
    pub(super) fn new<'a, R>(
        versions: impl Iterator<Item = &'a Placed>,
        others: impl Iterator<Item = R>,
        width: usize,
    ) -> Self
    where
        R: IntoIterator<Item = &'a f32>,
    {
        let (mut values, mut of) = (Vec::new(), Vec::new());
        for (picture, versions) in versions.enumerate() {
            for (rows, keeps) in [(&versions.kept, true), (&versions.broken, false)] {
                for row in rows.row_iter() {
                    values.extend(row.iter().copied());
                    of.push((Some(picture), keeps));
                }
            }
        }
        for row in others {
            values.extend(row);
            of.push((None, false));
        }
        Self {
            rows: DMatrix::from_row_slice(of.len(), width, &values),
            of,
        }
    }

    /// Each version that keeps its look is to be nearer to the others that do than broken ones and
    /// all other pictures are (InfoNCE, van den Oord and others 2018).
    pub(super) fn gradient(&self, at: &DMatrix<f32>) -> DMatrix<f32> {
        let Looks { units, norms } = Looks::of(&self.rows, at);
        let queries: Vec<usize> = (0..self.of.len()).filter(|i| self.of[*i].1).collect();
        let asked = units.select_rows(&queries);
        let cosines = &asked * units.transpose();
        let mut slopes = DMatrix::<f32>::zeros(queries.len(), self.of.len());
        for (q, &own) in queries.iter().enumerate() {
            let odds = |i: usize| (cosines[(q, i)] / EDITS).exp();
            let is_right = |i: &usize| self.of[*i] == self.of[own] && *i != own;
            let right: Vec<usize> = (0..self.of.len()).filter(is_right).collect();
            if right.is_empty() {
                continue;
            }
            let wrong = |i: &usize| self.of[*i] != self.of[own];
            let wrong: Vec<(usize, f32)> = (0..self.of.len())
                .filter(wrong)
                .map(|i| (i, odds(i)))
                .collect();
            let total: f32 = wrong.iter().map(|(_, odds)| odds).sum();
            let weight = 1.0 / (queries.len() * right.len()) as f32 / EDITS;
            let mut missed = 0.0;
            for i in right {
                let p = odds(i) / (odds(i) + total);
                slopes[(q, i)] = (p - 1.0) * weight;
                missed += 1.0 - p;
            }
            for (i, odds) in wrong {
                slopes[(q, i)] = missed * weight * odds / total.max(f32::MIN_POSITIVE);
            }
        }
        let mut of_units = slopes.tr_mul(&asked);
        let of_asked = slopes * &units;
        for (q, &own) in queries.iter().enumerate() {
            let mut row = of_units.row_mut(own);
            row += of_asked.row(q);
        }
        self.rows.tr_mul(&through_norm(of_units, &units, &norms))
    }
}

/// People's votes as a logistic regression over differences of cosines.
pub(super) fn people(
    at: &DMatrix<f32>,
    judged: &DMatrix<f32>,
    triplets: &[Triplet],
) -> DMatrix<f32> {
    let Looks { units, norms } = Looks::of(judged, at);
    let cosines = &units * units.transpose();
    let votes: f32 = triplets.iter().map(|t| t.votes).sum();
    let mut slopes = DMatrix::<f32>::zeros(judged.nrows(), judged.nrows());
    for t in triplets {
        let nearer = cosines[(t.reference, t.a)] - cosines[(t.reference, t.b)];
        let p = 1.0 / (1.0 + (-nearer / JUDGED).exp());
        let slope = (p - t.share) * t.votes / votes.max(1.0) / JUDGED;
        slopes[(t.reference, t.a)] += slope;
        slopes[(t.reference, t.b)] -= slope;
    }
    let of_units = (&slopes + slopes.transpose()) * &units;
    judged.tr_mul(&through_norm(of_units, &units, &norms))
}

/// Rows under a matrix, at unit length, and their lengths.
struct Looks {
    units: DMatrix<f32>,
    norms: Vec<f32>,
}

impl Looks {
    fn of(rows: &DMatrix<f32>, at: &DMatrix<f32>) -> Self {
        let mut units = rows * at;
        let norms = units.row_iter_mut().map(|mut row| {
            let norm = row.norm().max(1e-12);
            row /= norm;
            norm
        });
        let norms = norms.collect();
        Self { units, norms }
    }
}

/// From the gradient by unit vectors to the one by the vectors as they were.
fn through_norm(mut slopes: DMatrix<f32>, units: &DMatrix<f32>, norms: &[f32]) -> DMatrix<f32> {
    for (i, norm) in norms.iter().enumerate() {
        let unit: RowDVector<f32> = units.row(i).into();
        let along = slopes.row(i).dot(&unit);
        let mut row = slopes.row_mut(i);
        row -= unit * along;
        row /= *norm;
    }
    slopes
}
