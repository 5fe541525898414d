//! What two pictures that lie on each other show, square by square.

use super::correlation::Sums;
use super::plane::Plane;

/// Side of a square, in pixels of a thumbnail, and from one to the next.
pub(super) const SIDE: usize = 16;
pub(super) const STEP: usize = 8;
/// Pixels by which one square is moved over the other at most: the placement is not exact.
const REACH: isize = 2;
const AREA: usize = SIDE * SIDE;
/// How far the ground of a square is looked for around it.
const AROUND: usize = 8;

/// A square of both pictures.
#[derive(Debug, Clone, Copy)]
pub(super) struct Square {
    /// Its place among all, counted in steps.
    pub(super) place: (usize, usize),
    /// How much values vary in each.
    spreads: (f32, f32),
    /// Whether the values in the middle of all around it are near each other; asked only where
    /// they do not agree.
    on_same_ground: bool,
    /// How well they agree where they do best.
    correlation: f32,
    /// The same without what is even along a row or down a column: lines of text are alike.
    centred: f32,
    /// How much is left of each without that.
    centred_spreads: (f32, f32),
}

/// The least spread of a square with something in it.
const SOMETHING: f32 = 8.0;
/// Grounds that are farther from each other are not the same: something was laid over one.
const SAME_GROUND: f32 = 25.0;
/// Spreads of the same kind of thing, such as letters and letters, are within this factor.
const ALIKE: f32 = 2.0;
/// From this correlation on squares show the same, and below that not.
const SAME: f32 = 0.8;
const UNLIKE: f32 = 0.6;
const OTHER: f32 = 0.4;
/// The same where previews were made of every few pixels: fine lines come out otherwise in each.
const OTHER_SPARSE: f32 = 0.2;

impl Square {
    /// Whether there is something in either of them.
    pub(super) fn has_content(&self) -> bool {
        self.spreads.0.max(self.spreads.1) >= SOMETHING
    }

    /// Whether they show the same.
    pub(super) fn agrees(&self) -> bool {
        self.has_content() && self.correlation >= SAME && !self.is_crossed()
    }

    /// Whether they are alike only in what is even along a row or down a column, though there is
    /// more in both.
    fn is_crossed(&self) -> bool {
        let centred = self.centred_spreads.0.min(self.centred_spreads.1);
        centred >= SOMETHING / 2.0 && self.centred < OTHER
    }

    /// How well they agree where nothing covers them: in what is not even along a row or down a column,
    /// if there is such a thing.
    pub(super) fn agreement(&self) -> Option<f32> {
        let has_detail = self.centred_spreads.0.max(self.centred_spreads.1) >= SOMETHING / 2.0;
        let agreement = match has_detail {
            true => self.centred,
            false => self.correlation,
        };
        (self.has_content() && self.on_same_ground).then_some(agreement)
    }

    /// Whether they do not show the same, whatever the reason.
    pub(super) fn is_unlike(&self) -> bool {
        self.has_content() && (self.correlation < UNLIKE || self.is_crossed())
    }

    /// Whether there is much in one of them that the other has not, on the same ground.
    pub(super) fn is_added(&self, to_first: bool) -> bool {
        let (with, without) = match to_first {
            true => self.spreads,
            false => (self.spreads.1, self.spreads.0),
        };
        self.is_unlike() && self.on_same_ground && with >= 2.0 * SOMETHING && with > ALIKE * without
    }

    /// Whether they surely show different things of one kind on the same ground. What one has on plain
    /// ground and the other has not was added or taken away: so copies are made.
    pub(super) fn differs(&self, is_sparse: bool) -> bool {
        let least = self.spreads.0.min(self.spreads.1);
        let most = self.spreads.0.max(self.spreads.1);
        let centred = self.centred_spreads.0.min(self.centred_spreads.1);
        let other = if is_sparse { OTHER_SPARSE } else { OTHER };
        least >= SOMETHING
            && least * ALIKE >= most
            && centred >= SOMETHING / 2.0
            && self.on_same_ground
            && self.centred < other
    }

    /// Whether something was laid over one of them: they show different things on grounds that are
    /// not the same.
    pub(super) fn is_covered(&self) -> bool {
        self.has_content() && !self.agrees() && !self.on_same_ground
    }

    /// Compares the squares at a place; `None` where both are plain.
    pub(super) fn of(a: &Plane, b: &Plane, x: usize, y: usize) -> Option<Self> {
        let own = cut(a, x, y, (0, 0))?;
        let own_centred = centred(own);
        let compared = |other: [f32; AREA]| {
            let whole = Sums::of(own.into_iter().zip(other));
            (whole, Sums::of(own_centred.into_iter().zip(centred(other))))
        };
        let (whole, left) = compared(cut(b, x, y, (0, 0))?);
        let (p, q) = whole.spreads();
        if p.max(q) < SOMETHING / 2.0 {
            return None;
        }
        let mut square = Self {
            place: (x / STEP, y / STEP),
            spreads: whole.spreads(),
            on_same_ground: true,
            correlation: whole.correlation(),
            centred: left.correlation(),
            centred_spreads: left.spreads(),
        };
        for moved in (-REACH..=REACH).flat_map(|j| (-REACH..=REACH).map(move |i| (i, j))) {
            if square.correlation >= SAME && square.centred >= OTHER {
                break;
            }
            if let Some(other) = cut(b, x, y, moved) {
                let (whole, left) = compared(other);
                square.correlation = square.correlation.max(whole.correlation());
                square.centred = square.centred.max(left.correlation());
            }
        }
        if square.correlation < SAME || square.centred < OTHER {
            let apart = (ground(a, x, y) - ground(b, x, y)).abs();
            square.on_same_ground = apart <= SAME_GROUND;
        }
        Some(square)
    }
}

fn cut(plane: &Plane, x: usize, y: usize, (right, down): (isize, isize)) -> Option<[f32; AREA]> {
    let (x, y) = (x.checked_add_signed(right)?, y.checked_add_signed(down)?);
    if x + SIDE > plane.width() || y + SIDE > plane.height() {
        return None;
    }
    let mut values = [0.0; AREA];
    for (row, line) in values.chunks_exact_mut(SIDE).enumerate() {
        line.copy_from_slice(&plane.row(y + row)[x..x + SIDE]);
    }
    Some(values)
}

/// What a square is drawn on: the value in the middle of all around it. Letters are smaller than
/// that.
fn ground(plane: &Plane, x: usize, y: usize) -> f32 {
    let left = x.saturating_sub(AROUND);
    let right = (x + SIDE + AROUND).min(plane.width());
    let rows = y.saturating_sub(AROUND)..(y + SIDE + AROUND).min(plane.height());
    let mut values: Vec<f32> = rows
        .flat_map(|row| &plane.row(row)[left..right])
        .copied()
        .collect();
    let middle = values.len() / 2;
    let (_, median, _) = values.select_nth_unstable_by(middle, f32::total_cmp);
    *median
}

/// Less the mean of each row, then of each column.
fn centred(mut values: [f32; AREA]) -> [f32; AREA] {
    let mut columns = [0.0; SIDE];
    for row in values.chunks_exact_mut(SIDE) {
        let mean = row.iter().sum::<f32>() / SIDE as f32;
        row.iter_mut().for_each(|value| *value -= mean);
        columns
            .iter_mut()
            .zip(&*row)
            .for_each(|(sum, value)| *sum += value / SIDE as f32);
    }
    for row in values.chunks_exact_mut(SIDE) {
        row.iter_mut()
            .zip(columns)
            .for_each(|(value, mean)| *value -= mean);
    }
    values
}
