//! Count sketches: a few sums of a vector's numbers, each with a sign, from which the inner product
//! with another vector is estimated (Charikar, Chen and Farach-Colton 2002; as random projections:
//! Weinberger et al. 2009).

use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use super::signed_bytes;
use crate::activation::parts::random;

/// Sums of a sketch. The error of an inner product falls with the square root.
pub(super) const SUMS: usize = 64;

/// Bytes of a stored sketch: the squared length of the vector itself (f32), and the sums.
pub(super) const SKETCH: usize = SQUARED + signed_bytes::len(SUMS);
const SQUARED: usize = size_of::<f32>();

/// Where each of so many numbers goes, a byte each: the lower bits name a sum, [`SUMS`] is set for those
/// that are taken off it. It is the same for all vectors, and made once.
pub(super) fn places(count: usize) -> Arc<[u8]> {
    static KNOWN: LazyLock<Mutex<Arc<[u8]>>> = LazyLock::new(Mutex::default);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if known.len() < count {
        // Neighbours go anywhere.
        *known = (0..count)
            .map(|index| random(index as u64) as u8 % BOTH)
            .collect();
    }
    Arc::clone(&known)
}

/// Sums of what is added, then sums of what is taken off.
const BOTH: u8 = 2 * SUMS as u8;

/// Sums up two vectors of one length, side by side: what takes the time is to find the place of each number.
#[derive(Debug, Clone)]
pub(super) struct CountSketches([[f32; 2]; BOTH as usize]);

impl CountSketches {
    /// Of nothing yet.
    pub(super) fn new() -> Self {
        Self([[0.0; 2]; BOTH as usize])
    }

    /// Adds a number of each vector, and so on, each pair to its place.
    pub(super) fn add(&mut self, places: &[u8], values: impl Iterator<Item = [f32; 2]>) {
        for (place, [first, second]) in places.iter().zip(values) {
            // All are less; this tells the compiler.
            let sums = &mut self.0[usize::from(place % BOTH)];
            *sums = [sums[0] + first, sums[1] + second];
        }
    }

    /// Writes that of the first vector or the second, whose squared length is given, as [`SKETCH`] bytes.
    pub(super) fn write(&self, which: usize, squared: f64, bytes: &mut [u8]) {
        let (of_length, sums) = bytes.split_at_mut(SQUARED);
        of_length.copy_from_slice(&(squared as f32).to_le_bytes());
        let (added, taken_off) = self.0.split_at(SUMS);
        let both = added.iter().zip(taken_off);
        let differences = both.map(|(added, off)| added[which] - off[which]);
        signed_bytes::write(&differences.collect::<Vec<f32>>(), sums);
    }
}

/// A sketch as it is stored.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stored<'a> {
    squared: f64,
    sums: &'a [u8],
}

impl<'a> Stored<'a> {
    /// Reads what [`CountSketches::write`] wrote.
    pub(super) fn read(bytes: &'a [u8]) -> Self {
        let (squared, sums) = bytes.split_at(SQUARED);
        let squared = f32::from_le_bytes([squared[0], squared[1], squared[2], squared[3]]);
        Self {
            squared: f64::from(squared),
            sums,
        }
    }

    /// The squared length of the vector itself.
    pub(super) fn squared(self) -> f64 {
        self.squared
    }

    /// The inner product of two vectors: the likeliest, given the sketches and the lengths (Li, Hastie
    /// and Church 2006, "Improving random projections using marginal information"): the root of a
    /// cubic. The standard error of the squared distance is between its 1/8 (nothing in common) and
    /// its square root of 2/64 (nearly alike).
    pub(super) fn inner_product(self, other: Self) -> f64 {
        let (m, n) = (self.squared, other.squared);
        let most = (m * n).sqrt();
        if most <= 0.0 {
            return 0.0;
        }
        let product = |a: Self, b: Self| signed_bytes::inner_product(a.sums, b.sums);
        // All in units of the lengths, so that the cubic is 1, -s, q, -s.
        let s = product(self, other) / most;
        let lengths = product(self, self) / m + product(other, other) / n;
        let q = lengths - 1.0;
        let mut cosine = (2.0 * s / lengths.max(1e-9)).clamp(-1.0, 1.0);
        for _ in 0..STEPS {
            let value = ((cosine - s) * cosine + q) * cosine - s;
            let slope = (3.0 * cosine - 2.0 * s) * cosine + q;
            if slope.abs() < 1e-9 {
                break;
            }
            let next = (cosine - value / slope).clamp(-1.0, 1.0);
            // All further steps lead here, too.
            if next == cosine {
                break;
            }
            cosine = next;
        }
        cosine * most
    }
}

/// Steps of Newton's, which starts near.
const STEPS: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(seed: u32, len: usize) -> Vec<f32> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        (0..len).map(|_| next() + next() + next()).collect()
    }

    fn stored(values: &[f32]) -> Vec<u8> {
        let mut sketches = CountSketches::new();
        let pairs = values.iter().map(|value| [0.0, *value]);
        sketches.add(&places(values.len()), pairs);
        let squared = values.iter().map(|value| f64::from(value * value));
        let mut bytes = vec![0; SKETCH];
        sketches.write(1, squared.sum(), &mut bytes);
        bytes
    }

    fn distance(a: &[f32], b: &[f32]) -> f64 {
        let (a, b) = (stored(a), stored(b));
        let (a, b) = (Stored::read(&a), Stored::read(&b));
        a.squared() + b.squared() - 2.0 * a.inner_product(b)
    }

    #[test]
    fn distances_are_estimated_without_bias_and_as_well_as_is_said() {
        for (likeness, most) in [(0.0, 0.15), (0.5, 0.17), (0.95, 0.2)] {
            let (mut errors, mut squares) = (0.0, 0.0);
            const PAIRS: u32 = 200;
            for n in 0..PAIRS {
                let (a, other) = (noise(2 * n + 1, 3_000), noise(2 * n + 2, 3_000));
                let b: Vec<f32> = a
                    .iter()
                    .zip(&other)
                    .map(|(a, b)| likeness * a + (1.0 - likeness) * b)
                    .collect();
                let exact: f64 = a
                    .iter()
                    .zip(&b)
                    .map(|(a, b)| f64::from(a - b).powi(2))
                    .sum();
                let error = distance(&a, &b) / exact - 1.0;
                (errors, squares) = (errors + error, squares + error * error);
            }
            let (bias, rms) = (
                errors / f64::from(PAIRS),
                (squares / f64::from(PAIRS)).sqrt(),
            );
            assert!(rms < most && bias.abs() < 0.03, "{likeness}: {bias} {rms}");
        }
    }

    #[test]
    fn the_same_is_at_zero_and_nothing_is_no_trouble() {
        let a = noise(7, 500);
        assert!(distance(&a, &a).abs() < 1e-6 * f64::from(a.iter().map(|v| v * v).sum::<f32>()));
        assert_eq!(distance(&[0.0; 9], &[0.0; 9]), 0.0);
        assert_eq!(distance(&[0.0, 2.0], &[0.0; 2]), 4.0);
    }
}
