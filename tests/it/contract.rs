//! Exit codes, messages and formats: the command line as a contract.

use std::io::Read;

use crate::common::{Simdex, draw_folders};

#[test]
fn wrong_usage_ends_with_2() {
    let simdex = Simdex::new();
    for args in [
        &["--no-such-flag"][..],
        &["query"],
        &["crawl", "--scope", "moon"],
        &["remove"],
        &["remove", "--host", "http://example.org/"],
        &["crawl", "ftp://example.org/"],
        &["crawl", "example.org", "--resolve", "foo"],
        &["crawl", "example.org", "--concurrency", "0"],
        &["crawl", "example.org", "--features-only"],
        &["crawl", "example.org", "--max-depth", "-1"],
        &[
            "crawl",
            "example.org",
            "--like",
            "a.jpg",
            "--min-score",
            "2",
        ],
        &["query", "a.jpg", "-k", "0"],
        &["query", "a.jpg", "-k", "100001"],
        &["query", "a.jpg", "--candidates", "0"],
        &["query", "a.jpg", "--min-score", "1.5"],
        &["query", "a.jpg", "--min-score", "nan"],
        &["query", "a.jpg", "--mode", "guess"],
        &[
            "export",
            "--queries",
            "a",
            "-k",
            "0",
            "--format",
            "csv",
            "-o",
            "-",
        ],
        &["export", "--queries", "a", "--format", "xml", "-o", "-"],
        &[
            "classify",
            "a.jpg",
            "--labels",
            "labels",
            "--neighbours",
            "0",
        ],
        &["train", "labels", "-o", "x.json", "--epochs", "0"],
        &["train", "labels", "-o", "x.json", "--max-pairs", "1"],
        &["eval", "pairs", "labels", "--draws", "0"],
        &["eval", "pairs", "labels", "--train-per-class", "1"],
        &["eval", "pairs", "labels", "--test-per-class", "1"],
        &["eval", "pairs", "labels", "--epochs", "0"],
        &["eval", "retrieval", "labels", "--candidates", "0"],
        &["eval", "retrieval", "labels", "--per-class", "0"],
        &["eval", "copies", "pictures", "--queries", "0"],
        &["eval", "copies", "pictures", "--candidates", "0"],
        &["eval", "classify", "labels", "--draws", "0"],
        &["eval", "classify", "labels", "--train-per-class", "1"],
        &["eval", "classify", "labels", "--neighbours", "0"],
        &["demo", "-k", "0"],
        &["query", "a.jpg", "--head", "nope"],
        &["eval", "domains", "labels", "--head", "nope.json"],
        &["add"],
        &["add", "in", "--exclude", "["],
        &["remove", "--missing", "--host", "example.org"],
        &["remove", "a.jpg", "--host", "example.org"],
    ] {
        let run = simdex.run(args);
        assert_eq!(run.code, 2, "{args:?}: {}", run.stderr);
        assert!(run.stdout.is_empty());
    }
    assert_eq!(simdex.run(&["--help"]).code, 0);
}

