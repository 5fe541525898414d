//! The examples of docs/serve.md, run as they stand there; and the description of the API, held against
//! its answers.

use std::process::Command;

use simdex::demo::drawing::Motif;

use crate::common::serving::Serving;
use crate::common::{Simdex, jpeg};

/// The blocks of a language.
fn blocks(language: &str) -> Vec<String> {
    let docs = include_str!("../../docs/serve.md");
    let beginning = format!("```{language}\n");
    let blocks = docs.split(&beginning).skip(1);
    blocks
        .map(|block| block.split("```").next().unwrap().to_owned())
        .collect()
}

/// Whether a program is there; says so where it is not.
fn is_there(program: &str) -> bool {
    let is_there = Command::new(program).arg("--version").output().is_ok();
    if !is_there {
        eprintln!("skipped: there is no {program} on this machine");
    }
    is_there
}

fn run(simdex: &Simdex, program: &str, flag: &str, text: &str) -> String {
    let run = Command::new(program)
        .current_dir(simdex.dir.path())
        .args([flag, text])
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{text}\n{stderr}");
    String::from_utf8(run.stdout).unwrap()
}

#[test]
fn the_examples_of_the_documentation_run() {
    let simdex = Simdex::filled(2, 3);
    std::fs::write(simdex.path("cat.jpg"), jpeg(Motif::ALL[0], 50)).unwrap();
    let id = simdex.stored()[0].id.to_string();
    let serving = Serving::start(&simdex);
    std::fs::write(simdex.store().join("example-id"), &id).unwrap();
    let store = simdex.store().to_string_lossy().into_owned();
    let here = |block: String| {
        let block = block.replace("127.0.0.1:7878", &serving.address);
        block.replace("simdex-data", &store)
    };
    let [shell, python] = ["sh", "python"].map(blocks);
    assert!(!shell.is_empty() && !python.is_empty());
    if is_there("curl") {
        for block in shell {
            let answer = run(&simdex, "sh", "-ec", &here(block));
            let found: serde_json::Value = serde_json::from_str(&answer).unwrap();
            assert_eq!(found["results"].as_array().unwrap().len(), 5);
        }
    }
    if is_there("python3") {
        for block in python {
            let printed = run(&simdex, "python3", "-c", &here(block));
            assert_eq!(printed.split(' ').nth(1), Some("1.0"), "{printed}");
        }
    }
    let left = serving.get("/api/v1/labels").json();
    assert_eq!(left["labels"], serde_json::json!([]));
}

/// Seconds that requests of all kinds are made up for.
const SECONDS: &str = "45";
/// What is not asked: it would begin crawls of hosts that were made up.
const NOT_ASKED: &str = "/crawls";

#[test]
fn whatever_is_asked_is_answered_as_the_description_says() {
    if !is_there("schemathesis") {
        return;
    }
    let simdex = Simdex::filled(2, 3);
    let serving = Serving::start(&simdex);
    let base = format!("http://{}/api/v1", serving.address);
    let checks = "not_a_server_error,status_code_conformance,content_type_conformance,\
                  response_schema_conformance";
    let run = Command::new("schemathesis")
        .current_dir(simdex.dir.path())
        .args(["run", &format!("{base}/openapi.json"), "--url", &base])
        .args([
            "--header",
            &format!("Authorization: Bearer {}", serving.token),
        ])
        .args(["--checks", checks, "--phases", "coverage,fuzzing"])
        .args(["--max-time", SECONDS, "--exclude-path", NOT_ASKED])
        // The same requests in each run.
        .args(["--seed", "1", "--warnings", "off", "--no-color"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(
        run.status.success(),
        "{said}\n{}",
        String::from_utf8_lossy(&run.stderr)
    );
    assert_eq!(serving.stop(), 130);
}
