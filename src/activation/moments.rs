//! What a block holds besides its layers: derived from the stored values once, so that
//! comparing two pictures reads it instead of computing it 200 times a query.

use super::dot::inner_product_f32;
use super::shape::LayerShape;
use super::widened::widened;

/// Sums over the positions of one layer.
#[derive(Debug)]
pub(crate) struct Moments {
    channels: usize,
    positions: usize,
    /// What a stored unit is worth.
    scale: f32,
    sums: Vec<f64>,
    squares: Vec<f64>,
    inverse_norms: Vec<f32>,
}

impl Moments {
    /// Positions summed in 32 bits before widening to f64.
    pub(super) const STEP: usize = 512;

    pub(super) fn new(shape: &LayerShape, scale: f32) -> Self {
        Self {
            channels: shape.channels,
            positions: shape.positions,
            scale,
            sums: vec![0.0; shape.channels],
            squares: vec![0.0; shape.channels],
            inverse_norms: Vec::with_capacity(shape.positions),
        }
    }

    /// Of values that are channels first.
    pub(super) fn of_planes(shape: &LayerShape, values: &[f32]) -> Self {
        let mut moments = Self::new(shape, 1.0);
        let mut lengths = vec![0f32; shape.positions];
        let planes = values.chunks_exact(shape.positions);
        let sums = moments.sums.iter_mut().zip(&mut moments.squares);
        for (plane, (sum, square)) in planes.zip(sums) {
            [*sum, *square] = add_plane(plane, &mut lengths);
        }
        let inverse = |length: f32| {
            if length > 0.0 {
                1.0 / length.sqrt()
            } else {
                0.0
            }
        };
        moments.inverse_norms = lengths.into_iter().map(inverse).collect();
        moments
    }

    /// Adds positions of signed bytes.
    pub(super) fn add_bytes(&mut self, values: &[u8]) {
        let (mut sums, mut squares) = (vec![0i32; self.channels], vec![0i32; self.channels]);
        for rows in values.chunks(Self::STEP * self.channels) {
            sums.fill(0);
            squares.fill(0);
            add_rows(rows, &mut sums, &mut squares, &mut self.inverse_norms);
            add_to(&mut self.sums, &sums);
            add_to(&mut self.squares, &squares);
        }
    }

    /// Adds at most [`Self::STEP`] positions of floats.
    pub(super) fn add_floats(&mut self, rows: &[f32]) {
        let (mut sums, mut squares) = (vec![0f32; self.channels], vec![0f32; self.channels]);
        for row in rows.chunks_exact(self.channels) {
            for ((value, sum), square) in row.iter().zip(&mut sums).zip(&mut squares) {
                *sum += value;
                *square += value * value;
            }
            let norm = inner_product_f32(row, row).sqrt();
            let inverse = if norm > 0.0 { 1.0 / norm } else { 0.0 };
            self.inverse_norms.push(inverse);
        }
        add_to(&mut self.sums, &sums);
        add_to(&mut self.squares, &squares);
    }

    /// The sum of the squares of the values less the means of their channels, of which `means` are as they
    /// are kept.
    pub(super) fn squares_without(&self, means: &[f32]) -> f64 {
        let count = self.positions as f64;
        let sums = self.sums.iter().zip(&self.squares).zip(means);
        sums.map(|((sum, square), mean)| {
            let mean = f64::from(*mean);
            square - 2.0 * mean * sum + count * mean * mean
        })
        .sum::<f64>()
        .max(0.0)
    }

    /// The inverse length of each position's channel vector, in stored units.
    pub(super) fn inverse_norms(&self) -> &[f32] {
        &self.inverse_norms
    }

    /// The means of the channels, then their spreads (standard deviations).
    pub(super) fn statistics(&self) -> Vec<f32> {
        let (scale, count) = (f64::from(self.scale), self.positions as f64);
        let means = self.sums.iter().map(|sum| (sum / count * scale) as f32);
        let spreads = self.sums.iter().zip(&self.squares).map(|(sum, square)| {
            let variance = square / count - (sum / count).powi(2);
            (variance.max(0.0).sqrt() * scale) as f32
        });
        means.chain(spreads).collect()
    }
}

/// Values of a plane that are added up side by side: a single sum is a chain of additions that wait for one
/// another.
const LANES: usize = 8;

widened! {
    /// The sum of a plane's values and that of their squares, which are added to `lengths`.
    fn add_plane(plane: &[f32], lengths: &mut [f32]) -> [f64; 2] = add_in_lanes
}

#[inline(always)]
fn add_in_lanes(plane: &[f32], lengths: &mut [f32]) -> [f64; 2] {
    let (mut sums, mut squares) = ([0f64; LANES], [0f64; LANES]);
    let (steps, rest) = plane.as_chunks::<LANES>();
    let (steps_of_lengths, rest_of_lengths) = lengths.as_chunks_mut::<LANES>();
    for (step, lengths) in steps.iter().zip(steps_of_lengths) {
        for lane in 0..LANES {
            let square = step[lane] * step[lane];
            sums[lane] += f64::from(step[lane]);
            squares[lane] += f64::from(square);
            lengths[lane] += square;
        }
    }
    for (value, length) in rest.iter().zip(rest_of_lengths) {
        sums[0] += f64::from(*value);
        squares[0] += f64::from(value * value);
        *length += value * value;
    }
    [sums.iter().sum(), squares.iter().sum()]
}

widened! {
    /// Adds up rows of bytes, by channel, and notes the inverse length of each row.
    fn add_rows(rows: &[u8], sums: &mut [i32], squares: &mut [i32], inverse_norms: &mut Vec<f32>) =
        add_row_by_row
}

#[inline(always)]
fn add_row_by_row(
    rows: &[u8],
    sums: &mut [i32],
    squares: &mut [i32],
    inverse_norms: &mut Vec<f32>,
) {
    for row in rows.chunks_exact(sums.len()) {
        let mut length = 0;
        for ((&byte, sum), square) in row.iter().zip(&mut *sums).zip(&mut *squares) {
            let value = i32::from(byte as i8);
            *sum += value;
            *square += value * value;
            length += value * value;
        }
        let norm = (length as f32).sqrt();
        inverse_norms.push(if norm > 0.0 { 1.0 / norm } else { 0.0 });
    }
}

fn add_to<T: Copy + Into<f64>>(totals: &mut [f64], parts: &[T]) {
    for (total, &part) in totals.iter_mut().zip(parts) {
        *total += part.into();
    }
}
