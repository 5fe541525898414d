//! Pictures saved as files: what is in them, what the manifest says, and what kills leave.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use simdex::demo::drawing::Motif;
use simdex::picture::PictureId;
use testweb::reply::Reply;
use testweb::server::Request;

use crate::common::serving::Serving;
use crate::common::{FAST, Run, Simdex, crawl, jpeg, numbered, serve};

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

/// A JPEG with a licence in its metadata.
fn licensed(variation: u64) -> Vec<u8> {
    let jpeg = jpeg(Motif::Sunset, variation);
    let xmp = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF \
        xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' \
        xmlns:cc='http://creativecommons.org/ns#'><rdf:Description \
        cc:license='https://creativecommons.org/licenses/by/4.0/'/></rdf:RDF></x:xmpmeta>";
    let length = (xmp.len() as u16 + 2).to_be_bytes();
    [&jpeg[..2], b"\xFF\xE1", &length, xmp, &jpeg[2..]].concat()
}

/// A picture of a number, which does not change.
fn versioned(request: &Request) -> Reply {
    match request.header("if-none-match") {
        Some(_) => Reply::new(304),
        None => numbered(request).header("ETag", "\"1\""),
    }
}

#[test]
fn a_crawl_saves_the_bytes_as_they_came_and_what_is_known_of_them() {
    let simdex = Simdex::new();
    let server = serve(|request| match request.path() {
        "/" => Reply::html(
            "<title>Two pictures</title><a rel=license href=/terms>terms</a>\
             <img src=fish.jpg alt='A  fish' title=swims>\
             <figure><img src=sun.jpg><figcaption>The sun</figcaption></figure>",
        ),
        "/fish.jpg" => Reply::bytes("image/png", jpeg(Motif::Fish, 1)),
        "/sun.jpg" => Reply::bytes("image/jpeg", licensed(1)),
        _ => Reply::not_found(),
    });
    let set = simdex.path("set");
    let more = ["--save", "set", "--manifest", "csv"];
    crawl(&simdex, &server.url("/"), &more);
    let rows = manifest(&set);
    let (fish, sun) = (jpeg(Motif::Fish, 1), licensed(1));
    let id = PictureId::of(&fish).to_string();
    let row = &rows[&id];
    // By the bytes, whatever the server says.
    let file = format!("{}/{}/{id}.jpg", &id[..2], &id[2..4]);
    let sha256 = Sha256::digest(&fish);
    let sha256: String = sha256.iter().map(|byte| format!("{byte:02x}")).collect();
    let hash = row["perceptual_hash"].as_str().unwrap();
    assert!(hash.len() == 16 && u64::from_str_radix(hash, 16).is_ok());
    let mut known = row.clone();
    let fetched_at = known["fetched_at"].take();
    assert!(fetched_at.as_str().unwrap().ends_with('Z'), "{fetched_at}");
    let expected = json!({
        "id": id,
        "sha256": sha256,
        "perceptual_hash": hash,
        "shard": null,
        "file": file,
        "media_type": "image/jpeg",
        "bytes": fish.len(),
        "width": 160,
        "height": 120,
        "url": server.url("/fish.jpg"),
        "path": null,
        "page": server.url("/"),
        "page_title": "Two pictures",
        "alt": "A fish",
        "title": "swims",
        "caption": null,
        "license": server.url("/terms"),
        "license_from": "page",
        "copyright": null,
        "creator": null,
        "opt_outs": [],
        "fetched_at": null,
    });
    assert_eq!(known, expected);
    let row = &rows[&PictureId::of(&sun).to_string()];
    assert_eq!(row["caption"], "The sun");
    assert_eq!(
        row["license"],
        "https://creativecommons.org/licenses/by/4.0/"
    );
    assert_eq!(row["license_from"], "picture");
    let saved = files(&set);
    assert_eq!(saved.len(), 2);
    assert_eq!(saved[Path::new(&file)], fish);
    assert_eq!(saved[Path::new(row["file"].as_str().unwrap())], sun);
    // The table has the same.
    let mut table = csv::Reader::from_path(set.join("manifest.csv")).unwrap();
    let names = table.headers().unwrap().clone();
    for record in table.records() {
        let record = record.unwrap();
        let row = &rows[&record[0]];
        assert_eq!(names.len(), row.as_object().unwrap().len());
        for (name, value) in names.iter().zip(&record) {
            let expected = match &row[name] {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                Value::Array(of) => of.iter().filter_map(Value::as_str).collect(),
                number => number.to_string(),
            };
            assert_eq!(value, expected, "{name}");
        }
    }
}

