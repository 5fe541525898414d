//! A scan of the pictures that a filter lets through, where they are few: a walk along the links of graphs
//! would look at more points than that, and find less.

use rayon::prelude::*;

use super::exact::Exact;
use super::view::Index;
use crate::network::Descriptor;
use crate::store::{Sequence, SequenceSet, Store};

impl Index {
    /// How many pictures a filter may let through for a scan of them to be quicker than a walk for the
    /// `count` nearest: none where there are no graphs, since all is scanned in memory then.
    ///
    /// A walk goes on until it has met as many as it lists, so that of m that match among n points it looks
    /// at listed * n / m, and at all of them at most. To look at a point takes it about as long as a scan takes
    /// to read a picture (docs/scale.md).
    pub fn few(&self, count: usize) -> usize {
        let points: usize = self.frozen.iter().map(|graph| graph.len()).sum();
        let listed: usize = self.frozen.iter().map(|graph| graph.listed(count)).sum();
        points.saturating_mul(listed).isqrt().min(points)
    }

    /// A scan of the groups of some pictures alone, by the descriptors that their store has. One that cannot
    /// be read there is taken from what is searched.
    #[must_use]
    pub fn of_few(&self, store: &Store, pictures: &[Sequence]) -> Self {
        let originals = self.originals_of(pictures);
        let points = originals.into_par_iter();
        let points = points.filter_map(|original| Some((original, self.point(store, original)?)));
        let mut newest = Exact::default();
        newest.insert(&points.collect::<Vec<_>>());
        Self {
            frozen: Vec::new(),
            newest,
            near_duplicates: self.near_duplicates.clone(),
        }
    }

    /// The originals of the groups of some pictures, in the order of storing.
    pub(super) fn originals_of(&self, pictures: &[Sequence]) -> Vec<Sequence> {
        let pictures = pictures.iter().filter(|picture| self.contains(**picture));
        let originals = pictures.map(|picture| self.near_duplicates.original(*picture));
        originals.collect::<SequenceSet>().iter().collect()
    }

    fn point(&self, store: &Store, original: Sequence) -> Option<Descriptor> {
        match store.row(original) {
            Ok(row) => row.map(|row| row.descriptor),
            Err(_) => {
                let mut graphs = self.frozen.iter();
                let of_graph = graphs.find_map(|graph| graph.descriptor(original));
                of_graph.or_else(|| self.newest.descriptor(original))
            }
        }
    }
}
