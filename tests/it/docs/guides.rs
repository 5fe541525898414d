//! What the pages show, run: each line behind `$ ` of a page's console blocks, in their order, in a folder of its
//! own; what stands below it must be what it prints.
//!
//! Each page finds the demo's site at `http://gallery.example/` (a configuration lets it be asked on loopback,
//! without pauses) and pictures of it on disk: `Pictures`, `Downloads` with smaller copies of some, `labels` with
//! three classes, `boat.jpg`, `fish.jpg`, and `cut-out.jpg`, a part of another. On the page `service` a server
//! runs meanwhile.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use regex::Regex;
use simdex::demo::drawing::Motif;
use simdex::demo::gallery;
use simdex::demo::server::Server;
use simdex::demo::site::{Content, Site};
use tempfile::TempDir;

use super::blocks::{Block, blocks};
use super::{WRITE, page, pages, top};
use crate::common::Run;

/// The pages that are run, each by a test of its own below.
const RUN: [&str; 6] = [
    "README.md",
    "docs/guides/copies.md",
    "docs/guides/crawling.md",
    "docs/guides/dataset.md",
    "docs/guides/labels.md",
    "docs/guides/service.md",
];

#[test]
fn every_page_that_shows_what_is_seen_is_run() {
    let shows = pages().into_iter().filter(|page| {
        let blocks = blocks(&page.text);
        blocks.iter().any(|block| block.is_of("console"))
    });
    let shows: BTreeSet<String> = shows
        .map(|page| page.path.to_str().unwrap().to_owned())
        .collect();
    assert_eq!(shows, BTreeSet::from(RUN.map(str::to_owned)));
}

#[test]
fn readme() {
    Folder::new().follow(RUN[0]);
}

#[test]
fn copies() {
    Folder::new().follow(RUN[1]);
}

#[test]
fn crawling() {
    Folder::new().follow(RUN[2]);
}

#[test]
fn dataset() {
    Folder::new().follow(RUN[3]);
}

#[test]
fn labels() {
    Folder::new().follow(RUN[4]);
}

#[cfg(unix)]
#[test]
fn service() {
    let folder = Folder::new();
    folder.run("simdex crawl http://gallery.example/ -q");
    let server = folder
        .command("exec simdex serve --listen 127.0.0.1:0")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let mut server = Killed(server.unwrap());
    let is_there = "simdex status 2>&1 | grep -q 'answered by'";
    folder.run(&format!(
        "for i in $(seq 300); do {is_there} && exit; sleep .1; done; exit 1"
    ));
    folder.follow(RUN[5]);
    folder.run(&format!("kill -INT {}", server.0.id()));
    assert_eq!(server.0.wait().unwrap().code(), Some(130));
}

/// A process that ends with the test, also when that fails.
#[cfg(unix)]
struct Killed(std::process::Child);

