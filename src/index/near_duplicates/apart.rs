//! Pairs of pictures that the user has told apart.

use std::collections::{BTreeMap, BTreeSet};

use crate::picture::PictureId;
use crate::store::{Store, StoreError, Verdict};

/// Pairs that are no near-copies, whatever their features say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Apart {
    /// Each picture with those that it is no copy of, both ways.
    others: BTreeMap<PictureId, BTreeSet<PictureId>>,
}

impl Apart {
    /// Those pairs.
    pub(super) fn of(pairs: impl IntoIterator<Item = [PictureId; 2]>) -> Self {
        let mut apart = Self::default();
        for [a, b] in pairs {
            if a != b {
                apart.others.entry(a).or_default().insert(b);
                apart.others.entry(b).or_default().insert(a);
            }
        }
        apart
    }

    /// What a store's labels say.
    ///
    /// # Errors
    /// If the store fails.
    pub(super) fn read(store: &Store) -> Result<Self, StoreError> {
        let mut pairs = Vec::new();
        for label in store.labels(None) {
            if let Verdict::NotDuplicates { pictures } = label?.verdict {
                pairs.push(pictures);
            }
        }
        Ok(Self::of(pairs))
    }

    /// Each pair once.
    pub(super) fn pairs(&self) -> impl Iterator<Item = [PictureId; 2]> + '_ {
        let pairs = self.others.iter();
        let pairs = pairs.flat_map(|(a, others)| others.iter().map(|b| [*a, *b]));
        pairs.filter(|[a, b]| a < b)
    }

    /// Those that a picture is no copy of.
    pub(super) fn from(&self, picture: PictureId) -> impl Iterator<Item = PictureId> + '_ {
        self.others.get(&picture).into_iter().flatten().copied()
    }

    /// The pairs that are in one of both only.
    pub(super) fn differs_from(&self, other: &Self) -> Vec<[PictureId; 2]> {
        let [a, b]: [BTreeSet<_>; 2] = [self, other].map(|apart| apart.pairs().collect());
        a.symmetric_difference(&b).copied().collect()
    }
}
