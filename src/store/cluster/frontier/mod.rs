//! The frontier: URLs, queues, what pages say, and which hosts this process has.

pub(super) mod heartbeat;
pub(super) mod hints;
pub(super) mod host_leases;
pub(super) mod leasing;
pub(super) mod lists;
pub(super) mod pages;
pub(super) mod queue;
pub(super) mod urls;
pub(super) mod words;
