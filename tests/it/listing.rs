//! Which local files `add` reads, and what it says of the others.

use crate::common::{Run, Simdex, jpeg};
use serde_json::Value;
use simdex::demo::drawing::Motif;

fn write(simdex: &Simdex, name: &str, variation: u64) {
    let path = simdex.path(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, jpeg(Motif::Balloon, variation)).unwrap();
}

fn found(simdex: &Simdex, args: &[&str]) -> Value {
    simdex.json(&[&["add"], args].concat())["images_found"].take()
}

#[test]
fn hidden_and_excluded_files_are_left_out() {
    let simdex = Simdex::new();
    let names = [
        "in/a.jpg",
        "in/.b.jpg",
        "in/.cache/c.jpg",
        "in/sub/d.jpg",
        "in/sub/x/e.jpg",
        "in/f.jpeg",
    ];
    for (name, n) in names.iter().zip(0..) {
        write(&simdex, name, n);
    }
    for (args, expected) in [
        (&["in"][..], 4),
        (&["in", "--hidden"], 6),
        (&["in", "--exclude", "*.jpeg"], 3),
        (&["in", "--exclude", "sub"], 2),
        (&["in", "--exclude", "sub/*.jpg"], 3),
        (&["in", "--exclude", "sub/**", "--exclude", "a.*"], 1),
        (&["in", "--exclude", "**/x"], 3),
        // What is named itself is read.
        (&["in/.b.jpg"], 1),
        (&["in/.cache"], 1),
    ] {
        assert_eq!(found(&simdex, args), expected, "{args:?}");
    }
    let run = simdex.run(&["add", "in", "--exclude", "[a"]);
    assert_eq!(run.code, 2, "{}", run.stderr);
    // What is there and left out is not gone.
    assert_eq!(simdex.stored().len(), 6);
}

