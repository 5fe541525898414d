//! Changes of one tree, which can be looked at before they are made.

use std::collections::BTreeMap;

use sled::{Batch, IVec};

/// What changes in a tree.
#[derive(Debug, Default)]
pub struct Changes(BTreeMap<IVec, Option<IVec>>);

impl Changes {
    /// Sets a key to a value.
    pub fn insert(&mut self, key: impl Into<IVec>, value: impl Into<IVec>) {
        self.0.insert(key.into(), Some(value.into()));
    }

    /// Removes a key.
    pub fn remove(&mut self, key: impl Into<IVec>) {
        self.0.insert(key.into(), None);
    }

    /// The keys, and what they are set to; `None` where they are removed.
    pub fn iter(&self) -> impl Iterator<Item = (&IVec, Option<&IVec>)> {
        self.0.iter().map(|(key, value)| (key, value.as_ref()))
    }
}

impl From<Changes> for Batch {
    fn from(changes: Changes) -> Self {
        let mut batch = Self::default();
        for (key, value) in changes.0 {
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        batch
    }
}
