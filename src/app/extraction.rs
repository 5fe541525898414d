//! From bytes to features: the network, its runtime and a pool of extractors.

use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};

use super::{Error, Observer, Step};
use crate::activation::{Encoding, Layout};
use crate::config::{Config, NetworkConfig};
use crate::head::Mode;
use crate::ingest::{extract_views, worker_count};
use crate::network::{Engine, ExtractError, Extractor, Network, runtime};
use crate::picture::{Limits, View};
use crate::store::NewPicture;

/// The network, its runtime and its extractors. Cheap to clone; clones share them.
#[derive(Clone)]
pub struct Extraction(Arc<Inner>);

struct Inner {
    network: Network,
    /// Where it was read from.
    files: NetworkConfig,
    limits: Limits,
    /// How new stores keep activations.
    activations: Encoding,
    /// How activations are laid out where there is no store that says so.
    layout: Layout,
    runtime: runtime::Options,
    observer: Observer,
    /// Started when the first picture comes: it may have to be fetched.
    engine: OnceLock<Engine>,
    pool: Pool,
}

impl Extraction {
    /// Reads the network's files. Its runtime is started when it is needed first.
    ///
    /// # Errors
    /// If the network's files cannot be used.
    pub fn new(config: &Config, observer: Observer) -> Result<Self, Error> {
        let network = read_network(&config.network)?;
        Ok(Self(Arc::new(Inner {
            activations: config.store.encoding(),
            layout: network.layout(config.store.encoding()),
            network,
            files: config.network.clone(),
            limits: config.picture.limits(),
            runtime: config.runtime(),
            observer,
            engine: OnceLock::new(),
            pool: Pool::new(worker_count()),
        })))
    }

    /// The network.
    pub fn network(&self) -> &Network {
        &self.0.network
    }

    /// The network once more, for those who change theirs.
    pub(super) fn read_network_again(&self) -> Result<Network, Error> {
        read_network(&self.0.files)
    }

    /// How activations are laid out where there is no store that says so.
    pub fn layout(&self) -> &Layout {
        &self.0.layout
    }

    /// How new stores keep activations.
    pub(super) fn activations(&self) -> Encoding {
        self.0.activations
    }

    /// What pictures may cost.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// The network's runtime; the first call finds it, or gets it while saying so.
    ///
    /// # Errors
    /// If there is none and none can be had; the error says what to install.
    pub fn engine(&self) -> Result<&Engine, Error> {
        if let Some(engine) = self.0.engine.get() {
            return Ok(engine);
        }
        let observer = &self.0.observer;
        let engine = Engine::start(&self.0.runtime, &|step| observer.tell(Step::Runtime(step)))?;
        Ok(self.0.engine.get_or_init(|| engine))
    }

    /// Makes an extractor ahead of the first picture, which is then not kept waiting.
    ///
    /// # Errors
    /// If the network cannot be run.
    pub fn warm_up(&self) -> Result<(), Error> {
        self.extractor().map(drop)
    }

    pub(super) fn extractor(&self) -> Result<Lent<'_>, Error> {
        let engine = self.engine()?;
        Ok(self.0.pool.take(|| engine.extractor(&self.0.network))?)
    }

    /// The features of a picture in every view that a mode compares, upright first, in the
    /// layout of `layout`. Waits while all extractors are busy; blocks for milliseconds.
    ///
    /// # Errors
    /// If the bytes are no usable picture, or the network cannot be run.
    pub fn views(
        &self,
        name: &str,
        bytes: &[u8],
        mode: Mode,
        layout: &Layout,
    ) -> Result<Vec<NewPicture>, Error> {
        let views = match mode {
            Mode::Copy => View::ALL.as_slice(),
            Mode::SameSubject | Mode::LookAlike => &[View::Upright],
        };
        let mut extractor = self.extractor()?;
        let limits = &self.0.limits;
        extract_views(bytes, limits, &mut extractor, layout, views).map_err(|source| {
            Error::Picture {
                name: name.to_owned(),
                source,
            }
        })
    }
}

/// The network of the configuration, or the shipped one.
fn read_network(files: &NetworkConfig) -> Result<Network, Error> {
    let network = match &files.manifest {
        Some(path) => Network::load(path)?,
        None => Network::builtin()?,
    };
    Ok(match &files.projection {
        Some(path) => network.with_projection_file(path)?,
        None => network,
    })
}

/// Extractors that are lent, one thread each.
struct Pool {
    free: Mutex<Free>,
    returned: Condvar,
}

struct Free {
    extractors: Vec<Extractor>,
    /// How many more may be made.
    unmade: usize,
}

/// An extractor that goes back to its pool.
pub(super) struct Lent<'a> {
    pool: &'a Pool,
    /// Empty only while it is dropped.
    extractor: Option<Extractor>,
}

impl Pool {
    fn new(most: usize) -> Self {
        Self {
            free: Mutex::new(Free {
                extractors: Vec::new(),
                unmade: most,
            }),
            returned: Condvar::new(),
        }
    }

    /// Lends a free extractor, makes one where there may be more, or waits.
    fn take(
        &self,
        make: impl FnOnce() -> Result<Extractor, ExtractError>,
    ) -> Result<Lent<'_>, ExtractError> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let extractor = loop {
            if let Some(extractor) = free.extractors.pop() {
                break Some(extractor);
            }
            if free.unmade > 0 {
                free.unmade -= 1;
                break None;
            }
            free = self
                .returned
                .wait(free)
                .unwrap_or_else(PoisonError::into_inner);
        };
        drop(free);
        // From here on the place goes back when `lent` is dropped, made or not.
        let mut lent = Lent {
            pool: self,
            extractor,
        };
        if lent.extractor.is_none() {
            lent.extractor = Some(make()?);
        }
        Ok(lent)
    }
}

impl std::ops::Deref for Lent<'_> {
    type Target = Extractor;

    fn deref(&self) -> &Extractor {
        self.extractor
            .as_ref()
            .expect("it is empty only while it is dropped")
    }
}

impl std::ops::DerefMut for Lent<'_> {
    fn deref_mut(&mut self) -> &mut Extractor {
        self.extractor
            .as_mut()
            .expect("it is empty only while it is dropped")
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let mut free = self
            .pool
            .free
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match self.extractor.take() {
            Some(extractor) => free.extractors.push(extractor),
            None => free.unmade += 1,
        }
        self.pool.returned.notify_one();
    }
}
