//! Pictures of all kinds, to hold others against.

use rayon::prelude::*;

use crate::network::{Descriptor, Descriptors};

/// Descriptors of pictures of all kinds. How near the nearest of them are to a picture tells how
/// much it means that another is as near (score normalisation by a cohort, as copy detection does).
#[derive(Debug, Clone, PartialEq)]
pub struct ReferenceSet(Descriptors);

/// Nearest pictures that are averaged.
const NEAREST: usize = 10;

impl ReferenceSet {
    /// Of these, a signed byte a number.
    pub fn new(descriptors: &[Descriptor]) -> Self {
        let stored = descriptors.iter().map(|d| read(&bytes(d.values())));
        Self(Descriptors::of(&stored.collect::<Vec<_>>()))
    }

    /// The mean cosine of a picture with the nearest of them.
    pub fn nearness(&self, picture: &Descriptor) -> f32 {
        let [nearness] = self.nearness_of([picture]);
        nearness
    }

    /// The same of each of some pictures.
    pub fn nearness_of_each(&self, pictures: &[&Descriptor]) -> Vec<f32> {
        let fours = pictures.par_chunks(4);
        let nearness = fours.flat_map_iter(|some| match some.try_into() {
            Ok(four) => self.nearness_of::<4>(four).to_vec(),
            Err(_) => some.iter().map(|one| self.nearness(one)).collect(),
        });
        nearness.collect()
    }

    fn nearness_of<const M: usize>(&self, pictures: [&Descriptor; M]) -> [f32; M] {
        self.0
            .cosines(pictures.map(Descriptor::values))
            .map(|mut cosines| {
                if cosines.len() > NEAREST {
                    cosines.select_nth_unstable_by(NEAREST, |a, b| b.total_cmp(a));
                    cosines.truncate(NEAREST);
                    // Sums depend on their order.
                    cosines.sort_by(|a, b| b.total_cmp(a));
                }
                cosines.iter().sum::<f32>() / cosines.len().max(1) as f32
            })
    }

    /// A signed byte a number, picture by picture.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(bytes).collect()
    }

    /// Reads what [`Self::to_bytes`] wrote; `None` if it is not of descriptors of so many numbers.
    pub(super) fn from_bytes(data: &[u8], dimensions: usize) -> Option<Self> {
        let fits = !data.is_empty() && data.len().is_multiple_of(dimensions);
        fits.then(|| {
            let read: Vec<Descriptor> = data.chunks(dimensions).map(read).collect();
            Self(Descriptors::of(&read))
        })
    }
}

/// A descriptor as a signed byte a number, the largest being 127.
fn bytes(values: &[f32]) -> Vec<u8> {
    let largest = values.iter().fold(f32::MIN_POSITIVE, |m, v| m.max(v.abs()));
    let byte = |v: &f32| (v / largest * 127.0).round() as i8 as u8;
    values.iter().map(byte).collect()
}

fn read(bytes: &[u8]) -> Descriptor {
    let values = bytes.iter().map(|b| f32::from(*b as i8));
    Descriptor::normalized(values.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_like_many_pictures_is_near() {
        let at = |x: f32| Descriptor::normalized(vec![x, 1.0, 0.5, -1.0]);
        let all: Vec<Descriptor> = (0..40).map(|i| at(i as f32 * 0.01)).collect();
        let set = ReferenceSet::new(&all);
        let other = Descriptor::normalized(vec![1.0, -1.0, 0.0, 1.0]);
        assert!(set.nearness(&at(0.2)) > 0.99 && set.nearness(&other) < 0.0);
        // Of many at once each is what it is alone.
        let some: Vec<&Descriptor> = all[..6].iter().chain([&other]).collect();
        let alone: Vec<f32> = some.iter().map(|one| set.nearness(one)).collect();
        assert_eq!(set.nearness_of_each(&some), alone);
        let read = ReferenceSet::from_bytes(&set.to_bytes(), 4).unwrap();
        assert_eq!(read, set);
        assert!(ReferenceSet::from_bytes(&set.to_bytes(), 7).is_none());
    }
}
