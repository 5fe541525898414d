//! One transaction of several tries: what passes is tried again, and nothing is done twice.

use std::sync::atomic::{AtomicI64, Ordering};

use crate::store::StoreError;
use crate::store::cluster::rows::transaction::Transaction;
use crate::store::cluster::server::database::Database;

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
            let result = work(&mut transaction)?;
            transaction.finish(number)?;
            ended = Some(result);
            transaction.commit()?;
            ended.take().ok_or(crate::store::cluster::NUMBERS)
        })
    }

    /// Whether the write of a number is in the database.
    fn has_counted(&self, database: &Database, number: i64) -> Result<bool, StoreError> {
        let query = sqlx::query_as("SELECT last_write FROM workers WHERE worker = $1");
        let query = query.bind(self.worker);
        let last: Option<(i64,)> = database.connection()?.row(query)?;
        Ok(last.is_some_and(|(last,)| last == number))
    }
}
