//! A tree of which is counted what is in it: it can be changed only together with the counts.

use std::ops::RangeBounds;
use std::sync::Arc;

use sled::{IVec, Iter, Tree};

use super::batches::{Table, TreeBatches};
use super::changes::Changes;
use super::counters::{Counters, Kind};
use crate::store::StoreError;

/// A tree that is counted.
pub struct Counted {
    kind: Kind,
    counters: Arc<Counters>,
}

impl Table for Counted {
    fn tree(&self) -> &Tree {
        self.counters.tree(self.kind)
    }

    fn counted(&self) -> Option<(Kind, &Arc<Counters>)> {
        Some((self.kind, &self.counters))
    }
}

impl Counted {
    pub fn of(kind: Kind, counters: &Arc<Counters>) -> Self {
        Self {
            kind,
            counters: Arc::clone(counters),
        }
    }

    pub fn get(&self, key: impl AsRef<[u8]>) -> sled::Result<Option<IVec>> {
        self.tree().get(key)
    }

    pub fn contains_key(&self, key: impl AsRef<[u8]>) -> sled::Result<bool> {
        self.tree().contains_key(key)
    }

    pub fn iter(&self) -> Iter {
        self.tree().iter()
    }

    pub fn range<K: AsRef<[u8]>>(&self, range: impl RangeBounds<K>) -> Iter {
        self.tree().range(range)
    }

    pub fn scan_prefix(&self, prefix: impl AsRef<[u8]>) -> Iter {
        self.tree().scan_prefix(prefix)
    }

    pub fn insert(&self, key: impl AsRef<[u8]>, value: impl Into<IVec>) -> Result<(), StoreError> {
        let mut changes = Changes::default();
        changes.insert(key.as_ref(), value);
        self.apply(changes)
    }

    pub fn remove(&self, key: impl AsRef<[u8]>) -> Result<(), StoreError> {
        let mut changes = Changes::default();
        changes.remove(key.as_ref());
        self.apply(changes)
    }

    /// Makes changes, all or nothing.
    pub fn apply(&self, changes: Changes) -> Result<(), StoreError> {
        let mut batches = TreeBatches::default();
        *batches.of(self) = changes;
        batches.apply()
    }
}

impl IntoIterator for &Counted {
    type Item = <Iter as Iterator>::Item;
    type IntoIter = Iter;

    fn into_iter(self) -> Iter {
        self.iter()
    }
}
