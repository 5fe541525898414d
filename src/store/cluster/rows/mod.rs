//! Rows of the tables that a transaction works on in memory, and the counts that go with them.

pub(super) mod host_row;
pub(super) mod queue_row;
pub(super) mod tally;
pub(super) mod transaction;
pub(super) mod url_row;
pub(super) mod writing;
