//! Explanations of results, on drawn pictures.

use image::RgbImage;
use serde_json::Value;
use simdex::demo::drawing::{Motif, draw};
use simdex::edit::jpeg;

use super::common::Simdex;

fn save(simdex: &Simdex, name: &str, picture: &RgbImage) {
    std::fs::write(simdex.path(name), jpeg(picture, 92).unwrap()).unwrap();
}

fn compare(simdex: &Simdex, a: &str, b: &str, mode: &str) -> Value {
    let compared = simdex.json(&["compare", a, b, "--mode", mode]);
    compared["explanation"].clone()
}

fn words(explanation: &Value) -> &str {
    explanation["words"].as_str().unwrap()
}

#[test]
fn a_recoloured_copy_is_told_from_another_object() {
    let simdex = Simdex::new();
    let original = draw(Motif::Car, 3, 320, 240);
    save(&simdex, "original.jpg", &original);
    let mut recoloured = original.clone();
    for pixel in recoloured.pixels_mut() {
        let [r, g, b] = pixel.0;
        pixel.0 = [b, r, g];
    }
    save(&simdex, "recoloured.jpg", &recoloured);
    save(&simdex, "other.jpg", &draw(Motif::Mushroom, 3, 320, 240));
    let found = compare(&simdex, "original.jpg", "recoloured.jpg", "same-subject");
    assert!(
        words(&found).contains("shapes") && words(&found).contains("other colours"),
        "{found}"
    );
    let nearness = &found["nearness"];
    assert!(
        nearness["parts"].as_f64() > nearness["colours"].as_f64(),
        "{found}"
    );
    let found = compare(&simdex, "original.jpg", "other.jpg", "same-subject");
    assert!(
        words(&found).contains("different object") || words(&found) == "little in common",
        "{found}"
    );
    let found = compare(&simdex, "original.jpg", "original.jpg", "same-subject");
    assert_eq!(words(&found), "the very same file");
}

#[test]
fn another_part_of_a_texture_has_its_colours_and_textures() {
    let simdex = Simdex::new();
    let floor = draw(Motif::Mushroom, 5, 640, 240);
    for (name, x) in [("left.jpg", 0), ("right.jpg", 340)] {
        let part = image::imageops::crop_imm(&floor, x, 3, 300, 225).to_image();
        save(&simdex, name, &part);
    }
    let found = compare(&simdex, "left.jpg", "right.jpg", "look-alike");
    assert!(
        words(&found).contains("same colours and textures"),
        "{found}"
    );
}

#[test]
fn a_mirrored_quarter_is_named() {
    let simdex = Simdex::filled(3, 4);
    let original = draw(Motif::Skyline, 901, 480, 360);
    let quarter = image::imageops::crop_imm(&original, 0, 0, 240, 180).to_image();
    let quarter = image::imageops::flip_horizontal(&quarter);
    save(&simdex, "whole.jpg", &original);
    save(&simdex, "quarter.jpg", &quarter);
    simdex.json(&["add", "quarter.jpg"]);
    let query = ["query", "whole.jpg", "--mode", "copy", "-k", "3"];
    let found = simdex.json(&query);
    let results = found["results"].as_array().unwrap().iter();
    let mut results = results.filter(|r| r["path"].as_str().unwrap().ends_with("quarter.jpg"));
    let explanation = &results.next().unwrap()["explanation"];
    let expected = "the top left quarter of your picture, mirrored";
    assert_eq!(words(explanation), expected);
    // Text says it, too, and the numbers only where they are asked for.
    let text = simdex.run(&query).stdout;
    assert!(
        text.contains(expected) && !text.contains("textures 0."),
        "{text}"
    );
    let text = simdex.run(&[&query[..], &["--explain"]].concat()).stdout;
    assert!(
        text.contains(expected) && text.contains("  textures "),
        "{text}"
    );
    let page = [
        "export",
        "--queries",
        "list",
        "--format",
        "html",
        "-o",
        "o.html",
        "--mode",
        "copy",
    ];
    std::fs::write(simdex.path("list"), "whole.jpg").unwrap();
    assert_eq!(simdex.run(&page).code, 0);
    let page = std::fs::read_to_string(simdex.path("o.html")).unwrap();
    assert!(page.contains(expected) && page.contains("<td>objects<td>"));
}
