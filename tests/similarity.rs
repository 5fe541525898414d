//! The fused head, its modes, what it explains and how it learns, on drawn pictures.

mod common;

use common::{Simdex, draw_folders};
use serde_json::Value;
use simdex::demo::drawing::{Motif, draw};
use simdex::edit::{Edit, jpeg};

/// A store of six motifs, eight pictures each.
fn filled() -> Simdex {
    let simdex = Simdex::new();
    draw_folders(&simdex.path("pictures"), 6, 8);
    simdex.json(&["add", "pictures"]);
    simdex
}

fn paths(answer: &Value) -> Vec<String> {
    let results = answer["results"].as_array().unwrap();
    let path = |result: &Value| result["path"].as_str().unwrap().to_owned();
    results.iter().map(path).collect()
}

/// The folder, which is the motif, of each result.
fn motifs(answer: &Value) -> Vec<String> {
    let motif = |path: String| path.rsplit('/').nth(1).unwrap().to_owned();
    paths(answer).into_iter().map(motif).collect()
}

#[test]
fn the_default_ranking_finds_the_kind_and_says_why() {
    let simdex = filled();
    let query = draw(Motif::Flower, 900, 320, 240);
    std::fs::write(simdex.path("new.jpg"), jpeg(&query, 90).unwrap()).unwrap();
    let answer = simdex.json(&["query", "new.jpg", "-k", "5", "--explain"]);
    assert_eq!(motifs(&answer)[..3], ["flower", "flower", "flower"]);
    for result in answer["results"].as_array().unwrap() {
        let evidence = result["evidence"].as_object().unwrap();
        assert!(evidence.contains_key("neighbourhood"), "{result}");
        let region = &result["alignment"]["candidate"];
        assert!((0.0..=1.0).contains(&region["width"].as_f64().unwrap()));
    }
    let report = simdex.json(&["query", "new.jpg", "-k", "5", "--head", "mse18"]);
    assert!(report["results"][0].get("evidence").is_none());
}

#[test]
fn copy_mode_finds_what_a_picture_was_made_from() {
    let simdex = filled();
    let original = image::open(simdex.path("pictures/flower/3.jpg"))
        .unwrap()
        .to_rgb8();
    for edit in [Edit::Mirror, Edit::Rotate90, Edit::Crop60, Edit::SmallJpeg] {
        let copy = edit.jpeg(&original, 5).unwrap();
        std::fs::write(simdex.path("copy.jpg"), copy).unwrap();
        let answer = simdex.json(&["query", "copy.jpg", "-k", "3", "--mode", "copy"]);
        let first = &paths(&answer)[0];
        assert!(first.ends_with("flower/3.jpg"), "{edit}: {first}");
    }
}

#[test]
fn several_pictures_and_unwanted_ones_make_one_list() {
    let simdex = filled();
    let both = [
        "query",
        "pictures/flower/0.jpg",
        "pictures/house/0.jpg",
        "--together",
        "-k",
        "6",
    ];
    let answer = simdex.json(&both);
    let found = motifs(&answer);
    assert!(
        ["flower", "house"]
            .iter()
            .all(|motif| found.iter().any(|m| m == motif)),
        "{found:?}"
    );
    let not = [
        "query",
        "pictures/flower/0.jpg",
        "-k",
        "48",
        "--not",
        "pictures/flower/1.jpg",
    ];
    let scores = |answer: &Value, motif: &str| -> f64 {
        let results = answer["results"].as_array().unwrap();
        let of = results
            .iter()
            .zip(motifs(answer))
            .filter(|(_, m)| m == motif);
        of.map(|(result, _)| result["score"].as_f64().unwrap())
            .sum()
    };
    let plain = simdex.json(&["query", "pictures/flower/0.jpg", "-k", "48"]);
    assert!(scores(&simdex.json(&not), "flower") < scores(&plain, "flower"));
}

