//! One transaction on the server, as statements see it.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use crate::store::StoreError;
use crate::store::cluster::server::connection::Connection;
use crate::store::cluster::server::database::Database;
use crate::store::cluster::{signed, unsigned};

/// A transaction that was begun. Dropped without [`Self::commit`], it changes nothing.
pub(in crate::store::cluster) struct Session<'d> {
    database: &'d Database,
    connection: Connection,
    is_over: bool,
}

/// What the server is asked for while a snapshot is read may take so long.
const LONG: Duration = Duration::from_secs(3600);

impl<'d> Session<'d> {
    pub(in crate::store::cluster) fn begin(database: &'d Database) -> Result<Self, StoreError> {
        Self::begin_as(database, "BEGIN ISOLATION LEVEL SERIALIZABLE")
    }

    /// One that only reads, as all tables were at one moment, and may take long.
    pub(in crate::store::cluster) fn snapshot(database: &'d Database) -> Result<Self, StoreError> {
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        let mut session = Self::begin_as(database, begin)?;
        session.execute(sqlx::query("SET LOCAL statement_timeout = 0"))?;
        session.be_patient(LONG);
        Ok(session)
    }

    /// Runs one statement that may take hours, such as one that makes an index. It is given up when the
    /// server works on it no more: a link may be lost without a word.
    pub(in crate::store::cluster) fn run_long(
        database: &'d Database,
        statement: &str,
    ) -> Result<(), StoreError> {
        let mut session = Self::begin_as(database, "BEGIN ISOLATION LEVEL READ COMMITTED")?;
        session.execute(sqlx::query("SET LOCAL statement_timeout = 0"))?;
        let process: Option<(i32,)> = session.row(sqlx::query_as("SELECT pg_backend_pid()"))?;
        let is_at_it = || {
            let select = || {
                let select = "SELECT 1 FROM pg_stat_activity WHERE pid = $1 AND state = 'active'";
                sqlx::query_as(select).bind(process.map(|(process,)| process))
            };
            database
                .row(select)
                .is_ok_and(|row: Option<(i32,)>| row.is_some())
        };
        session.execute_while(sqlx::query(statement), is_at_it)?;
        session.commit()
    }

    /// One in a row: until it is dropped no other of this kind begins, in any process. Whoever waits
    /// begins a transaction after it that has seen nothing which is older.
    pub(in crate::store::cluster) fn turn(database: &'d Database) -> Result<Self, StoreError> {
        let mut session = Self::begin_as(database, "BEGIN ISOLATION LEVEL READ COMMITTED")?;
        let lock = "SELECT value FROM numbers WHERE name = 'numbering' FOR UPDATE";
        session.execute(sqlx::query(lock))?;
        Ok(session)
    }

    /// The same for a few statements that only read, and are in nobody's way.
    pub(in crate::store::cluster) fn begin_reading(
        database: &'d Database,
    ) -> Result<Self, StoreError> {
        Self::begin_as(database, "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY")
    }

    fn begin_as(database: &'d Database, begin: &'static str) -> Result<Self, StoreError> {
        let mut connection = database.connection()?;
        connection.execute(sqlx::query(begin))?;
        Ok(Self {
            database,
            connection,
            is_over: false,
        })
    }

    pub(in crate::store::cluster) fn database(&self) -> &'d Database {
        self.database
    }

    /// Adds to a number of which there is one, and gives what it was before.
    pub(in crate::store::cluster) fn count_on(
        &mut self,
        name: &'static str,
        by: u64,
    ) -> Result<u64, StoreError> {
        let update = sqlx::query_as(
            "UPDATE numbers SET value = value + $2 WHERE name = $1 RETURNING value - $2",
        );
        let row: Option<(i64,)> = self.row(update.bind(name).bind(signed(by)))?;
        let (before,) = row.ok_or(crate::store::cluster::NUMBERS)?;
        Ok(unsigned(before))
    }

    /// Has those who have the store open write nothing more to it: they do not know what it is from now
    /// on.
    pub(in crate::store::cluster) fn shut_out_workers(&mut self) -> Result<(), StoreError> {
        self.execute(sqlx::query("DELETE FROM workers")).map(drop)
    }

    /// Ends it. If that fails, nobody knows whether it has counted.
    pub(in crate::store::cluster) fn commit(mut self) -> Result<(), StoreError> {
        self.is_over = true;
        self.connection.execute(sqlx::query("COMMIT")).map(drop)
    }
}

impl Deref for Session<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl DerefMut for Session<'_> {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        // A lost connection is closed, which ends its transaction, too.
        if !self.is_over && !self.connection.is_lost() {
            drop(self.connection.execute(sqlx::query("ROLLBACK")));
        }
    }
}
