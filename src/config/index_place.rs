//! Where a cluster's store is searched.

use serde::Deserialize;

/// Where a cluster's store is searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IndexPlace {
    /// On its server, where that has pgvector
    #[default]
    Server,
    /// On this machine, by an index of all pictures
    Machine,
}
