//! All that a store knows beside the activations.

use super::{Catalogue, Files, Frontier, Hosts, Labels, StoreError};

/// What a store knows: what is to be fetched, pictures, local files, hosts, and the user's labels.
/// Everything may block and takes `&self`.
pub trait Metadata: Frontier + Catalogue + Files + Hosts + Labels {
    /// Fails when there is hardly any disk space left.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`] below the reserve.
    fn check_space(&self) -> Result<(), StoreError>;

    /// Makes everything so far survive a power failure.
    ///
    /// # Errors
    /// If the store fails.
    fn flush(&self) -> Result<(), StoreError>;
}
