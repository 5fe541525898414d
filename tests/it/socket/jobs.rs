//! What changes the store through whoever has it open: removing, crawling, adding.

use std::time::{Duration, Instant};

use simdex::demo::drawing::Motif;

use super::{filled, numbered_slowly};
use crate::common::serving::{Serving, interrupt};
use crate::common::{Run, Simdex, draw_folders, serve};

#[test]
fn pictures_are_removed_through_whoever_has_the_store_open() {
    let simdex = filled();
    let stored = simdex.stored();
    let folder = format!("/{}/", Motif::ALL[0].name());
    let first = stored
        .iter()
        .filter(|picture| picture.paths[0].contains(&folder));
    let ids: Vec<String> = first.map(|picture| picture.id.to_string()).collect();
    let serving = Serving::start(&simdex);
    let gone = simdex.json(&["remove", &ids[0]]);
    assert_eq!((&gone["removed"], &gone["missing"]), (&1.into(), &0.into()));
    // The beginning of an id, and a path as seen from here.
    let gone = simdex.json(&["remove", &ids[1][..12]]);
    assert_eq!(gone["removed"], 1);
    let file = format!("pictures/../pictures/{}/3.jpg", Motif::ALL[2].name());
    assert_eq!(simdex.json(&["remove", &file])["removed"], 1);
    let again = simdex.run(&["remove", &ids[0]]);
    assert_eq!(again.code, 3, "{}", again.stderr);
    assert!(
        again.stderr.contains("there is no such picture"),
        "{}",
        again.stderr
    );
    std::fs::remove_dir_all(simdex.path("pictures").join(Motif::ALL[1].name())).unwrap();
    let missing = simdex.run(&["remove", "--missing", "pictures", "--format", "json"]);
    assert_eq!(missing.json()["removed"], 4, "{}", missing.stderr);
    assert_eq!(simdex.json(&["status"])["images"], 5);
    assert_eq!(serving.stop(), 130);
    assert_eq!(simdex.json(&["status"])["images"], 5);
}

#[test]
fn a_server_crawls_for_the_command_line() {
    let site = serve(numbered_slowly);
    let simdex = Simdex::new();
    simdex.configure("[crawl]\nallow_private_addresses = true\ndelay_ms = 0");
    let serving = Serving::start(&simdex);
    let url = site.url("/");
    let done = simdex.run(&["crawl", &url, "--max-images", "3", "--format", "json"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(
        done.stderr.contains("answered by process"),
        "{}",
        done.stderr
    );
    let stored = done.json()["images_indexed"].as_u64().unwrap();
    assert!((3..10).contains(&stored), "{stored}");
    let flags = simdex.run(&["crawl", &url, "--delay", "5"]);
    assert_eq!(flags.code, 1);
    assert!(
        flags.stderr.contains("leave out the other flags"),
        "{}",
        flags.stderr
    );
    // Ctrl-C stops the crawl, and not the server.
    let client = simdex.start(&["crawl", "--format", "json"]);
    let until = Instant::now() + Duration::from_secs(60);
    while simdex.json(&["status"])["images"].as_u64() <= Some(stored) {
        assert!(Instant::now() < until, "the crawl does not go on");
    }
    interrupt(&client);
    let ended = client.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(130));
    assert!(
        String::from_utf8(ended.stdout)
            .unwrap()
            .contains("images_indexed")
    );
    let proof = simdex.run(&["politeness", "--format", "json"]);
    assert!(
        proof.stderr.contains("answered by process"),
        "{}",
        proof.stderr
    );
    assert!(proof.json()["requests"].as_u64() > Some(3));
    let text = simdex.run(&["politeness"]).stdout;
    assert_eq!(serving.stop(), 130);
    assert_eq!(
        simdex.run(&["politeness", "--format", "json"]).json(),
        proof.json()
    );
    assert_eq!(simdex.run(&["politeness"]).stdout, text);
}

/// What a command says, but for whom and how fast.
fn words(run: &Run) -> Vec<String> {
    let lines = run.stderr.lines();
    // Lines of progress come as it takes long.
    let of_progress = |line: &&str| line.contains("indexing") || line.contains(" files (");
    let lines = lines.filter(|line| !line.contains("answered by") && !of_progress(line));
    lines.map(str::to_owned).collect()
}

/// The figures of `add`, but for how long it took.
fn figures(run: &Run) -> serde_json::Value {
    let mut figures = run.json();
    figures.as_object_mut().unwrap().remove("elapsed_s");
    figures
}

#[test]
fn a_server_adds_files_that_the_command_reads() {
    let [alone, served] = [Simdex::new(), Simdex::new()];
    let folders = |simdex: &Simdex| {
        draw_folders(&simdex.path("pictures"), 2, 3);
        std::fs::write(simdex.path("pictures/broken.jpg"), b"no picture").unwrap();
        std::fs::write(simdex.path("pictures/other.psd"), b"8BPS").unwrap();
        std::fs::copy(
            simdex
                .path("pictures")
                .join(Motif::ALL[0].name())
                .join("0.jpg"),
            simdex.path("pictures/copy.jpg"),
        )
        .unwrap();
    };
    folders(&alone);
    folders(&served);
    let serving = Serving::start(&served);
    let both = |args: &[&str]| {
        let [a, b] = [&alone, &served].map(|simdex| simdex.run(args));
        assert_eq!(a.code, b.code, "{args:?}: {} {}", a.stderr, b.stderr);
        assert!(b.stderr.contains("answered by process"), "{}", b.stderr);
        let own = |simdex: &Simdex, run: &Run| {
            let folder = simdex.dir.path().to_string_lossy().into_owned();
            let words = words(run).into_iter().map(|line| line.replace(&folder, ""));
            words.collect::<Vec<_>>()
        };
        assert_eq!(own(&alone, &a), own(&served, &b), "{args:?}");
        if args.contains(&"--format") {
            assert_eq!(figures(&a), figures(&b), "{args:?}");
        }
        b
    };
    let add = ["add", "pictures", "--format", "json"];
    assert_eq!(both(&add).code, 3);
    assert_eq!(figures(&both(&add))["duplicates"], 7);
    // What was removed stays out, unless it is named itself.
    let gone = format!("pictures/{}/1.jpg", Motif::ALL[0].name());
    both(&["remove", &gone]);
    both(&add);
    let refused = figures(&both(&add))["refused"].clone();
    assert_eq!(refused, serde_json::json!({"removed": 1}));
    assert_eq!(
        figures(&both(&["add", &gone, "--format", "json"]))["images_indexed"],
        1
    );
    // What is gone leaves.
    for simdex in [&alone, &served] {
        std::fs::remove_file(simdex.path(&gone)).unwrap();
        std::fs::remove_file(simdex.path("pictures/broken.jpg")).unwrap();
    }
    assert_eq!(figures(&both(&add))["files_dropped"], 1);
    both(&["add", "missing"]);
    both(&["add", "pictures", "--exclude", "*.jpg"]);
    let paths = |simdex: &Simdex| {
        let folder = simdex.dir.path().to_string_lossy().into_owned();
        let all = simdex
            .stored()
            .into_iter()
            .flat_map(|picture| picture.paths);
        let mut all: Vec<String> = all.map(|path| path.replace(&folder, "")).collect();
        all.sort();
        all
    };
    assert_eq!(serving.stop(), 130);
    assert_eq!(paths(&alone), paths(&served));
    assert_eq!(paths(&alone).len(), 6);
}
