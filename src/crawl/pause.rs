//! Whether a crawl is to rest.

use std::sync::Arc;

use tokio::sync::watch;

/// Whether a crawl is to rest: what is under way is finished and stored, and nothing more is asked
/// for. Clones share it.
#[derive(Debug, Clone)]
pub struct Pause {
    asked: watch::Receiver<bool>,
    sender: Arc<watch::Sender<bool>>,
}

impl Default for Pause {
    fn default() -> Self {
        let (sender, asked) = watch::channel(false);
        Self {
            asked,
            sender: Arc::new(sender),
        }
    }
}

impl Pause {
    /// Asks to rest, or to go on.
    pub fn set(&self, rests: bool) {
        self.sender.send_replace(rests);
    }

    /// Whether it is to rest.
    pub fn is_asked(&self) -> bool {
        *self.asked.borrow()
    }

    /// Waits until that has changed.
    pub(super) async fn changed(&mut self) {
        // The sender lives in `self`, so the channel cannot close.
        let _ = self.asked.changed().await;
    }
}
