//! The store across versions, processes and damage.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::common::{Simdex, draw_folders};

fn segment(simdex: &Simdex) -> PathBuf {
    simdex.store().join("activations/00000000.activations")
}

#[test]
fn a_newer_format_is_refused() {
    let simdex = Simdex::filled(4, 3);
    let header = simdex.store().join("store.toml");
    let text = std::fs::read_to_string(&header).unwrap();
    std::fs::write(
        &header,
        text.replace("format = 6", "format = 99\nnew_key = 1"),
    )
    .unwrap();
    let run = simdex.run(&["status"]);
    assert_eq!(run.code, 1);
    assert!(
        run.stderr.contains("format 99") && run.stderr.contains("newer"),
        "{}",
        run.stderr
    );
}

#[test]
fn another_networks_store_is_refused() {
    let simdex = Simdex::filled(4, 3);
    let header = simdex.store().join("store.toml");
    let text = std::fs::read_to_string(&header).unwrap();
    let start = text.find("network = \"").unwrap() + 11;
    let other = format!(
        "{}{}{}",
        &text[..start],
        "0".repeat(64),
        &text[start + 64..]
    );
    std::fs::write(&header, other).unwrap();
    // Its copy says that it was changed.
    let run = simdex.run(&["status"]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("simdex repair"), "{}", run.stderr);
    std::fs::remove_file(simdex.store().join("store.toml.bak")).unwrap();
    let run = simdex.run(&["status"]);
    assert_eq!(run.code, 1);
    assert!(
        run.stderr.contains("network 000000000000"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_head_of_another_network_is_refused() {
    let simdex = Simdex::filled(4, 3);
    let head = include_str!("../../models/mse18.json");
    let at = head.find("\"network\":\"").map(|at| at + 11);
    let at = at
        .or(head.find("\"network\": \"").map(|at| at + 12))
        .unwrap();
    let other = format!("{}{}{}", &head[..at], "f".repeat(64), &head[at + 64..]);
    std::fs::write(simdex.path("other.json"), other).unwrap();
    let run = simdex.run(&["query", "pictures/sunset/0.jpg", "--head", "other.json"]);
    assert_eq!(run.code, 1);
    assert!(
        run.stderr.contains("network ffffffffffff"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_store_in_use_says_by_whom() {
    let simdex = Simdex::filled(4, 3);
    let store = simdex.open();
    let run = simdex.run(&["status"]);
    assert_eq!(run.code, 1);
    let owner = format!("process {}", std::process::id());
    assert!(
        run.stderr.contains("in use") && run.stderr.contains(&owner),
        "{}",
        run.stderr
    );
    drop(store);
    assert_eq!(simdex.run(&["status"]).code, 0);
}

#[test]
fn a_torn_write_is_cut_off() {
    let simdex = Simdex::filled(4, 3);
    let whole = std::fs::read(segment(&simdex)).unwrap();
    let torn = [&whole[..], &whole[..1000]].concat();
    std::fs::write(segment(&simdex), torn).unwrap();
    assert_eq!(simdex.run(&["verify"]).code, 0);
    assert_eq!(std::fs::read(segment(&simdex)).unwrap().len(), whole.len());
}

#[test]
fn damage_is_found_and_can_be_mended() {
    let simdex = Simdex::filled(4, 3);
    let mut bytes = std::fs::read(segment(&simdex)).unwrap();
    bytes[500_000] ^= 0xff;
    std::fs::write(segment(&simdex), bytes).unwrap();
    let run = simdex.run(&["verify", "--format", "json"]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    let findings = run.json();
    let damaged = findings["damaged"].as_array().unwrap();
    assert_eq!(damaged.len(), 1);
    let id = damaged[0]["id"].as_str().unwrap();
    let stored = simdex.stored();
    let stored = stored.iter().find(|it| it.id.to_string() == id).unwrap();
    let path = stored.paths[0].clone();
    simdex.json(&["remove", id]);
    assert_eq!(simdex.json(&["add", "pictures"])["images_indexed"], 0);
    assert_eq!(simdex.json(&["add", &path])["images_indexed"], 1);
    assert_eq!(simdex.run(&["verify"]).code, 0);
}

#[test]
fn a_segment_cut_short_is_refused() {
    let simdex = Simdex::filled(4, 3);
    let bytes = std::fs::read(segment(&simdex)).unwrap();
    std::fs::write(segment(&simdex), &bytes[..bytes.len() - 1]).unwrap();
    let run = simdex.run(&["status"]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("backup"), "{}", run.stderr);
}

#[test]
fn removed_pictures_are_gone_and_come_back_only_when_asked() {
    let simdex = Simdex::filled(4, 3);
    let results = simdex.stored();
    assert_eq!(results.len(), 12);
    let ids: Vec<String> = results.iter().map(|it| it.id.to_string()).collect();
    let removed = simdex.json(&["remove", &ids[0], &ids[1]]);
    assert_eq!(removed["removed"], 2);
    assert_eq!(simdex.stored().len(), 10);
    assert_eq!(simdex.run(&["remove", &ids[0]]).code, 3);
    assert_eq!(simdex.run(&["verify"]).code, 0);
    assert_eq!(simdex.json(&["add", "pictures"])["images_indexed"], 0);
    let paths: Vec<&str> = results[..2].iter().map(|it| it.paths[0].as_str()).collect();
    let named = [&["add"], &paths[..]].concat();
    assert_eq!(simdex.json(&named)["images_indexed"], 2);
}

#[test]
fn every_encoding_ranks_alike() {
    let simdex = Simdex::new();
    draw_folders(&simdex.path("pictures"), 6, 3);
    let mut scores = Vec::new();
    for encoding in ["f32", "f16", "int8"] {
        simdex.configure(&format!("[store]\nactivations = \"{encoding}\"\n"));
        let _ = std::fs::remove_dir_all(simdex.store());
        simdex.json(&["add", "pictures"]);
        let answer = simdex.json(&["query", "pictures/sailboat/1.jpg", "-k", "18"]);
        let mut by_id: Vec<(String, f64)> = answer["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(|r| {
                (
                    r["id"].as_str().unwrap().to_owned(),
                    r["score"].as_f64().unwrap(),
                )
            })
            .collect();
        by_id.sort_by(|a, b| a.0.cmp(&b.0));
        scores.push(by_id);
    }
    for other in &scores[1..] {
        for (a, b) in scores[0].iter().zip(other) {
            assert_eq!(a.0, b.0);
            assert!((a.1 - b.1).abs() < 0.01, "{a:?} {b:?}");
        }
    }
}

#[test]
fn a_compact_store_keeps_a_hundredth_and_finds_the_same() {
    let simdex = Simdex::new();
    draw_folders(&simdex.path("pictures"), 6, 3);
    let mut answers = Vec::new();
    for encoding in ["int8", "compact"] {
        simdex.configure(&format!("[store]\nactivations = \"{encoding}\"\n"));
        let _ = std::fs::remove_dir_all(simdex.store());
        simdex.json(&["add", "pictures"]);
        let bytes = std::fs::metadata(segment(&simdex)).unwrap().len();
        let copies = ["--mode", "copy", "-k", "3"];
        let query = |more: &[&str]| {
            let query = ["query", "pictures/sailboat/1.jpg"];
            simdex.json(&[&query[..], more].concat())["results"].clone()
        };
        answers.push((bytes, query(&["-k", "6"]), query(&copies)));
    }
    let [(full, of_full, _), (compact, of_compact, copies)] = &answers[..] else {
        panic!("two stores");
    };
    // A preview is most of what is left.
    assert!(compact * 30 < *full, "{compact} {full}");
    for (a, b) in [(of_full, of_compact), (of_full, copies)] {
        assert_eq!((&a[0]["id"], &b[0]["score"]), (&b[0]["id"], &1.0.into()));
    }
    let drawn_alike = |results: &Value| {
        let paths = results.as_array().unwrap().iter();
        let paths = paths.map(|result| result["path"].as_str().unwrap());
        paths.filter(|path| path.contains("sailboat")).count()
    };
    assert_eq!(drawn_alike(of_compact), drawn_alike(of_full));
    for (a, b) in of_full[1]["layers"].as_object().unwrap() {
        let other = of_compact.as_array().unwrap().iter();
        let mut other = other.filter(|result| result["id"] == of_full[1]["id"]);
        let (exact, estimate) = (
            b.as_f64().unwrap(),
            other.next().unwrap()["layers"][a].as_f64(),
        );
        let estimate = estimate.unwrap();
        assert!(
            (estimate / exact - 1.0).abs() < 0.6,
            "{a} {exact} {estimate}"
        );
    }
    assert_eq!(simdex.json(&["verify"])["damaged"], json!([]));
}

#[test]
fn a_full_store_becomes_a_compact_one_and_finds_the_same() {
    let simdex = Simdex::new();
    draw_folders(&simdex.path("pictures"), 6, 3);
    simdex.json(&["add", "pictures"]);
    let query = || simdex.json(&["query", "pictures/sailboat/1.jpg", "-k", "6"])["results"].clone();
    let kept = || {
        let status = simdex.json(&["status"]);
        (status["keep"].clone(), status["unconverted"].clone())
    };
    let before = query();
    assert_eq!(kept(), (json!("full"), json!(0)));
    simdex.json(&["backup", "full"]);
    let bytes = || {
        let files = std::fs::read_dir(simdex.store().join("activations")).unwrap();
        files
            .map(|file| file.unwrap().metadata().unwrap().len())
            .sum::<u64>()
    };
    let full = bytes();

    let done = simdex.run(&["compact", "--keep", "compact", "--format", "json"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let done = done.json();
    assert_eq!(
        (&done["converted"], &done["unconverted"]),
        (&json!(18), &json!(0))
    );
    assert_eq!(
        (&done["keep"], &done["stopped"]),
        (&json!("compact"), &json!(false))
    );
    let compact = bytes();
    assert!(compact * 30 < full, "{compact} {full}");
    assert_eq!(kept(), (json!("compact"), json!(0)));
    let firsts = |results: &Value| -> Vec<Value> {
        let results = results.as_array().unwrap().iter();
        results.take(3).map(|result| result["id"].clone()).collect()
    };
    assert_eq!(firsts(&query()), firsts(&before));
    let verified = simdex.json(&["verify"]);
    assert_eq!(
        (&verified["pictures"], &verified["damaged"]),
        (&json!(18), &json!([]))
    );

    // Again there is nothing to do, and there is no way back.
    assert_eq!(
        simdex.json(&["compact", "--keep", "compact"])["converted"],
        0
    );
    let refused = simdex.run(&["compact", "--keep", "full"]);
    assert_eq!(refused.code, 1);
    assert!(
        refused.stderr.contains("another store"),
        "{}",
        refused.stderr
    );
    // What is added is compact, whatever is configured.
    draw_folders(&simdex.path("more"), 7, 1);
    simdex.json(&["add", "more"]);
    assert_eq!(kept(), (json!("compact"), json!(0)));
    assert_eq!(firsts(&query())[0], firsts(&before)[0]);

    // A backup of before is a full store.
    std::fs::remove_dir_all(simdex.store()).unwrap();
    simdex.json(&["restore", "full"]);
    assert_eq!(kept(), (json!("full"), json!(0)));
    assert_eq!(query(), before);
    assert_eq!(simdex.json(&["compact", "--keep", "full"])["converted"], 0);
}

#[test]
fn how_much_a_new_store_keeps_is_a_setting() {
    for (config, keep) in [
        ("keep = \"full\"", "full"),
        ("keep = \"compact\"", "compact"),
        ("keep = \"compact\"\nactivations = \"f32\"", "compact"),
        ("activations = \"compact\"", "compact"),
    ] {
        let simdex = Simdex::new();
        simdex.configure(&format!("[store]\n{config}\n"));
        draw_folders(&simdex.path("pictures"), 1, 1);
        simdex.json(&["add", "pictures"]);
        assert_eq!(simdex.json(&["status"])["keep"], keep, "{config}");
    }
}

#[test]
fn a_compact_store_is_not_described_anew() {
    let simdex = Simdex::new();
    draw_folders(&simdex.path("pictures"), 1, 1);
    simdex.configure("[store]\nactivations = \"compact\"\n");
    simdex.json(&["add", "pictures"]);
    let other = concat!(env!("CARGO_MANIFEST_DIR"), "/models/projection-1.bin");
    simdex.configure(&format!("[network]\nprojection = \"{other}\"\n"));
    let run = simdex.run(&["status"]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("describe them anew"), "{}", run.stderr);
    simdex.configure("");
    assert_eq!(simdex.json(&["status"])["images"], 1);
}
