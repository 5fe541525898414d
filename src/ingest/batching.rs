//! Gathers what comes in quickly into one batch.

use std::time::{Duration, Instant};

use async_channel::{Receiver, TryRecvError};

/// Longest wait for a batch to fill.
const LINGER: Duration = Duration::from_millis(200);
/// After this long without anything new, the batch is closed.
const QUIET: Duration = Duration::from_millis(30);
/// Time between two looks at the queue: a batch is not urgent.
const LOOK: Duration = Duration::from_millis(2);

/// Gives `take` what comes in, until it says that it has enough or little more is coming.
pub(super) fn gather<T>(queue: &Receiver<T>, mut take: impl FnMut(T) -> bool) {
    let started = Instant::now();
    let mut last = started;
    while started.elapsed() < LINGER && last.elapsed() < QUIET {
        match queue.try_recv() {
            Ok(item) => {
                last = Instant::now();
                if take(item) {
                    return;
                }
            }
            Err(TryRecvError::Empty) => std::thread::sleep(LOOK),
            Err(TryRecvError::Closed) => return,
        }
    }
}