#[test]
fn an_unknown_key_in_the_configuration_is_named() {
    let simdex = Simdex::new();
    simdex.configure("[crawl]\nspeed = 9\n");
    let run = simdex.run(&["status"]);
    assert_eq!(run.code, 1);
    assert!(
        run.stderr.contains("speed")
            && run
                .stderr
                .contains("config.toml is not a valid configuration: line 2"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("line 2: "), "{}", run.stderr);
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    simdex.configure("[query]\ncandidates = 0\n");
    assert!(
        simdex
            .run(&["status"])
            .stderr
            .contains("[query] candidates")
    );
    let elsewhere = Simdex::new();
    let run = elsewhere.run(&["--config", "missing.toml", "status"]);
    assert_eq!(run.code, 1);
}

#[test]
fn missing_things_say_what_to_do() {
    let simdex = Simdex::new();
    for (args, hint) in [
        (&["status"][..], "simdex crawl"),
        (&["query", "x.jpg"], "simdex crawl"),
        (&["add", "no-such-folder"], "no-such-folder"),
        (&["compare", "a.jpg", "b.jpg"], "a.jpg"),
        (
            &["train", "no-such-folder", "-o", "x.json"],
            "no-such-folder",
        ),
        (&["crawl"], "--seeds"),
    ] {
        let run = simdex.run(args);
        assert_eq!(run.code, 1, "{args:?}: {}", run.stderr);
        assert!(run.stderr.contains(hint), "{args:?}: {}", run.stderr);
        assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
        assert!(
            run.stderr.matches("os error 2").count() <= 1,
            "said twice: {}",
            run.stderr
        );
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_cannot_be_written_is_an_error_with_advice() {
    let simdex = Simdex::new();
    // Not even root may make folders in /sys.
    let run = simdex.run(&["--data-dir", "/sys/simdex", "add", "."]);
    assert_eq!(run.code, 2, "given twice: {}", run.stderr);
    std::fs::write(simdex.path("sys.toml"), "data_dir = \"/sys/simdex\"\n").unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_simdex"))
        .current_dir(simdex.dir.path())
        .args(["--config", "sys.toml", "add", "."])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(
        message.contains("/sys/simdex") && message.contains("--data-dir"),
        "{message}"
    );
}

#[test]
fn a_closed_pipe_is_no_error() {
    let simdex = Simdex::new();
    draw_folders(&simdex.path("pictures"), 4, 4);
    simdex.json(&["add", "pictures"]);
    let mut child = simdex.start(&[
        "export",
        "--queries",
        "pictures",
        "--format",
        "json",
        "-o",
        "-",
    ]);
    drop(child.stdout.take());
    let mut stderr = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut stderr)
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{stderr}");
    assert!(!stderr.contains("panic"), "{stderr}");
}

#[test]
fn every_shell_gets_completions() {
    let simdex = Simdex::new();
    for shell in ["bash", "zsh", "fish"] {
        let run = simdex.run(&["completions", shell]);
        assert!(run.code == 0 && run.stdout.contains("crawl"), "{shell}");
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let simdex = Simdex::new();
    assert_eq!(simdex.run(&["manuals", "man"]).code, 0);
    let page = |name: &str| std::fs::read_to_string(simdex.path("man").join(name)).unwrap();
    assert!(page("simdex.1").contains("look alike"));
    assert!(page("simdex-query.1").contains("together"));
    // Options stand below the same headings as in `--help`.
    let headings = [
        "OPTIONS OF EVERY COMMAND",
        "RANKING",
        "WHICH PICTURES",
        "OUTPUT",
    ];
    for heading in headings {
        let (page, help) = (
            page("simdex-query.1"),
            simdex.run(&["query", "--help"]).stdout,
        );
        assert!(page.contains(heading), "{heading}");
        assert!(
            help.to_uppercase().contains(&format!("\n{heading}:\n")),
            "{help}"
        );
    }
    assert!(page("simdex-eval-pairs.1").contains("draws"));
    assert!(!simdex.path("man/simdex-manuals.1").exists());
}

#[test]
fn the_doctor_names_the_runtime_and_its_speed() {
    let simdex = Simdex::new();
    let findings = simdex.json(&["doctor"]);
    assert!(
        findings["runtime"]
            .as_str()
            .unwrap()
            .contains("onnxruntime")
    );
    assert!(findings["picture_ms"].as_f64().unwrap() > 0.0);
    assert_eq!(findings["problems"].as_array().unwrap().len(), 0);
}

#[test]
fn a_device_that_is_not_there_is_told_and_done_without() {
    let simdex = Simdex::new();
    let config = "data_dir = \"store\"\n[network]\ndevice = \"cuda\"\n";
    std::fs::write(simdex.path("cuda.toml"), config).unwrap();
    let run = simdex.run(&["--config", "cuda.toml", "doctor", "--format", "json"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(
        run.stderr.matches("not on cuda").count(),
        1,
        "{}",
        run.stderr
    );
    let findings = run.json();
    assert!(findings["runtime"].as_str().unwrap().ends_with("on cpu"));
    assert!(findings["picture_ms"].as_f64().unwrap() > 0.0);
    let config = config.replace("cuda", "abacus");
    std::fs::write(simdex.path("cuda.toml"), config).unwrap();
    let run = simdex.run(&["--config", "cuda.toml", "doctor"]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("openvino"), "{}", run.stderr);
}
