//! Writing to a file without keeping fetches waiting.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A thread that writes what it is sent, in that order. If it falls behind, the senders wait;
/// if it hangs or fails, that is reported once and everything later is dropped, so that a log
/// costs the crawl no more than a minute.
#[derive(Debug)]
pub(super) struct WriterThread<T> {
    items: Option<SyncSender<T>>,
    outcome: Mutex<Receiver<io::Result<()>>>,
    failure: Mutex<Option<Arc<io::Error>>>,
    patience: Duration,
}

/// The longest time that a disk, or the reader of a pipe, may take for one item.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a full queue is tried again.
const AGAIN: Duration = Duration::from_millis(5);

impl<T: Send + 'static> WriterThread<T> {
    /// Starts a thread that runs `write` until that has received everything or fails. At
    /// most `waiting` items wait for it.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub(super) fn start(
        name: &str,
        waiting: usize,
        write: impl FnOnce(&Receiver<T>) -> io::Result<()> + Send + 'static,
    ) -> io::Result<Self> {
        let (items, received) = sync_channel(waiting);
        let (ended, outcome) = sync_channel(1);
        let run = move || {
            let result = write(&received);
            // This comes before the queue closes, so that senders that find it closed find the
            // reason too.
            let _ = ended.send(result);
            drop(received);
        };
        std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(run)?;
        Ok(Self {
            items: Some(items),
            outcome: Mutex::new(outcome),
            failure: Mutex::default(),
            patience: PATIENCE,
        })
    }

    /// Sends an item to be written.
    ///
    /// # Errors
    /// The first time that an earlier item could not be written, or none was for half a
    /// minute. All items after that are dropped without a word.
    pub(super) fn send(&self, mut item: T) -> Result<(), Arc<io::Error>> {
        let deadline = Instant::now() + self.patience;
        while let Some(items) = &self.items
            && self.failure().is_none()
        {
            item = match items.try_send(item) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Full(item)) if Instant::now() < deadline => item,
                Err(TrySendError::Full(_)) => return self.fail(stalled()),
                Err(TrySendError::Disconnected(_)) => return self.fail(self.reason()),
            };
            std::thread::sleep(AGAIN);
        }
        Ok(())
    }

    /// Waits until all is written.
    ///
    /// # Errors
    /// If something was not written, whether that was reported before or not.
    pub(super) fn close(mut self) -> Result<(), Arc<io::Error>> {
        self.finish();
        match &*self.failure() {
            Some(error) => Err(Arc::clone(error)),
            None => Ok(()),
        }
    }
}

impl<T> WriterThread<T> {
    fn finish(&mut self) {
        self.items = None;
        if self.failure().is_some() {
            return;
        }
        let outcome = self.outcome.lock().unwrap_or_else(PoisonError::into_inner);
        let failure = match outcome.recv_timeout(self.patience) {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error),
            Err(RecvTimeoutError::Timeout) => Some(stalled()),
            Err(RecvTimeoutError::Disconnected) => Some(stopped()),
        };
        *self.failure() = failure.map(Arc::new);
    }

    fn fail(&self, error: io::Error) -> Result<(), Arc<io::Error>> {
        let mut failure = self.failure();
        if failure.is_some() {
            return Ok(());
        }
        Err(Arc::clone(failure.insert(Arc::new(error))))
    }

    /// Why the thread has ended.
    fn reason(&self) -> io::Error {
        let outcome = self.outcome.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome.try_recv() {
            Ok(Err(error)) => error,
            _ => stopped(),
        }
    }

    fn failure(&self) -> MutexGuard<'_, Option<Arc<io::Error>>> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Drop for WriterThread<T> {
    fn drop(&mut self) {
        if self.items.is_some() {
            self.finish();
        }
    }
}

fn stalled() -> io::Error {
    let message = "nothing could be written for half a minute";
    io::Error::new(io::ErrorKind::TimedOut, message)
}

fn stopped() -> io::Error {
    io::Error::other("its thread has stopped")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_written_in_order_before_it_closes() {
        let (seen, all) = std::sync::mpsc::channel();
        let write = move |items: &Receiver<u32>| {
            for item in items {
                std::thread::sleep(Duration::from_millis(1));
                seen.send(item).unwrap();
            }
            Ok(())
        };
        let thread = WriterThread::start("test", 2, write).unwrap();
        for item in 0..20 {
            thread.send(item).unwrap();
        }
        thread.close().unwrap();
        assert!(all.iter().eq(0..20));
    }

    #[test]
    fn a_failure_is_said_once_and_again_on_closing() {
        let write = |items: &Receiver<u32>| match items.recv() {
            Ok(_) => Err(io::ErrorKind::StorageFull.into()),
            Err(_) => Ok(()),
        };
        let thread = WriterThread::start("test", 1, write).unwrap();
        let said: Vec<_> = (0..50).filter_map(|item| thread.send(item).err()).collect();
        assert_eq!(said.len(), 1);
        assert_eq!(said[0].kind(), io::ErrorKind::StorageFull);
        let error = thread.close().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }

    #[test]
    fn one_that_stands_still_is_given_up() {
        let (go, wait) = sync_channel::<()>(0);
        let write = move |_: &Receiver<u32>| {
            let _ = wait.recv();
            Ok(())
        };
        let mut thread = WriterThread::start("test", 1, write).unwrap();
        thread.patience = Duration::from_millis(20);
        let said: Vec<_> = (0..5).filter_map(|item| thread.send(item).err()).collect();
        assert_eq!(said.len(), 1);
        assert_eq!(said[0].kind(), io::ErrorKind::TimedOut);
        assert!(thread.close().is_err());
        drop(go);
    }
}
