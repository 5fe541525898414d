//! One URL's visit: what it answers, and what becomes of it.

pub(super) mod document;
pub(super) mod document_contents;
pub(super) mod document_rules;
mod header_elements;
mod media_type;
pub(super) mod outcome;
mod renewal;
pub(super) mod retry;
pub(super) mod visitor;
