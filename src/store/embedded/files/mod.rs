//! The small files beside sled's and the log's: the header, the lock, the room on the disk.

mod header;
mod lock;
mod places;
mod reserve;

pub(super) use header::{
    COPY as HEADER_COPY, FILE as HEADER_FILE, Header, LATEST, UNKNOWN_BYTES, WITH_LOG,
};
pub(super) use lock::FILE as LOCK_FILE;
pub(in crate::store) use lock::Lock;
pub(super) use places::check_places;
pub(super) use reserve::Reserve;
