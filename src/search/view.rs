//! What a search sees of a collection at one moment.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::RunningMean;
use crate::head::CollectionMean;
use crate::index::{Index, Looks};
use crate::store::{NearPicture, Sequence, Store, StoreError};

/// The index and what its pictures have in common. It never changes: a search is of one
/// moment, whatever is stored meanwhile.
#[derive(Clone)]
pub struct View {
    /// Which pictures are near.
    pub index: Arc<Index>,
    /// What all pictures have in common; `None` where no head needs it.
    pub mean: Option<Arc<CollectionMean>>,
    /// How its pictures look; `None` where no search has asked for it, or it is not known.
    pub looks: Option<Arc<Looks>>,
    /// What it was gathered from, if it is of one question only; `None`: the index covers all.
    pub gathered: Option<Arc<Gathered>>,
}

/// Pictures that a store has found near to one question.
#[derive(Debug)]
pub struct Gathered {
    /// How many pictures it was found among.
    pub of: usize,
    /// What was found, in the order of storing.
    pub pictures: BTreeMap<Sequence, NearPicture>,
}

impl View {
    /// What `index` covers of its store; reads every picture for the mean.
    ///
    /// # Errors
    /// If the store fails.
    pub fn new(store: &Store, index: Arc<Index>) -> Result<Self, StoreError> {
        let mut mean = RunningMean::default();
        let end = Sequence(store.next_sequence());
        mean.catch_up(store, &|sequence| index.contains(sequence), end)?;
        let looks = match store.look_id() {
            Some(_) => Some(Looks::default().caught_up(store, &index, end)?),
            None => None,
        };
        Ok(Self {
            index,
            looks: looks.map(Arc::new),
            mean: Some(Arc::new(mean.mean())),
            gathered: None,
        })
    }

    /// How many pictures there are to be found.
    pub fn len(&self) -> usize {
        match &self.gathered {
            Some(gathered) => gathered.of,
            None => self.index.len(),
        }
    }

    /// Whether there is nothing to find.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What was read of a picture already.
    pub(super) fn gathered(&self, sequence: Sequence) -> Option<&NearPicture> {
        self.gathered.as_ref()?.pictures.get(&sequence)
    }
}
