//! Pictures saved as files: what is in them, what the manifest says, and what kills leave.

mod crawl;
mod export;
mod kills;
mod tables;

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::Value;
use testweb::reply::Reply;
use testweb::server::Request;

use crate::common::{Run, Simdex, numbered};

const MANIFEST: &str = "manifest.jsonl";

/// The lines of a manifest by their pictures, each once.
fn manifest(dir: &Path) -> BTreeMap<String, Value> {
    let text = std::fs::read_to_string(dir.join(MANIFEST)).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'));
    let mut rows = BTreeMap::new();
    for line in text.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let id = row["id"].as_str().unwrap().to_owned();
        assert!(rows.insert(id, row).is_none(), "twice: {line}");
    }
    rows
}

/// Every file of a dataset in folders, but for those that say what it is.
fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = walkdir::WalkDir::new(dir).into_iter().map(Result::unwrap);
    let files = entries.filter(|entry| entry.file_type().is_file());
    let files = files.filter(|entry| entry.depth() > 1);
    files
        .map(|entry| {
            let path = entry.path().strip_prefix(dir).unwrap().to_owned();
            (path, std::fs::read(entry.path()).unwrap())
        })
        .collect()
}

/// The names and contents of all tars of a dataset, which are finished.
fn tars(dir: &Path) -> BTreeMap<String, BTreeMap<String, Vec<u8>>> {
    let mut tars = BTreeMap::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        assert!(!name.ends_with(".part"), "{name} is unfinished");
        if !name.ends_with(".tar") {
            continue;
        }
        let bytes = std::fs::read(entry.path()).unwrap();
        assert!(bytes.ends_with(&[0; 1024]) && bytes.len() % 512 == 0);
        let mut archive = tar::Archive::new(&bytes[..]);
        let mut files = BTreeMap::new();
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let path = entry.path().unwrap().to_str().unwrap().to_owned();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            assert!(files.insert(path.clone(), bytes).is_none(), "{path} twice");
        }
        tars.insert(name, files);
    }
    tars
}

/// A picture of a number, which does not change.
fn versioned(request: &Request) -> Reply {
    match request.header("if-none-match") {
        Some(_) => Reply::new(304),
        None => numbered(request).header("ETag", "\"1\""),
    }
}

/// What `export --files` says and leaves.
fn exported(simdex: &Simdex, to: &str, more: &[&str]) -> (Run, BTreeMap<String, Value>) {
    let run = simdex.run(&[&["export", "--files", to], more].concat());
    let rows = match simdex.path(to).join(MANIFEST).exists() {
        true => manifest(&simdex.path(to)),
        false => BTreeMap::new(),
    };
    (run, rows)
}
