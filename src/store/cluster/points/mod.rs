//! Pictures as points of pgvector, where the server has it: what is near is found there, and no machine
//! needs an index of its own.
//!
//! Two tables, which [`making`] makes: `points`, a row for each picture, and `samples`, the embeddings
//! of some, which the collection's mean is taken over. They are no migration, since a server may do
//! without; the number `points` says how far they are.

pub(super) mod keeping;
pub(super) mod making;
mod nearest;
mod sample;
mod vector;

use super::server::database::Database;
use crate::store::StoreError;

/// How far the points of a database are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// There are none.
    None,
    /// What is stored gets a point; what was stored before may have none yet.
    Begun,
    /// Each picture has one, and they can be searched.
    Whole,
}

/// What the number `points` is where each picture has one.
const WHOLE: i64 = 1;

impl Stage {
    pub(super) fn read(database: &Database) -> Result<Self, StoreError> {
        let select = || sqlx::query_as("SELECT value FROM numbers WHERE name = 'points'");
        let row: Option<(i64,)> = database.row(select)?;
        Ok(match row {
            None => Self::None,
            Some((WHOLE,)) => Self::Whole,
            Some(_) => Self::Begun,
        })
    }
}
