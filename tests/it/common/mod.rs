//! What the tests that run the program share.

pub mod close_to;
pub mod in_process;
pub mod load;
pub mod page;
pub mod serving;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, LazyLock};

use image::RgbImage;
use serde_json::Value;
use simdex::activation::Encoding;
use simdex::demo::drawing::{Motif, draw};
use simdex::network::Network;
use simdex::picture::PictureId;
use simdex::store::{SourcePage, Store, StoreOptions};
use tempfile::TempDir;
use testweb::drawn_site::DrawnSite;
use testweb::reply::{Body, Reply};
use testweb::server::{Request, Server};

/// The drawn site, made once per test program.
pub static SITE: LazyLock<DrawnSite> = LazyLock::new(|| DrawnSite::draw().unwrap());

pub static NETWORK: LazyLock<Network> = LazyLock::new(|| Network::builtin().unwrap());

/// A folder with a store, and the program run in it, away from the user's configuration.
pub struct Simdex {
    pub dir: TempDir,
}

/// A stored picture and where it was found.
#[derive(Debug)]
pub struct Stored {
    pub id: PictureId,
    pub urls: Vec<String>,
    pub paths: Vec<String>,
    pub pages: Vec<SourcePage>,
}

/// A finished run.
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Simdex {
    pub fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    /// One with a store of this many motifs, so many pictures `each`, and their folder
    /// `pictures`.
    pub fn filled(motifs: usize, each: u64) -> Self {
        let simdex = Self::new();
        draw_folders(&simdex.path("pictures"), motifs, each);
        simdex.json(&["add", "pictures"]);
        simdex
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn store(&self) -> PathBuf {
        self.path("store")
    }

    /// Writes the configuration that the program is given from now on.
    pub fn configure(&self, text: &str) {
        std::fs::write(self.path(CONFIG), text).unwrap();
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_simdex"));
        command
            .current_dir(self.dir.path())
            .env("XDG_CONFIG_HOME", self.path("no-config"))
            .env_remove("RUST_LOG")
            .arg("--data-dir")
            .arg(self.store())
            .args(args)
            .stdin(Stdio::null());
        if self.path(CONFIG).is_file() {
            command.args(["--config", CONFIG]);
        }
        command
    }

    pub fn run(&self, args: &[&str]) -> Run {
        Run::of(self.command(args).output().unwrap())
    }

    /// Runs a command that must succeed and print one JSON value.
    pub fn json(&self, args: &[&str]) -> Value {
        let run = self.run(&[args, &["--format", "json"]].concat());
        assert_eq!(run.code, 0, "{args:?}: {}{}", run.stdout, run.stderr);
        serde_json::from_str(&run.stdout).unwrap()
    }

    pub fn start(&self, args: &[&str]) -> Child {
        self.command(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Opens the store, which no process may have open.
    pub fn open(&self) -> Store {
        let options = StoreOptions {
            network: &NETWORK,
            activations: Encoding::default(),
            recent_bytes: None,
            reserve_bytes: 0,
        };
        Store::open(&self.store(), &options).unwrap()
    }

    /// All stored pictures, in the order in which they were stored.
    pub fn stored(&self) -> Vec<Stored> {
        let store = self.open();
        let stored = store.pictures().map(|picture| {
            let (_, id) = picture.unwrap();
            let provenance = store.provenance(id).unwrap();
            Stored {
                id,
                urls: provenance.urls,
                paths: provenance.paths.iter().map(ToString::to_string).collect(),
                pages: provenance.pages,
            }
        });
        stored.collect()
    }
}

impl Run {
    pub fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|_| panic!("{}{}", self.stdout, self.stderr))
    }
}

/// Draws `each` variations of the first `motifs` motifs into one folder a motif.
pub fn draw_folders(dir: &Path, motifs: usize, each: u64) {
    for motif in Motif::ALL.iter().take(motifs) {
        let folder = dir.join(motif.name());
        std::fs::create_dir_all(&folder).unwrap();
        for variation in 0..each {
            let path = folder.join(format!("{variation}.jpg"));
            picture(*motif, variation).save(path).unwrap();
        }
    }
}

/// Makes every file of every folder in `dir` no picture.
pub fn break_all(dir: &Path) {
    for folder in std::fs::read_dir(dir).unwrap() {
        for file in std::fs::read_dir(folder.unwrap().path()).unwrap() {
            std::fs::write(file.unwrap().path(), b"no picture").unwrap();
        }
    }
}

pub fn picture(motif: Motif, variation: u64) -> RgbImage {
    draw(motif, variation, 160, 120)
}

/// A small JPEG of a motif.
pub fn jpeg(motif: Motif, variation: u64) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture(motif, variation)
        .write_to(&mut bytes, image::ImageFormat::Jpeg)
        .unwrap();
    bytes.into_inner()
}

/// A server that answers as it is told.
pub fn serve(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Server {
    Server::background(Arc::new(handler)).unwrap()
}

/// A crawl that must succeed.
pub fn crawl(simdex: &Simdex, url: &str, more: &[&str]) -> Value {
    simdex.json(&[&["crawl", url], &FAST[..], more].concat())
}

/// A picture of a number, whose name ends in it.
pub fn numbered(request: &Request) -> Reply {
    let digits = request.path().matches(|c: char| c.is_ascii_digit());
    match digits.collect::<String>().parse::<u64>() {
        Ok(number) => {
            let motif = Motif::ALL[number as usize % Motif::ALL.len()];
            Reply::bytes("image/jpeg", jpeg(motif, number))
        }
        Err(_) => Reply::not_found(),
    }
}

/// The configuration that the program is given.
const CONFIG: &str = "own-config.toml";

/// The flags of a crawl of a test server: no delay, loopback allowed.
pub const FAST: [&str; 4] = ["--allow-private-addresses", "--delay", "0", "-q"];

/// An answer byte by byte; then the connection is closed.
pub fn raw(head: &str, body: &[u8]) -> Reply {
    Reply::of(Body::Raw([head.as_bytes(), body].concat().into()))
}

/// Crawls seeds on any hosts, all of which are this server, without features.
pub fn many_hosts(server: &Server, seeds: &[String], crawl: &str) -> (Simdex, Value) {
    let simdex = Simdex::new();
    simdex.configure(&format!(
        "[crawl]\nsitemaps = false\nmax_attempts = 1\nresolve = {{ \"*\" = \"{}\" }}\n{crawl}",
        server.address()
    ));
    let seeds = seeds.iter().map(String::as_str);
    let args: Vec<&str> = ["crawl", "--fetch-only", "--format", "json"]
        .into_iter()
        .chain(FAST)
        .chain(seeds)
        .collect();
    let run = simdex.run(&args);
    assert!(matches!(run.code, 0 | 3), "{}{}", run.stdout, run.stderr);
    let summary = run.json();
    (simdex, summary)
}
