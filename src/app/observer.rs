//! Who is told how far slow work is.

use std::sync::Arc;

use crate::network::runtime;

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
pub struct Observer(Arc<dyn Fn(Step) + Send + Sync>);

impl Observer {
    /// Tells `observe` of every step.
    pub fn new(observe: impl Fn(Step) + Send + Sync + 'static) -> Self {
        Self(Arc::new(observe))
    }

    /// Tells nobody.
    pub fn silent() -> Self {
        Self::new(|_| ())
    }

    pub(super) fn tell(&self, step: Step) {
        (self.0)(step);
    }
}
