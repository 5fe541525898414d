//! Work for the CPU, so much of it at a time.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::blocking;

/// How many wait at most ...
const MOST_WAITING: usize = 64;
/// ... and how long each of them does.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Lets so much work run at once, on threads that may block. Others wait; too many, or for too long,
/// and they are turned away.
pub(super) struct Gate {
    running: Arc<Semaphore>,
    waiting: Semaphore,
    /// How long work is waited for, once it runs.
    deadline: Duration,
}

/// Work was not done.
#[derive(Debug)]
pub(super) enum Shut {
    /// Too many others wait, or it has waited too long.
    Busy,
    /// It takes longer than anybody waits for it.
    Late(Duration),
    /// It has panicked.
    Panicked,
}

impl Gate {
    pub(super) fn new(at_once: usize) -> Self {
        Self {
            running: Arc::new(Semaphore::new(at_once)),
            waiting: Semaphore::new(MOST_WAITING),
            deadline: Duration::MAX,
        }
    }

    /// The same for work that is waited for no longer than this.
    pub(super) fn with_deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// Does the work when its turn has come. It is done to its end also when nobody waits for it any
    /// more, and keeps its place until then.
    pub(super) async fn run<R: Send + 'static>(
        &self,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> Result<R, Shut> {
        let running = Arc::clone(&self.running);
        let turn = match Arc::clone(&running).try_acquire_owned() {
            Ok(turn) => turn,
            Err(_) => {
                let _place = self.waiting.try_acquire().map_err(|_| Shut::Busy)?;
                let turn = timeout(PATIENCE, running.acquire_owned()).await;
                turn.map_err(|_| Shut::Busy)?.map_err(|_| Shut::Busy)?
            }
        };
        let work = move || {
            let _turn = turn;
            work()
        };
        match timeout(self.deadline, blocking::run(work)).await {
            Ok(done) => done.map_err(|_| Shut::Panicked),
            Err(_) => Err(Shut::Late(self.deadline)),
        }
    }

    /// Pieces of work that run or wait.
    pub(super) fn load(&self) -> usize {
        MOST_WAITING - self.waiting.available_permits()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[tokio::test]
    async fn so_many_run_so_many_wait_and_the_rest_is_turned_away_at_once() {
        let gate = Arc::new(Gate::new(1));
        let (release, held) = channel::<()>();
        let enter = |work: Box<dyn FnOnce() + Send>| {
            let gate = Arc::clone(&gate);
            tokio::spawn(async move { gate.run(work).await })
        };
        let first = enter(Box::new(move || {
            // It fails when `release` is dropped.
            let _ = held.recv();
        }));
        while gate.running.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let waiting: Vec<_> = (0..MOST_WAITING).map(|_| enter(Box::new(|| ()))).collect();
        while gate.load() < MOST_WAITING {
            tokio::task::yield_now().await;
        }
        assert!(matches!(gate.run(|| ()).await, Err(Shut::Busy)));
        drop(release);
        assert!(first.await.unwrap().is_ok());
        for one in waiting {
            assert!(one.await.unwrap().is_ok());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_ever() {
        let gate = Gate::new(0);
        let started = tokio::time::Instant::now();
        assert!(matches!(gate.run(|| ()).await, Err(Shut::Busy)));
        assert_eq!(started.elapsed().as_secs(), PATIENCE.as_secs());
    }

    #[tokio::test]
    async fn work_that_takes_too_long_is_not_waited_for_and_keeps_its_place() {
        let gate = Gate::new(1).with_deadline(Duration::from_millis(20));
        let (release, held) = channel::<()>();
        let late = gate.run(move || held.recv().is_err());
        assert!(matches!(late.await, Err(Shut::Late(_))));
        assert_eq!(gate.running.available_permits(), 0);
        drop(release);
        assert!(gate.run(|| 1).await.is_ok(), "its place is free again");
    }

    #[tokio::test]
    async fn a_panic_is_one_request_s_own_and_frees_its_place() {
        let gate = Gate::new(1);
        let panics = gate.run(|| panic!("on purpose")).await;
        assert!(matches!(panics, Err::<(), _>(Shut::Panicked)));
        assert!(gate.run(|| 1).await.is_ok());
    }
}
