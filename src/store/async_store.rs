//! The store as async code may use it: every call runs on a thread that may block.

use std::sync::Arc;

use super::Store;
use crate::blocking;

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
        blocking::run_or_panic(move || work(&store)).await
    }
}
