//! The tests' PostgreSQL, and stores on it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Once};
use std::time::Duration;

use sqlx::{Connection, PgConnection};
use testweb::servers::Postgres;

use crate::store::conformance::fixture;
use crate::store::{ClusterOptions, PointsMade, make_points, migrate};

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

/// Makes pgvector where those find it who look for it.
pub(super) fn make_pgvector(url: &str) {
    static MADE: Once = Once::new();
    MADE.call_once(|| execute(url, "CREATE EXTENSION vector SCHEMA public"));
}

/// A database of [`new_database`], from where pgvector is seen.
pub(super) fn seeing_pgvector(options: ClusterOptions) -> ClusterOptions {
    make_pgvector(&options.url);
    ClusterOptions {
        url: format!("{}%2Cpublic", options.url),
        ..options
    }
}

/// The same as [`new_database`], with points.
pub(super) fn with_points() -> Option<ClusterOptions> {
    let options = seeing_pgvector(new_database()?);
    let made = make_points(&options, &fixture::options(), &mut |_, _| true);
    assert_eq!(made.unwrap(), PointsMade::Whole { added: 0 });
    Some(options)
}

/// A database without pgvector, as a user who may not make it. There can be one of it only.
pub(super) fn without_pgvector() -> Option<ClusterOptions> {
    let address = SHARED.as_ref()?;
    let bare = address.url.replacen("/postgres?", "/bare?", 1);
    execute(&address.url, "CREATE ROLE plain LOGIN");
    execute(&address.url, "CREATE DATABASE bare");
    execute(&bare, "CREATE SCHEMA store AUTHORIZATION plain");
    let plain = bare.replacen("://postgres:", "://plain:", 1);
    let url = format!("{plain}&options=-csearch_path%3Dstore");
    let blocks = format!("file://{}/blocks/bare", address.folder.display());
    let options = ClusterOptions::new(url, blocks);
    migrate(&options).unwrap();
    Some(options)
}

/// The one number that a statement gives.
pub(super) fn count(url: &str, statement: &str) -> i64 {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().unwrap();
    runtime.block_on(async {
        let mut connection = PgConnection::connect(url).await.unwrap();
        let row: (i64,) = sqlx::query_as(statement)
            .fetch_one(&mut connection)
            .await
            .unwrap();
        row.0
    })
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
