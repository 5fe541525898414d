//! Commands that compare pictures, or list those that are alike.

pub(super) mod compare;
pub(super) mod duplicates;
pub(super) mod export;
mod export_files;
pub(super) mod query;

pub(super) use query::{NamedQuestion, print_list};
