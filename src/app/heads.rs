//! Heads by their names, each read once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Error, Extraction};
use crate::head::Ranking;

/// The heads that were asked for. Cheap to clone; clones share them.
#[derive(Clone)]
pub struct Heads {
    extraction: Extraction,
    default: String,
    read: Arc<Mutex<HashMap<String, Arc<Ranking>>>>,
}

impl Heads {
    /// Heads for the network of `extraction`; `default` is used where none is named.
    pub fn new(extraction: &Extraction, default: &str) -> Self {
        Self {
            extraction: extraction.clone(),
            default: default.to_owned(),
            read: Arc::default(),
        }
    }

    /// `fused`, `mse18`, `embedding` or the path of a head file; the default for `None`.
    ///
    /// # Errors
    /// If there is no such head or it belongs to another network.
    pub fn named(&self, name: Option<&str>) -> Result<Arc<Ranking>, Error> {
        let name = name.unwrap_or(&self.default);
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(head) = read.get(name) {
            return Ok(Arc::clone(head));
        }
        let head = Arc::new(Ranking::named(name, self.extraction.network())?);
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
