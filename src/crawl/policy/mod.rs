//! What may be fetched, by the user's rules: scope, admission, addresses; and the reasons why not.

pub(super) mod address;
pub(super) mod admission;
pub(super) mod judge;
pub(super) mod opt_out;
pub(super) mod reason;
pub(super) mod refusal;
pub(super) mod scope;
pub(super) mod settings;
