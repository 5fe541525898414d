//! All that a store knows beside the activations.

use super::{
    Catalogue, Counts, Files, Frontier, Hosts, Labels, Points, Selection, StoreError, Transfer,
};

/// What a store knows: what is to be fetched, pictures, what they are found and selected by, local files,
/// hosts, and the user's labels; and how all of it is copied.
/// Everything may block and takes `&self`.
pub trait Metadata:
    Frontier + Catalogue + Points + Selection + Files + Hosts + Labels + Transfer
{
    /// Fails when there is hardly any disk space left.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`] below the reserve.
    fn check_space(&self) -> Result<(), StoreError>;

    /// What is counted of URLs, pages and hosts, kept as they change.
    fn counts(&self) -> Counts;

    /// The same, counted anew and kept: reads all of them.
    ///
    /// # Errors
    /// If the store fails or a record is unreadable.
    fn recount(&self) -> Result<Counts, StoreError>;

    /// Counts anew; says whether what was kept was right.
    ///
    /// # Errors
    /// As [`Self::recount`].
    fn check_counts(&self) -> Result<bool, StoreError> {
        let kept = self.counts();
        Ok(self.recount()? == kept)
    }

    /// Makes everything so far survive a power failure.
    ///
    /// # Errors
    /// If the store fails.
    fn flush(&self) -> Result<(), StoreError>;
}
