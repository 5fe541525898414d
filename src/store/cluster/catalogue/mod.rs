//! Pictures: commits, places, removals, files and labels.

pub(super) mod claims;
pub(super) mod commit;
pub(super) mod files;
mod host_removal;
pub(super) mod labels;
pub(super) mod locations;
pub(super) mod pictures;
pub(super) mod provenance;
pub(super) mod removal;
