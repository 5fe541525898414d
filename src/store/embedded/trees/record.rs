//! How records are written: with postcard. A change of what is written is a change of the store's format
//! and needs a migration.

use serde::{Serialize, de::DeserializeOwned};

use crate::store::StoreError;

/// A record of the frontier cannot be read.
pub const UNREADABLE: StoreError = StoreError::Unreadable { tree: "frontier" };

pub fn encode<T: Serialize>(record: &T) -> Vec<u8> {
    postcard::to_stdvec(record).expect("plain records of strings and integers always encode")
}

pub fn decode<T: DeserializeOwned>(tree: &'static str, bytes: &[u8]) -> Result<T, StoreError> {
    postcard::from_bytes(bytes).map_err(|_| StoreError::Unreadable { tree })
}
