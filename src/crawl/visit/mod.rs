//! One URL's visit: what it answers, and what becomes of it.

pub(super) mod document;
pub(super) mod document_reading;
pub(super) mod document_rules;
pub(super) mod outcome;
pub(super) mod retry;
pub(super) mod visitor;
