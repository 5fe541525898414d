//! Queries, exports, heads and the index, on pictures that the test draws.

use crate::common::{Simdex, draw_folders, jpeg};
use serde_json::Value;
use simdex::demo::drawing::Motif;
use simdex::edit::Edit;

fn paths(answer: &Value) -> Vec<String> {
    let results = answer["results"].as_array().unwrap();
    results
        .iter()
        .map(|r| r["path"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_picture_finds_itself_its_copies_and_its_kind() {
    let simdex = Simdex::filled(10, 6);
    let answer = simdex.json(&["query", "pictures/sailboat/2.jpg", "-k", "5"]);
    let first = &answer["results"][0];
    assert!(paths(&answer)[0].ends_with("sailboat/2.jpg"));
    assert!((first["cosine"].as_f64().unwrap() - 1.0).abs() < 1e-4);
    let layers = first["layers"].as_object().unwrap();
    assert_eq!(layers.len(), 18);
    assert!(layers.values().all(|mse| mse.as_f64().unwrap() == 0.0));
    let scores: Vec<f64> = answer["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["score"].as_f64().unwrap())
        .collect();
    assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
    for stage in ["features", "candidates", "rescore", "total"] {
        assert!(answer["timing_ms"][stage].as_f64().unwrap() >= 0.0);
    }
    // A copy finds its original first by the embedding.
    let copy = Edit::SmallJpeg.apply(&crate::common::picture(Motif::Sailboat, 2), 0);
    copy.save(simdex.path("copy.png")).unwrap();
    let answer = simdex.json(&["query", "copy.png", "--head", "embedding"]);
    assert!(paths(&answer)[0].ends_with("sailboat/2.jpg"));
    // A new picture of a motif finds mostly its kind.
    std::fs::write(simdex.path("new.jpg"), jpeg(Motif::Sailboat, 99)).unwrap();
    let answer = simdex.json(&["query", "new.jpg", "-k", "4", "--head", "embedding"]);
    let same = paths(&answer)
        .iter()
        .filter(|path| path.contains("sailboat"))
        .count();
    assert!(same >= 2, "{answer}");
}

#[test]
fn filters_hold() {
    let simdex = Simdex::filled(10, 6);
    let query = ["query", "pictures/fish/0.jpg", "-k", "60"];
    let all = simdex.json(&query);
    assert_eq!(all["results"].as_array().unwrap().len(), 60);
    let some = simdex.json(&[&query[..], &["--min-score", "0.9"]].concat());
    let some = some["results"].as_array().unwrap();
    assert!(!some.is_empty() && some.len() < 60);
    assert!(some.iter().all(|r| r["score"].as_f64().unwrap() >= 0.9));
    let none = simdex.json(&[&query[..], &["--host", "example.org"]].concat());
    assert!(none["results"].as_array().unwrap().is_empty());
}

#[test]
fn one_bad_query_of_many_does_not_stop_the_rest() {
    let simdex = Simdex::filled(10, 6);
    std::fs::write(simdex.path("bad.jpg"), b"<html>").unwrap();
    let run = simdex.run(&[
        "query",
        "bad.jpg",
        "pictures/fish/0.jpg",
        "--format",
        "json",
    ]);
    assert_eq!(run.code, 3);
    assert_eq!(run.stdout.lines().count(), 1);
    assert!(run.stderr.contains("bad.jpg"));
    assert_eq!(simdex.run(&["query", "bad.jpg"]).code, 1);
}

#[test]
fn exports_in_all_formats() {
    let simdex = Simdex::filled(10, 6);
    let list = "# two queries\npictures/fish/0.jpg\n\npictures/house/1.jpg\n";
    std::fs::write(simdex.path("queries.txt"), list).unwrap();
    let export = |format: &str, output: &str| {
        let run = simdex.run(&[
            "export",
            "--queries",
            "queries.txt",
            "-k",
            "3",
            "--format",
            format,
            "-o",
            output,
        ]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        run.stdout
    };
    let json: Value = serde_json::from_str(&export("json", "-")).unwrap();
    assert_eq!(json.as_array().unwrap().len(), 2);
    assert_eq!(json[1]["results"].as_array().unwrap().len(), 3);
    assert_eq!(export("jsonl", "-").lines().count(), 2);
    export("csv", "out.csv");
    let csv = std::fs::read_to_string(simdex.path("out.csv")).unwrap();
    let mut lines = csv.lines();
    assert_eq!(
        lines.next(),
        Some("query,rank,score,cosine,id,url,page,path,width,height,page_title,words,why,copies")
    );
    assert_eq!(lines.count(), 6);
    export("html", "out.html");
    let html = std::fs::read_to_string(simdex.path("out.html")).unwrap();
    assert_eq!(html.matches("src=\"data:image/jpeg;base64,").count(), 8);
    assert!(!html.contains("src=\"http") && !html.contains("<script"));
}

#[test]
fn comparing_gives_the_reports_eighteen_errors() {
    let simdex = Simdex::new();
    std::fs::write(simdex.path("a.jpg"), jpeg(Motif::Fish, 1)).unwrap();
    std::fs::write(simdex.path("b.jpg"), jpeg(Motif::Skyline, 1)).unwrap();
    let same = simdex.json(&["compare", "a.jpg", "a.jpg"]);
    let other = simdex.json(&["compare", "a.jpg", "b.jpg"]);
    assert_eq!(other["layers"].as_object().unwrap().len(), 18);
    assert!(same["score"].as_f64() > other["score"].as_f64());
    assert!((same["cosine"].as_f64().unwrap() - 1.0).abs() < 1e-5);
    // What a score of a pair alone means is said with it.
    assert_eq!(other["base_rate"], 0.5);
    let mut back = simdex.json(&["compare", "b.jpg", "a.jpg"]);
    let parts = &mut back["alignment"];
    let (query, candidate) = (parts["query"].take(), parts["candidate"].take());
    (parts["query"], parts["candidate"]) = (candidate, query);
    assert_eq!(back, other, "likeness is mutual");
    let evidence = other["evidence"].as_object().unwrap();
    let odds: f64 = evidence.values().map(|odds| odds.as_f64().unwrap()).sum();
    let weaker = same["evidence"].as_object().unwrap();
    let most: f64 = weaker.values().map(|odds| odds.as_f64().unwrap()).sum();
    assert!(most > odds, "the evidence explains the score");
}

#[test]
fn the_graph_gives_what_the_scan_gives_and_survives_damage() {
    let simdex = Simdex::filled(10, 6);
    let query = [
        "query",
        "pictures/house/3.jpg",
        "-k",
        "10",
        "--head",
        "embedding",
    ];
    let exact = paths(&simdex.json(&query));
    simdex.configure("[index]\nexact_below = 10\n");
    assert_eq!(paths(&simdex.json(&query)), exact);
    let status = simdex.json(&["status"]);
    assert_eq!(
        (&status["index"]["kind"], &status["index"]["points"]),
        (&"hnsw".into(), &60.into())
    );
    assert_eq!(simdex.run(&["verify"]).code, 0);
    // What comes later is scanned beside the saved graph.
    std::fs::write(simdex.path("late.jpg"), jpeg(Motif::House, 50)).unwrap();
    simdex.json(&["add", "late.jpg"]);
    let late = simdex.json(&["query", "late.jpg", "--head", "embedding"]);
    assert!(paths(&late)[0].ends_with("late.jpg"));
    assert_eq!(simdex.json(&["status"])["index"]["points"], 60);
    // What is removed is filtered, wherever it was.
    let id = late["results"][0]["id"].as_str().unwrap();
    simdex.json(&["remove", id]);
    let gone = paths(&simdex.json(&["query", "late.jpg", "--head", "embedding"]));
    assert!(!gone.iter().any(|path| path.ends_with("late.jpg")));
    assert_eq!(simdex.json(&["status"])["index"]["tombstones"], 0);
    let all = Motif::ALL.iter().take(10);
    let mut all = all.map(|motif| format!("pictures/{}/5.jpg", motif.name()));
    let is_other = |path: &String| !exact.iter().any(|known| known.ends_with(path.as_str()));
    let removed = all.find(is_other).unwrap();
    simdex.json(&["remove", &removed]);
    assert_eq!(simdex.json(&["status"])["index"]["tombstones"], 1);
    assert_eq!(paths(&simdex.json(&query)), exact);
    // A damaged snapshot only costs a rebuild.
    for file in std::fs::read_dir(simdex.store().join("index")).unwrap() {
        let path = file.unwrap().path();
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x55;
        std::fs::write(&path, bytes).unwrap();
    }
    assert_eq!(paths(&simdex.json(&query)), exact);
    assert_eq!(simdex.json(&["status"])["index"]["points"], 59);
    assert_eq!(simdex.run(&["verify"]).code, 0);
}

#[test]
fn a_head_learns_from_folders_and_ranks() {
    let simdex = Simdex::filled(10, 6);
    draw_folders(&simdex.path("labels"), 3, 10);
    let mse18 = ["train", "labels", "--kind", "mse18", "--epochs", "40", "-o"];
    let run = simdex.run(&[&mse18[..], &["mine.json", "--html", "mine.html"]].concat());
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stderr.contains("epoch  40/40"), "{}", run.stderr);
    let head: Value =
        serde_json::from_str(&std::fs::read_to_string(simdex.path("mine.json")).unwrap()).unwrap();
    let training = &head["training"];
    // 8 of 10 pictures a class: no validation pair shares a picture with training.
    assert_eq!(
        (&training["train_pictures"], &training["train_pairs"]),
        (&24.into(), &276.into())
    );
    assert_eq!(training["validation_pairs"], 15);
    let last = training["epochs"].as_array().unwrap().last().unwrap();
    assert!(last["train_accuracy"].as_f64().unwrap() > 0.8, "{last}");
    let curve = std::fs::read_to_string(simdex.path("mine.svg")).unwrap();
    assert_eq!(curve.matches("<polyline").count(), 2);
    let page = std::fs::read_to_string(simdex.path("mine.html")).unwrap();
    assert!(page.contains(curve.trim()) && page.contains("276 pairs"));
    let only = simdex.run(&["train", "labels", "-o", "x.json", "--html", "x.html"]);
    assert_eq!(only.code, 1);
    assert!(only.stderr.contains("--kind mse18"), "{}", only.stderr);
    let answer = simdex.json(&["query", "pictures/fish/0.jpg", "--head", "mine.json"]);
    assert!(paths(&answer)[0].ends_with("fish/0.jpg"));
    let again = simdex.run(&[&mse18[..], &["again.json", "-q"]].concat());
    assert_eq!(again.code, 0);
    let [a, b] = ["mine.json", "again.json"].map(|name| std::fs::read(simdex.path(name)).unwrap());
    assert_eq!(a, b, "the same seed gives the same head");
}

#[test]
fn the_evaluation_has_the_reports_pairs_and_baseline() {
    let simdex = Simdex::new();
    draw_folders(&simdex.path("labels"), 3, 10);
    let table = simdex.json(&[
        "eval",
        "pairs",
        "labels",
        "--draws",
        "2",
        "--train-per-class",
        "5",
        "--epochs",
        "20",
    ]);
    assert_eq!(
        (&table["few_pairs"], &table["held_out_pairs"]),
        (&66.into(), &105.into())
    );
    let rows = table["rows"].as_array().unwrap();
    let heads: Vec<&str> = rows
        .iter()
        .map(|row| row["head"].as_str().unwrap())
        .collect();
    assert_eq!(heads, ["mse18", "embedding", "fused", "train"]);
    for row in rows {
        let few = &row["few_pairs"];
        assert!((few["baseline"]["mean"].as_f64().unwrap() - 48.0 / 66.0).abs() < 1e-9);
        assert!(few["auc"]["mean"].as_f64().unwrap() > 0.6, "{row}");
    }
    let run = simdex.run(&["eval", "pairs", "labels"]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("needs 24"), "{}", run.stderr);
}
