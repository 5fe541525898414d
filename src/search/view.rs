//! What a search sees of a collection at one moment.

use std::sync::Arc;

use super::RunningMean;
use crate::head::CollectionMean;
use crate::index::{Index, Looks};
use crate::store::{Sequence, Store, StoreError};

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
        })
    }
}
