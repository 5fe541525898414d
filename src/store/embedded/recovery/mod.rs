//! Opening after a crash, repairs, backups, and what a store is without its disk.

pub(super) mod backup;
pub(super) mod check_log;
pub(super) mod header;
pub(super) mod opening;
mod plan;
pub(super) mod read_only;
pub(super) mod record_rewrite;
pub(super) mod repair;
pub(super) mod replay;
mod rescue;
mod segment_copies;
pub(super) mod usable_records;
