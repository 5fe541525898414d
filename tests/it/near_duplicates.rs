//! Near-copies: grouped, listed, promoted; on pictures that the test draws and edits.

use std::sync::Arc;

use crate::common::{FAST, Simdex};
use image::RgbImage;
use image::imageops::{FilterType, resize};
use serde_json::Value;
use simdex::demo::drawing::{Motif, draw};
use simdex::edit::{Edit, jpeg};
use testweb::reply::Reply;
use testweb::server::{Request, Server};

/// A store with other pictures, one original and three near-copies of it; and an edit that
/// is no near-copy.
fn with_copies() -> Simdex {
    let simdex = Simdex::filled(8, 3);
    let original = draw(Motif::Sailboat, 500, 400, 300);
    write(&simdex, "0-original.jpg", &original, 92);
    simdex.json(&["add", "0-original.jpg"]);
    write(&simdex, "1-weak.jpg", &original, 60);
    let half = resize(&original, 200, 150, FilterType::Triangle);
    write(&simdex, "2-half.jpg", &half, 85);
    let light = simdex::edit::each_pixel(&original, |pixel| pixel.map(|v| v.saturating_add(8)));
    write(&simdex, "3-light.jpg", &light, 90);
    write(&simdex, "4-crop.jpg", &Edit::Crop60.apply(&original, 1), 90);
    for name in ["1-weak.jpg", "2-half.jpg", "3-light.jpg", "4-crop.jpg"] {
        simdex.json(&["add", name]);
    }
    simdex
}

fn write(simdex: &Simdex, name: &str, picture: &RgbImage, quality: u8) {
    std::fs::write(simdex.path(name), jpeg(picture, quality).unwrap()).unwrap();
}

fn places(list: &Value, key: &str) -> Vec<String> {
    let name = |entry: &Value| {
        let place = entry[key].as_str().unwrap();
        place.rsplit('/').next().unwrap().to_owned()
    };
    list.as_array().unwrap().iter().map(name).collect()
}

fn query(simdex: &Simdex, flags: &[&str]) -> Value {
    let query = ["query", "0-original.jpg", "--head", "embedding", "-k", "5"];
    simdex.json(&[&query[..], flags].concat())["results"].take()
}

const GROUP: [&str; 4] = ["0-original.jpg", "1-weak.jpg", "2-half.jpg", "3-light.jpg"];