#[test]
fn another_run_adds_and_rewrites_nothing() {
    for layout in ["folders", "webdataset"] {
        let simdex = Simdex::new();
        let more = Arc::new(AtomicBool::new(false));
        let is_more = Arc::clone(&more);
        let server = serve(move |request| match request.path() {
            "/" if is_more.load(Ordering::Relaxed) => {
                Reply::html("<img src=1.jpg><img src=2.jpg><img src=3.jpg>")
            }
            "/" => Reply::html("<img src=1.jpg alt=one><img src=2.jpg>"),
            _ => versioned(request),
        });
        let set = simdex.path("set");
        let save = ["--save", "set", "--layout", layout, "--fetch-only"];
        crawl(&simdex, &server.url("/"), &save);
        let times = |dir: &Path| -> BTreeMap<PathBuf, std::time::SystemTime> {
            let entries = walkdir::WalkDir::new(dir).into_iter().map(Result::unwrap);
            let files = entries.filter(|entry| entry.file_type().is_file());
            let files = files.filter(|entry| entry.file_name() != MANIFEST);
            files
                .map(|entry| {
                    let changed = entry.metadata().unwrap().modified().unwrap();
                    (entry.path().to_owned(), changed)
                })
                .collect()
        };
        let (first, rows) = (times(&set), manifest(&set));
        assert_eq!(rows.len(), 2);
        std::thread::sleep(Duration::from_millis(20));
        more.store(true, Ordering::Relaxed);
        crawl(
            &simdex,
            &server.url("/"),
            &[&save[..], &["--refresh", "all"]].concat(),
        );
        let (second, all) = (times(&set), manifest(&set));
        assert_eq!(all.len(), 3, "{layout}");
        for (path, time) in &first {
            assert_eq!(second.get(path), Some(time), "{}", path.display());
        }
        for (id, row) in &rows {
            assert_eq!(&all[id], row);
        }
        let pictures: BTreeSet<PictureId> = match layout {
            "folders" => files(&set)
                .values()
                .map(|bytes| PictureId::of(bytes))
                .collect(),
            _ => {
                let tars = tars(&set);
                assert_eq!(tars.len(), 2, "a tar for each run");
                let files = tars.values().flatten();
                let pictures = files.filter(|(name, _)| name.ends_with(".jpg"));
                pictures.map(|(_, bytes)| PictureId::of(bytes)).collect()
            }
        };
        let known: BTreeSet<PictureId> = all.keys().map(|id| id.parse().unwrap()).collect();
        assert_eq!(pictures, known);
        // The other way of laying out is said to be the other, and so is a folder of something else.
        let other = ["webdataset", "folders"]
            .into_iter()
            .find(|it| *it != layout)
            .unwrap();
        let args = [
            "crawl",
            &server.url("/"),
            "--save",
            "set",
            "--layout",
            other,
        ];
        let run = simdex.run(&[&args[..], &FAST].concat());
        assert_eq!(run.code, 1);
        assert!(run.stderr.contains(layout), "{}", run.stderr);
        let args = ["crawl", &server.url("/"), "--save", "store"];
        let run = simdex.run(&[&args[..], &FAST].concat());
        assert_eq!(run.code, 1);
        assert!(run.stderr.contains("no dataset"), "{}", run.stderr);
    }
}

