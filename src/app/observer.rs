//! Who is told how far slow work is.

use std::sync::Arc;

use crate::network::runtime;
use crate::shutdown::Shutdown;

/// A step of something that may take a while.
#[derive(Debug)]
#[non_exhaustive]
pub enum Step {
    /// The network's runtime is sought, or fetched.
    Runtime(runtime::Progress),
    /// Pictures are put into the index.
    Indexing {
        /// Pictures so far.
        done: usize,
        /// Pictures in all.
        total: usize,
    },
}

/// Is told of every step, from any thread.
#[derive(Clone)]
pub struct Observer {
    observe: Arc<dyn Fn(Step) + Send + Sync>,
    /// When nobody waits any more for what takes long.
    shutdown: Option<Shutdown>,
}

impl Observer {
    /// Tells `observe` of every step.
    pub fn new(observe: impl Fn(Step) + Send + Sync + 'static) -> Self {
        Self {
            observe: Arc::new(observe),
            shutdown: None,
        }
    }

    /// The same; what takes long ends when a shutdown is asked for.
    #[must_use]
    pub fn until(self, shutdown: Shutdown) -> Self {
        Self {
            shutdown: Some(shutdown),
            ..self
        }
    }

    /// Tells nobody.
    pub fn silent() -> Self {
        Self::new(|_| ())
    }

    pub(super) fn tell(&self, step: Step) {
        (self.observe)(step);
    }

    pub(super) fn goes_on(&self) -> bool {
        !self.shutdown.as_ref().is_some_and(Shutdown::requested)
    }
}
