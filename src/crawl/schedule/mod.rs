//! Which host and which of its URLs is asked next.

pub(super) mod crawl;
pub(super) mod deferral;
pub(super) mod focus;
pub(super) mod host_window;
pub(super) mod plan;
pub(super) mod queues;
