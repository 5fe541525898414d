//! The store as async code may use it: every call runs on a thread that may block.

use std::sync::Arc;

use tokio::task::spawn_blocking;

use super::Store;

/// A handle of a store for async code. Its only method is [`call`](Self::call), so that code
/// which holds only this cannot block a thread of the async runtime by accident.
#[derive(Clone)]
pub struct AsyncStore(Arc<Store>);

impl AsyncStore {
    /// A handle of `store`.
    pub fn new(store: Arc<Store>) -> Self {
        Self(store)
    }

    /// Runs `work` on a thread that may block, and returns its result. A panic in it goes on in
    /// the caller. A call whose future is dropped runs to its end all the same.
    pub async fn call<R: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> R + Send + 'static,
    ) -> R {
        let store = Arc::clone(&self.0);
        match spawn_blocking(move || work(&store)).await {
            Ok(result) => result,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // Blocking work is cancelled only before it starts, when the runtime is shut
                // down; whoever waits for it is then dropped, too.
                Err(_) => std::future::pending().await,
            },
        }
    }
}
