//! One connection, for as long as it is used. An answer is not waited for without end: a connection
//! that gives none is closed, and not used again.

use std::future::Future;
use std::io::ErrorKind;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::{Query, QueryAs};
use sqlx::{FromRow, PgPool, Postgres};
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::store::StoreError;

/// A statement without an answer that is read.
pub(in crate::store::cluster) type Statement<'q> = Query<'q, Postgres, PgArguments>;
/// A statement whose rows are read as tuples.
pub(in crate::store::cluster) type Reading<'q, T> = QueryAs<'q, Postgres, T, PgArguments>;

/// A connection that was taken out of the pool.
pub(in crate::store::cluster) struct Connection {
    waiting: Waiting,
    /// `None` only at the very end.
    inner: Option<PoolConnection<Postgres>>,
    /// Whether an answer may still come that nobody waits for.
    is_lost: bool,
}

/// How answers are waited for: on a runtime of the database's own, and for so long at most.
#[derive(Clone)]
pub(in crate::store::cluster) struct Waiting {
    pub(in crate::store::cluster) runtime: Handle,
    pub(in crate::store::cluster) patience: Duration,
}

impl Waiting {
    /// Must not be called from async code, and panics there.
    fn wait<T>(
        &self,
        answer: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, sqlx::Error> {
        let answer = async { timeout(self.patience, answer).await };
        let answer = self.runtime.block_on(answer);
        answer.unwrap_or_else(|_| Err(sqlx::Error::Io(ErrorKind::TimedOut.into())))
    }
}

impl Connection {
    pub(in crate::store::cluster) fn take(
        waiting: &Waiting,
        pool: &PgPool,
    ) -> Result<Self, StoreError> {
        let inner = waiting.runtime.block_on(pool.acquire())?;
        Ok(Self {
            waiting: waiting.clone(),
            inner: Some(inner),
            is_lost: false,
        })
    }

    /// Waits longer for answers from now on.
    pub(in crate::store::cluster) fn be_patient(&mut self, patience: Duration) {
        self.waiting.patience = patience;
    }

    /// Says how many rows were changed.
    pub(in crate::store::cluster) fn execute(
        &mut self,
        statement: Statement<'_>,
    ) -> Result<u64, StoreError> {
        let (inner, waiting) = self.parts();
        let answer = waiting.wait(statement.execute(&mut **inner));
        let done = self.noted(answer)?;
        Ok(done.rows_affected())
    }

    /// The same of a statement that may take hours: each time that patience is over, `is_at_it` says
    /// whether the server still works on it.
    pub(in crate::store::cluster) fn execute_while(
        &mut self,
        statement: Statement<'_>,
        is_at_it: impl Fn() -> bool,
    ) -> Result<u64, StoreError> {
        let (inner, waiting) = self.parts();
        let mut running = Box::pin(statement.execute(&mut **inner));
        let answer = loop {
            let some_time = async { timeout(waiting.patience, &mut running).await };
            match waiting.runtime.block_on(some_time) {
                Ok(answer) => break answer,
                Err(_) if is_at_it() => {}
                Err(_) => break Err(sqlx::Error::Io(ErrorKind::TimedOut.into())),
            }
        };
        drop(running);
        let done = self.noted(answer)?;
        Ok(done.rows_affected())
    }

    /// The rows of a statement, as tuples.
    pub(in crate::store::cluster) fn rows<T>(
        &mut self,
        reading: Reading<'_, T>,
    ) -> Result<Vec<T>, StoreError>
    where
        T: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        let (inner, waiting) = self.parts();
        let answer = waiting.wait(reading.fetch_all(&mut **inner));
        self.noted(answer)
    }

    /// The same of at most one.
    pub(in crate::store::cluster) fn row<T>(
        &mut self,
        reading: Reading<'_, T>,
    ) -> Result<Option<T>, StoreError>
    where
        T: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        let (inner, waiting) = self.parts();
        let answer = waiting.wait(reading.fetch_optional(&mut **inner));
        self.noted(answer)
    }

    /// The rows of a statement, which are not read yet.
    pub(in crate::store::cluster) fn raw_rows(
        &mut self,
        statement: Statement<'_>,
    ) -> Result<Vec<PgRow>, StoreError> {
        let (inner, waiting) = self.parts();
        let answer = waiting.wait(statement.fetch_all(&mut **inner));
        self.noted(answer)
    }

    fn parts(&mut self) -> (&mut PoolConnection<Postgres>, &Waiting) {
        // Until an answer has come.
        self.is_lost = true;
        let inner = self.inner.as_mut().expect("it is there until the drop");
        (inner, &self.waiting)
    }

    fn noted<T>(&mut self, answer: Result<T, sqlx::Error>) -> Result<T, StoreError> {
        self.is_lost = matches!(answer, Err(sqlx::Error::Io(_) | sqlx::Error::Protocol(_)));
        Ok(answer?)
    }

    /// Whether the next answer may be that of another statement.
    pub(in crate::store::cluster) fn is_lost(&self) -> bool {
        self.is_lost
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // It goes back to the pool, or is closed, for which there must be a runtime.
        let _entered = self.waiting.runtime.enter();
        if let Some(mut inner) = self.inner.take()
            && self.is_lost
        {
            inner.close_on_drop();
        }
    }
}