#[cfg(unix)]
impl Drop for Killed {
    fn drop(&mut self) {
        // It has ended by itself, if all went well.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The classes of `labels`.
const CLASSES: [&str; 3] = ["car", "cup", "fish"];
/// The fish that is asked about.
const UNLABELLED: &str = "/pictures/fish-3.jpg";
/// Stands for the folder in what is printed.
const HOME: &str = "/home/me";

/// The folder in which a page's commands are typed. It is the home, too.
struct Folder {
    dir: TempDir,
    site: Server,
}

impl Folder {
    fn new() -> Self {
        let drawn = gallery::site().unwrap();
        let site = Server::start(drawn.clone()).unwrap();
        let folder = Self {
            dir: tempfile::tempdir().unwrap(),
            site,
        };
        let address = folder.site.url("/");
        let address = address.trim_start_matches("http://").trim_end_matches('/');
        let config = format!(
            "[crawl]\ncontact = \"https://example.org/our-crawler\"\nallow_private_addresses = true\n\
             delay_ms = 0\n\n[crawl.resolve]\n\"gallery.example\" = \"{address}\"\n"
        );
        folder.write(".config/simdex/config.toml", config.as_bytes());
        folder.fill(&drawn);
        folder
    }

    /// Takes what the page finds from the demo's site.
    fn fill(&self, site: &Site) {
        // A boat that neither the site nor a folder has.
        self.write("boat.jpg", site.query_picture());
        let of_site = |path: &str| match &site.resource(path).unwrap().content {
            Content::Bytes(bytes) => bytes.clone(),
            Content::File(path) => panic!("{} is drawn", path.display()),
        };
        self.write(
            "cut-out.jpg",
            &of_site("/workshop/files/skyline-cropped.jpg"),
        );
        self.write("fish.jpg", &of_site(UNLABELLED));
        for motif in Motif::ALL {
            let name = format!("{motif}-0.jpg");
            let bytes = of_site(&format!("/pictures/{name}"));
            self.write(&format!("Pictures/{name}"), &bytes);
        }
        for path in site
            .picture_paths()
            .filter(|path| !path.starts_with("/private/"))
        {
            let name = path.rsplit('/').next().unwrap();
            if name.ends_with("-recompressed.jpg") {
                self.write(&format!("Downloads/{name}"), &of_site(path));
            }
            let class = name.split(['-', '.']).next().unwrap();
            if CLASSES.contains(&class) && path != UNLABELLED {
                self.write(&format!("labels/{class}/{name}"), &of_site(path));
            }
        }
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    fn command(&self, line: &str) -> Command {
        let program = Path::new(env!("CARGO_BIN_EXE_simdex"));
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::iter::once(program.parent().unwrap().to_owned());
        let path = std::env::join_paths(folders.chain(std::env::split_paths(&path))).unwrap();
        // ONNX Runtime is where it is for whoever runs the tests.
        let cache = std::env::var_os("XDG_CACHE_HOME").map(std::path::PathBuf::from);
        let home = std::env::var_os("HOME").map(std::path::PathBuf::from);
        let cache = cache.or_else(|| Some(home?.join(".cache")));
        let mut command = Command::new("sh");
        command
            .current_dir(self.dir.path())
            .env("PATH", path)
            .env("HOME", self.dir.path())
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("XDG_DATA_HOME")
            .env_remove("RUST_LOG")
            .args(["-c", line])
            .stdin(Stdio::null());
        if let Some(cache) = cache {
            command.env("XDG_CACHE_HOME", cache);
        }
        command
    }

    /// What a command prints that must succeed. What it says on stderr depends on how long it takes.
    fn run(&self, line: &str) -> String {
        let run = Run::of(self.command(line).output().unwrap());
        assert_eq!(run.code, 0, "$ {line}\n{}{}", run.stdout, run.stderr);
        run.stdout.replace(self.dir.path().to_str().unwrap(), HOME)
    }

    /// Runs all that a page shows. Where that is to be written, what is seen takes the place of what is not.
    fn follow(&self, path: &str) {
        let page = page(Path::new(path));
        let mut text = page.text.clone();
        let mut wrong = String::new();
        for block in blocks(&page.text)
            .into_iter()
            .filter(|it| it.is_of("console"))
        {
            let mut now = String::new();
            for (line, shown) in shown(&block) {
                let seen = self.run(&line);
                let lines = |text: &str| text.trim_end().lines().map(general).collect::<Vec<_>>();
                let is_right = is_shown(&lines(&shown), &lines(&seen));
                if !is_right {
                    wrong += &format!("$ {line}\n{seen}--- the page shows\n{shown}\n");
                }
                now += &format!("$ {line}\n{}", if is_right { &shown } else { &seen });
            }
            text = text.replacen(&block.text, &now, 1);
        }
        if std::env::var_os(WRITE).is_some() {
            std::fs::write(top().join(path), text).unwrap();
            return;
        }
        assert!(
            wrong.is_empty(),
            "{path} ({WRITE}=1 writes what is seen)\n{wrong}"
        );
    }
}

/// The commands of a console block, with what is shown below each.
fn shown(block: &Block) -> Vec<(String, String)> {
    let mut commands: Vec<(String, String)> = Vec::new();
    if block.is_of("console") {
        for line in block.text.lines() {
            match line.strip_prefix("$ ") {
                Some(command) => commands.push((command.to_owned(), String::new())),
                None => {
                    let (_, shown) = commands.last_mut().expect("a command comes first");
                    *shown += &format!("{line}\n");
                }
            }
        }
    }
    commands
}

/// Numbers and ids, which differ from run to run and from machine to machine.
static FIGURES: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\b[0-9a-f]{12,64}\b|(\d[\d,]*)?\.?\d+").unwrap());
static SPACES: LazyLock<Regex> = LazyLock::new(|| Regex::new(" +").unwrap());

/// A line without what may differ.
fn general(line: &str) -> String {
    let line = FIGURES.replace_all(line.trim_end(), "0");
    SPACES.replace_all(&line, " ").into_owned()
}

/// Whether what a page shows is what was seen. `...` stands for any lines, or for none.
fn is_shown(shown: &[String], seen: &[String]) -> bool {
    match (shown.split_first(), seen.split_first()) {
        (None, None) => true,
        (Some((first, rest)), _) if first == "..." => {
            (0..=seen.len()).any(|from| is_shown(rest, &seen[from..]))
        }
        (Some((first, shown)), Some((line, seen))) => first == line && is_shown(shown, seen),
        _ => false,
    }
}

#[test]
fn what_is_seen_is_held_against_what_is_shown() {
    let of = |text: &str| text.lines().map(general).collect::<Vec<_>>();
    let is = |shown: &str, seen: &str| is_shown(&of(shown), &of(seen));
    assert!(is("3 pages, 1,204 pictures", "12 pages, 7 pictures"));
    assert!(is("one\n...\nfour", "one\ntwo\nthree\nfour"));
    assert!(is("one\n...", "one"));
    assert!(!is("one\n...\nfour", "one\ntwo"));
    assert!(!is("one", "one\ntwo"));
    assert!(!is("3 pages", "3 pictures"));
    assert!(is("  1  .98  boat", "  1  0.971  boat"));
}
