//! Near-copies: grouped, listed, promoted; on pictures that the test draws and edits.

use std::sync::Arc;

use crate::common::page::page;
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
pub fn with_copies() -> Simdex {
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

pub fn places(list: &Value, key: &str) -> Vec<String> {
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

/// The original and its near-copies.
pub const GROUP: [&str; 4] = ["0-original.jpg", "1-weak.jpg", "2-half.jpg", "3-light.jpg"];

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
    let groups = simdex.json(&["duplicates"]);
    assert!(
        groups[0]["query"].as_str().unwrap().ends_with(GROUP[1]),
        "{groups}"
    );
    // What is nearest to the original stands for the group, as for any query.
    let members = |simdex: &Simdex| {
        let results = query(simdex, &[]);
        let mut members = places(&results[0]["copies"], "place");
        members.push(places(&results, "path")[0].clone());
        members.sort();
        members
    };
    for _ in 0..2 {
        assert_eq!(members(&simdex), GROUP[1..]);
        assert_eq!(simdex.run(&["verify"]).code, 0);
    }
    // What is stored later is compared with the new original.
    let again = draw(Motif::Sailboat, 500, 400, 300);
    write(&simdex, "5-again.jpg", &again, 75);
    simdex.json(&["add", "5-again.jpg"]);
    assert_eq!(members(&simdex), [&GROUP[1..], &["5-again.jpg"]].concat());
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

#[test]
fn pages_of_other_text_are_no_copies_of_each_other() {
    let simdex = Simdex::new();
    for text in 0..6 {
        write(&simdex, &format!("page-{text}.jpg"), &page(text), 90);
        simdex.json(&["add", &format!("page-{text}.jpg")]);
    }
    let half = resize(&page(0), 310, 438, FilterType::Triangle);
    write(&simdex, "half.jpg", &half, 60);
    simdex.json(&["add", "half.jpg"]);
    let groups = simdex.json(&["duplicates"]);
    assert_eq!(groups.as_array().unwrap().len(), 1, "{groups}");
    let mut members = places(&groups[0]["results"], "path");
    members.sort();
    assert_eq!(members, ["half.jpg", "page-0.jpg"]);
}

/// All that ranks: a head or a mode.
const RANKINGS: [[&str; 2]; 5] = [
    ["--mode", "same-subject"],
    ["--mode", "look-alike"],
    ["--mode", "copy"],
    ["--head", "mse18"],
    ["--head", "embedding"],
];

/// A form whose fields are filled in a pale hand, each number with other words.
fn filled_in(number: u32) -> RgbImage {
    let (form, words) = (page(500), page(number));
    RgbImage::from_fn(620, 876, |x, y| match (x, y % 190) {
        (80..500, 80..90) if words.get_pixel(x, y).0[0] < 100 => image::Rgb([60, 60, 160]),
        (60..540, 70..100) => image::Rgb([255; 3]),
        _ => *form.get_pixel(x, y),
    })
}

/// A photo, or what stands for one, with a bar of words over its foot.
fn captioned(number: u32) -> RgbImage {
    let (mut meme, words) = (draw(Motif::Butterfly, 4, 620, 460), page(number));
    for (x, y, pixel) in meme.enumerate_pixels_mut().filter(|(_, y, _)| *y >= 390) {
        let is_word = (60..560).contains(&x) && words.get_pixel(x, y - 260).0[0] < 100;
        *pixel = image::Rgb(if is_word { [240; 3] } else { [20; 3] });
    }
    meme
}

#[test]
fn forms_and_memes_are_no_near_copies_of_others_but_of_their_own_versions() {
    let simdex = Simdex::filled(4, 3);
    std::fs::create_dir(simdex.path("in")).unwrap();
    for number in 0..4 {
        for (kind, picture) in [("form", filled_in(number)), ("meme", captioned(number))] {
            let (width, height) = picture.dimensions();
            write(&simdex, &format!("in/{kind}{number}-a.jpg"), &picture, 92);
            write(&simdex, &format!("in/{kind}{number}-b.jpg"), &picture, 40);
            let small = resize(&picture, width / 2, height / 2, FilterType::Triangle);
            write(&simdex, &format!("in/{kind}{number}-c.jpg"), &small, 85);
        }
    }
    simdex.json(&["add", "in"]);
    let groups = simdex.json(&["duplicates"]);
    let mut groups: Vec<Vec<String>> = groups
        .as_array()
        .unwrap()
        .iter()
        .map(|group| places(&group["results"], "path"))
        .collect();
    groups.iter_mut().for_each(|group| group.sort());
    groups.sort();
    let of = |kind, number| ["a", "b", "c"].map(|version| format!("{kind}{number}-{version}.jpg"));
    let each = ["form", "meme"]
        .into_iter()
        .flat_map(|kind| (0..4).map(move |n| of(kind, n)));
    assert_eq!(groups, each.collect::<Vec<_>>());
}

#[test]
fn a_stored_picture_comes_first_with_score_1_whoever_its_group_began_with() {
    let simdex = with_copies();
    for exact_below in [10_000, 10] {
        simdex.configure(&format!("[index]\nexact_below = {exact_below}\n"));
        for name in GROUP {
            let is_graph = exact_below == 10;
            let some = if is_graph { 2..3 } else { 0..5 };
            for ranking in &RANKINGS[some] {
                let asked = [&["query", name, "-k", "50"], &ranking[..]].concat();
                let results = simdex.json(&asked)["results"].take();
                assert_eq!(places(&results, "path")[0], name, "{ranking:?}");
                let mut copies = places(&results[0]["copies"], "place");
                copies.push(name.to_owned());
                copies.sort();
                assert_eq!(copies, GROUP);
                let scores = results.as_array().unwrap().iter();
                let scores: Vec<f64> = scores.map(|r| r["score"].as_f64().unwrap()).collect();
                assert_eq!(scores[0], 1.0, "{name} {ranking:?}");
                assert!(scores[1..].iter().all(|s| *s < 1.0), "{scores:?}");
                if is_graph {
                    let all = simdex.json(&[&asked[..], &["--all-copies"]].concat());
                    assert_eq!(places(&all["results"], "path")[0], name);
                }
            }
        }
    }
}

#[test]
fn a_group_is_stood_for_by_its_member_nearest_to_the_query() {
    let simdex = with_copies();
    // The light member once more, as no file has it.
    let light = image::open(simdex.path("3-light.jpg")).unwrap().to_rgb8();
    write(&simdex, "again.jpg", &light, 97);
    for ranking in RANKINGS {
        let asked = [&["query", "again.jpg", "-k", "1"], &ranking[..]].concat();
        let one = simdex.json(&asked)["results"][0].take();
        assert!(
            one["path"].as_str().unwrap().ends_with("3-light.jpg"),
            "{ranking:?}"
        );
        let all = simdex.json(&[&asked[..], &["--all-copies"]].concat());
        assert_eq!(all["results"][0]["id"], one["id"], "{ranking:?}");
        assert!(
            one["score"].as_f64().unwrap() < 1.0,
            "its bytes are other ones"
        );
    }
}

/// Paths of a result, by the files' names.
fn names(paths: &Value) -> Vec<&str> {
    let paths = paths.as_array().unwrap().iter();
    let name = |path: &'_ str| path.rfind('/').map_or(0, |at| at + 1);
    paths
        .map(|p| p.as_str().unwrap())
        .map(|p| &p[name(p)..])
        .collect()
}

#[test]
fn files_of_the_same_bytes_are_all_named_and_are_a_group() {
    let simdex = Simdex::filled(4, 3);
    let fish = crate::common::jpeg(Motif::Sailboat, 77);
    std::fs::create_dir(simdex.path("in")).unwrap();
    for name in ["c.jpg", "a.jpg", "b.jpg"] {
        std::fs::write(simdex.path("in").join(name), &fish).unwrap();
    }
    simdex.json(&["add", "in"]);
    let three = ["a.jpg", "b.jpg", "c.jpg"];
    let answer = simdex.json(&["query", "in/b.jpg", "-k", "1"]);
    let first = &answer["results"][0];
    assert_eq!(names(&first["paths"]), three);
    assert_eq!(first["path"], first["paths"][0]);
    assert_eq!(first["score"], 1.0);
    let export = |format: &str| {
        let args = [
            "export",
            "--queries",
            "in",
            "-k",
            "1",
            "--format",
            format,
            "-o",
            "-",
        ];
        let run = simdex.run(&args);
        assert_eq!(run.code, 0, "{}", run.stderr);
        run.stdout
    };
    let texts = [
        simdex.run(&["query", "in/b.jpg", "-k", "1"]).stdout,
        simdex.run(&["duplicates"]).stdout,
        export("csv"),
        export("html"),
        export("jsonl"),
    ];
    for text in &texts {
        let is_named = |name: &&str| text.contains(&format!("/in/{name}"));
        assert!(three.iter().all(is_named), "{text}");
    }
    assert_eq!(texts[2].lines().count(), 1 + 3 * 3, "a row for each file");
    let groups = simdex.json(&["duplicates"]);
    assert_eq!(groups.as_array().unwrap().len(), 1, "{groups}");
    let results = &groups[0]["results"];
    assert_eq!(names(&results[0]["paths"]), three);
    assert_eq!(results.as_array().unwrap().len(), 1, "{groups}");
    assert!(
        texts[1].contains("1 group of near-copies, 1 picture in 3 files\n"),
        "{}",
        texts[1]
    );
    // A near-copy joins them, and names them, too.
    let weak = image::load_from_memory(&fish).unwrap().to_rgb8();
    write(&simdex, "weak.jpg", &weak, 60);
    simdex.json(&["add", "weak.jpg"]);
    let groups = simdex.json(&["duplicates"]);
    assert_eq!(groups.as_array().unwrap().len(), 1, "{groups}");
    assert_eq!(groups[0]["results"].as_array().unwrap().len(), 2);
    let answer = simdex.json(&["query", "weak.jpg", "-k", "1"]);
    let first = &answer["results"][0];
    assert_eq!(names(&first["paths"]), ["weak.jpg"]);
    assert_eq!(names(&first["copies"][0]["paths"]), three);
}

#[test]
fn only_the_same_bytes_score_1() {
    let simdex = Simdex::new();
    let picture = draw(Motif::Sailboat, 500, 400, 300);
    for name in ["a.png", "b.bmp"] {
        picture.save(simdex.path(name)).unwrap();
    }
    std::fs::copy(simdex.path("a.png"), simdex.path("c.png")).unwrap();
    for ranking in RANKINGS {
        let score = |a: &str, b: &str| {
            let comparison = simdex.json(&[&["compare", a, b], &ranking[..]].concat());
            comparison["score"].as_f64().unwrap()
        };
        assert_eq!(score("a.png", "c.png"), 1.0, "{ranking:?}");
        let same_pixels = score("a.png", "b.bmp");
        assert!(same_pixels < 1.0, "{ranking:?} {same_pixels}");
    }
}
