//! A store that the version before wrote: it opens, gives what it gave then, and grows.
//!
//! `tests/data/store-0.1` holds the store, the picture that was asked for, the head that was the
//! default, and what that version printed. But since then the member of a group of near-copies that is nearest to the query
//! stands for it: `square.png`, where that version had `square-larger.png`, which was stored first.
//! And `look-alike` ranks by looks, which that version did not have.

use std::path::PathBuf;

use crate::common::Simdex;
use crate::common::close_to::differences;
use serde_json::Value;

fn data(name: &str) -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.join("tests/data/store-0.1").join(name)
}

/// A folder with the old store and the picture that was asked for.
fn unpacked() -> Simdex {
    let simdex = Simdex::new();
    let packed = std::fs::File::open(data("store-0.1.tar.gz")).unwrap();
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(packed));
    archive.unpack(simdex.dir.path()).unwrap();
    std::fs::copy(data("query.png"), simdex.path("query.png")).unwrap();
    simdex
}

fn format_version(simdex: &Simdex) -> String {
    let text = std::fs::read_to_string(simdex.store().join("store.toml")).unwrap();
    let mut lines = text.lines();
    lines
        .find(|line| line.starts_with("format"))
        .unwrap()
        .into()
}

/// Runs each command and holds all lines that they print, in order, against a file.
fn assert_prints(simdex: &Simdex, commands: &[&[&str]], file: &str) {
    let mut printed = String::new();
    for args in commands {
        let run = simdex.run(args);
        assert_eq!(run.code, 0, "{args:?}: {}", run.stderr);
        printed += &run.stdout;
    }
    let expected = std::fs::read_to_string(data("expected").join(file)).unwrap();
    let values = |text: &str| -> Vec<Value> {
        let lines = text.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    };
    let differences = differences(&values(&printed).into(), &values(&expected).into());
    assert!(differences.is_empty(), "{file}: {differences:#?}");
}

#[test]
fn the_version_befores_store_gives_what_it_gave_then() {
    let simdex = unpacked();
    let json = ["--format", "json"];
    let query = ["query", "query.png", "--format", "json"];
    let by_head = |head| [&query[..], &["--head", head]].concat();
    // The head that was the default then.
    let then = data("fused.json");
    let then = by_head(then.to_str().unwrap());
    let in_mode = |mode| [&then[..], &["--explain", "--mode", mode]].concat();
    assert_prints(&simdex, &[&["status", "--format", "json"]], "status.json");
    assert_prints(&simdex, &[&then], "query.jsonl");
    assert_prints(&simdex, &[&in_mode("copy")], "modes.jsonl");
    // Looks are told from its activations.
    let looks = simdex.run(&in_mode("look-alike")).json();
    let results = looks["results"].as_array().unwrap();
    let by_looks = |result: &Value| result["evidence"].get("look").is_some();
    assert!(
        !results.is_empty() && results.iter().all(by_looks),
        "{looks}"
    );
    let heads = [by_head("mse18"), by_head("embedding")];
    assert_prints(&simdex, &[&heads[0], &heads[1]], "heads.jsonl");
    let duplicates = [&["duplicates", "-o", "-"][..], &then[2..]].concat();
    let duplicates: Vec<&str> = duplicates
        .iter()
        .map(|arg| if *arg == "json" { "jsonl" } else { arg })
        .collect();
    assert_prints(&simdex, &[&duplicates], "duplicates.jsonl");
    let verified = simdex.run(&[&["verify"][..], &json].concat()).json();
    assert_whole(&verified, 4);
    assert_eq!(format_version(&simdex), "format = 6");
}

fn assert_whole(verified: &Value, pictures: u64) {
    assert_eq!(verified["pictures"], pictures, "{verified}");
    for wrong in ["damaged", "unreadable", "log"] {
        assert_eq!(verified[wrong], serde_json::json!([]), "{verified}");
    }
}

/// The head was the default before lists were put in order by the size of the store (without the
/// pictures that it had seen, and with a few of those that others are held against); the program of
/// that time printed the answer.
#[test]
fn a_head_of_46_features_orders_lists_as_it_did() {
    let simdex = unpacked();
    let head = data("head-of-46-features.json");
    let query = ["query", "query.png", "--head", head.to_str().unwrap()];
    let query = [&query[..], &["--explain", "--format", "json"]].concat();
    assert_prints(&simdex, &[&query], "head-of-46-features.jsonl");
}

#[test]
fn the_version_befores_store_takes_new_pictures() {
    let simdex = unpacked();
    assert_eq!(simdex.json(&["add", "query.png"])["images_indexed"], 1);
    let answer = simdex.json(&["query", "query.png"]);
    let first = &answer["results"][0];
    assert!(first["path"].as_str().unwrap().ends_with("query.png"));
    assert_eq!(answer["results"].as_array().unwrap().len(), 4, "{answer}");
    let verified = simdex.json(&["verify"]);
    assert_whole(&verified, 5);
    assert_eq!(format_version(&simdex), "format = 6");
}
