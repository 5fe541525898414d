//! The frontier's queues: what is put into them, and what is handed out.

mod leasing;
pub(super) mod queueing;
mod retry_queue;
