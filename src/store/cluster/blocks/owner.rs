//! Whose a bucket is: an object in it has the mark of the one store that may write there, so that no
//! other, nor a copy of it, writes over its segments or deletes what only it names.

use super::ObjectBlocks;
use crate::store::StoreError;

/// What a store knows of its bucket from before.
#[derive(Debug, Clone, Copy)]
pub(in crate::store::cluster) enum Past {
    /// It has left its mark there.
    Marked,
    /// It has not: it is new, or older than such marks. The number of a segment that it names, if it
    /// names any.
    Unmarked(Option<u32>),
}

impl ObjectBlocks {
    /// Makes sure that the bucket is that of the store of a mark, and leaves the mark there if it says
    /// nothing yet.
    ///
    /// # Errors
    /// If it is another store's, or has lost what it had.
    pub(in crate::store::cluster) fn check_owner(
        &self,
        mark: &str,
        past: Past,
    ) -> Result<(), StoreError> {
        let fits = match (self.bucket.owner()?, past) {
            (Some(owner), _) => return of_owner(&owner, mark),
            (None, Past::Marked) => return Err(missing(mark)),
            (None, Past::Unmarked(Some(segment))) => self.bucket.has(segment)?,
            (None, Past::Unmarked(None)) => self.bucket.list()?.is_empty(),
        };
        if fits && self.bucket.set_owner(mark)? {
            return Ok(());
        }
        // Another process may have been faster, or there is what nobody knows.
        match (self.bucket.owner()?, past) {
            (Some(owner), _) => of_owner(&owner, mark),
            (None, Past::Unmarked(None)) => Err(refused(
                "there are segments in it that this store knows nothing of: name an empty place \
                 in `[store] blocks`"
                    .to_owned(),
            )),
            (None, _) => Err(missing(mark)),
        }
    }
}

impl ObjectBlocks {
    /// Whether another store may have the bucket: nothing is in it, and no store has left its mark there
    /// but the one of `mark`, which takes it away.
    pub(in crate::store::cluster) fn leave(&self, mark: Option<&str>) -> Result<bool, StoreError> {
        let owner = self.bucket.owner()?;
        if owner.is_some() && owner.as_deref() != mark || !self.bucket.list()?.is_empty() {
            return Ok(false);
        }
        if owner.is_some() {
            self.bucket.clear_owner()?;
        }
        Ok(true)
    }
}

fn of_owner(owner: &str, mark: &str) -> Result<(), StoreError> {
    match owner == mark {
        true => Ok(()),
        false => Err(refused(format!(
            "it is that of another store ({owner}; this one is {mark}): each database needs a \
             place of its own in `[store] blocks`"
        ))),
    }
}

fn missing(mark: &str) -> StoreError {
    refused(format!(
        "what this store has written there is not there, nor its `store.id`: mount the folder, or \
         name the right place in `[store] blocks`; if all of it is lost, write {mark} into a new \
         `store.id` there"
    ))
}

fn refused(message: String) -> StoreError {
    StoreError::Objects {
        source: message.into(),
    }
}
