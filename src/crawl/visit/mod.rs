//! One URL's visit: what it answers, and what becomes of it.

pub(super) mod document;
pub(super) mod settle;
pub(super) mod visitor;
