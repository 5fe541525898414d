//! Opening a cluster's store.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::blocks::{ObjectBlocks, Past};
use super::server::database::Database;
use super::server::migrations;
use super::{ClusterMetadata, ClusterOptions, identity};
use crate::store::keeping::Layouts;
use crate::store::{Catalogue, Identity, Store, StoreError, StoreOptions};

/// The folder of activations that were read, in that of what is derived.
const CACHE: &str = "blocks";

impl Store {
    /// Whether the database of a cluster has a store; to open it makes one.
    ///
    /// # Errors
    /// If it cannot be reached, or is of another version.
    pub fn exists_in_cluster(cluster: &ClusterOptions) -> Result<bool, StoreError> {
        let database = Database::connect(cluster)?;
        migrations::check(&database)?;
        identity::is_there(&database)
    }

    /// `lock` keeps this machine's folder as long as the store is open.
    pub(in crate::store) fn in_cluster(
        (cluster, dir): (&ClusterOptions, Option<&Path>),
        options: &StoreOptions<'_>,
        lease_time: Duration,
        lock: Box<dyn Send + Sync>,
    ) -> Result<Self, StoreError> {
        let store = Self::connected((cluster, dir), options, lease_time, lock)?;
        store.check_copied()?;
        Ok(store)
    }

    /// The same of a store that may be a copy that has not ended.
    pub(in crate::store::cluster) fn connected(
        (cluster, dir): (&ClusterOptions, Option<&Path>),
        options: &StoreOptions<'_>,
        lease_time: Duration,
        lock: Box<dyn Send + Sync>,
    ) -> Result<Self, StoreError> {
        let (metadata, row) = ClusterMetadata::open(cluster, options, lease_time, lock)?;
        let cache = dir.map(|dir| dir.join(CACHE));
        let cache = cache.as_deref().map(|dir| (dir, cluster.cache_bytes));
        let numbers = Box::new(metadata.segment_numbers());
        let blocks = ObjectBlocks::open(&cluster.blocks, cache, cluster.grace, numbers)?;
        match row.has_bucket {
            true => blocks.check_owner(&row.mark, Past::Marked)?,
            false => {
                let first = metadata.block_locations().next().transpose()?;
                let segment = first.map(|(_, at)| at.segment);
                blocks.check_owner(&row.mark, Past::Unmarked(segment))?;
                identity::has_bucket(metadata.database())?;
            }
        }
        Ok(Self {
            metadata: Box::new(metadata),
            blocks: Box::new(blocks),
            identity: Identity {
                id: row.id,
                mark: row.mark,
                network: row.network,
                layouts: Layouts::of(options.network, row.activations, None),
                activations: row.activations,
                recent_bytes: None,
                sketch: None,
                descriptor: row.descriptor,
                look: row.look,
            },
            dir: dir.map(Path::to_owned),
            commits: Mutex::default(),
            newest: Mutex::default(),
            is_converting: AtomicBool::new(false),
        })
    }
}
