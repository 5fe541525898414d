//! The fused head, its modes, what it explains and how it learns, on drawn pictures.

use crate::common::{Simdex, break_all, draw_folders};
use serde_json::Value;
use simdex::demo::drawing::{Motif, draw};
use simdex::edit::{Edit, jpeg};

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
    let simdex = Simdex::filled(6, 8);
    let query = draw(Motif::Flower, 900, 320, 240);
    std::fs::write(simdex.path("new.jpg"), jpeg(&query, 90).unwrap()).unwrap();
    let answer = simdex.json(&["query", "new.jpg", "-k", "5", "--explain"]);
    assert_eq!(motifs(&answer)[..3], ["flower", "flower", "flower"]);
    for result in answer["results"].as_array().unwrap() {
        let evidence = result["evidence"].as_object().unwrap();
        assert!(evidence.contains_key("neighbourhood"), "{result}");
    }
    let report = simdex.json(&["query", "new.jpg", "-k", "5", "--head", "mse18"]);
    assert!(report["results"][0].get("evidence").is_none());
}

#[test]
fn copy_mode_finds_what_a_picture_was_made_from() {
    let simdex = Simdex::filled(6, 8);
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
fn compare_turns_the_picture_in_copy_mode() {
    let simdex = Simdex::new();
    let original = draw(Motif::Flower, 3, 320, 240);
    std::fs::write(simdex.path("a.jpg"), jpeg(&original, 90).unwrap()).unwrap();
    for edit in [Edit::Mirror, Edit::Rotate90] {
        let copy = edit.jpeg(&original, 5).unwrap();
        std::fs::write(simdex.path("b.jpg"), copy).unwrap();
        let answer = simdex.json(&["compare", "b.jpg", "a.jpg", "--mode", "copy"]);
        assert!(answer["score"].as_f64().unwrap() > 0.9, "{edit}: {answer}");
        assert!(answer["evidence"]["turned"].as_f64().unwrap() < 0.0);
    }
}

#[test]
fn what_labels_taught_leaves_the_same_picture_first_and_strangers_alone() {
    let simdex = Simdex::filled(6, 8);
    // Two of the six kinds are labelled.
    for motif in ["flower", "house"] {
        std::fs::create_dir_all(simdex.path("labels").join(motif)).unwrap();
        for entry in std::fs::read_dir(simdex.path("pictures").join(motif)).unwrap() {
            let from = entry.unwrap().path();
            let to = simdex.path("labels").join(motif);
            std::fs::copy(&from, to.join(from.file_name().unwrap())).unwrap();
        }
    }
    simdex.json(&["train", "labels", "-o", "mine.json"]);
    let list = |query: &str, head: &str| {
        let answer = simdex.json(&["query", query, "-k", "8", "--head", head]);
        let results = answer["results"].as_array().unwrap().clone();
        let of = |r: &Value| (r["path"].clone(), r["score"].as_f64().unwrap());
        (results.iter().map(of).collect::<Vec<_>>(), results)
    };
    for n in 0..8 {
        let query = format!("pictures/flower/{n}.jpg");
        let (taught, results) = list(&query, "mine.json");
        assert!(taught[0].0.as_str().unwrap().ends_with(&query), "{query}");
        assert!(results[0]["evidence"]["labels"].as_f64().unwrap() > 0.0);
    }
    let unlabelled = std::fs::read_dir(simdex.path("pictures")).unwrap();
    let unlabelled = unlabelled.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let known = ["flower", "house"];
    for motif in unlabelled.filter(|motif| !known.contains(&motif.as_str())) {
        let query = format!("pictures/{motif}/2.jpg");
        let (before, after) = (list(&query, "fused").0, list(&query, "mine.json").0);
        for ((path, score), (same, now)) in before.iter().zip(&after) {
            assert!(path == same && (score - now).abs() < 0.1, "{query}");
        }
    }
}

#[test]
fn the_region_that_a_crop_was_cut_from_is_found() {
    let simdex = Simdex::filled(6, 8);
    let original = draw(Motif::Flower, 901, 480, 360);
    std::fs::write(simdex.path("whole.jpg"), jpeg(&original, 90).unwrap()).unwrap();
    simdex.json(&["add", "whole.jpg"]);
    let quarter = image::imageops::crop_imm(&original, 240, 180, 240, 180).to_image();
    std::fs::write(simdex.path("quarter.jpg"), jpeg(&quarter, 90).unwrap()).unwrap();
    let query = ["query", "quarter.jpg", "--mode", "copy", "--explain"];
    let answer = simdex.json(&query);
    let results = answer["results"].as_array().unwrap();
    let is_whole = |result: &&Value| result["path"].as_str().unwrap().ends_with("whole.jpg");
    let whole = results.iter().find(is_whole).unwrap();
    let side = |axis: &str, length: &str| {
        let region = &whole["alignment"]["candidate"];
        let start = region[axis].as_f64().unwrap();
        let length = region[length].as_f64().unwrap();
        let common = (start + length).min(1.0) - start.max(0.5);
        (length, common.max(0.0))
    };
    let ((width, common_width), (height, common_height)) =
        (side("x", "width"), side("y", "height"));
    let common = common_width * common_height;
    let overlap = common / (width * height + 0.25 - common);
    assert!(overlap > 0.3, "{overlap}: {}", whole["alignment"]);
}

#[test]
fn several_pictures_and_unwanted_ones_make_one_list() {
    let simdex = Simdex::filled(6, 8);
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
    let simdex = Simdex::filled(6, 8);
    let trained = simdex.json(&["train", "pictures", "-o", "labels.json"]);
    assert_eq!(
        (&trained["classes"], &trained["train_pictures"]),
        (&6.into(), &48.into())
    );
    // Each of them was asked for without having taught.
    assert_eq!(trained["held_out_queries"], 48);
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
    let (other, same) = (["flower/0", "house/1"], ["flower/0", "flower/1"]);
    let taught = |[a, b]: [&str; 2]| score(a, b, "pairs.json") - score(a, b, "fused");
    assert!(taught(other) < -0.01 && score(other[0], other[1], "pairs.json") < 0.5);
    assert!(score(same[0], same[1], "pairs.json") > 0.5);
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
    for (number, edit) in [Edit::Crop60, Edit::SmallJpeg, Edit::Mirror, Edit::Grey]
        .into_iter()
        .enumerate()
    {
        let original = format!("pictures/flower/{number}.jpg");
        let picture = image::open(simdex.path(&original)).unwrap().to_rgb8();
        std::fs::write(simdex.path("copy.jpg"), edit.jpeg(&picture, 5).unwrap()).unwrap();
        let query = [
            "query",
            "copy.jpg",
            "--head",
            "edits.json",
            "--mode",
            "copy",
        ];
        let first = paths(&simdex.json(&query)).swap_remove(0);
        assert!(first.ends_with(&original), "{edit}: {first}");
    }
}

/// Runs `train`, which must fail and write nothing.
fn refuse(simdex: &Simdex, from: &[&str]) -> String {
    let run = simdex.run(&[&["train", "-o", "x.json"], from].concat());
    assert_eq!(run.code, 1, "{from:?}: {}{}", run.stdout, run.stderr);
    assert!(!simdex.path("x.json").exists(), "{from:?}");
    run.stderr
}

#[test]
fn nothing_and_one_kind_of_pairs_teach_nothing() {
    let simdex = Simdex::new();
    draw_folders(&simdex.path("pictures"), 2, 2);
    let one = simdex.path("pictures").join(Motif::ALL[0].name());
    let pair = |rest: &str| {
        let name = Motif::ALL[0].name();
        format!("pictures/{name}/0.jpg,pictures/{name}/1.jpg,{rest}\n")
    };
    std::fs::write(simdex.path("one.csv"), pair("True")).unwrap();
    let refused = refuse(&simdex, &["--pairs", "one.csv"]);
    assert!(refused.contains("usable pairs: 1"), "{refused}");
    std::fs::write(simdex.path("typo.csv"), pair("ture") + &pair("0")).unwrap();
    let refused = refuse(&simdex, &["--pairs", "typo.csv"]);
    assert!(
        refused.contains("line 1") && refused.contains("ture"),
        "{refused}"
    );

    std::fs::create_dir(simdex.path("twins")).unwrap();
    for name in ["twins/a.jpg", "twins/b.jpg"] {
        std::fs::copy(one.join("0.jpg"), simdex.path(name)).unwrap();
    }
    let refused = refuse(&simdex, &["--unlabelled", "twins"]);
    assert!(refused.contains("not copies of each other"), "{refused}");

    for kind in ["fused", "mse18"] {
        let simdex = Simdex::new();
        draw_folders(&simdex.path("pictures"), 2, 2);
        std::fs::write(simdex.path("both.csv"), pair("1") + &pair("0")).unwrap();
        break_all(&simdex.path("pictures"));
        let refused = refuse(&simdex, &["pictures", "--kind", kind]);
        assert!(refused.contains("of 2 classes 0"), "{refused}");
        let refused = refuse(&simdex, &["--unlabelled", "pictures"]);
        assert!(refused.contains("0 pictures"), "{refused}");
        let refused = refuse(&simdex, &["--pairs", "both.csv"]);
        assert!(refused.contains("usable pairs: 0"), "{refused}");
    }
}

#[test]
fn evaluations_on_nothing_say_so() {
    let simdex = Simdex::new();
    draw_folders(&simdex.path("pictures"), 2, 3);
    let lone = simdex.path("pictures").join(Motif::ALL[0].name());
    std::fs::write(lone.join("1.jpg"), b"no picture").unwrap();
    std::fs::write(lone.join("2.jpg"), b"no picture").unwrap();
    // What is alone in its class can be found, but has nothing to find.
    let run = simdex.run(&["eval", "retrieval", "pictures", "--format", "json"]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert_eq!(
        (&run.json()["pictures"], &run.json()["queries"]),
        (&4.into(), &3.into())
    );
    assert_eq!(run.json()["candidate_recall"]["mean"], 1.0);
    let run = simdex.run(&["eval", "retrieval", "pictures"]);
    assert!(run.stdout.contains("but 1, alone"), "{}", run.stdout);
    for (count, code) in [("0", 2), ("1", 1)] {
        let run = simdex.run(&["eval", "retrieval", "pictures", "--per-class", count]);
        assert_eq!(run.code, code, "{}", run.stdout);
    }
    break_all(&simdex.path("pictures"));
    for protocol in ["pairs", "retrieval", "copies", "classify"] {
        let run = simdex.run(&["eval", protocol, "pictures"]);
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (1, ""),
            "{protocol}: {}",
            run.stderr
        );
    }
}

#[test]
fn a_copy_below_a_limit_is_left_out() {
    let simdex = Simdex::new();
    std::fs::create_dir(simdex.path("small")).unwrap();
    for (i, motif) in Motif::ALL.into_iter().take(3).enumerate() {
        let picture = jpeg(&draw(motif, 1, 48, 48), 90).unwrap();
        std::fs::write(simdex.path(&format!("small/{i}.jpg")), picture).unwrap();
    }
    let run = simdex.run(&[
        "eval",
        "copies",
        "small",
        "--queries",
        "3",
        "--format",
        "json",
    ]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stderr.contains("crop-25"), "{}", run.stderr);
    let rows = run.json()["rows"].take();
    let queries = |edit: &str| {
        let row = rows
            .as_array()
            .unwrap()
            .iter()
            .find(|row| row["edit"] == edit);
        row.map(|row| row["queries"].as_u64().unwrap())
    };
    assert_eq!((queries("crop-25"), queries("mirror")), (None, Some(3)));
}

#[test]
fn evaluations_of_lists_and_copies_have_baselines_and_intervals() {
    let simdex = Simdex::filled(6, 8);
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
    let found = rows[0]["candidate_recall"].as_array().unwrap();
    let rankings: Vec<_> = found.iter().map(|ranking| &ranking[0]).collect();
    assert_eq!(rankings, ["embedding", "mse18", "fused"]);
    assert_eq!(rows.len(), Edit::ALL.len() + 1);
    assert_eq!(rows[Edit::ALL.len()]["queries"], 4 * Edit::ALL.len());
    let best = copies["micro_ap"].as_array().unwrap().last().unwrap();
    assert_eq!(best[0], "fused");
    assert!(best[1].as_f64().unwrap() > 0.5, "{best}");
}
