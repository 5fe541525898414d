//! Removals that wait, so that they can be undone. What they name is hidden meanwhile.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::{Collection, Error, Hiding, Removal, RemovalAsked};
use crate::crawl::with_causes;
use crate::store::now_ms;

/// A removal that waits. It is carried out when its time has come, or at the end of the process if
/// that is earlier; a process that is killed before removes nothing.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct WaitingRemoval {
    /// By which it is undone.
    pub id: u64,
    /// What is to be removed.
    pub removal: RemovalAsked,
    /// Pictures that are hidden until then.
    pub hidden: usize,
    /// When it is carried out, in milliseconds since 1970.
    pub due_ms: u64,
}

/// Those that wait now.
#[derive(Default)]
pub(super) struct Removals(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    last: u64,
    all: BTreeMap<u64, One>,
}

struct One {
    what: Removal,
    told: WaitingRemoval,
    _hiding: Hiding,
}

impl Removals {
    /// Hides what is to be removed. Blocks.
    pub(super) fn postpone(
        &self,
        collection: &Collection,
        asked: RemovalAsked,
        wait: Duration,
    ) -> Result<WaitingRemoval, Error> {
        let what = collection.removal(&asked)?;
        let hiding = collection.hide(&what)?;
        let mut waiting = self.lock();
        waiting.last += 1;
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        let told = WaitingRemoval {
            id: waiting.last,
            removal: asked,
            hidden: hiding.pictures,
            due_ms: now_ms().saturating_add(wait_ms),
        };
        let one = One {
            what,
            told: told.clone(),
            _hiding: hiding,
        };
        waiting.all.insert(told.id, one);
        Ok(told)
    }

    /// Those that wait, the oldest first.
    pub(super) fn list(&self) -> Vec<WaitingRemoval> {
        let waiting = self.lock();
        waiting.all.values().map(|one| one.told.clone()).collect()
    }

    /// Undoes one that waits: what it named is shown again.
    pub(super) fn undo(&self, id: u64) -> Option<WaitingRemoval> {
        self.lock().all.remove(&id).map(|one| one.told)
    }

    /// Carries one out, unless it was undone. Blocks.
    pub(super) fn carry_out(&self, collection: &Collection, id: u64) {
        let one = self.lock().all.remove(&id);
        if let Some(one) = one
            && let Err(error) = collection.remove(&one.what, &mut |_| ())
        {
            let error = with_causes(&error);
            tracing::error!(
                error,
                "what was removed a while ago is still there: remove it again"
            );
        }
    }

    /// Carries all of them out. Blocks.
    pub(super) fn finish(&self, collection: &Collection) {
        for waiting in self.list() {
            self.carry_out(collection, waiting.id);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
