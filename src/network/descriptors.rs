//! Many descriptors, compared with each other.

use rayon::prelude::*;

use super::Descriptor;
use super::descriptor::unit;
use crate::activation::inner_products_f32;

/// Descriptors of one length in one piece of memory: a search compares hundreds of them with hundreds.
#[derive(Debug, Clone, PartialEq)]
pub struct Descriptors {
    values: Vec<f32>,
    width: usize,
}

impl Descriptors {
    /// Copies these.
    pub fn of<'a>(all: impl IntoIterator<Item = &'a Descriptor>) -> Self {
        let (mut values, mut width) = (Vec::new(), 0);
        for descriptor in all {
            width = descriptor.values().len();
            values.extend_from_slice(descriptor.values());
        }
        Self { values, width }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.values.len().checked_div(self.width).unwrap_or(0)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The numbers of one.
    pub fn get(&self, place: usize) -> &[f32] {
        &self.values[place * self.width..][..self.width]
    }

    /// The numbers of each.
    pub fn iter(&self) -> impl Iterator<Item = &[f32]> {
        self.values.chunks_exact(self.width.max(1))
    }

    /// Others, each made of one of these, which `change` finds in its place, and scaled to unit length.
    #[must_use]
    pub fn changed(&self, change: impl Fn(usize, &mut [f32]) + Sync) -> Self {
        let mut changed = self.clone();
        let each = changed.values.par_chunks_mut(self.width.max(1));
        each.enumerate().with_min_len(16).for_each(|(place, row)| {
            change(place, row);
            unit(row);
        });
        changed
    }

    /// The cosine of every one with every other, row by row.
    pub fn all_cosines(&self) -> Vec<f32> {
        /// Rows that are worked out at once.
        const ROWS: usize = 4;
        let count = self.len();
        let mut cosines = vec![0.0; count * count];
        let rows = cosines.par_chunks_mut((ROWS * count).max(1)).enumerate();
        rows.for_each(|(chunk, rows)| {
            // The first values are in other rows too, and are copied from there below.
            let before = ROWS * chunk;
            let others = &self.values[before * self.width..];
            let some = |row: usize| self.get(before + row);
            match rows.len() / count {
                ROWS => cosines_of::<ROWS>(
                    std::array::from_fn(some),
                    others,
                    (&mut rows[before..], count),
                ),
                fewer => (0..fewer).for_each(|row| {
                    let out = &mut rows[row * count + before..];
                    cosines_of([some(row)], others, (out, count));
                }),
            }
        });
        for before in (ROWS..count).step_by(ROWS) {
            let (above, own) = cosines.split_at_mut(before * count);
            let own = &mut own[..ROWS.min(count - before) * count];
            for (place, row) in above.chunks_exact(count).enumerate() {
                for (own, value) in own.chunks_exact_mut(count).zip(&row[before..]) {
                    own[place] = *value;
                }
            }
        }
        cosines
    }

    /// The cosines of some others with each, a row for each of those.
    pub fn cosines<const M: usize>(&self, others: [&[f32]; M]) -> [Vec<f32>; M] {
        let count = self.len();
        let mut cosines = vec![0.0; M * count];
        cosines_of(others, &self.values, (&mut cosines, count));
        std::array::from_fn(|row| cosines[row * count..][..count].to_vec())
    }
}

/// The cosine of some vectors at unit length with each of some others that lie behind each other, as
/// [`Descriptor::cosine`] gives it. They are written in rows, so many numbers one behind the other.
pub(crate) fn cosines_of<const M: usize>(
    some: [&[f32]; M],
    others: &[f32],
    (out, stride): (&mut [f32], usize),
) {
    /// Vectors that are compared at once.
    const FOUR: usize = 4;
    let width = some.first().map_or(1, |one| one.len().max(1));
    let mut write = |place: usize, products: [&[f32]; M]| {
        for (row, products) in products.iter().enumerate() {
            let out = &mut out[row * stride + place..];
            for (out, product) in out.iter_mut().zip(*products) {
                *out = product.clamp(-1.0, 1.0);
            }
        }
    };
    for (chunk, others) in others.chunks(FOUR * width).enumerate() {
        let other = |place: usize| &others[place * width..][..width];
        match others.len() / width {
            FOUR => {
                let products = inner_products_f32::<M, FOUR>(some, std::array::from_fn(other));
                write(FOUR * chunk, products.each_ref().map(|row| &row[..]));
            }
            fewer => (0..fewer).for_each(|place| {
                let products = inner_products_f32(some, [other(place)]);
                let products = products.each_ref().map(|row| &row[..]);
                write(FOUR * chunk + place, products);
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cosines_are_to_the_bit_those_of_two_alone() {
        for count in [0, 1, 3, 4, 5, 11] {
            let number = |i: usize| ((i * 7) as f32).sin();
            let all: Vec<Descriptor> = (0..count)
                .map(|n| Descriptor::normalized((0..40).map(|i| number(n * 40 + i)).collect()))
                .collect();
            let together = Descriptors::of(&all);
            assert_eq!(together.len(), count);
            let cosines = together.all_cosines();
            assert_eq!(cosines.len(), count * count);
            for (i, a) in all.iter().enumerate() {
                let row: Vec<f32> = all.iter().map(|b| a.cosine(b)).collect();
                assert_eq!(cosines[i * count..][..count], row);
                assert_eq!(together.cosines([a.values()])[0], row);
                let twice = [a.values(), all[0].values()];
                assert_eq!(together.cosines(twice)[0], row);
            }
        }
    }
}
