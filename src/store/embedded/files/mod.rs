//! The files beside sled's: of activations and bodies, the header and the lock.

mod bodies;
mod header;
mod lock;
mod reserve;
mod segment;

pub(super) use bodies::{Bodies, BodyExtent, BodyFileRecord};
pub(super) use header::{FILE as HEADER_FILE, Header, LATEST};
pub(super) use lock::Lock;
pub(super) use reserve::Reserve;
pub(super) use segment::{SegmentRecord, Segments, record_end};
