//! One process, every door: commands on a store that another process has open.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use simdex::demo::drawing::Motif;

use crate::common::serving::{Serving, interrupt, without_times};
use crate::common::{FAST, Simdex, draw_folders, jpeg, numbered, serve};

fn filled() -> Simdex {
    let simdex = Simdex::filled(3, 4);
    for (name, motif, variation) in [("new.jpg", 0, 77), ("other.jpg", 1, 78)] {
        std::fs::write(simdex.path(name), jpeg(Motif::ALL[motif], variation)).unwrap();
    }
    simdex
}

/// Commands that read, each with the exit code that it has.
const READING: &[(&[&str], i32)] = &[
    (&["status"], 0),
    (&["status", "--format", "json"], 0),
    (&["query", "new.jpg"], 0),
    (&["query", "new.jpg", "--min-score", "p90"], 0),
    (
        &[
            "query",
            "new.jpg",
            "other.jpg",
            "--format",
            "json",
            "--explain",
            "-k",
            "3",
        ],
        0,
    ),
    (
        &[
            "query",
            "new.jpg",
            "--mode",
            "copy",
            "--all-copies",
            "--format",
            "json",
        ],
        0,
    ),
    (
        &["query", "new.jpg", "--mode", "look-alike", "--explain"],
        0,
    ),
    (
        &[
            "query",
            "new.jpg",
            "other.jpg",
            "--not",
            "pictures/../other.jpg",
            "--format",
            "json",
        ],
        0,
    ),
    (
        &["query", "new.jpg", "--head", "mse18", "--format", "json"],
        0,
    ),
    (&["query", "new.jpg", "missing.jpg", "--format", "json"], 3),
    (&["query", "missing.jpg"], 1),
    (&["query", "new.jpg", "--head", "missing.json"], 2),
    (
        &[
            "query",
            "new.jpg",
            "--head",
            "embedding",
            "--min-score",
            "p90",
        ],
        1,
    ),
    (&["query", "broken.jpg"], 1),
    (&["compare", "new.jpg", "other.jpg"], 0),
    (
        &[
            "compare",
            "new.jpg",
            "other.jpg",
            "--format",
            "json",
            "--mode",
            "copy",
        ],
        0,
    ),
    (&["compare", "new.jpg", "broken.jpg"], 1),
    (&["duplicates"], 0),
    (&["duplicates", "--format", "jsonl"], 0),
    (
        &[
            "export",
            "--queries",
            "pictures",
            "--format",
            "csv",
            "-o",
            "-",
        ],
        0,
    ),
    (
        &[
            "export",
            "--queries",
            "new.jpg",
            "--format",
            "html",
            "-o",
            "-",
        ],
        0,
    ),
    (&["failures"], 0),
    (
        &[
            "failures", "--format", "json", "--all", "--reason", "http_404",
        ],
        0,
    ),
    // Nothing was asked of anybody yet.
    (&["politeness", "--format", "json"], 1),
];

