//! Files that are copied.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;
use simdex::demo::drawing::Motif;
use simdex::picture::PictureId;
use testweb::reply::Reply;

use super::{exported, manifest, versioned};
use crate::common::{Simdex, crawl, jpeg, serve};

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
    // Without queries there are no results that a flag could say something of.
    let unasked = simdex.run(&["export", "--files", "x", "-k", "3"]);
    assert_eq!(unasked.code, 1);
    assert!(
        unasked.stderr.contains("-k says something of results"),
        "{}",
        unasked.stderr
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
    // Where it lay in the tar is no business of the copy, which can be copied as well.
    assert!(first["shard"].is_null(), "{first}");
    let (run, rows) = exported(&simdex, "third", &["--from", "set"]);
    assert_eq!((run.code, rows.len()), (0, 2), "{}", run.stderr);
    // Bytes that wait for their features are copied out of the store.
    let other = Simdex::new();
    crawl(&other, &url, &["--fetch-only"]);
    let (run, rows) = exported(&other, "set", &[]);
    assert_eq!((run.code, rows.len()), (0, 2), "{}", run.stderr);
    assert!(rows.values().any(|row| row["alt"] == "one"));
}
