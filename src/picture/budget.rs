//! One budget of memory for all pictures of the process that are decoded at the same time.

use std::cell::Cell;
use std::marker::PhantomData;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What all threads share that decode pictures.
pub(super) static BUDGET: Budget = Budget::new();

/// Bytes in use, and who waits for some. The first to come is the first to be served, so that a
/// large picture is not kept waiting by small ones for ever.
#[derive(Debug)]
pub(super) struct Budget {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    used: u64,
    /// The number of the next to come, and of the next to be served.
    comes: u64,
    served: u64,
    #[cfg(test)]
    most_used: u64,
}

thread_local! {
    /// Shares that this thread holds.
    static HELD: Cell<usize> = const { Cell::new(0) };
}

impl Budget {
    pub(super) const fn new() -> Self {
        Self {
            state: Mutex::new(State {
                used: 0,
                comes: 0,
                served: 0,
                #[cfg(test)]
                most_used: 0,
            }),
            changed: Condvar::new(),
        }
    }

    /// Takes bytes, and waits until no more than `most` would be in use; what takes more than
    /// that waits until nothing else is. A thread that holds a share already is not kept
    /// waiting: it may be the one that the others wait for.
    pub(super) fn take(&'static self, bytes: u64, most: u64) -> Share {
        let mut state = self.lock();
        if HELD.get() == 0 {
            let number = state.comes;
            state.comes += 1;
            while number != state.served
                || (state.used > 0 && state.used.saturating_add(bytes) > most)
            {
                let waited = self.changed.wait(state);
                state = waited.unwrap_or_else(PoisonError::into_inner);
            }
            state.served += 1;
            // The next one may find room, too.
            self.changed.notify_all();
        }
        state.used = state.used.saturating_add(bytes);
        #[cfg(test)]
        {
            state.most_used = state.most_used.max(state.used);
        }
        drop(state);
        HELD.set(HELD.get() + 1);
        Share {
            budget: self,
            bytes,
            of_this_thread: PhantomData,
        }
    }

    fn give_back(&self, bytes: u64) {
        let mut state = self.lock();
        state.used = state.used.saturating_sub(bytes);
        drop(state);
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Bytes of the budget, given back when this is dropped. It stays with its thread.
#[derive(Debug)]
pub(super) struct Share {
    budget: &'static Budget,
    bytes: u64,
    of_this_thread: PhantomData<*const ()>,
}

impl Share {
    /// Gives back what is above `bytes`.
    pub(super) fn shrink(&mut self, bytes: u64) {
        let above = self.bytes.saturating_sub(bytes);
        self.bytes -= above;
        self.budget.give_back(above);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        HELD.set(HELD.get().saturating_sub(1));
        self.budget.give_back(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    const LONG: Duration = Duration::from_secs(20);
    const SHORT: Duration = Duration::from_millis(50);

    fn budget() -> &'static Budget {
        Box::leak(Box::new(Budget::new()))
    }

    #[test]
    fn two_that_do_not_fit_come_one_after_the_other() {
        let (budget, at_once) = (budget(), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let share = budget.take(60, 100);
                        assert_eq!(at_once.fetch_add(1, Ordering::SeqCst), 0);
                        thread::yield_now();
                        at_once.fetch_sub(1, Ordering::SeqCst);
                        drop(share);
                    }
                });
            }
        });
        let state = budget.lock();
        assert_eq!((state.most_used, state.used, state.served), (60, 0, 200));
    }

    #[test]
    fn what_fits_comes_at_once_and_what_shrinks_makes_room() {
        let budget = budget();
        let mut first = budget.take(60, 100);
        let (told, tell) = mpsc::channel();
        thread::scope(|scope| {
            for bytes in [40, 50] {
                let told = told.clone();
                scope.spawn(move || {
                    let share = budget.take(bytes, 100);
                    told.send(bytes).unwrap();
                    thread::sleep(SHORT);
                    drop(share);
                });
                // In this order.
                thread::sleep(SHORT);
            }
            assert_eq!(tell.recv_timeout(LONG).unwrap(), 40);
            first.shrink(30);
            assert_eq!(tell.recv_timeout(LONG).unwrap(), 50);
        });
        assert!(budget.lock().most_used <= 100);
    }

    #[test]
    fn a_large_one_is_not_overtaken_for_ever() {
        let budget = budget();
        let first = budget.take(10, 100);
        let (told, tell) = mpsc::channel();
        thread::scope(|scope| {
            for bytes in [1_000, 1] {
                let told = told.clone();
                scope.spawn(move || {
                    let _share = budget.take(bytes, 100);
                    told.send(bytes).unwrap();
                });
                thread::sleep(SHORT);
            }
            // The small one would fit, but is behind the large one, which waits to be alone.
            assert!(tell.try_recv().is_err());
            drop(first);
            let order = [(); 2].map(|()| tell.recv_timeout(LONG).unwrap());
            assert_eq!(order, [1_000, 1]);
        });
    }

    #[test]
    fn a_thread_does_not_wait_for_itself() {
        let budget = budget();
        let (told, tell) = mpsc::channel();
        thread::spawn(move || {
            let _outer = budget.take(100, 100);
            let _inner = budget.take(100, 100);
            told.send(()).unwrap();
        });
        assert!(tell.recv_timeout(LONG).is_ok());
    }
}
