//! Pictures that are hidden from searches, since they are about to be removed.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use crate::store::Sequence;

/// What is hidden now.
#[derive(Default)]
pub(super) struct Hidden {
    by: Mutex<BTreeMap<u64, Vec<Sequence>>>,
    /// All of them together, as searches see it.
    all: ArcSwap<HashSet<Sequence>>,
}

impl Hidden {
    /// What searches leave out now.
    pub(super) fn load(&self) -> Arc<HashSet<Sequence>> {
        self.all.load_full()
    }

    /// Changes what is hidden by whom; all of it is hidden from then on.
    pub(super) fn change<T>(
        &self,
        change: impl FnOnce(&mut BTreeMap<u64, Vec<Sequence>>) -> T,
    ) -> T {
        let mut by = self.by.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = change(&mut by);
        let all: HashSet<Sequence> = by.values().flatten().copied().collect();
        self.all.store(Arc::new(all));
        changed
    }
}
