//! One transaction of several tries: what passes is tried again, and nothing is done twice.

use std::sync::atomic::{AtomicI64, Ordering};

use crate::store::StoreError;
use crate::store::cluster::rows::transaction::Transaction;
use crate::store::cluster::server::database::Database;
use crate::store::cluster::server::error::{Then, then};

/// The writes of one process.
pub(in crate::store::cluster) struct Writes {
    worker: i64,
    /// The number of the last one.
    last: AtomicI64,
}

impl Writes {
    pub(in crate::store::cluster) fn of(worker: i64) -> Self {
        Self {
            worker,
            last: AtomicI64::new(0),
        }
    }

    /// Does `work` in one serializable transaction, which is tried again as a whole where another
    /// was in its way or the connection was lost. If it is lost while the transaction ends, the
    /// worker's own row says whether it has counted.
    pub(in crate::store::cluster) fn write<T>(
        &self,
        database: &Database,
        mut work: impl FnMut(&mut Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        // What a try came to whose end is not known.
        let mut ended: Option<T> = None;
        database.persist(|| {
            if ended.is_some()
                && self.has_counted(database, number)?
                && let Some(result) = ended.take()
            {
                return Ok(result);
            }
            let mut transaction = Transaction::begin(database, self.worker)?;
            let worked = work(&mut transaction).and_then(|result| {
                transaction.finish(number)?;
                Ok(result)
            });
            match worked {
                Ok(result) => ended = Some(result),
                // What is in the way may be what another has made of the store.
                Err(error) if then(&error) == Then::Again => {
                    drop(transaction);
                    self.check(database)?;
                    return Err(error);
                }
                Err(error) => return Err(error),
            }
            transaction.commit()?;
            ended.take().ok_or(crate::store::cluster::NUMBERS)
        })
    }

    /// Fails where another process has shut this one out.
    pub(in crate::store::cluster) fn check(&self, database: &Database) -> Result<(), StoreError> {
        match self.last_write(database)? {
            Some(_) => Ok(()),
            None => {
                database.shut_out();
                Err(StoreError::ShutOut)
            }
        }
    }

    /// Whether the write of a number is in the database.
    fn has_counted(&self, database: &Database, number: i64) -> Result<bool, StoreError> {
        Ok(self.last_write(database)? == Some(number))
    }

    /// The number of the last write of this process that counts; `None` if it was shut out.
    fn last_write(&self, database: &Database) -> Result<Option<i64>, StoreError> {
        let query = sqlx::query_as("SELECT last_write FROM workers WHERE worker = $1");
        let query = query.bind(self.worker);
        let last: Option<(i64,)> = database.connection()?.row(query)?;
        Ok(last.map(|(last,)| last))
    }
}