#[test]
fn labels_pairs_and_bare_pictures_teach() {
    let simdex = filled();
    let trained = simdex.json(&["train", "pictures", "-o", "labels.json"]);
    assert_eq!(
        (&trained["classes"], &trained["train_pictures"]),
        (&6.into(), &48.into())
    );
    let answer = simdex.json(&[
        "query",
        "pictures/flower/0.jpg",
        "--head",
        "labels.json",
        "-k",
        "8",
    ]);
    assert_eq!(motifs(&answer), vec!["flower"; 8]);
    let wrong = [
        "query",
        "pictures/flower/0.jpg",
        "--head",
        "labels.json",
        "-k",
        "9",
    ];
    let scores = simdex.json(&wrong);
    let score = |rank: usize| scores["results"][rank]["score"].as_f64().unwrap();
    assert!(
        score(7) > 0.5 && score(8) < 0.5,
        "{} {}",
        score(7),
        score(8)
    );

    std::fs::write(
        simdex.path("pairs.csv"),
        "a,b,same\npictures/flower/0.jpg,pictures/flower/1.jpg,1\n\
         pictures/flower/0.jpg,pictures/house/1.jpg,0\npictures/house/0.jpg,pictures/house/1.jpg,1\n\
         pictures/house/2.jpg,pictures/skyline/1.jpg,0\n",
    )
    .unwrap();
    let trained = simdex.json(&["train", "--pairs", "pairs.csv", "-o", "pairs.json"]);
    assert_eq!(trained["train_pairs"], 4);
    let score = |a: &str, b: &str, head: &str| {
        let [a, b] = [a, b].map(|name| format!("pictures/{name}.jpg"));
        let answer = simdex.json(&["compare", &a, &b, "--head", head]);
        answer["score"].as_f64().unwrap()
    };
    // Drawn pictures look alike to a head that was trained on photos; pairs teach it better.
    assert!(score("flower/0", "house/1", "fused") > 0.5);
    assert!(score("flower/0", "house/1", "pairs.json") < 0.5);
    assert!(score("flower/0", "flower/1", "pairs.json") > 0.5);
    let trained = simdex.json(&[
        "train",
        "--unlabelled",
        "pictures/flower",
        "-o",
        "edits.json",
    ]);
    assert_eq!(
        (&trained["from"], &trained["train_pictures"]),
        (&"edits".into(), &8.into())
    );
    simdex.json(&[
        "query",
        "pictures/flower/0.jpg",
        "--head",
        "edits.json",
        "--mode",
        "copy",
    ]);

    std::fs::write(
        simdex.path("one.csv"),
        "pictures/flower/0.jpg,pictures/flower/1.jpg,1\n",
    )
    .unwrap();
    let run = simdex.run(&["train", "--pairs", "one.csv", "-o", "x.json"]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("pairs that are not"), "{}", run.stderr);
}

#[test]
fn evaluations_of_lists_and_copies_have_baselines_and_intervals() {
    let simdex = filled();
    let lists = simdex.json(&["eval", "retrieval", "pictures", "--candidates", "20"]);
    assert_eq!(lists["pictures"], 48);
    let rows = lists["rows"].as_array().unwrap();
    let map = |head: &str| {
        let row = rows.iter().find(|row| row["head"] == head).unwrap();
        row["map"]["mean"].as_f64().unwrap()
    };
    assert!(map("fused") > map("random") + 0.3);
    let interval = rows[0]["map"]["interval"].as_array().unwrap();
    assert!(interval[0].as_f64() < interval[1].as_f64());

    let copies = simdex.json(&["eval", "copies", "pictures", "--queries", "4"]);
    let rows = copies["rows"].as_array().unwrap();
    assert_eq!(rows.len(), Edit::ALL.len() + 1);
    assert_eq!(rows[Edit::ALL.len()]["queries"], 4 * Edit::ALL.len());
    let best = copies["micro_ap"].as_array().unwrap().last().unwrap();
    assert_eq!(best[0], "fused");
    assert!(best[1].as_f64().unwrap() > 0.5, "{best}");
}
