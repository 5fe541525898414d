//! One transaction on the server, as statements see it.

use sqlx::postgres::PgRow;
use sqlx::{FromRow, Postgres, Transaction};

use super::database::{Database, Reading, Statement};
use super::{signed, unsigned};
use crate::store::StoreError;

/// A transaction that was begun. Dropped without [`Self::commit`], it changes nothing.
pub(super) struct Session<'d> {
    database: &'d Database,
    /// `None` only at the very end.
    sql: Option<Transaction<'static, Postgres>>,
}

impl<'d> Session<'d> {
    pub(super) fn begin(database: &'d Database) -> Result<Self, StoreError> {
        let begin = database.pool().begin_with("BEGIN ISOLATION LEVEL SERIALIZABLE");
        let sql = Some(database.wait(begin)?);
        Ok(Self { database, sql })
    }

    pub(super) fn database(&self) -> &'d Database {
        self.database
    }

    fn sql(&mut self) -> &mut Transaction<'static, Postgres> {
        self.sql.as_mut().expect("it is there until the transaction ends")
    }

    /// Says how many rows were changed.
    pub(super) fn execute(&mut self, statement: Statement<'_>) -> Result<u64, StoreError> {
        let database = self.database;
        let done = database.wait(statement.execute(&mut **self.sql()))?;
        Ok(done.rows_affected())
    }

    /// The rows of a statement, as tuples.
    pub(super) fn rows<T>(&mut self, reading: Reading<'_, T>) -> Result<Vec<T>, StoreError>
    where
        T: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        let database = self.database;
        Ok(database.wait(reading.fetch_all(&mut **self.sql()))?)
    }

    /// The same of at most one.
    pub(super) fn row<T>(&mut self, reading: Reading<'_, T>) -> Result<Option<T>, StoreError>
    where
        T: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        let database = self.database;
        Ok(database.wait(reading.fetch_optional(&mut **self.sql()))?)
    }

    /// The rows of a statement, which are not read yet.
    pub(super) fn raw_rows(&mut self, statement: Statement<'_>) -> Result<Vec<PgRow>, StoreError> {
        let database = self.database;
        Ok(database.wait(statement.fetch_all(&mut **self.sql()))?)
    }

    /// Adds to a number of which there is one, and gives what it was before.
    pub(super) fn count_on(&mut self, name: &'static str, by: u64) -> Result<u64, StoreError> {
        let update = sqlx::query_as(
            "UPDATE numbers SET value = value + $2 WHERE name = $1 RETURNING value - $2",
        );
        let row: Option<(i64,)> = self.row(update.bind(name).bind(signed(by)))?;
        let (before,) = row.ok_or(super::NUMBERS)?;
        Ok(unsigned(before))
    }

    pub(super) fn commit(mut self) -> Result<(), StoreError> {
        match self.sql.take() {
            Some(sql) => Ok(self.database.wait(sql.commit())?),
            None => Ok(()),
        }
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        // Its connection goes back to the pool, for which there must be a runtime.
        let _entered = self.database.enter();
        drop(self.sql.take());
    }
}