#[test]
fn tars_have_a_picture_its_facts_and_its_words() {
    let simdex = Simdex::new();
    let server = serve(|request| match request.path() {
        "/" => Reply::html(
            "<img src=1.jpg alt='One fish'><img src=2.jpg><img src=3.jpg><img src=4.jpg>",
        ),
        _ => numbered(request),
    });
    let set = simdex.path("set");
    let save = [
        "--save",
        "set",
        "--layout",
        "webdataset",
        "--shard-mb",
        "1",
        "--fetch-only",
    ];
    crawl(&simdex, &server.url("/"), &save);
    let (rows, tars) = (manifest(&set), tars(&set));
    assert_eq!((rows.len(), tars.len()), (4, 1));
    for (id, row) in &rows {
        let tar = &tars[row["shard"].as_str().unwrap()];
        let bytes = &tar[row["file"].as_str().unwrap()];
        assert_eq!(PictureId::of(bytes).to_string(), *id);
        assert_eq!(bytes.len() as u64, row["bytes"]);
        let facts: Value = serde_json::from_slice(&tar[&format!("{id}.json")]).unwrap();
        assert_eq!(facts, *row);
        let words = String::from_utf8(tar[&format!("{id}.txt")].clone()).unwrap();
        assert_eq!(words, row["alt"].as_str().unwrap_or_default());
    }
    assert_eq!(tars["00000.tar"].len(), 12);
    assert!(rows.values().any(|row| row["alt"] == "One fish"));
    // Another program agrees that it is a tar, where there is one.
    let listed = std::process::Command::new("tar")
        .args(["-tf", "00000.tar"])
        .current_dir(&set)
        .output();
    if let Ok(listed) = listed {
        assert!(listed.status.success());
        assert_eq!(
            String::from_utf8(listed.stdout).unwrap().lines().count(),
            12
        );
    }
}

#[test]
fn tars_are_of_a_stated_size() {
    let dir = tempfile::tempdir().unwrap();
    let options = simdex::saving::SaveOptions {
        layout: Some(simdex::saving::Layout::WebDataset),
        shard_bytes: Some(40_000),
        tables: Vec::new(),
    };
    let saver = simdex::saving::Saver::open(dir.path(), &options).unwrap();
    for number in 0..40u32 {
        let bytes = [&number.to_le_bytes()[..], &[0; 5_000]].concat();
        let row = simdex::saving::Row::default();
        saver.save(PictureId::of(&bytes), row, &bytes).unwrap();
        if number % 7 == 0 {
            saver.settle().unwrap();
        }
    }
    saver.finish().unwrap();
    let tars = tars(dir.path());
    assert!((5..=8).contains(&tars.len()), "{:?}", tars.keys());
    for name in tars.keys() {
        let length = std::fs::metadata(dir.path().join(name)).unwrap().len();
        assert!(length < 50_000, "{name} has {length} bytes");
    }
    for row in manifest(dir.path()).values() {
        assert!(tars[row["shard"].as_str().unwrap()].contains_key(row["file"].as_str().unwrap()));
    }
}

