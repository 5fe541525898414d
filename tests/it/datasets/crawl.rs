//! What a crawl saves.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use simdex::demo::drawing::Motif;
use simdex::picture::PictureId;
use testweb::reply::Reply;

use super::{MANIFEST, files, manifest, tars, versioned};
use crate::common::serving::Serving;
use crate::common::{FAST, Simdex, crawl, jpeg, numbered, serve};

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
fn a_picture_that_was_named_itself_comes_again_to_be_saved() {
    let simdex = Simdex::new();
    let server = serve(versioned);
    crawl(&simdex, &server.url("/1.jpg"), &[]);
    let again = ["--refresh", "all", "--save", "set"];
    crawl(&simdex, &server.url("/1.jpg"), &again);
    assert_eq!(manifest(&simdex.path("set")).len(), 1);
}

#[test]
fn a_last_line_without_an_end_counts_if_it_is_whole() {
    let simdex = Simdex::new();
    let server = serve(|request| match request.path() {
        "/" => Reply::html("<img src=1.jpg><img src=2.jpg>"),
        _ => versioned(request),
    });
    crawl(&simdex, &server.url("/"), &["--save", "set"]);
    let path = simdex.path("set").join(MANIFEST);
    let whole = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, whole.trim_end()).unwrap();
    let again = ["--save", "set", "--refresh", "all"];
    crawl(&simdex, &server.url("/"), &again);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), whole);
    // Half a line does not, and the picture is saved anew.
    std::fs::write(&path, &whole[..whole.len() - 9]).unwrap();
    crawl(&simdex, &server.url("/"), &again);
    assert_eq!(manifest(&simdex.path("set")).len(), 2);
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