#[test]
fn one_result_stands_for_its_near_copies_and_the_list_has_them_all() {
    let simdex = with_copies();
    for exact_below in [10_000, 10] {
        simdex.configure(&format!("[index]\nexact_below = {exact_below}\n"));
        let results = query(&simdex, &[]);
        assert_eq!(places(&results, "path")[0], GROUP[0]);
        assert_eq!(places(&results[0]["copies"], "place"), GROUP[1..]);
        // A crop is another picture, and a result of its own.
        assert_eq!(places(&results, "path")[1], "4-crop.jpg");
        assert_eq!(results[1]["copies"].as_array().unwrap().len(), 0);
        let all = places(&query(&simdex, &["--all-copies"]), "path");
        assert!(
            GROUP
                .iter()
                .all(|name| all.iter().any(|found| found == name)),
            "{all:?}"
        );
        assert_eq!(simdex.run(&["verify"]).code, 0);
    }
    let groups = simdex.json(&["duplicates"]);
    assert_eq!(groups.as_array().unwrap().len(), 1, "{groups}");
    let mut members = places(&groups[0]["results"], "path");
    assert_eq!(members[0], GROUP[0], "the original comes first");
    members.sort();
    assert_eq!(members, GROUP);
    let text = simdex.run(&["duplicates"]).stdout;
    assert!(
        text.contains("\n\n1 group of near-copies, 4 pictures\n"),
        "{text}"
    );
    let run = simdex.run(&["duplicates", "--format", "csv", "-o", "copies.csv"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let csv = std::fs::read_to_string(simdex.path("copies.csv")).unwrap();
    assert_eq!(csv.lines().count(), 5);
    let lines = simdex.run(&["duplicates", "--format", "jsonl"]).stdout;
    let line: Value = serde_json::from_str(&lines).unwrap();
    assert_eq!(line["results"], groups[0]["results"]);
    assert_eq!(
        simdex
            .run(&["duplicates", "--format", "html", "-o", "copies.html"])
            .code,
        0
    );
    let none = simdex.json(&["duplicates", "--host", "example.org"]);
    assert!(none.as_array().unwrap().is_empty());
}

#[test]
fn copies_on_one_host_are_a_group_without_the_original_elsewhere() {
    let simdex = Simdex::new();
    let original = draw(Motif::Sailboat, 500, 400, 300);
    write(&simdex, "0-original.jpg", &original, 92);
    simdex.json(&["add", "0-original.jpg"]);
    let copies = [60, 75].map(|quality| jpeg(&original, quality).unwrap());
    let server = Server::background(Arc::new(move |request: &Request| match request.path() {
        "/" => Reply::html("<img src=1-weak.jpg><img src=2-better.jpg>"),
        "/1-weak.jpg" => Reply::bytes("image/jpeg", copies[0].clone()),
        "/2-better.jpg" => Reply::bytes("image/jpeg", copies[1].clone()),
        _ => Reply::not_found(),
    }))
    .unwrap();
    simdex.json(&[&["crawl", &server.url("/")], &FAST[..]].concat());
    let groups = simdex.json(&["duplicates", "--host", "127.0.0.1"]);
    assert_eq!(groups.as_array().unwrap().len(), 1, "{groups}");
    let results = groups[0]["results"].as_array().unwrap();
    let mut urls: Vec<&str> = results
        .iter()
        .map(|entry| entry["urls"][0].as_str().unwrap())
        .collect();
    assert_eq!(groups[0]["query"], urls[0]);
    urls.sort_unstable();
    let expected = ["/1-weak.jpg", "/2-better.jpg"].map(|path| server.url(path));
    assert_eq!(urls, expected);
    assert_eq!(
        places(&simdex.json(&["duplicates"])[0]["results"], "id").len(),
        3
    );
}

#[test]
fn when_an_original_is_removed_the_next_takes_its_place() {
    let simdex = with_copies();
    simdex.configure("[index]\nexact_below = 10\n");
    let first = query(&simdex, &[]);
    simdex.json(&["remove", first[0]["id"].as_str().unwrap()]);
    for _ in 0..2 {
        let results = query(&simdex, &[]);
        assert_eq!(places(&results, "path")[0], GROUP[1]);
        assert_eq!(places(&results[0]["copies"], "place"), GROUP[2..]);
        assert_eq!(simdex.run(&["verify"]).code, 0);
    }
    // What is stored later is compared with the new original.
    let again = draw(Motif::Sailboat, 500, 400, 300);
    write(&simdex, "5-again.jpg", &again, 75);
    simdex.json(&["add", "5-again.jpg"]);
    let copies = places(&query(&simdex, &[])[0]["copies"], "place");
    assert_eq!(copies, ["2-half.jpg", "3-light.jpg", "5-again.jpg"]);
    assert_eq!(simdex.run(&["verify"]).code, 0);
}

#[test]
fn damaged_or_missing_groups_are_made_anew() {
    let simdex = with_copies();
    let before = simdex.json(&["duplicates"]);
    let file = simdex.store().join("index/copies");
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x55;
    std::fs::write(&file, &bytes).unwrap();
    let ids = |groups: &Value| -> Vec<Value> {
        let results = groups[0]["results"].as_array().unwrap();
        results.iter().map(|entry| entry["id"].clone()).collect()
    };
    assert_eq!(ids(&simdex.json(&["duplicates"])), ids(&before));
    std::fs::write(&file, b"").unwrap();
    assert_eq!(ids(&simdex.json(&["duplicates"])), ids(&before));
    std::fs::remove_file(&file).unwrap();
    assert_eq!(ids(&simdex.json(&["duplicates"])), ids(&before));
    assert_eq!(simdex.run(&["verify"]).code, 0);
}

#[test]
fn different_plain_pictures_are_no_copies() {
    let simdex = Simdex::new();
    std::fs::create_dir(simdex.path("plain")).unwrap();
    // White sheets with a small square here or there: their hashes are alike.
    for i in 0..6u32 {
        let sheet = RgbImage::from_fn(200, 200, |x, y| {
            let (left, top) = (30 + 60 * (i % 3), 40 + 70 * (i / 3));
            let inside = (left..left + 14).contains(&x) && (top..top + 14).contains(&y);
            image::Rgb(if inside { [200, 30, 40] } else { [255; 3] })
        });
        write(&simdex, &format!("plain/{i}.jpg"), &sheet, 95);
    }
    simdex.json(&["add", "plain"]);
    let groups = simdex.json(&["duplicates"]);
    assert!(groups.as_array().unwrap().is_empty(), "{groups}");
}
