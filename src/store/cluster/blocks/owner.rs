//! Whose a bucket is: an object in it has the id of the one store that may write there, so that no
//! other writes over its segments or deletes what only it names.

use super::ObjectBlocks;
use crate::store::StoreError;

/// What a store knows of its bucket from before.
#[derive(Debug, Clone, Copy)]
pub(in crate::store::cluster) enum Past {
    /// It has left its id there.
    Marked,
    /// It has not: it is new, or older than such ids. The number of a segment that it names, if it
    /// names any.
    Unmarked(Option<u32>),
}

impl ObjectBlocks {
    /// Makes sure that the bucket is that of the store of an id, and leaves the id there if it says
    /// nothing yet.
    ///
    /// # Errors
    /// If it is another store's, or has lost what it had.
    pub(in crate::store::cluster) fn belong_to(
        &self,
        store: &str,
        past: Past,
    ) -> Result<(), StoreError> {
        let fits = match (self.bucket.owner()?, past) {
            (Some(owner), _) => return of_owner(&owner, store),
            (None, Past::Marked) => return Err(missing(store)),
            (None, Past::Unmarked(Some(segment))) => self.bucket.has(segment)?,
            (None, Past::Unmarked(None)) => self.bucket.list()?.is_empty(),
        };
        if fits && self.bucket.belong_to(store)? {
            return Ok(());
        }
        // Another process may have been faster, or there is what nobody knows.
        match (self.bucket.owner()?, past) {
            (Some(owner), _) => of_owner(&owner, store),
            (None, Past::Unmarked(None)) => Err(refused(
                "there are segments in it that this store knows nothing of: name an empty place \
                 in `[store] blocks`"
                    .to_owned(),
            )),
            (None, _) => Err(missing(store)),
        }
    }
}

impl ObjectBlocks {
    /// Takes the id of a store that has nothing away from the bucket, if it is there: another takes its
    /// place. `false` if there are segments.
    pub(in crate::store::cluster) fn leave(&self, store: &str) -> Result<bool, StoreError> {
        if self.bucket.owner()?.as_deref() != Some(store) {
            return Ok(true);
        }
        let is_empty = self.bucket.list()?.is_empty();
        if is_empty {
            self.bucket.belong_to_none()?;
        }
        Ok(is_empty)
    }
}

fn of_owner(owner: &str, store: &str) -> Result<(), StoreError> {
    match owner == store {
        true => Ok(()),
        false => Err(refused(format!(
            "it is that of another store ({owner}; this one is {store}): each database needs a \
             place of its own in `[store] blocks`"
        ))),
    }
}

fn missing(store: &str) -> StoreError {
    refused(format!(
        "what this store has written there is not there, nor its `store.id`: mount the folder, or \
         name the right place in `[store] blocks`; if all of it is lost, write {store} into a new \
         `store.id` there"
    ))
}

fn refused(message: String) -> StoreError {
    StoreError::Objects {
        source: message.into(),
    }
}
