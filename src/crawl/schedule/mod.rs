//! Which host and which of its URLs is asked next.

mod budget;
mod closed_origins;
pub(super) mod crawl;
mod focus;
mod host_scheduler;
mod host_window;
mod lease_chooser;
pub(super) mod plan;
mod preparation;
mod rejudging;
mod report;
pub(super) mod run;
