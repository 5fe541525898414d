//! The connection to PostgreSQL: a pool, and a runtime of its own that calls wait on. Everything
//! here blocks.

use std::future::Future;
use std::ops::Range;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgRow};
use sqlx::{ConnectOptions, FromRow, PgPool};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use crate::store::StoreError;
use crate::store::cluster::ClusterOptions;
use crate::store::cluster::server::connection::{Connection, Reading, Statement, Waiting};
use crate::store::cluster::server::error::{Then, then};

/// How much longer than the server's own limit for a statement its answer is waited for.
const ON_THE_WAY: Duration = Duration::from_secs(5);
/// Connections of one process.
const CONNECTIONS: u32 = 8;
/// How long a connection is waited for.
const ACQUIRE: Duration = Duration::from_secs(10);
/// How long a transaction that others were in the way of, or a server that does not answer, is
/// tried again.
const PATIENCE: Duration = Duration::from_secs(60);
/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// The database of a cluster's store.
pub(in crate::store::cluster) struct Database {
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
    waiting: Waiting,
    pool: PgPool,
    /// Orders of queues that were taken and are not given out yet.
    orders: Mutex<Range<u64>>,
    /// Whether pictures have points.
    keeps_points: AtomicBool,
    /// Whether another process has made something else of the store.
    is_shut_out: AtomicBool,
}

/// As many orders are taken at once; the sequence in the database has the same step.
const ORDERS: u64 = 1000;

impl Database {
    /// Connects.
    pub(in crate::store::cluster) fn connect(options: &ClusterOptions) -> Result<Self, StoreError> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("simdex-database")
            .enable_all()
            .build();
        let runtime = runtime.map_err(sqlx::Error::Io)?;
        let timeout_ms = options.statement_timeout.as_millis();
        let connect = PgConnectOptions::from_str(&options.url)?
            .application_name("simdex")
            .options([
                ("statement_timeout", timeout_ms.to_string()),
                // One that has stopped lets go before those that wait for it give up.
                (
                    "idle_in_transaction_session_timeout",
                    (timeout_ms / 2).to_string(),
                ),
            ])
            // Words of sqlx's own are not for users.
            .disable_statement_logging();
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(ACQUIRE)
            // Words of its own are not for users.
            .acquire_slow_threshold(Duration::MAX)
            .connect_with(connect.clone());
        let pool = match runtime.block_on(pool) {
            Ok(pool) => pool,
            // Why it was waited for in vain says only who is asked once more.
            Err(sqlx::Error::PoolTimedOut) => {
                let asked = async { timeout(ACQUIRE, connect.connect()).await };
                return Err(match runtime.block_on(asked) {
                    Ok(Err(error)) => unreachable_at(&connect, error),
                    _ => sqlx::Error::PoolTimedOut.into(),
                });
            }
            Err(error) => return Err(error.into()),
        };
        Ok(Self {
            waiting: Waiting {
                runtime: runtime.handle().clone(),
                patience: options.statement_timeout + ON_THE_WAY,
            },
            runtime: Some(runtime),
            pool,
            orders: Mutex::new(0..0),
            keeps_points: AtomicBool::new(false),
            is_shut_out: AtomicBool::new(false),
        })
    }

    /// Waits for what is no statement. Must not be called from async code, and panics there.
    pub(in crate::store::cluster) fn wait<T>(&self, answer: impl Future<Output = T>) -> T {
        self.waiting.runtime.block_on(answer)
    }

    pub(in crate::store::cluster) fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Whether pictures are written with a point each.
    pub(in crate::store::cluster) fn keeps_points(&self) -> bool {
        self.keeps_points.load(Ordering::Relaxed)
    }

    /// Says whether there are tables of points.
    pub(in crate::store::cluster) fn keep_points(&self, keeps: bool) {
        self.keeps_points.store(keeps, Ordering::Relaxed);
    }

    /// Has all that is asked from now on fail: it would be asked of another store.
    pub(in crate::store::cluster) fn shut_out(&self) {
        if !self.is_shut_out.swap(true, Ordering::Relaxed) {
            tracing::error!("{}", StoreError::ShutOut);
        }
    }

    /// A connection of the pool.
    pub(in crate::store::cluster) fn connection(&self) -> Result<Connection, StoreError> {
        Connection::take(&self.waiting, &self.pool)
    }

    /// The next order of a queue, if there is one left.
    pub(in crate::store::cluster) fn next_order(&self) -> Option<u64> {
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        orders.next()
    }

    /// Takes the orders from `first` on, and gives it.
    pub(in crate::store::cluster) fn refill_orders(&self, first: u64) -> u64 {
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        *orders = first + 1..first + ORDERS;
        first
    }

    /// Runs one statement by itself and reads its rows.
    pub(in crate::store::cluster) fn rows<T>(
        &self,
        make: impl Fn() -> Reading<'static, T>,
    ) -> Result<Vec<T>, StoreError>
    where
        T: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        self.persist(|| self.connection()?.rows(make()))
    }

    /// The same of at most one row.
    pub(in crate::store::cluster) fn row<T>(
        &self,
        make: impl Fn() -> Reading<'static, T>,
    ) -> Result<Option<T>, StoreError>
    where
        T: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        self.persist(|| self.connection()?.row(make()))
    }

    /// The same of rows that are not read yet.
    pub(in crate::store::cluster) fn raw_rows<'q>(
        &self,
        make: impl Fn() -> Statement<'q>,
    ) -> Result<Vec<PgRow>, StoreError> {
        self.persist(|| self.connection()?.raw_rows(make()))
    }

    /// Runs one statement by itself. Says how many rows it has changed.
    pub(in crate::store::cluster) fn execute(
        &self,
        make: impl Fn() -> Statement<'static>,
    ) -> Result<u64, StoreError> {
        self.persist(|| self.connection()?.execute(make()))
    }

    /// Does `work` until it succeeds, fails for good, or patience is over.
    pub(in crate::store::cluster) fn persist<T>(
        &self,
        mut work: impl FnMut() -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let until = Instant::now() + PATIENCE;
        let mut pause = Duration::from_millis(2);
        loop {
            if self.is_shut_out.load(Ordering::Relaxed) {
                return Err(StoreError::ShutOut);
            }
            let error = match work() {
                Ok(result) => return Ok(result),
                Err(error) => error,
            };
            let then = then(&error);
            if then == Then::GiveUp || Instant::now() > until {
                return Err(error);
            }
            if then == Then::Wait {
                tracing::debug!(%error, "the database does not answer");
                pause = pause.max(Duration::from_millis(100));
            }
            // Two that were in each other's way should not meet again.
            std::thread::sleep(pause.mul_f64(rand::random_range(0.5..1.5)));
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

/// A server that does not answer where the URL says it is.
fn unreachable_at(at: &PgConnectOptions, error: sqlx::Error) -> StoreError {
    StoreError::Engine {
        source: format!("{}:{}: {error}", at.get_host(), at.get_port()).into(),
        hint: "; see that the server runs, and that `[store] url` names it",
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // The last owner may be async code, which may not wait.
            runtime.shutdown_background();
        }
    }
}
