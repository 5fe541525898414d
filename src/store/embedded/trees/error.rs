//! What sled says, as the store says it.

use std::path::Path;

use crate::store::StoreError;

impl From<sled::Error> for StoreError {
    fn from(error: sled::Error) -> Self {
        let error = match error {
            sled::Error::Io(source) => return Self::io(Path::new("records"), source),
            error => error,
        };
        let hint = match &error {
            sled::Error::Corruption { .. } => {
                "; `simdex repair` makes the records of pictures anew from the log"
            }
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
