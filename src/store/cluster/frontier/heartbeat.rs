//! The thread that keeps the hosts of this process.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::store::StoreError;
use crate::store::cluster::Shared;

/// Says from time to time that the process lives; ends when it is stopped or dropped.
pub(in crate::store::cluster) struct Heartbeat {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Heartbeat {
    pub(in crate::store::cluster) fn start(shared: Arc<Shared>, every: Duration) -> Self {
        let (stop, stopped) = channel();
        let thread = std::thread::spawn(move || {
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(every) {
                let _writing = shared.lock();
                match shared.hosts.keep(&shared.database, &shared.leases.hosts()) {
                    // Asked only of a database that answers: hosts are kept before all else.
                    Ok(()) => {
                        if let Err(StoreError::ShutOut) = shared.writes.check(&shared.database) {
                            return;
                        }
                    }
                    Err(StoreError::ShutOut) => return,
                    Err(error) => {
                        tracing::warn!(%error, "hosts are not kept: other workers may take them");
                    }
                }
            }
        });
        Self {
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Ends the thread and waits for it.
    pub(in crate::store::cluster) fn stop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that keeps hosts panicked; please report this");
        }
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.stop();
    }
}
