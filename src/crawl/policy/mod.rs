//! What may be fetched, by the user's rules: scope, admission, addresses.

pub(super) mod address;
pub(super) mod admission;
pub(super) mod scope;
