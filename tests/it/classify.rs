//! `classify`, on pictures that the test draws.

use crate::common::{Simdex, break_all, draw_folders, jpeg};
use serde_json::Value;
use simdex::demo::drawing::Motif;

#[test]
fn a_picture_is_told_by_the_labelled_ones_and_a_stranger_is_unknown() {
    let simdex = Simdex::new();
    draw_folders(&simdex.path("labels"), 6, 8);
    let [kind, stranger] = [Motif::ALL[2], Motif::ALL[12]];
    std::fs::write(simdex.path("new.jpg"), jpeg(kind, 77)).unwrap();
    std::fs::write(simdex.path("stranger.jpg"), jpeg(stranger, 77)).unwrap();
    std::fs::write(
        simdex.path("labels").join(kind.name()).join("bad.jpg"),
        b"<html>",
    )
    .unwrap();
    std::fs::write(simdex.path("broken.jpg"), b"no picture").unwrap();
    let run = simdex.run(&[
        "classify",
        "new.jpg",
        "broken.jpg",
        "stranger.jpg",
        "--labels",
        "labels",
        "--format",
        "json",
    ]);
    // Both bad files are named, and the rest is answered.
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert!(run.stderr.contains("bad.jpg") && run.stderr.contains("broken.jpg"));
    let answers: Vec<Value> = run
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let [new, stranger] = &answers[..] else {
        panic!("{}", run.stdout)
    };
    assert_eq!(new["query"], "new.jpg");
    assert_eq!(new["class"], kind.name(), "{new}");
    assert_eq!(new["classes"][0]["class"], kind.name());
    let masses: f64 = new["classes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|class| class["belief"].as_f64().unwrap())
        .sum();
    let unknown = new["unknown"].as_f64().unwrap();
    assert!((masses + unknown - 1.0).abs() < 1e-9);
    let first = &new["classes"][0];
    let gap = first["plausibility"].as_f64().unwrap() - first["belief"].as_f64().unwrap();
    assert!((gap - unknown).abs() < 1e-9);
    let neighbours = new["neighbours"].as_array().unwrap();
    assert_eq!(neighbours.len(), 8);
    assert!(
        neighbours[0]["path"]
            .as_str()
            .unwrap()
            .contains(kind.name())
    );
    assert_eq!(stranger["class"], Value::Null, "{stranger}");
    let text = simdex.run(&["classify", "new.jpg", "stranger.jpg", "--labels", "labels"]);
    assert!(
        text.stdout.contains(&format!("new.jpg: {}", kind.name())),
        "{}",
        text.stdout
    );
    assert!(
        text.stdout.contains("stranger.jpg: unknown"),
        "{}",
        text.stdout
    );
}

#[test]
fn a_labelled_picture_is_of_its_class_beyond_doubt() {
    let simdex = Simdex::new();
    draw_folders(&simdex.path("labels"), 3, 4);
    let label = Motif::ALL[1].name();
    let picture = format!("labels/{label}/2.jpg");
    let answer = simdex.json(&[
        "classify",
        &picture,
        "--labels",
        "labels",
        "--neighbours",
        "1",
    ]);
    assert_eq!(answer["class"], label);
    // One identical picture gives the most that one picture may give.
    assert!((answer["classes"][0]["belief"].as_f64().unwrap() - 0.95).abs() < 1e-3);
    let run = simdex.run(&["classify", &picture, "--labels", "no-such-folder"]);
    assert!(
        run.code == 1 && run.stderr.contains("no-such-folder"),
        "{}",
        run.stderr
    );
    let run = simdex.run(&[
        "classify",
        &picture,
        "--labels",
        "labels",
        "--neighbours",
        "0",
    ]);
    assert!(
        run.code == 2 && run.stderr.contains("--neighbours"),
        "{}",
        run.stderr
    );
}

#[test]
fn without_a_usable_label_there_is_no_answer() {
    let simdex = Simdex::new();
    draw_folders(&simdex.path("labels"), 2, 2);
    std::fs::write(simdex.path("new.jpg"), jpeg(Motif::ALL[0], 77)).unwrap();
    break_all(&simdex.path("labels"));
    let run = simdex.run(&["classify", "new.jpg", "--labels", "labels"]);
    assert_eq!(run.code, 1, "{}", run.stdout);
    assert!(run.stderr.contains("usable picture"), "{}", run.stderr);
}

#[test]
fn classifying_can_be_measured() {
    let simdex = Simdex::new();
    draw_folders(&simdex.path("labels"), 5, 8);
    let table = simdex.json(&[
        "eval",
        "classify",
        "labels",
        "--draws",
        "2",
        "--train-per-class",
        "5",
        "--html",
        "classes.html",
    ]);
    let page = std::fs::read_to_string(simdex.path("classes.html")).unwrap();
    assert_eq!(
        (
            page.matches("<table>").count(),
            page.matches("<svg").count()
        ),
        (1, 3)
    );
    assert!(page.contains("<td>evidential") && page.contains(">evidential</text>"));
    let rows = table["rows"].as_array().unwrap();
    let methods: Vec<_> = rows
        .iter()
        .map(|row| row["method"].as_str().unwrap())
        .collect();
    assert_eq!(methods, ["evidential", "knn", "linear_probe"]);
    for row in rows {
        assert!(row["accuracy"]["mean"].as_f64().unwrap() > 0.6, "{row}");
        assert!(row["unknown_auc"]["mean"].as_f64().unwrap() > 0.5, "{row}");
    }
    assert_eq!(table["baseline"]["mean"], 0.25);
    let run = simdex.run(&["eval", "classify", "labels"]);
    assert!(
        run.code == 1 && run.stderr.contains("21 are needed"),
        "{}",
        run.stderr
    );
    let run = simdex.run(&["eval", "classify", "labels", "--unknown-classes", "4"]);
    assert!(
        run.code == 1 && run.stderr.contains("leave fewer out"),
        "{}",
        run.stderr
    );
    assert_eq!(simdex.run(&["eval"]).code, 2);
}

#[test]
fn folders_that_are_no_class_are_named() {
    let simdex = Simdex::new();
    draw_folders(&simdex.path("labels"), 2, 3);
    std::fs::create_dir(simdex.path("labels/nothing")).unwrap();
    std::fs::create_dir(simdex.path("labels/single")).unwrap();
    let picture = crate::common::jpeg(simdex::demo::drawing::Motif::Fish, 9);
    for name in ["labels/single/a.jpg", "labels/loose.jpg", "new.jpg"] {
        std::fs::write(simdex.path(name), &picture).unwrap();
    }
    for args in [
        &["classify", "new.jpg", "--labels", "labels"][..],
        &["train", "labels", "-o", "mine.json"],
    ] {
        let run = simdex.run(args);
        assert_eq!(run.code, 0, "{args:?}: {}", run.stderr);
        for said in [
            "labels/nothing is ignored: a class needs two pictures, and it has 0",
            "labels/single is ignored: a class needs two pictures, and it has 1",
            "1 picture in no folder of a class is ignored",
        ] {
            assert!(run.stderr.contains(said), "{args:?}: {}", run.stderr);
        }
    }
}
