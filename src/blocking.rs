//! Work on threads that may block, for async code.

use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::{JoinError, spawn_blocking};

/// Runs `work` on a thread that may block. It goes on to its end also when nobody waits for it any more.
///
/// Its type is hidden from the runtime, which would be compiled once more for each kind of work.
///
/// # Errors
/// If it panics.
pub(crate) async fn run<R: Send + 'static>(
    work: impl FnOnce() -> R + Send + 'static,
) -> Result<R, JoinError> {
    let given = Arc::new(Mutex::new(None));
    let give = Arc::clone(&given);
    let work: Box<dyn FnOnce() + Send> = Box::new(move || {
        let result = work();
        *give.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
    });
    spawn_blocking(work).await?;
    let mut given = given.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(given.take().expect("work that ended has given its result"))
}

/// The same, where a panic goes on in the caller.
pub(crate) async fn run_or_panic<R: Send + 'static>(
    work: impl FnOnce() -> R + Send + 'static,
) -> R {
    match run(work).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            // Blocking work is cancelled only before it starts, when the runtime is shut
            // down; whoever waits for it is then dropped, too.
            Err(_) => std::future::pending().await,
        },
    }
}
