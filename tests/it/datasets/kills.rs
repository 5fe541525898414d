//! What is left of runs that were killed, or could not write.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::json;
use simdex::demo::drawing::Motif;
use simdex::picture::PictureId;
use testweb::reply::Reply;

use super::{exported, files, manifest, tars};
use crate::common::{FAST, Simdex, crawl, jpeg, numbered, serve};

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
