//! What a store is copied by: all that it knows as records of a few kinds, listed in an order that every
//! store has, and written over what is there.

mod paired;
mod record;

pub(super) use paired::{Pair, pairs};
pub use record::{Kind, KnownHost, KnownPicture, KnownUrl, Notes, Record};

use super::{AppendEntries, Block, Listing, StoreError};

/// Records that come in the place of others.
#[derive(Default)]
pub struct Replacement {
    /// Those that go, as they are there. They go first.
    pub taken: Vec<Record>,
    /// Those that come, with their large part: a picture's activations, a body that waits.
    pub put: Vec<(Record, Option<Block>)>,
}

/// What a store is copied by. Whoever writes this way has the store to himself.
pub trait Transfer: Send + Sync {
    /// All records of a kind, in the order of their keys.
    fn records(&self, kind: Kind) -> Listing<'_, Record>;

    /// Takes records out and writes others, and returns once that would survive a power failure: all of
    /// it, or some that went and none that came. To do it once more changes nothing.
    ///
    /// # Errors
    /// If the disk is full or fails, or a record is unreadable.
    fn replace(&self, with: &Replacement, log: &dyn AppendEntries) -> Result<(), StoreError>;

    /// Ends a copy into this store: it is one like others from then on.
    ///
    /// # Errors
    /// If the disk is full or fails.
    fn end_copy(&self) -> Result<(), StoreError>;

    /// Whether a copy into this store has not ended.
    ///
    /// # Errors
    /// If the store fails.
    fn is_being_copied(&self) -> Result<bool, StoreError> {
        Ok(false)
    }

    /// Whether other processes write to it, as far as it can tell.
    ///
    /// # Errors
    /// If the store fails.
    fn is_at_work(&self) -> Result<bool, StoreError> {
        Ok(false)
    }
}
