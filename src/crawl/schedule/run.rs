//! One run of a crawl, which may take several rounds.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::closed_origins::ClosedOrigins;
use crate::store::HostRecord;

/// One run of the crawler, and the crawl that it belongs to: the same seeds, given again, go
/// on with the same crawl.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    /// The run's number.
    pub(super) number: u64,
    /// The crawl's number.
    pub(super) crawl: u64,
    /// Whether it keeps to the hosts of that crawl; if so, the hosts of other crawls wait for a
    /// run without seeds.
    pub(super) own_hosts_only: bool,
}

impl Run {
    /// Whether this run asks a host for what waits in its queue.
    pub(super) fn asks(&self, host: &HostRecord) -> bool {
        host.left_in != self.number && (!self.own_hosts_only || host.crawl == self.crawl)
    }
}

/// What crawls share that are rounds of one run: what one has left to the next run, the others leave,
/// too.
#[derive(Debug, Clone, Default)]
pub struct Rounds(Arc<Mutex<Shared>>);

#[derive(Debug, Default)]
struct Shared {
    /// The run's number; `None` if it is to begin.
    number: Option<u64>,
    origins: ClosedOrigins,
    /// Whether runs follow one another, without anybody who looks at what they have removed.
    is_of_worker: bool,
}

/// How long what runs remove counts together that nobody begins by hand.
const DAY: Duration = Duration::from_secs(24 * 3600);

impl Rounds {
    /// Those of a worker, which begins one run after another.
    pub fn of_worker() -> Self {
        Self(Arc::new(Mutex::new(Shared {
            is_of_worker: true,
            ..Shared::default()
        })))
    }

    /// How long what runs remove counts together.
    pub(super) fn removals_counted_for(&self) -> Duration {
        match self.lock().is_of_worker {
            true => DAY,
            false => Duration::ZERO,
        }
    }

    /// Ends the run: the next round begins another.
    pub fn end_run(&self) {
        let mut shared = self.lock();
        shared.number = None;
        shared.origins.begin_run();
    }

    /// The number of the run that has begun.
    pub(super) fn number(&self) -> Option<u64> {
        self.lock().number
    }

    /// The origins that are closed, for a round of a run.
    pub(super) fn begin(&self, run: Run) -> ClosedOrigins {
        let mut shared = self.lock();
        shared.number = Some(run.number);
        std::mem::take(&mut shared.origins)
    }

    /// Keeps them for the next round.
    pub(super) fn keep(&self, origins: ClosedOrigins) {
        self.lock().origins = origins;
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
