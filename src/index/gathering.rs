//! An index of a few pictures, gathered for one question from what a store has found by itself.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::exact::Exact;
use super::near_duplicates::Grouping;
use super::{Index, Looks};
use crate::store::{NearPicture, Sequence, Store, StoreError};

/// Pictures that were found so far, in groups of near-copies by the rule that holds for all. Copies that
/// were not found are in no group.
pub struct Gathering {
    grouping: Grouping,
    pictures: BTreeMap<Sequence, NearPicture>,
}

impl Gathering {
    /// Nothing yet.
    ///
    /// # Errors
    /// If the store fails.
    pub fn new(store: &Store) -> Result<Self, StoreError> {
        Ok(Self {
            grouping: Grouping::empty(store)?,
            pictures: BTreeMap::new(),
        })
    }

    /// Takes in what was found; what is there already stays as it is.
    ///
    /// # Errors
    /// If the store fails.
    pub fn take_in(
        &mut self,
        store: &Store,
        mut found: Vec<NearPicture>,
    ) -> Result<(), StoreError> {
        // As they would have been grouped when they were stored.
        found.sort_unstable_by_key(|picture| picture.sequence);
        for picture in found {
            if let Entry::Vacant(place) = self.pictures.entry(picture.sequence) {
                self.grouping.take_in_found(store, &picture)?;
                place.insert(picture);
            }
        }
        Ok(())
    }

    /// An index of them.
    pub fn index(&self) -> Index {
        let near_duplicates = self.grouping.now().clone();
        let originals = self.pictures.values();
        let originals = originals.filter(|it| near_duplicates.has_original(it.sequence));
        let points = originals.map(|it| (it.sequence, it.row.descriptor.clone()));
        let mut newest = Exact::default();
        newest.insert(&points.collect::<Vec<_>>());
        Index {
            frozen: Vec::new(),
            newest,
            near_duplicates,
        }
    }

    /// How the pictures of that index look.
    pub fn looks(&self) -> Looks {
        let mut looks = Looks::default();
        for picture in self.pictures.values() {
            if let Some(look) = &picture.look
                && self.grouping.now().has_original(picture.sequence)
            {
                looks.push(picture.sequence, look);
            }
        }
        looks
    }

    /// What was found, in the order of storing.
    pub fn into_pictures(self) -> BTreeMap<Sequence, NearPicture> {
        self.pictures
    }
}
