//! What sled says, as the store says it.

use std::path::Path;

use crate::store::StoreError;
use crate::store::error::hint;

impl From<sled::Error> for StoreError {
    fn from(error: sled::Error) -> Self {
        let hint = match &error {
            sled::Error::Io(error) => hint(error),
            sled::Error::Corruption { .. } => "; restore the store from a backup or index again",
            _ => "",
        };
        Self::Engine {
            source: Box::new(error),
            hint,
        }
    }
}

/// The error of opening the records at `path`.
pub fn of_opening(path: &Path, error: sled::Error) -> StoreError {
    match error {
        sled::Error::Io(source) => StoreError::io(path, source),
        error => error.into(),
    }
}
