//! What scores promise: probabilities that do not saturate, on every kind of picture.

use crate::common::Simdex;
use serde_json::Value;
use simdex::edit::jpeg;

fn scores(answer: &Value) -> Vec<f64> {
    let results = answer["results"].as_array().unwrap();
    let score = |result: &Value| result["score"].as_f64().unwrap();
    results.iter().map(score).collect()
}

#[test]
fn the_same_bytes_alone_score_1_and_near_copies_alone_come_near_it() {
    let simdex = Simdex::filled(6, 8);
    let original = simdex.path("pictures/flower/3.jpg");
    let answer = simdex.json(&["query", original.to_str().unwrap()]);
    let own = scores(&answer);
    assert!(own[0] == 1.0 && own[1] < 0.99, "{own:?}");
    let picture = image::open(&original).unwrap().to_rgb8();
    std::fs::write(simdex.path("again.jpg"), jpeg(&picture, 60).unwrap()).unwrap();
    let answer = simdex.json(&["query", "again.jpg"]);
    let own = scores(&answer);
    assert!((0.99..1.0).contains(&own[0]) && own[1] < 0.99, "{own:?}");
    // They fall from rank to rank.
    assert!(own.is_sorted_by(|a, b| a >= b), "{own:?}");
}

#[test]
fn pictures_of_nothing_are_not_the_same() {
    let simdex = Simdex::filled(6, 8);
    let plain = |name: &str, pixel: &dyn Fn(u32, u32) -> [u8; 3]| {
        let picture = image::RgbImage::from_fn(320, 240, |x, y| image::Rgb(pixel(x, y)));
        picture.save(simdex.path(name)).unwrap();
    };
    plain("white.png", &|_, _| [255; 3]);
    plain("black.png", &|_, _| [0; 3]);
    plain("red.png", &|_, _| [200, 20, 20]);
    plain("falling.png", &|_, y| [y as u8, y as u8, y as u8]);
    plain("rising.png", &|x, _| [(x / 2) as u8, 0, (x / 2) as u8]);
    simdex.json(&["add", "white.png", "red.png", "falling.png"]);
    for query in ["black.png", "rising.png"] {
        let answer = simdex.json(&["query", query]);
        let own = scores(&answer);
        assert!(own[0] <= 0.5, "{query}: {own:?}");
        let pair = simdex.json(&["compare", query, "white.png"]);
        assert!(pair["score"].as_f64().unwrap() <= 0.5, "{query}: {pair}");
    }
}
