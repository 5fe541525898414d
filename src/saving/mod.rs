//! Pictures kept as files, for those who make a dataset of them: the bytes as they came, in folders
//! or in tars, and a manifest of what is known of each.
//!
//! ```text
//! bytes, Row ─> Saver ─ folders | shards ─> files, synced ─> manifest.jsonl ─ table ─> CSV, Parquet
//! ```
//!
//! What is there is never written again: another run adds. A file counts when the manifest has its
//! line, which is written after the file is whole; what a killed run has left beside is removed, or
//! written anew, by the next.

mod error;
mod facts;
mod folders;
mod layout;
mod manifest;
mod rights;
mod row;
mod saved;
mod saver;
mod shards;
mod sync;
mod tables;

pub use error::SaveError;
pub use layout::Layout;
pub use manifest::MANIFEST;
pub use rights::Rights;
pub use row::{COLUMNS, Row};
pub use saved::SavedPictures;
pub use saver::{SaveOptions, Saver};
