//! Who has the store open: its socket, its life and its end.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use simdex::demo::drawing::Motif;

use super::{filled, numbered_slowly};
use crate::common::serving::{Serving, interrupt};
use crate::common::{FAST, Simdex, draw_folders, jpeg, serve};

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
fn whoever_needs_the_store_alone_waits_for_a_short_command() {
    let simdex = Simdex::filled(1, 2);
    let lock = std::fs::File::open(simdex.store().join("lock")).unwrap();
    lock.lock().unwrap();
    let short = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(1));
        drop(lock);
    });
    let serving = Serving::start(&simdex);
    short.join().unwrap();
    assert_eq!(serving.stop(), 130);
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
fn a_path_that_is_short_only_for_the_owner_moves_it_too() {
    let long = tempfile::Builder::new().prefix(&"x".repeat(110)).tempdir();
    let simdex = Simdex { dir: long.unwrap() };
    draw_folders(&simdex.path("pictures"), 1, 2);
    simdex.json(&["add", "pictures"]);
    let mut owner = Command::new(env!("CARGO_BIN_EXE_simdex"))
        .current_dir(simdex.dir.path())
        .env("XDG_CONFIG_HOME", simdex.path("no-config"))
        .args(["--data-dir", "store", "serve", "--listen", "127.0.0.1:0"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(owner.stderr.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("/login?secret=")));
    let run = simdex.run(&["status"]);
    interrupt(&owner);
    owner.wait().unwrap();
    assert!(run.stderr.contains("answered by process"), "{}", run.stderr);
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
