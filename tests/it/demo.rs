//! The README's first command.

use crate::common::{Run, Simdex, draw_folders};

#[test]
fn the_demo_goes_all_the_way() {
    let simdex = Simdex::new();
    for (round, pictures) in ["none", "blocks"].into_iter().enumerate() {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_simdex"));
        let output = command
            .current_dir(simdex.dir.path())
            .args(["demo", "-q", &format!("--pictures={pictures}")])
            .output()
            .unwrap();
        let run = Run::of(output);
        assert_eq!(run.code, 0, "round {round}: {}", run.stderr);
        assert!(run.stdout.contains("Now try:"), "{}", run.stdout);
        // The first hits are of the query's motif; the site names files by motif.
        let hits: Vec<&str> = run
            .stdout
            .lines()
            .filter(|l| l.contains("/pictures/"))
            .collect();
        assert!(
            hits.len() >= 5 && hits[0].contains("sailboat"),
            "{}",
            run.stdout
        );
        assert_eq!(run.stdout.contains('▀'), round == 1, "{}", run.stdout);
        let page = std::fs::read_to_string(simdex.path("simdex-demo/results.html")).unwrap();
        assert!(page.matches("<figure>").count() >= 10);
    }
}

#[test]
fn the_demo_serves_the_users_own_photos() {
    let simdex = Simdex::new();
    draw_folders(&simdex.path("photos"), 3, 4);
    let run = simdex
        .command(&["demo", "-q", "--photos", "photos"])
        .output()
        .unwrap();
    let run = Run::of(run);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(
        run.stdout.contains("12 pictures indexed of 12 found"),
        "{}",
        run.stdout
    );
}