/// Kills a crawl that saves, again and again; in the end all is there once and whole.
fn killed(layout: &str) {
    const PICTURES: usize = 120;
    let simdex = Simdex::new();
    let server = serve(|request| match request.path() {
        "/" => {
            let pictures = (0..PICTURES).map(|n| format!("<img src={n}.jpg>"));
            Reply::html(pictures.collect::<String>())
        }
        _ => numbered(request).after(Duration::from_millis(3)),
    });
    let url = server.url("/");
    let save = [
        "--save",
        "set",
        "--layout",
        layout,
        "--fetch-only",
        "--shard-mb",
        "1",
    ];
    let args = [
        &["crawl", &url, "--host-concurrency", "8"],
        &FAST[..],
        &save,
    ]
    .concat();
    let set = simdex.path("set");
    let mut kills = 0;
    for round in 0..12 {
        let mut child = simdex.start(&args);
        std::thread::sleep(Duration::from_millis(150 + 90 * round));
        if child.try_wait().unwrap().is_some() {
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
        if layout == "folders" {
            // What has its name is whole, whenever it is looked at.
            for (path, bytes) in files(&set) {
                let is_named = !path.starts_with(".unfinished");
                let id = PictureId::of(&bytes).to_string();
                assert!(
                    !is_named || path.file_stem().unwrap() == &*id,
                    "{}",
                    path.display()
                );
            }
        }
    }
    assert!(kills > 0, "no kill has hit the crawl");
    let run = simdex.run(&args);
    assert!(matches!(run.code, 0 | 3), "{}", run.stderr);
    let rows = manifest(&set);
    let stored = simdex.open();
    let waiting: BTreeSet<String> = stored.waiting().map(|id| id.unwrap().to_string()).collect();
    assert!(waiting.len() > 100, "{}", waiting.len());
    assert_eq!(rows.keys().cloned().collect::<BTreeSet<_>>(), waiting);
    let tars = match layout {
        "folders" => BTreeMap::new(),
        _ => tars(&set),
    };
    let mut count = 0;
    for (id, row) in &rows {
        let file = row["file"].as_str().unwrap();
        let bytes = match row["shard"].as_str() {
            None => std::fs::read(set.join(file)).unwrap(),
            Some(shard) => {
                count += 3;
                assert!(tars[shard].contains_key(&format!("{id}.txt")));
                tars[shard][file].clone()
            }
        };
        assert_eq!(PictureId::of(&bytes).to_string(), *id);
    }
    assert_eq!(
        tars.values().map(BTreeMap::len).sum::<usize>(),
        count,
        "nothing twice"
    );
    assert!(!set.join(".unfinished").exists());
}

#[test]
fn a_killed_run_leaves_no_half_file_that_counts() {
    killed("folders");
}

#[test]
fn a_tar_of_a_killed_run_is_gone_on_with() {
    killed("webdataset");
}

#[test]
fn what_cannot_be_saved_is_not_stored_and_the_same_command_goes_on() {
    let simdex = Simdex::new();
    let server = serve(|request| match request.path() {
        "/" => Reply::html("<img src=1.jpg>"),
        "/empty" => Reply::html("nothing"),
        _ => numbered(request),
    });
    let set = simdex.path("set");
    crawl(&simdex, &server.url("/empty"), &["--save", "set"]);
    assert!(manifest(&set).is_empty());
    // A file stands where its folder is to be.
    let id = PictureId::of(&jpeg(Motif::ALL[1], 1)).to_string();
    let obstacle = set.join(&id[..2]);
    std::fs::write(&obstacle, "").unwrap();
    let url = server.url("/");
    for mode in [&[][..], &["--fetch-only"]] {
        let args = [&["crawl", &url, "--save", "set"], mode, &FAST[..]].concat();
        let run = simdex.run(&args);
        assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
        let named = format!("set/{}", &id[..2]);
        assert!(run.stderr.contains(&named), "{}", run.stderr);
        let status = simdex.json(&["status"]);
        assert_eq!(
            (&status["images"], &status["waiting"]),
            (&json!(0), &json!(0))
        );
        assert!(manifest(&set).is_empty());
    }
    std::fs::remove_file(obstacle).unwrap();
    let run = simdex.run(&[&["crawl", "--save", "set"][..], &FAST].concat());
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(simdex.json(&["status"])["images"], 1);
    assert_eq!(manifest(&set).into_keys().collect::<Vec<_>>(), [id]);
}

#[test]
fn opt_outs_keep_pictures_out_or_are_noted() {
    for (respected, expected) in [(true, None), (false, Some(json!(["noai", "noimageai"])))] {
        let simdex = Simdex::new();
        simdex.configure(&format!("[crawl.respect]\nnoai = {respected}\n"));
        let server = serve(|request| match request.path() {
            "/" => Reply::html("<meta name=robots content=noimageai><img src=1.jpg>"),
            "/2" => Reply::html("<img src=2.jpg>"),
            "/1.jpg" | "/2.jpg" => numbered(request).header("X-Robots-Tag", "noai"),
            _ => Reply::not_found(),
        });
        let urls = [server.url("/2")];
        crawl(
            &simdex,
            &server.url("/"),
            &[&urls[0], "--save", "set", "--fetch-only"],
        );
        let rows = manifest(&simdex.path("set"));
        let first = rows.values().find(|row| row["url"] == server.url("/1.jpg"));
        assert_eq!(first.map(|row| row["opt_outs"].clone()), expected);
        let second = rows.values().find(|row| row["url"] == server.url("/2.jpg"));
        let noted = (!respected).then(|| json!(["noai"]));
        assert_eq!(second.map(|row| row["opt_outs"].clone()), noted);
    }
}

#[test]
fn a_server_opens_no_folder_that_another_names() {
    let simdex = Simdex::filled(1, 1);
    let serving = Serving::start(&simdex);
    for args in [
        &["crawl", "http://127.0.0.1:9/", "--save", "set"][..],
        &["export", "--files", "set"],
    ] {
        let run = simdex.run(args);
        assert_eq!(run.code, 1, "{}", run.stderr);
        assert!(run.stderr.contains("stop it"), "{}", run.stderr);
        assert!(!simdex.path("set").exists());
    }
    drop(serving);
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

#[test]
fn local_files_are_copied_while_they_are_there() {
    let simdex = Simdex::filled(2, 3);
    let (run, rows) = exported(&simdex, "set", &[]);
    assert_eq!((run.code, rows.len()), (0, 6), "{}", run.stderr);
    for (id, row) in &rows {
        let copy = std::fs::read(simdex.path("set").join(row["file"].as_str().unwrap())).unwrap();
        let original = std::fs::read(row["path"].as_str().unwrap()).unwrap();
        assert_eq!(copy, original);
        assert_eq!(PictureId::of(&copy).to_string(), *id);
        assert!(row["url"].is_null() && row["width"] == 160);
    }
    // Filters and queries choose; a file that is gone or has changed is said to be.
    let folder = simdex.path("pictures").join(Motif::ALL[0].name());
    std::fs::remove_file(folder.join("0.jpg")).unwrap();
    std::fs::write(folder.join("1.jpg"), b"no picture").unwrap();
    let (run, rows) = exported(&simdex, "again", &[]);
    assert_eq!((run.code, rows.len()), (3, 4), "{}", run.stderr);
    assert!(run.stderr.contains("the file is gone"), "{}", run.stderr);
    assert!(run.stderr.contains("other bytes"), "{}", run.stderr);
    assert!(run.stderr.contains("simdex add"), "{}", run.stderr);
    // What is in another dataset is taken from there.
    let (run, rows) = exported(&simdex, "again", &["--from", "set"]);
    assert_eq!((run.code, rows.len()), (0, 6), "{}", run.stderr);
    let (run, rows) = exported(&simdex, "none", &["--min-width", "500"]);
    assert_eq!((run.code, rows.len()), (0, 0), "{}", run.stderr);
    let query = folder.join("2.jpg");
    let query = [
        "--queries",
        query.to_str().unwrap(),
        "-k",
        "2",
        "--from",
        "set",
    ];
    let (run, rows) = exported(&simdex, "asked", &query);
    assert_eq!((run.code, rows.len()), (0, 2), "{}", run.stderr);
    assert!(
        rows.contains_key(
            &PictureId::of(&std::fs::read(folder.join("2.jpg")).unwrap()).to_string()
        )
    );
    let usage = simdex.run(&["export", "--files", "x", "--format", "csv", "-o", "-"]);
    assert_eq!(usage.code, 2);
    assert_eq!(
        simdex.run(&["export", "--format", "csv", "-o", "-"]).code,
        2
    );
    assert_eq!(
        simdex
            .run(&[
                "export",
                "--queries",
                "x",
                "-o",
                "-",
                "--format",
                "csv",
                "--layout",
                "folders"
            ])
            .code,
        2
    );
}

#[test]
fn of_near_copies_the_largest_is_enough() {
    let simdex = Simdex::new();
    std::fs::create_dir(simdex.path("pictures")).unwrap();
    let large = simdex::demo::drawing::draw(Motif::Fish, 1, 480, 360);
    let small = image::imageops::thumbnail(&large, 240, 180);
    small.save(simdex.path("pictures/a-small.png")).unwrap();
    large.save(simdex.path("pictures/b-large.png")).unwrap();
    let other = simdex::demo::drawing::draw(Motif::Sunset, 1, 240, 180);
    other.save(simdex.path("pictures/c-other.png")).unwrap();
    simdex.json(&["add", "pictures"]);
    let paths = |rows: &BTreeMap<String, Value>| -> BTreeSet<String> {
        let names = rows
            .values()
            .map(|row| Path::new(row["path"].as_str().unwrap()));
        names
            .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
            .collect()
    };
    let expected = |names: &[&str]| {
        names
            .iter()
            .map(|&name| name.to_owned())
            .collect::<BTreeSet<_>>()
    };
    for _ in 0..2 {
        let (run, rows) = exported(&simdex, "set", &["--one-of-each"]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert!(run.stderr.contains("1 near-copy"), "{}", run.stderr);
        assert_eq!(paths(&rows), expected(&["b-large.png", "c-other.png"]));
    }
    // The next that can be had.
    std::fs::remove_file(simdex.path("pictures/b-large.png")).unwrap();
    let (run, rows) = exported(&simdex, "left", &["--one-of-each"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(paths(&rows), expected(&["a-small.png", "c-other.png"]));
}

#[test]
fn bytes_that_are_not_kept_are_never_fetched_by_an_export() {
    let simdex = Simdex::new();
    let server = serve(|request| match request.path() {
        "/" => Reply::html("<a rel=license href=/l>l</a><img src=1.jpg alt=one><img src=2.jpg>"),
        _ => versioned(request),
    });
    crawl(&simdex, &server.url("/"), &[]);
    let asked = server.log().len();
    let (run, rows) = exported(&simdex, "set", &[]);
    assert_eq!((run.code, rows.len()), (3, 0), "{}", run.stderr);
    assert!(
        run.stderr.contains("left out: 2 pictures"),
        "{}",
        run.stderr
    );
    assert!(
        run.stderr.contains("--refresh all --save"),
        "{}",
        run.stderr
    );
    assert_eq!(server.log().len(), asked, "nothing is fetched");
    // As is said: they come again whole, though the server knows that they have not changed.
    let url = server.url("/");
    crawl(
        &simdex,
        &url,
        &[
            "--refresh",
            "all",
            "--save",
            "kept",
            "--layout",
            "webdataset",
        ],
    );
    assert_eq!(manifest(&simdex.path("kept")).len(), 2);
    let (run, rows) = exported(&simdex, "set", &["--from", "kept"]);
    assert_eq!((run.code, rows.len()), (0, 2), "{}", run.stderr);
    let first = rows.values().find(|row| row["alt"] == "one").unwrap();
    assert_eq!(first["license"], server.url("/l"));
    assert_eq!(first["page"], url);
    let file = simdex.path("set").join(first["file"].as_str().unwrap());
    assert_eq!(std::fs::read(file).unwrap(), jpeg(Motif::ALL[1], 1));
    // Bytes that wait for their features are copied out of the store.
    let other = Simdex::new();
    crawl(&other, &url, &["--fetch-only"]);
    let (run, rows) = exported(&other, "set", &[]);
    assert_eq!((run.code, rows.len()), (0, 2), "{}", run.stderr);
    assert!(rows.values().any(|row| row["alt"] == "one"));
}

#[test]
fn two_runs_do_not_write_at_once() {
    let simdex = Simdex::filled(1, 1);
    let options = simdex::saving::SaveOptions::default();
    let dir = simdex.path("set");
    let open = simdex::saving::Saver::open(&dir, &options).unwrap();
    let (run, _) = exported(&simdex, "set", &[]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("another simdex"), "{}", run.stderr);
    drop(open);
    let (run, rows) = exported(&simdex, "set", &[]);
    assert_eq!((run.code, rows.len()), (0, 1), "{}", run.stderr);
}

#[cfg(feature = "parquet")]
#[test]
fn parquet_has_what_the_lines_have() {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::Field;

    let simdex = Simdex::filled(2, 2);
    let (run, rows) = exported(&simdex, "set", &["--manifest", "parquet"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let file = std::fs::File::open(simdex.path("set/manifest.parquet")).unwrap();
    let reader = SerializedFileReader::new(file).unwrap();
    let mut seen = 0;
    for row in reader.get_row_iter(None).unwrap() {
        let row = row.unwrap();
        let of = |name: &str| {
            let mut columns = row.get_column_iter();
            columns
                .find(|(column, _)| *column == name)
                .unwrap()
                .1
                .clone()
        };
        let Field::Str(id) = of("id") else { panic!() };
        let known = &rows[&id];
        for (name, value) in known.as_object().unwrap() {
            let expected = match value {
                Value::Null => Field::Null,
                Value::String(text) => Field::Str(text.clone()),
                Value::Array(_) => Field::Null,
                number => Field::Long(number.as_i64().unwrap()),
            };
            assert_eq!(of(name), expected, "{name}");
        }
        seen += 1;
    }
    assert_eq!(seen, rows.len());
}

#[cfg(not(feature = "parquet"))]
#[test]
fn a_build_without_parquet_says_which_has_it() {
    let simdex = Simdex::filled(1, 1);
    let (run, _) = exported(&simdex, "set", &["--manifest", "parquet"]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("--features parquet"), "{}", run.stderr);
    assert!(!simdex.path("set").exists());
}
