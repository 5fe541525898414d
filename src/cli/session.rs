//! What commands share: the configuration and how the parts are opened from it.

use std::sync::Arc;

use anyhow::bail;

use super::progress::{self, Progress};
use crate::config::Config;
use crate::head::Ranking;
use crate::index::Index;
use crate::network::{Engine, Network, runtime};
use crate::shutdown::Shutdown;
use crate::store::{Store, StoreOptions};

pub(super) struct Session {
    pub(super) config: Config,
    pub(super) shutdown: Shutdown,
}

impl Session {
    pub(super) fn new(config: Config, shutdown: Shutdown) -> Self {
        Self { config, shutdown }
    }

    pub(super) fn network(&self) -> anyhow::Result<Network> {
        Ok(match &self.config.network.manifest {
            Some(path) => Network::load(path)?,
            None => Network::builtin()?,
        })
    }

    /// Finds the runtime, or gets it while saying so.
    pub(super) fn engine(&self) -> anyhow::Result<Engine> {
        let options: runtime::Options = self.config.runtime();
        Ok(Engine::start(&options, &|step| {
            progress::note(&step.to_string())
        })?)
    }

    /// Opens the store, making it where there is none.
    pub(super) fn store(&self, network: &Network) -> anyhow::Result<Arc<Store>> {
        let options = StoreOptions {
            network,
            activations: self.config.store.activations,
            reserve_bytes: self.config.store.reserve_disk_mb << 20,
        };
        Ok(Arc::new(Store::open(&self.config.data_dir()?, &options)?))
    }

    /// Opens a store that must be there.
    pub(super) fn existing_store(&self, network: &Network) -> anyhow::Result<Arc<Store>> {
        let dir = self.config.data_dir()?;
        if !Store::exists(&dir) {
            bail!(
                "there is no store in {}; index something first with `simdex crawl URL` or `simdex add FOLDER`, or name the store with --data-dir",
                dir.display()
            );
        }
        self.store(network)
    }

    /// Opens the index, with a progress bar where that takes a while.
    pub(super) fn index(&self, store: &Store) -> anyhow::Result<Index> {
        let bar = std::sync::OnceLock::new();
        let index = Index::open(store, &self.config.index, &|done, total| {
            let bar = bar.get_or_init(|| Progress::new("indexing", total as u64));
            bar.set(done as u64, || format!("indexing {done}/{total}"));
        })?;
        Ok(index)
    }

    /// Brings a saved index up to date with what was stored; a scan has nothing to save.
    pub(super) fn update_index(&self, store: &Store) -> anyhow::Result<()> {
        if store.picture_count() >= self.config.index.exact_below {
            self.index(store)?;
        }
        Ok(())
    }

    pub(super) fn ranking(&self, name: Option<&str>, network: &Network) -> anyhow::Result<Ranking> {
        Ok(Ranking::named(
            name.unwrap_or(&self.config.query.head),
            network,
        )?)
    }
}
