//! `look-alike`: its own candidates, its own scores, its own evaluation.

use crate::common::Simdex;
use serde_json::Value;
use simdex::demo::drawing::{Motif, draw};
use simdex::edit::{Edit, jpeg};

fn results(answer: &Value) -> Vec<(String, f64)> {
    let results = answer["results"].as_array().unwrap().iter();
    let of = |r: &Value| {
        let path = r["path"].as_str().unwrap().to_owned();
        (path, r["score"].as_f64().unwrap())
    };
    results.map(of).collect()
}

fn write(simdex: &Simdex, name: &str, edit: Edit, original: &image::RgbImage) {
    std::fs::write(simdex.path(name), edit.jpeg(original, 3).unwrap()).unwrap();
}

#[test]
fn kept_looks_are_found_before_broken_ones() {
    let simdex = Simdex::filled(6, 8);
    let original = draw(Motif::Flower, 910, 320, 240);
    std::fs::write(simdex.path("original.jpg"), jpeg(&original, 90).unwrap()).unwrap();
    let broken = [Edit::Hue, Edit::Negative];
    for edit in broken {
        write(&simdex, &format!("{edit}.jpg"), edit, &original);
        simdex.json(&["add", &format!("{edit}.jpg")]);
    }
    simdex.json(&["add", "original.jpg"]);
    write(&simdex, "tiles.jpg", Edit::Tiles, &original);
    let mode = ["--mode", "look-alike"];
    let answer = simdex.json(
        &[
            &[
                "query",
                "tiles.jpg",
                "-k",
                "60",
                "--explain",
                "--all-copies",
            ][..],
            &mode,
        ]
        .concat(),
    );
    let found = results(&answer);
    let place = |name: &str| {
        found
            .iter()
            .position(|(path, _)| path.ends_with(name))
            .unwrap()
    };
    for edit in broken {
        assert!(
            place("original.jpg") < place(&format!("{edit}.jpg")),
            "{edit}"
        );
    }
    // Scores tell results apart, and what they come from is said.
    assert!(found.windows(2).all(|pair| pair[0].1 >= pair[1].1));
    assert!(found[0].1 < 0.9999 && found[0].1 > found[9].1);
    let evidence = answer["results"][0]["evidence"].as_object().unwrap();
    assert_eq!(evidence.keys().collect::<Vec<_>>(), ["look"]);
    // A pair alone has the score of the list.
    let pair = simdex.json(&[&["compare", "tiles.jpg", "original.jpg"][..], &mode].concat());
    let score = found[place("original.jpg")].1;
    assert!(
        (pair["score"].as_f64().unwrap() - score).abs() < 1e-3,
        "{pair}"
    );
    // The very bytes come first in every mode.
    let answer = simdex.json(&[&["query", "original.jpg", "-k", "1"][..], &mode].concat());
    assert_eq!(results(&answer)[0].1, 1.0);
}

#[test]
fn looks_are_evaluated_with_people_and_learned() {
    let simdex = Simdex::filled(4, 6);
    let mut csv = "ref,a,b,share_a,votes\n".to_owned();
    for n in 0..3 {
        let [r, a, b] = [0, 1, 2].map(|i| format!("judged/{}.jpg", (n + i) % 3));
        csv.push_str(&format!("{r},{a},{b},0.75,4\n"));
    }
    std::fs::create_dir_all(simdex.path("judged")).unwrap();
    for (n, motif) in [Motif::Flower, Motif::Flower, Motif::House]
        .iter()
        .enumerate()
    {
        let drawn = draw(*motif, 920 + n as u64, 320, 240);
        std::fs::write(
            simdex.path(&format!("judged/{n}.jpg")),
            jpeg(&drawn, 90).unwrap(),
        )
        .unwrap();
    }
    std::fs::write(simdex.path("votes.csv"), csv).unwrap();
    let eval = ["eval", "looks", "pictures", "--queries", "3"];
    let told = simdex.json(&[&eval[..], &["--triplets", "votes.csv"]].concat());
    assert_eq!(
        (told["pictures"].as_u64(), told["sources"].as_u64()),
        (Some(24), Some(3))
    );
    assert_eq!(told["queries"], 3 * Edit::KEEP_LOOK.len());
    assert_eq!(told["broken"], 3 * Edit::BREAK_LOOK.len());
    assert_eq!(told["ceiling"], 0.75);
    let rows = told["rows"].as_array().unwrap();
    let names: Vec<_> = rows
        .iter()
        .map(|row| row["ranking"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["look-alike", "same-subject", "embedding", "mse18"]);
    let figure = |row: usize, name: &str| rows[row][name]["mean"].as_f64().unwrap();
    assert!(
        figure(0, "kept_first") > figure(2, "kept_first"),
        "{told:#}"
    );
    for row in 0..4 {
        assert!((0.25..=0.75).contains(&figure(row, "people")), "{row}");
    }
    let output = ["-o", "look.bin"];
    let train = ["train", "--look", "pictures", "--triplets", "votes.csv"];
    let taught = simdex.json(&[&train[..], &output].concat());
    assert_eq!(taught["judgements"], 3);
    let file = std::fs::read(simdex.path("look.bin")).unwrap();
    assert_eq!(taught["bytes"], file.len());
    assert!(file.len() <= 100_000);
    // The same seed gives the same file.
    simdex.json(&[&train[..], &["-o", "again.bin"]].concat());
    assert!(std::fs::read(simdex.path("again.bin")).unwrap() == file);
}
