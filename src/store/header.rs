use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::StoreError;
use super::migration::LATEST;
use crate::activation::Encoding;
use crate::network::NetworkId;

/// `store.toml`: what must be known before the records can be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    /// Version of the store's format: the number of migrations applied.
    pub(super) format: u32,
    /// Tells this store from all others, so that no index of another is used.
    pub(super) id: String,
    /// The network whose features are stored.
    pub(super) network: NetworkId,
    /// How activations are stored.
    pub(super) activations: Encoding,
    /// How its pictures are described; others are described anew on opening.
    #[serde(default)]
    pub(super) descriptor: String,
}

/// Read first and alone, so that a newer header with other keys is still recognised.
#[derive(Deserialize)]
struct FormatOnly {
    format: u32,
}

pub(super) const FILE: &str = "store.toml";

impl Header {
    pub(super) fn read(dir: &Path) -> Result<Option<Self>, StoreError> {
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

    pub(super) fn check(&self, dir: &Path, network: &NetworkId) -> Result<(), StoreError> {
        if self.network == *network {
            Ok(())
        } else {
            Err(StoreError::network(dir, &self.network, network))
        }
    }

    /// Replaces the file in one step, so that there is always a whole header.
    pub(super) fn write(&self, dir: &Path) -> Result<(), StoreError> {
        let path = dir.join(FILE);
        let text = toml::to_string(self).expect("a few plain values always encode");
        let write = || {
            let mut file = tempfile::NamedTempFile::new_in(dir)?;
            file.write_all(b"# Written by simdex; do not edit.\n")?;
            file.write_all(text.as_bytes())?;
            file.as_file().sync_all()?;
            file.persist(&path)?;
            std::fs::File::open(dir)?.sync_all()
        };
        write().map_err(|error| StoreError::io(&path, error))
    }
}
