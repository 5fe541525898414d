//! The header of a store.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::activation::Encoding;
use crate::atomic_file::AtomicFile;
use crate::network::NetworkId;
use crate::store::StoreError;
use crate::store::embedded::log::StoreId;

/// `store.toml`: what must be known before the records can be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Version of the store's format: the number of migrations applied.
    pub format: u32,
    /// Tells this store from all others, so that no index of another is used.
    pub id: String,
    /// The network whose features are stored.
    pub network: NetworkId,
    /// How activations are stored.
    pub activations: Encoding,
    /// How its pictures are described; if that differs, they are described anew on opening.
    #[serde(default)]
    pub descriptor: String,
    /// How the looks of all its pictures are told; empty while that is not so. If it differs,
    /// they are told anew on opening.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub look: String,
}

/// The newest format: the number of migrations.
pub const LATEST: u32 = 4;

/// Read first and alone, so that a newer header with other keys is still recognised.
#[derive(Deserialize)]
struct FormatOnly {
    format: u32,
}

pub const FILE: &str = "store.toml";

impl Header {
    pub fn read(dir: &Path) -> Result<Option<Self>, StoreError> {
        let path = dir.join(FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StoreError::io(&path, error)),
        };
        let wrong = |error: toml::de::Error| StoreError::Header {
            path: path.clone(),
            message: error.message().to_owned(),
        };
        let FormatOnly { format } = toml::from_str(&text).map_err(wrong)?;
        if format > LATEST {
            return Err(StoreError::Newer {
                dir: dir.to_owned(),
                found: format,
                known: LATEST,
            });
        }
        toml::from_str(&text).map(Some).map_err(wrong)
    }

    pub fn check(&self, dir: &Path, network: &NetworkId) -> Result<(), StoreError> {
        if self.network == *network {
            Ok(())
        } else {
            Err(StoreError::network(dir, &self.network, network))
        }
    }

    /// The store's identity as bytes.
    pub fn store_id(&self, dir: &Path) -> Result<StoreId, StoreError> {
        let id = u128::from_str_radix(&self.id, 16);
        let id = id.map_err(|_| StoreError::Header {
            path: dir.join(FILE),
            message: "`id` is not 32 hexadecimal digits".to_owned(),
        })?;
        Ok(id.to_be_bytes())
    }

    /// Replaces the file in one step, so that there is always a whole header.
    pub fn write(&self, dir: &Path) -> Result<(), StoreError> {
        let path = dir.join(FILE);
        let text = toml::to_string(self).expect("a few plain values always encode");
        let text = format!("# Written by simdex; do not edit.\n{text}");
        AtomicFile::new(&path)
            .write(text.as_bytes())
            .map_err(|error| StoreError::io(&path, error))
    }
}
