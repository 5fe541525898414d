//! Where a store is that is copied, or its copy.

use std::path::Path;

#[cfg(feature = "cluster")]
use crate::store::ClusterOptions;
use crate::store::{Store, StoreError, StoreOptions};

/// Where a store is, or is to be.
#[derive(Clone, Copy)]
pub enum StorePlace<'a> {
    /// In a folder.
    Folder(&'a Path),
    /// On servers.
    #[cfg(feature = "cluster")]
    Cluster(&'a ClusterOptions),
}

impl Store {
    /// Opens a store to copy it: nobody else may have it open for writing.
    ///
    /// # Errors
    /// As [`Self::open`], and where it is itself a copy that has not ended.
    pub fn open_original(
        place: StorePlace<'_>,
        options: &StoreOptions<'_>,
    ) -> Result<Self, StoreError> {
        match place {
            StorePlace::Folder(dir) => Self::open(dir, options),
            #[cfg(feature = "cluster")]
            StorePlace::Cluster(cluster) => Self::open_cluster(cluster, None, options),
        }
    }

    /// Opens a copy to compare it, whether it has ended or not.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_copy(
        place: StorePlace<'_>,
        options: &StoreOptions<'_>,
    ) -> Result<Self, StoreError> {
        match place {
            StorePlace::Folder(dir) => Self::open_folder_copy(dir, options),
            #[cfg(feature = "cluster")]
            StorePlace::Cluster(cluster) => Self::open_cluster_copy(cluster, options),
        }
    }

    /// Opens the place that this store is copied to: one without a store, or one into which this store was
    /// begun to be copied. Until [`Self::end_copy`] nothing else opens what is there.
    ///
    /// # Errors
    /// If something else is there, or it cannot be written.
    pub fn begin_copy(
        &self,
        place: StorePlace<'_>,
        options: &StoreOptions<'_>,
    ) -> Result<Self, StoreError> {
        let options = StoreOptions {
            network: options.network,
            activations: self.identity.activations,
            recent_bytes: self.identity.recent_bytes,
            reserve_bytes: options.reserve_bytes,
        };
        match place {
            StorePlace::Folder(dir) => Self::begin_folder_copy(dir, &self.identity, &options),
            #[cfg(feature = "cluster")]
            StorePlace::Cluster(_) if options.recent_bytes.is_some() => {
                Err(StoreError::NewestOnServer)
            }
            #[cfg(feature = "cluster")]
            StorePlace::Cluster(cluster) => {
                Self::begin_cluster_copy(cluster, &self.identity)?;
                Self::open_cluster_copy(cluster, &options)
            }
        }
    }
}
