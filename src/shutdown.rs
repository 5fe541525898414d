//! Ctrl-C: once stops cleanly, twice stops now.

use std::io::Write;
use std::sync::Arc;

use tokio::sync::watch;

/// Exit code of an interrupted run (128 + SIGINT).
pub const INTERRUPTED: u8 = 130;

/// Whether the user has asked to stop. Clones share the answer.
#[derive(Debug, Clone)]
pub struct Shutdown {
    requested: watch::Receiver<bool>,
    /// Keeps the channel open where no signal is listened to.
    sender: Arc<watch::Sender<bool>>,
}

/// Ends the process as a signal would: where libraries were torn down first, threads that are still
/// at work in them would crash.
fn exit_now(code: i32) {
    #[cfg(unix)]
    signal_hook::low_level::exit(code);
    #[cfg(not(unix))]
    std::process::exit(code);
}

impl Shutdown {
    /// A shutdown that is asked for only through [`Self::request`].
    pub fn manual() -> Self {
        let (sender, requested) = watch::channel(false);
        Self {
            requested,
            sender: Arc::new(sender),
        }
    }

    /// Listens to SIGINT and SIGTERM for the rest of the process.
    ///
    /// # Errors
    /// If a handler is installed already or the system refuses one.
    pub fn on_signals() -> Result<Self, ctrlc::Error> {
        let shutdown = Self::manual();
        let handler = shutdown.clone();
        ctrlc::set_handler(move || {
            let again = handler.requested();
            handler.request();
            let said = if again {
                "stopped at once"
            } else {
                "stopping; once more to stop at once"
            };
            // A closed stderr must not keep the program from stopping.
            let _ = writeln!(std::io::stderr(), "{said}");
            if again {
                exit_now(i32::from(INTERRUPTED));
            }
        })?;
        Ok(shutdown)
    }

    /// Asks everything to stop.
    pub fn request(&self) {
        self.sender.send_replace(true);
    }

    /// Whether to stop.
    pub fn requested(&self) -> bool {
        *self.requested.borrow()
    }

    /// Waits until asked to stop.
    pub async fn wait(&mut self) {
        // The sender lives in `self`, so the channel cannot close.
        let _ = self.requested.wait_for(|requested| *requested).await;
    }
}
