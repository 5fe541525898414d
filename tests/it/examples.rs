//! The programs in `examples`, run as they are built.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use crate::common::{Run, SITE, Simdex, draw_folders, jpeg};
use simdex::demo::drawing::Motif;
use testweb::server::Server;

fn example(simdex: &Simdex, name: &str, args: &[&str]) -> Run {
    let beside = PathBuf::from(env!("CARGO_BIN_EXE_simdex"));
    let program = beside.with_file_name("examples").join(name);
    assert!(
        program.is_file(),
        "{} is not built: `cargo test --test it` alone builds no examples, `cargo test` does, and so does `cargo build --examples`",
        program.display()
    );
    let run = Command::new(program)
        .current_dir(simdex.dir.path())
        .env("XDG_CONFIG_HOME", simdex.path("no-config"))
        .args(args)
        .output()
        .unwrap();
    let run = Run::of(run);
    assert_eq!(run.code, 0, "{name}: {}", run.stderr);
    run
}

#[test]
fn a_folder_is_indexed_and_asked() {
    let simdex = Simdex::new();
    draw_folders(&simdex.path("pictures"), 4, 3);
    std::fs::write(simdex.path("pictures/broken.jpg"), b"no picture").unwrap();
    std::fs::write(simdex.path("new.jpg"), jpeg(Motif::Sailboat, 2)).unwrap();
    let run = example(&simdex, "index_folder", &["store", "pictures", "new.jpg"]);
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!((lines[0], lines.len()), ("12 new pictures", 6));
    assert!(lines[1].starts_with("1.000") && lines[1].ends_with("sailboat/2.jpg"));
    assert!(run.stderr.contains("broken.jpg"), "{}", run.stderr);
    assert_eq!(simdex.json(&["status"])["images"], 12);
}

#[test]
fn a_site_is_crawled_with_a_line_of_progress() {
    let simdex = Simdex::new();
    let config = "[crawl]\nallow_private_addresses = true\ndelay_ms = 0\nmax_pages = 3\n";
    std::fs::write(simdex.path("example.toml"), config).unwrap();
    let server = Server::background(Arc::new(SITE.clone())).unwrap();
    let run = example(
        &simdex,
        "crawl_with_progress",
        &["store", &server.url("/"), "example.toml"],
    );
    let images = simdex.json(&["status"])["images"].as_u64().unwrap();
    let expected = format!("3 pages, {images} new pictures\n{images} pictures can be found\n");
    assert_eq!(run.stdout, expected);
    assert!(
        images > 0 && run.stderr.contains(" can be found "),
        "{}",
        run.stderr
    );
}

#[test]
fn a_head_of_ones_own_ranks() {
    let simdex = Simdex::filled(3, 4);
    draw_folders(&simdex.path("labels"), 3, 6);
    std::fs::write(simdex.path("new.jpg"), jpeg(Motif::House, 77)).unwrap();
    let run = example(&simdex, "own_head", &["store", "labels", "new.jpg"]);
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!((lines[0], lines.len()), ("it learned from 18 pictures", 6));
    let houses = lines[1..5].iter().filter(|line| line.contains("/house/"));
    assert_eq!(houses.count(), 4, "{}", run.stdout);
}
