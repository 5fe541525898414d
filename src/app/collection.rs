//! An open store with everything that works on it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::hidden::Hidden;
use super::live_index::{LiveIndex, Wants};
use super::{Error, Extraction, Heads, Observer};
use crate::config::Config;
#[cfg(feature = "cluster")]
use crate::config::IndexPlace;
use crate::head::{Mode, Ranking};
use crate::index::Index;
use crate::search::View;
use crate::shutdown::Shutdown;
use crate::store::{Store, StoreError, StoreOptions, Wasteful};

/// An open store, its live index, heads and extractors. Cheap to clone; clones share them.
#[derive(Clone)]
pub struct Collection(Arc<Inner>);

struct Inner {
    config: Config,
    extraction: Extraction,
    heads: Heads,
    hidden: Hidden,
    /// Before the store: its thread ends first.
    live: LiveIndex,
    store: Arc<Store>,
}

impl Collection {
    /// Opens the store that the configuration names, making it where there is none.
    ///
    /// # Errors
    /// If the store cannot be opened.
    pub fn open(
        config: Config,
        extraction: Extraction,
        heads: Heads,
        observer: Observer,
    ) -> Result<Self, Error> {
        let options = store_options(&config, &extraction);
        let store = open_store(&config, &options)?;
        Ok(Self::of(store, config, extraction, heads, observer))
    }

    /// Opens a store that must be there.
    ///
    /// # Errors
    /// [`Error::NoStore`] if it is not, else as [`Self::open`].
    pub fn open_existing(
        config: Config,
        extraction: Extraction,
        heads: Heads,
        observer: Observer,
    ) -> Result<Self, Error> {
        existing_store(&config)?;
        Self::open(config, extraction, heads, observer)
    }

    /// Opens a store that must be there, to read it. Where it cannot be written, as on a full
    /// disk, that is said, and it is read all the same.
    ///
    /// # Errors
    /// [`Error::NoStore`] if it is not there, else as [`Self::open`].
    pub fn open_to_read(
        config: Config,
        extraction: Extraction,
        heads: Heads,
        observer: Observer,
    ) -> Result<Self, Error> {
        let dir = existing_store(&config)?;
        let options = store_options(&config, &extraction);
        let store = match open_store(&config, &options) {
            Err(Error::Store(error)) if error.is_of_writing() || is_beyond_repair(&error, &dir) => {
                tracing::warn!(%error, "the store cannot be written, and is only read");
                Store::open_read_only(&dir, &options)?
            }
            store => store?,
        };
        Ok(Self::of(store, config, extraction, heads, observer))
    }

    fn of(
        store: Store,
        config: Config,
        extraction: Extraction,
        heads: Heads,
        observer: Observer,
    ) -> Self {
        let store = Arc::new(store);
        let live = LiveIndex::new(Arc::clone(&store), config.index.clone(), observer);
        Self(Arc::new(Inner {
            config,
            extraction,
            heads,
            hidden: Hidden::default(),
            live,
            store,
        }))
    }

    /// The configuration that it was opened with.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// What makes features of bytes.
    pub fn extraction(&self) -> &Extraction {
        &self.0.extraction
    }

    /// The heads.
    pub fn heads(&self) -> &Heads {
        &self.0.heads
    }

    /// What is hidden from searches.
    pub(super) fn hidden(&self) -> &Hidden {
        &self.0.hidden
    }

    /// The store.
    pub fn store(&self) -> &Arc<Store> {
        &self.0.store
    }

    /// The index with everything stored so far. The first call opens it, which may take a
    /// while.
    ///
    /// # Errors
    /// If the index cannot be made.
    pub fn index(&self) -> Result<Arc<Index>, Error> {
        self.0.live.index()
    }

    /// What can be found now: everything stored up to a quarter of a second ago, or a little
    /// longer where the index is large. The first call opens the index, which may take a while.
    ///
    /// # Errors
    /// If the index cannot be made.
    pub fn view(&self) -> Result<View, Error> {
        self.0.live.view(Wants::default())
    }

    /// Whether there is nothing to find. Opens what searches need, which may take a while.
    ///
    /// # Errors
    /// If the index cannot be made.
    pub fn is_empty(&self) -> Result<bool, Error> {
        match self.is_searched_by_store() {
            true => Ok(self.store().picture_count() == 0),
            false => Ok(self.view()?.is_empty()),
        }
    }

    /// Whether the store finds by itself what is near, and is to: then no search needs the index.
    #[cfg(feature = "cluster")]
    pub(super) fn is_searched_by_store(&self) -> bool {
        self.config().index.on == IndexPlace::Server && self.store().finds_near()
    }

    /// No store does.
    #[cfg(not(feature = "cluster"))]
    pub(super) fn is_searched_by_store(&self) -> bool {
        false
    }

