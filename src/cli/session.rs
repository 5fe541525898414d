//! What commands share: the configuration, and how the engine behind them is opened.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::progress::{self, Progress};
use crate::app::{Collection, Error, Extraction, Heads, Observer, Step};
use crate::config::Config;
use crate::head::Ranking;
use crate::shutdown::Shutdown;

pub(super) struct Session {
    pub(super) config: Config,
    /// How the program is called with the same store and configuration.
    program: String,
    /// Set once another process has answered that has the store open.
    answered: OnceLock<()>,
    pub(super) shutdown: Shutdown,
    extraction: OnceLock<Extraction>,
}

impl Session {
    pub(super) fn new(config: Config, shutdown: Shutdown, program: String) -> Self {
        Self {
            config,
            program,
            answered: OnceLock::new(),
            shutdown,
            extraction: OnceLock::new(),
        }
    }

    /// Notes that another process has the store open and answers.
    pub(super) fn note_owner(&self) {
        // One is enough.
        let _ = self.answered.set(());
    }

    /// Whether no other process is known to have the store open: commands that need it for themselves can
    /// be named.
    pub(super) fn is_alone(&self) -> bool {
        self.answered.get().is_none()
    }

    /// Another command for the same store, as it is typed.
    pub(super) fn command(&self, rest: &str) -> String {
        format!("`{} {rest}`", self.program)
    }

    /// The network and its extractors, read once.
    pub(super) fn extraction(&self) -> Result<&Extraction, Error> {
        if let Some(extraction) = self.extraction.get() {
            return Ok(extraction);
        }
        let extraction = Extraction::new(&self.config, observer())?;
        Ok(self.extraction.get_or_init(|| extraction))
    }

    /// Finds the network's runtime, or gets it while saying so, before other work begins.
    pub(super) fn start_runtime(&self) -> Result<(), Error> {
        self.extraction()?.engine().map(drop)
    }

    /// The head of that name, or the configured one.
    pub(super) fn head(&self, name: Option<&str>) -> Result<Arc<Ranking>, Error> {
        self.heads()?.named(name)
    }

    /// Opens the store, making it where there is none.
    pub(super) fn collection(&self) -> Result<Collection, Error> {
        let extraction = self.extraction()?.clone();
        Collection::open(
            self.config.clone(),
            extraction,
            self.heads()?,
            self.observer(),
        )
    }

    /// Opens a store that must be there.
    pub(super) fn existing_collection(&self) -> Result<Collection, Error> {
        let extraction = self.extraction()?.clone();
        let observer = self.observer();
        Collection::open_existing(self.config.clone(), extraction, self.heads()?, observer)
    }

    /// Opens a store that must be there, to read it.
    pub(super) fn collection_to_read(&self) -> Result<Collection, Error> {
        let extraction = self.extraction()?.clone();
        let observer = self.observer();
        Collection::open_to_read(self.config.clone(), extraction, self.heads()?, observer)
    }

    /// Says what takes a while, which Ctrl-C ends.
    fn observer(&self) -> Observer {
        observer().until(self.shutdown.clone())
    }

    fn heads(&self) -> Result<Heads, Error> {
        let heads = Heads::new(self.extraction()?, &self.config.query.head);
        Ok(heads.of_store(&self.config.data_dir()?))
    }
}

/// Says what takes a while, with a progress bar where there is a number to it.
pub(super) fn observer() -> Observer {
    let indexing: Mutex<Option<Progress>> = Mutex::new(None);
    Observer::new(move |step| match step {
        Step::Runtime(step) => progress::note(&step.to_string()),
        Step::Indexing { done, total } => {
            let mut bar = indexing.lock().unwrap_or_else(PoisonError::into_inner);
            bar.get_or_insert_with(|| Progress::new("indexing", total as u64))
                .set(done as u64, || format!("indexing {done}/{total}"));
            if done >= total {
                *bar = None;
            }
        }
    })
}
