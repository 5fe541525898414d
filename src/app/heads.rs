//! Heads by their names, each read once.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::{Error, Extraction};
use crate::atomic_file::AtomicFile;
use crate::head::{HeadError, Ranking};
use crate::network::Network;

/// The name of the head that a server has trained last.
pub const TRAINED: &str = "trained";
/// Its file, in the store's folder.
const TRAINED_FILE: &str = "trained.json";

/// The heads that were asked for. Cheap to clone; clones share them.
#[derive(Clone)]
pub struct Heads {
    extraction: Extraction,
    default: String,
    /// The file of the head that a server has trained.
    trained: Option<PathBuf>,
    read: Arc<Mutex<HashMap<String, Arc<Ranking>>>>,
}

impl Heads {
    /// Heads for the network of `extraction`; `default` is used where none is named.
    pub fn new(extraction: &Extraction, default: &str) -> Self {
        Self {
            extraction: extraction.clone(),
            default: default.to_owned(),
            trained: None,
            read: Arc::default(),
        }
    }

    /// The same, with the head `trained` of a store's folder.
    #[must_use]
    pub fn of_store(self, dir: &Path) -> Self {
        Self {
            trained: Some(dir.join(TRAINED_FILE)),
            ..self
        }
    }

    /// Keeps a head file as the head `trained`.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn keep_trained(&self, text: &str) -> Result<(), Error> {
        let Some(path) = &self.trained else {
            return Ok(());
        };
        let written = AtomicFile::new(path).write(text.as_bytes());
        written.map_err(|source| {
            let path = path.clone();
            Error::Head(HeadError::File { path, source })
        })
    }

    /// `fused`, `mse18`, `embedding`, `trained` or the path of a head file; the default for `None`.
    ///
    /// # Errors
    /// If there is no such head or it belongs to another network.
    pub fn named(&self, name: Option<&str>) -> Result<Arc<Ranking>, Error> {
        let name = name.unwrap_or(&self.default);
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(head) = read.get(name) {
            return Ok(Arc::clone(head));
        }
        let network = self.extraction.network();
        let trained = self.trained.as_deref().filter(|_| name == TRAINED);
        let head = Arc::new(match trained {
            Some(path) => trained_head(path, network)?,
            None => Ranking::named(name, network)?,
        });
        // A file may be trained anew while this runs; only what is shipped never changes.
        if Ranking::NAMES.contains(&name) {
            read.insert(name.to_owned(), Arc::clone(&head));
        }
        Ok(head)
    }

    /// The name of the default head.
    pub fn default_name(&self) -> &str {
        &self.default
    }
}

fn trained_head(path: &Path, network: &Network) -> Result<Ranking, Error> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Ranking::parse(&text, path, network)?),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(Error::NotTrained),
        Err(source) => Err(Error::Head(HeadError::File {
            path: path.to_owned(),
            source,
        })),
    }
}
