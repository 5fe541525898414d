//! What filters select pictures by, where a store keeps it ready: no record is read then, and matches
//! can be counted and listed.

mod measures;
mod sequence_set;

pub use measures::{Measure, Measures};
pub use sequence_set::SequenceSet;

use super::StoreError;
use crate::canonical_url::HostId;

/// Pictures by what filters ask of them. A store that does not keep it ready says so, and each picture is
/// asked. Everything may block and takes `&self`.
pub trait Selection: Send + Sync {
    /// The pictures that were seen on a host: at a URL of it, or on a page of it. `None` where that is not
    /// kept ready.
    ///
    /// # Errors
    /// If the store fails or a record is unreadable.
    fn seen_on(&self, _host: HostId) -> Result<Option<SequenceSet>, StoreError> {
        Ok(None)
    }

    /// The measures of all pictures. `None` where they are not kept ready.
    ///
    /// # Errors
    /// If the store fails or a record is unreadable.
    fn measures(&self) -> Result<Option<Measures>, StoreError> {
        Ok(None)
    }

    /// Holds what is kept ready against the records it follows from. Says whether it was right; it is then.
    /// Nobody may commit while it runs.
    ///
    /// # Errors
    /// If the store fails or a record is unreadable.
    fn check_selection(&self) -> Result<bool, StoreError> {
        Ok(true)
    }
}