    /// Starts the network, and opens all that a search by the default head needs.
    ///
    /// # Errors
    /// If there is no runtime, or the index cannot be made.
    pub fn warm_up(&self) -> Result<(), Error> {
        self.extraction().warm_up()?;
        if self.is_searched_by_store() {
            self.store().means()?;
            return Ok(());
        }
        self.view_for(&*self.heads().named(None)?, Mode::default())?;
        Ok(())
    }

    /// The same with all that a search by `head` in a mode needs.
    pub(super) fn view_for(&self, head: &Ranking, mode: Mode) -> Result<View, Error> {
        let is_fused = matches!(head, Ranking::Fused(_));
        self.0.live.view(Wants {
            mean: is_fused,
            looks: is_fused && mode == Mode::LookAlike,
        })
    }

    /// Gives back what is mostly dead of the store, and brings the saved index up to date, after
    /// pictures were stored, unless the user has asked to stop.
    pub(super) fn tidy_up(&self, shutdown: &Shutdown) -> Result<(), Error> {
        if shutdown.requested() {
            return Ok(());
        }
        match self.0.store.compact(Wasteful::Half) {
            Ok(compacted) => {
                for text in compacted.unread {
                    tracing::warn!("{text}");
                }
            }
            Err(error) => {
                tracing::warn!(%error, "the space of removed pictures is not given back yet");
            }
        }
        self.make_room_for_newest(shutdown);
        let live = &self.0.live;
        // A scan has nothing to save.
        let is_graph = self.0.store.picture_count() >= self.0.config.index.exact_below;
        let is_needed = is_graph && !self.is_searched_by_store();
        if !shutdown.requested() && (live.is_open() || is_needed) {
            live.save()?;
        }
        Ok(())
    }
}

impl Collection {
    /// Where the store keeps only its newest pictures in full, has the oldest of them become sketches,
    /// until they take no more than they may or the user asks to stop.
    fn make_room_for_newest(&self, shutdown: &Shutdown) {
        while !shutdown.requested() {
            match self.0.store.make_room_for_newest() {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    tracing::warn!(%error, "more pictures than wanted are kept in full for now");
                    return;
                }
            }
        }
    }
}

/// How the configuration wants a store to be opened.
pub(super) fn store_options<'a>(config: &Config, extraction: &'a Extraction) -> StoreOptions<'a> {
    StoreOptions {
        network: extraction.network(),
        activations: config.store.encoding(),
        recent_bytes: config.store.recent_bytes(),
        reserve_bytes: config.store.reserve_disk_mb.saturating_mul(1 << 20),
    }
}

/// Opens the store that the configuration names: that of a cluster, or one in a folder.
fn open_store(config: &Config, options: &StoreOptions<'_>) -> Result<Store, Error> {
    let dir = config.data_dir()?;
    #[cfg(feature = "cluster")]
    if let Some(cluster) = super::cluster::options(config)? {
        return Ok(Store::open_cluster(&cluster, Some(&dir), options)?);
    }
    Ok(Store::open(&dir, options)?)
}

/// Whether there is a store where the configuration names one. A cluster's is taken for granted: to
/// open it says what is wrong.
///
/// # Errors
/// If the configuration names no folder.
pub fn has_store(config: &Config) -> Result<bool, Error> {
    #[cfg(feature = "cluster")]
    if super::cluster::options(config)?.is_some() {
        return Ok(true);
    }
    Ok(Store::exists(&config.data_dir()?))
}

/// Fails where the store is on a server: for jobs on the files of one in a folder.
#[cfg(feature = "cluster")]
pub(super) fn in_folder(config: &Config) -> Result<(), Error> {
    match super::cluster::options(config)? {
        Some(_) => Err(Error::OnServer),
        None => Ok(()),
    }
}

/// Every store is in a folder.
#[cfg(not(feature = "cluster"))]
pub(super) fn in_folder(_: &Config) -> Result<(), Error> {
    Ok(())
}

/// The folder of the store that the configuration names.
///
/// # Errors
/// [`Error::NoStore`] if it is not there.
pub(super) fn existing_store(config: &Config) -> Result<PathBuf, Error> {
    let dir = config.data_dir()?;
    #[cfg(feature = "cluster")]
    if super::cluster::options(config)?.is_some() {
        return Ok(dir);
    }
    match Store::exists(&dir) {
        true => Ok(dir),
        false => Err(Error::NoStore(dir)),
    }
}

/// Whether records are missing or damaged and the disk has no room for the repair that mends them.
fn is_beyond_repair(error: &StoreError, dir: &Path) -> bool {
    error.is_of_records() && !Store::has_room_to_repair(dir)
}
