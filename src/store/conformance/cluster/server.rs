//! The tests' PostgreSQL, and stores on it.

use std::path::PathBuf;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sqlx::{Connection, PgConnection};
use testweb::servers::Postgres;

use crate::store::{ClusterOptions, migrate};

/// Where a server is, and a folder for what belongs to it.
pub(super) struct Address {
    folder: PathBuf,
    url: String,
}

impl Address {
    pub(super) fn of(server: &Postgres) -> Self {
        Self {
            folder: server.folder().to_owned(),
            url: server.url().to_owned(),
        }
    }

    /// A database and a bucket without anything in them but a new store's tables.
    pub(super) fn new_database(&self) -> ClusterOptions {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let schema = format!("store_{number}");
        let blocks = format!("file://{}/blocks/{schema}", self.folder.display());
        execute(&self.url, &format!("CREATE SCHEMA {schema}"));
        let url = format!("{}&options=-csearch_path%3D{schema}", self.url);
        let options = ClusterOptions {
            // What a process had is another's at once, and what it has appended is in the records.
            quiet: Duration::ZERO,
            grace: Duration::ZERO,
            ..ClusterOptions::new(url, blocks)
        };
        assert_eq!(migrate(&options).unwrap(), migrate(&options).unwrap());
        options
    }
}

/// The server of all tests that do not end it. Its input is closed with this process.
static SHARED: LazyLock<Option<Address>> = LazyLock::new(|| {
    let server = Postgres::start()?;
    let address = Address::of(&server);
    std::mem::forget(server);
    Some(address)
});

/// Names the schemas of stores.
static NUMBER: AtomicU64 = AtomicU64::new(0);

/// A new database on the server that tests share; `None` where there is none, which is said.
pub(super) fn new_database() -> Option<ClusterOptions> {
    SHARED.as_ref().map(Address::new_database)
}

/// Runs a statement on a database.
pub(super) fn execute(url: &str, statement: &str) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().unwrap();
    runtime.block_on(async {
        let mut connection = PgConnection::connect(url).await.unwrap();
        sqlx::query(statement)
            .execute(&mut connection)
            .await
            .unwrap();
        connection.close().await.unwrap();
    });
}
