//! The plane in which descriptors differ most.

use nalgebra::{DMatrix, SymmetricEigen};

use crate::network::Descriptor;

/// A mean and the two directions of the greatest spread around it.
#[derive(Debug, Clone, PartialEq)]
pub struct Plane {
    mean: Vec<f32>,
    axes: [Vec<f32>; 2],
}

impl Plane {
    /// The plane of some descriptors, all of one length; `None` if there are too few to spread.
    pub fn of(sample: &[Descriptor]) -> Option<Self> {
        let dimensions = sample.first()?.values().len();
        if sample.len() < 3 || dimensions < 2 {
            return None;
        }
        let mut mean = vec![0.0; dimensions];
        for descriptor in sample {
            for (sum, value) in mean.iter_mut().zip(descriptor.values()) {
                *sum += value / sample.len() as f32;
            }
        }
        let rows = DMatrix::from_fn(sample.len(), dimensions, |row, column| {
            sample[row].values()[column] - mean[column]
        });
        let spread = SymmetricEigen::new(rows.tr_mul(&rows));
        let mut order: Vec<usize> = (0..dimensions).collect();
        order.sort_by(|a, b| spread.eigenvalues[*b].total_cmp(&spread.eigenvalues[*a]));
        let axis = |place: usize| {
            let axis = spread.eigenvectors.column(order[place]);
            axis.iter().copied().collect()
        };
        Some(Self {
            axes: [axis(0), axis(1)],
            mean,
        })
    }

    /// Where a descriptor lies on it.
    pub fn place(&self, descriptor: &Descriptor) -> [f32; 2] {
        let along = |axis: &Vec<f32>| {
            let differences = descriptor
                .values()
                .iter()
                .zip(&self.mean)
                .map(|(v, m)| v - m);
            differences
                .zip(axis)
                .map(|(difference, axis)| difference * axis)
                .sum()
        };
        [along(&self.axes[0]), along(&self.axes[1])]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_shows_the_directions_of_the_greatest_spread() {
        let descriptors: Vec<Descriptor> = (0..20_i16)
            .map(|i| f32::from(i) - 9.5)
            .map(|v| Descriptor::normalized(vec![20.0, v, 0.1 * v * v, 0.0]))
            .collect();
        let plane = Plane::of(&descriptors).unwrap();
        let places: Vec<[f32; 2]> = descriptors.iter().map(|it| plane.place(it)).collect();
        let ascends = places.is_sorted_by(|a, b| a[0] < b[0]);
        let descends = places.is_sorted_by(|a, b| a[0] > b[0]);
        assert!(ascends || descends, "{places:?}");
        assert!(Plane::of(&descriptors[..2]).is_none());
    }
}
