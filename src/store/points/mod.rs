//! Points: what a store that can search finds by itself, so that nobody has to read all of it first.

mod near;

pub use near::{Means, Near, NearPicture, NearTo, Nearest, Which};

use super::StoreError;

/// Pictures as points. A store that cannot search leaves it to the index, which reads the descriptors
/// of all pictures. Everything may block and takes `&self`.
pub trait Points: Send + Sync {
    /// Whether it finds by itself what is near.
    fn finds_near(&self) -> bool {
        false
    }

    /// Pictures nearest to what is asked for. Those that were stored last are among them as soon as they
    /// are there.
    ///
    /// # Errors
    /// If the store fails.
    fn near(&self, _asked: &Near<'_>) -> Result<Nearest, StoreError> {
        Ok(Nearest {
            are_all: true,
            ..Nearest::default()
        })
    }

    /// What the pictures have in common.
    ///
    /// # Errors
    /// If the store fails.
    fn means(&self) -> Result<Means, StoreError> {
        Ok(Means::default())
    }
}
