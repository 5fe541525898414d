//! Opening a cluster's store.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::blocks::ObjectBlocks;
use super::{ClusterMetadata, ClusterOptions};
use crate::private_folder;
use crate::store::embedded::Lock;
use crate::store::layouts::Layouts;
use crate::store::leases::LEASE_TIME;
use crate::store::{Identity, Store, StoreError, StoreOptions};

/// The folder of activations that were read, in that of what is derived.
const CACHE: &str = "blocks";

impl Store {
    /// Opens the store of a cluster, making it in a database that [`migrate`](super::migrate) has
    /// made ready. What this machine derives of it (the index, activations that were read) is kept
    /// in `dir`.
    ///
    /// # Errors
    /// If the server or the bucket cannot be reached, or the store is of another version or network.
    pub fn open_cluster(
        cluster: &ClusterOptions,
        dir: Option<&Path>,
        options: &StoreOptions<'_>,
    ) -> Result<Self, StoreError> {
        Self::in_cluster(cluster, dir, options, LEASE_TIME)
    }

    pub(in crate::store) fn in_cluster(
        cluster: &ClusterOptions,
        dir: Option<&Path>,
        options: &StoreOptions<'_>,
        lease_time: Duration,
    ) -> Result<Self, StoreError> {
        // One process a folder: the index and the ledger of requests have one writer.
        let lock = dir.map(lock).transpose()?;
        let (metadata, row) = ClusterMetadata::open(cluster, options, lease_time, lock)?;
        let cache = dir.map(|dir| dir.join(CACHE));
        let cache = cache.as_deref().map(|dir| (dir, cluster.cache_bytes));
        let numbers = Box::new(metadata.segment_numbers());
        let blocks = ObjectBlocks::open(&cluster.blocks, cache, cluster.grace, numbers)?;
        Ok(Self {
            metadata: Box::new(metadata),
            blocks: Box::new(blocks),
            identity: Identity {
                id: row.id,
                network: row.network,
                layouts: Layouts::of(options.network, row.activations),
                descriptor: row.descriptor,
                look: row.look,
            },
            dir: dir.map(Path::to_owned),
            commits: Mutex::default(),
            is_converting: AtomicBool::new(false),
        })
    }
}

fn lock(dir: &Path) -> Result<Lock, StoreError> {
    private_folder::create(dir).map_err(|error| StoreError::io(dir, error))?;
    Lock::take(dir)
}