#[test]
fn who_has_the_store_open_answers_byte_for_byte_as_the_command_alone() {
    let simdex = filled();
    std::fs::write(simdex.path("broken.jpg"), b"no picture").unwrap();
    // Near-copies, so that there are groups to list.
    std::fs::copy(simdex.path("new.jpg"), simdex.path("pictures/a.jpg")).unwrap();
    std::fs::copy(simdex.path("new.jpg"), simdex.path("pictures/b.jpg")).unwrap();
    simdex.json(&["add", "pictures"]);
    let alone: Vec<_> = READING.iter().map(|(args, _)| simdex.run(args)).collect();
    let serving = Serving::start(&simdex);
    let by = format!("answered by process {}, 13 pictures", serving.id());
    for ((args, code), alone) in READING.iter().zip(alone) {
        let there = simdex.run(args);
        assert_eq!(alone.code, *code, "{args:?}: {}", alone.stderr);
        assert_eq!(there.code, *code, "{args:?}: {}", there.stderr);
        assert_eq!(without_times(&there), without_times(&alone), "{args:?}");
        if there.code == 0 && args[0] != "politeness" {
            assert!(there.stderr.contains(&by), "{args:?}: {}", there.stderr);
        }
        // What went wrong is said in the same words.
        let problems = alone.stderr.lines().filter(|line| line.contains("simdex:"));
        for problem in problems {
            assert!(
                there.stderr.contains(problem),
                "{problem}\n{}",
                there.stderr
            );
        }
    }
    assert_eq!(serving.stop(), 130);
}

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
fn the_socket_is_the_user_s_alone_and_a_killed_owner_leaves_nothing_to_clean() {
    let simdex = filled();
    let serving = Serving::start(&simdex);
    let socket = simdex.store().join("socket");
    let mode = socket.symlink_metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    serving.kill();
    assert!(socket.symlink_metadata().is_ok(), "it could not remove it");
    // A command alone, and the next owner.
    let run = simdex.run(&["status", "--format", "json"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(!run.stderr.contains("answered by"), "{}", run.stderr);
    let serving = Serving::start(&simdex);
    assert_eq!(simdex.json(&["status"])["images"], 12);
    assert_eq!(serving.stop(), 130);
    assert!(socket.symlink_metadata().is_err());
}

#[test]
fn a_socket_that_is_another_store_s_or_nobody_s_is_passed_over() {
    let (simdex, other) = (filled(), Simdex::filled(1, 1));
    let serving = Serving::start(&other);
    std::os::unix::fs::symlink(other.store().join("socket"), simdex.store().join("socket"))
        .unwrap();
    assert_eq!(simdex.json(&["status"])["images"], 12);
    assert_eq!(other.json(&["status"])["images"], 1);
    drop(serving);
    std::fs::remove_file(simdex.store().join("socket")).unwrap();
    // Somebody who takes connections and says nothing.
    let silent = std::os::unix::net::UnixListener::bind(simdex.store().join("socket")).unwrap();
    let started = Instant::now();
    assert_eq!(simdex.json(&["status"])["images"], 12);
    assert!(started.elapsed() < Duration::from_secs(20));
    drop(silent);
}

#[test]
fn a_path_that_is_too_long_for_a_socket_moves_it() {
    let long = tempfile::Builder::new().prefix(&"x".repeat(110)).tempdir();
    let simdex = Simdex { dir: long.unwrap() };
    draw_folders(&simdex.path("pictures"), 1, 2);
    simdex.json(&["add", "pictures"]);
    let serving = Serving::start(&simdex);
    let run = simdex.run(&["status"]);
    assert!(run.stderr.contains("answered by process"), "{}", run.stderr);
    let lock = std::fs::read_to_string(simdex.store().join("lock")).unwrap();
    let socket = lock
        .lines()
        .find_map(|line| line.strip_prefix("socket "))
        .unwrap();
    assert!(std::fs::symlink_metadata(socket).is_ok());
    assert_eq!(serving.stop(), 130);
    assert!(std::fs::symlink_metadata(socket).is_err());
    assert_eq!(simdex.run(&["status"]).code, 0);
}

#[test]
fn a_crawl_answers_while_it_runs_and_says_whom_to_await() {
    let site = serve(numbered_slowly);
    let simdex = Simdex::new();
    let url = site.url("/");
    let mut crawl = simdex.start(&[&["crawl", url.as_str()], &FAST[..]].concat());
    let until = Instant::now() + Duration::from_secs(60);
    let status = loop {
        let run = simdex.run(&["status", "--format", "json"]);
        if run.stderr.contains("answered by process") && run.json()["images"].as_u64() > Some(1) {
            break run;
        }
        assert!(Instant::now() < until, "{}{}", run.stdout, run.stderr);
        std::thread::sleep(Duration::from_millis(50));
    };
    assert!(status.stderr.contains(&format!("process {}", crawl.id())));
    std::fs::write(simdex.path("0.jpg"), jpeg(Motif::ALL[0], 0)).unwrap();
    let found = simdex.run(&["query", "0.jpg", "--format", "json"]);
    assert_eq!(found.code, 0, "{}", found.stderr);
    assert!(!found.json()["results"].as_array().unwrap().is_empty());
    for args in [
        &["add", "0.jpg"][..],
        &["crawl", &url],
        &["verify"],
        &["compact"],
    ] {
        let run = simdex.run(args);
        assert_eq!(run.code, 1, "{args:?} {}", run.stdout);
        let whom = format!("process {}", crawl.id());
        assert!(run.stderr.contains(&whom), "{args:?} {}", run.stderr);
        let last = args.last().unwrap();
        assert!(run.stderr.contains("then run: "), "{args:?} {}", run.stderr);
        assert!(run.stderr.trim_end().ends_with(last), "{}", run.stderr);
    }
    interrupt(&crawl);
    assert_eq!(crawl.wait().unwrap().code(), Some(130));
    assert_eq!(simdex.run(&["status"]).code, 0);
}

/// A page of many pictures, each of which takes its time.
fn numbered_slowly(request: &testweb::server::Request) -> testweb::reply::Reply {
    if request.path() == "/" {
        let pictures = (0..500).map(|number| format!("<img src='/{number}.jpg'>"));
        return testweb::reply::Reply::html(pictures.collect::<String>());
    }
    std::thread::sleep(Duration::from_millis(100));
    numbered(request)
}

#[test]
fn ctrl_c_in_a_client_ends_its_own_command_alone() {
    let simdex = filled();
    let serving = Serving::start(&simdex);
    std::fs::write(simdex.path("list.txt"), "new.jpg\n".repeat(5_000)).unwrap();
    let args = [
        "export",
        "--queries",
        "list.txt",
        "--format",
        "csv",
        "-o",
        "-",
    ];
    let mut client = simdex.start(&args);
    let mut lines = BufReader::new(client.stderr.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("answered by process")));
    interrupt(&client);
    assert_eq!(client.wait_with_output().unwrap().status.code(), Some(130));
    assert_eq!(simdex.json(&["status"])["images"], 12);
    assert_eq!(serving.stop(), 130);
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
fn words(run: &crate::common::Run) -> Vec<String> {
    let lines = run.stderr.lines();
    let lines = lines.filter(|line| !line.contains("answered by") && !line.contains("indexing"));
    lines.map(str::to_owned).collect()
}

/// The figures of `add`, but for how long it took.
fn figures(run: &crate::common::Run) -> serde_json::Value {
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
        let own = |simdex: &Simdex, run: &crate::common::Run| {
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