#[cfg(unix)]
#[test]
fn links_are_followed_once() {
    use std::os::unix::fs::symlink;
    let simdex = Simdex::new();
    write(&simdex, "in/sub/a.jpg", 1);
    write(&simdex, "outside/b.jpg", 2);
    write(&simdex, "outside/deep/c.jpg", 3);
    write(&simdex, "in/.annex/d", 4);
    let link = |to: &str, at: &str| symlink(simdex.path(to), simdex.path(at)).unwrap();
    // Before its target in the order of names, and a second time.
    link("in/sub/a.jpg", "in/0.jpg");
    link("in/sub", "in/again");
    link("in", "in/sub/round");
    link("outside", "in/z1");
    link("outside", "in/z2");
    link("outside/b.jpg", "in/z3.jpg");
    link("in/.annex/d", "in/d.jpg");
    link("nowhere", "in/nowhere");
    let run = simdex.run(&["add", "in", "--format", "json"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(run.json()["images_found"], 4, "{}", run.stderr);
    let store = simdex.open();
    let mut paths: Vec<String> = Vec::new();
    for place in store.file_places() {
        let path = place.unwrap().path.to_string();
        paths.push(path.rsplit_once("/in/").unwrap().1.to_owned());
    }
    drop(store);
    paths.sort();
    assert_eq!(paths, ["d.jpg", "sub/a.jpg", "z1/b.jpg", "z1/deep/c.jpg"]);
    // Nothing is gone the next time.
    let again = simdex.json(&["add", "in"]);
    assert_eq!(
        (&again["duplicates"], &again["files_dropped"]),
        (&4.into(), &0.into())
    );
    link("no-such.jpg", "in/broken.jpg");
    let run = simdex.run(&["add", "in"]);
    assert_eq!(run.code, 3);
    assert!(
        run.stderr.contains("a link that leads nowhere"),
        "{}",
        run.stderr
    );
}

#[cfg(unix)]
#[test]
fn a_file_has_one_place_whatever_links_lead_to_it() {
    use std::os::unix::fs::symlink;
    let simdex = Simdex::new();
    let link = |to: &str, at: &str| symlink(simdex.path(to), simdex.path(at)).unwrap();
    let add = |args: &[&str]| {
        let run = simdex.run(&[&["add"], args].concat());
        assert_eq!(run.code, 0, "{}", run.stderr);
        let store = simdex.open();
        let places = store
            .file_places()
            .map(|place| place.unwrap().path.to_string());
        let root = simdex.dir.path().to_str().unwrap().to_owned();
        let mut places: Vec<_> = places.map(|it| it.replace(&root, "")).collect();
        places.sort();
        places.join(" ")
    };
    // A link to a file and a link to its folder.
    write(&simdex, "out/o.jpg", 1);
    write(&simdex, "in/a.jpg", 2);
    link("out", "in/folder");
    link("out/o.jpg", "in/o.jpg");
    assert_eq!(add(&["in"]).split(' ').count(), 2);
    // A folder by a link, then by itself, and the other way round.
    write(&simdex, "real/r.jpg", 3);
    link("real", "linked");
    add(&["linked"]);
    assert!(add(&["real"]).ends_with(" /real/r.jpg"));
    assert!(add(&["linked"]).ends_with(" /real/r.jpg"));
    // A file gives way to a link to another one that is stored.
    write(&simdex, "real/s.jpg", 4);
    assert!(add(&["real"]).ends_with(" /real/r.jpg /real/s.jpg"));
    std::fs::remove_file(simdex.path("real/s.jpg")).unwrap();
    link("real/r.jpg", "real/s.jpg");
    assert!(add(&["real"]).ends_with(" /real/r.jpg"));
}

#[test]
fn formats_that_are_not_read_are_named() {
    let simdex = Simdex::new();
    std::fs::create_dir(simdex.path("in")).unwrap();
    for n in 0..51 {
        std::fs::write(simdex.path(&format!("in/{n}.dng")), b"x").unwrap();
    }
    let run = simdex.run(&["add", "in", "--format", "json"]);
    assert_eq!(run.code, 3, "nothing came of it");
    assert!(
        run.stderr.contains("51 files skipped: .dng"),
        "{}",
        run.stderr
    );
    assert_eq!(run.json()["skipped"], serde_json::json!({"dng": 51}));
    std::fs::write(simdex.path("in/a.CR2"), b"x").unwrap();
    write(&simdex, "in/a.jpg", 1);
    let run = simdex.run(&["add", "in"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let said = "52 files skipped: .dng (51), .cr2 (1)";
    assert!(run.stderr.contains(said), "{}", run.stderr);
    // Nor is nothing found in silence.
    std::fs::create_dir(simdex.path("empty")).unwrap();
    std::fs::write(simdex.path("empty/.hidden.jpg"), b"x").unwrap();
    let run = simdex.run(&["add", "empty"]);
    assert_eq!(run.code, 3);
    assert!(run.stderr.contains("--hidden"), "{}", run.stderr);
}

/// Runs a command that must not wait for anybody.
#[cfg(unix)]
fn at_once(simdex: &Simdex, args: &[&str]) -> Run {
    let mut child = simdex.start(args);
    let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while child.try_wait().unwrap().is_none() {
        if std::time::Instant::now() > until {
            child.kill().unwrap();
            panic!("{args:?} waits");
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    Run::of(child.wait_with_output().unwrap())
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_refused_and_not_waited_for() {
    let simdex = Simdex::new();
    write(&simdex, "in/a.jpg", 1);
    simdex.json(&["add", "in"]);
    let made = std::process::Command::new("mkfifo")
        .arg(simdex.path("in/f.jpg"))
        .status();
    assert!(made.unwrap().success());
    let _socket = std::os::unix::net::UnixListener::bind(simdex.path("in/s.jpg")).unwrap();
    for (args, said, code) in [
        (&["add", "in/f.jpg"][..], "it is a FIFO", 1),
        (&["add", "in"], "it is a FIFO", 3),
        (&["add", "in"], "it is a socket", 3),
        (&["add", "/dev/null"], "it is a device", 1),
        (&["query", "in/f.jpg"], "it is a FIFO", 1),
        (&["query", "in/s.jpg"], "it is a socket", 1),
        (&["query", "/dev/zero"], "it is a device", 1),
        (&["query", "in"], "it is a folder", 1),
        (&["compare", "in/a.jpg", "in/f.jpg"], "it is a FIFO", 1),
        (&["query", "in/a.jpg", "in/f.jpg"], "it is a FIFO", 3),
    ] {
        let run = at_once(&simdex, args);
        assert_eq!(run.code, code, "{args:?}: {}", run.stderr);
        assert!(run.stderr.contains(said), "{args:?}: {}", run.stderr);
    }
}

#[test]
fn a_single_picture_can_be_exported_for() {
    let simdex = Simdex::new();
    write(&simdex, "in/a.jpg", 1);
    write(&simdex, "in/b.jpg", 2);
    simdex.json(&["add", "in"]);
    std::fs::copy(simdex.path("in/a.jpg"), simdex.path("no-ending")).unwrap();
    std::fs::write(simdex.path("list"), "in/a.jpg\nno-ending\n").unwrap();
    for (queries, expected) in [("in/a.jpg", 1), ("no-ending", 1), ("in", 2), ("list", 2)] {
        let args = [
            "export",
            "--queries",
            queries,
            "--format",
            "jsonl",
            "-o",
            "-",
        ];
        let run = simdex.run(&args);
        assert_eq!(run.code, 0, "{queries}: {}", run.stderr);
        assert_eq!(run.stdout.lines().count(), expected, "{queries}");
        assert!(run.stdout.contains("\"score\":1.0"), "{queries}");
    }
    let args = [
        "export",
        "--queries",
        "nowhere.txt",
        "--format",
        "jsonl",
        "-o",
        "-",
    ];
    assert_eq!(simdex.run(&args).code, 1);
}
