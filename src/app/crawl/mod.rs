//! Gathering pictures from the web.

mod dry_run;
mod job;
mod looking;
mod recording;
#[cfg(feature = "cluster")]
mod work;

pub use dry_run::DryRun;
pub use job::{CrawlEnd, CrawlJob, Pictures, QueuedAgain};
pub use looking::{Found, Looking};
pub use recording::RecordingOptions;
#[cfg(feature = "cluster")]
pub use work::{WorkEvent, WorkerRole};
