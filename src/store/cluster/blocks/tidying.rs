//! When segments are looked through for what nothing names any more: to read all records and to list
//! all objects takes long.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::store::Metadata;

/// What is known of the last time.
#[derive(Debug, Default)]
pub(super) struct Tidying(Mutex<Last>);

#[derive(Debug, Default)]
struct Last {
    /// Removals that were seen by then, since the store was opened.
    removals: usize,
    /// When what was too young then is old enough.
    again: Option<Instant>,
}

impl Tidying {
    fn lock(&self) -> MutexGuard<'_, Last> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there may be something; it is taken to be seen to.
    pub(super) fn is_due(&self, metadata: &dyn Metadata) -> bool {
        let mut last = self.lock();
        let removed = metadata.removed_since(last.removals).len();
        let is_old = last.again.is_some_and(|again| again <= Instant::now());
        let is_due = removed > 0 || is_old;
        if is_due {
            last.removals += removed;
            last.again = None;
        }
        is_due
    }

    /// Notes that something is to be looked at again after some time.
    pub(super) fn again_after(&self, wait: Duration) {
        let again = Instant::now() + wait;
        let mut last = self.lock();
        last.again = Some(last.again.map_or(again, |before| before.min(again)));
    }
}
