//! Changes of one tree, which can be looked at before they are made.

use std::collections::BTreeMap;
use std::ops::Bound;

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

    /// What a key is set to, if it changes; `None` if it is removed.
    pub fn get(&self, key: &[u8]) -> Option<Option<&IVec>> {
        self.0.get(key).map(Option::as_ref)
    }

    /// The keys that begin so, and what they are set to.
    pub fn with_prefix<'a>(
        &'a self,
        prefix: &'a [u8],
    ) -> impl Iterator<Item = (&'a IVec, Option<&'a IVec>)> {
        let from = (Bound::Included(prefix), Bound::Unbounded);
        let all = self.0.range::<[u8], _>(from);
        let own = all.take_while(move |(key, _)| key.starts_with(prefix));
        own.map(|(key, value)| (key, value.as_ref()))
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
