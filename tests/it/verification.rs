//! Copy mode on pixels: other pages of one form and other memes of one template are no sure
//! copies; edited copies are.

use std::thread;

use crate::common::Simdex;
use crate::common::page::page;
use image::RgbImage;
use image::imageops::{FilterType, flip_horizontal, resize, rotate270};
use serde_json::Value;
use simdex::demo::drawing::{Motif, draw};
use simdex::edit::{Edit, caption, jpeg};
use simdex::picture::{Plane, Registration, thumbnail};

/// A form that is filled in: a coloured head, and a column of words in the middle that are its own.
fn form(number: u32) -> RgbImage {
    let (blank, filled) = (page(500), page(number));
    RgbImage::from_fn(620, 876, |x, y| match (x, y) {
        (40..580, 30..110) => image::Rgb([40, 70, 140]),
        (280..460, 240..500) => *filled.get_pixel(x, y),
        _ => *blank.get_pixel(x, y),
    })
}

/// Captions of about one length in the letters that there are.
const CAPTIONS: [&str; 5] = [
    "FOUND ON THE WEB",
    "WHO FED THE HOUND",
    "DO NOT BE THE NEW",
    "THE BOON OF DEBT",
    "WE FEW WENT DOWN",
];

fn meme(words: &str) -> RgbImage {
    let mut meme = draw(Motif::Butterfly, 4, 480, 360);
    caption(&mut meme, words);
    meme
}

/// Stores pictures and asks for sure copies of a smaller copy of the third of them. No other is said
/// to be a near-copy either, where the same subject is asked for.
fn sure_copies_of_the_third(pictures: Vec<RgbImage>) -> Vec<String> {
    let simdex = Simdex::filled(8, 2);
    std::fs::create_dir(simdex.path("like")).unwrap();
    for (number, picture) in pictures.iter().enumerate() {
        let file = jpeg(picture, 90).unwrap();
        std::fs::write(simdex.path(&format!("like/{number}.jpg")), file).unwrap();
    }
    simdex.json(&["add", "like"]);
    let (width, height) = pictures[2].dimensions();
    let small = resize(
        &pictures[2],
        width * 2 / 3,
        height * 2 / 3,
        FilterType::Triangle,
    );
    std::fs::write(simdex.path("copy.jpg"), jpeg(&small, 70).unwrap()).unwrap();
    let asked = ["query", "copy.jpg", "--mode", "copy", "--min-score", "p90"];
    let results = simdex.json(&asked)["results"].take();
    let name = |result: &Value| {
        let path = result["path"].as_str().unwrap();
        path.rsplit('/').next().unwrap().to_owned()
    };
    let sure: Vec<String> = results.as_array().unwrap().iter().map(name).collect();
    let subjects = simdex.json(&["query", "copy.jpg", "-k", "12", "--all-copies"]);
    for result in subjects["results"].as_array().unwrap() {
        let is_third = name(result) == "2.jpg";
        assert!(
            is_third || result["score"].as_f64().unwrap() <= 0.991,
            "{result}"
        );
    }
    sure
}

#[test]
fn only_the_page_that_was_copied_is_a_sure_copy() {
    let pages = (0..12).map(page).collect();
    assert_eq!(sure_copies_of_the_third(pages), ["2.jpg"]);
}

/// Of a page as large as a scan every pixel counts in its preview.
#[test]
fn only_the_scan_that_was_copied_is_a_sure_copy() {
    let scan = |number| resize(&page(number), 1240, 1752, FilterType::CatmullRom);
    assert_eq!(
        sure_copies_of_the_third((0..6).map(scan).collect()),
        ["2.jpg"]
    );
}

#[test]
fn a_form_is_no_copy_of_another_form() {
    let pictures = (0..8).map(|n| if n % 2 == 0 { form(n) } else { page(n) });
    assert_eq!(sure_copies_of_the_third(pictures.collect()), ["2.jpg"]);
}

#[test]
fn only_the_form_that_was_copied_is_a_sure_copy() {
    let forms = (0..6).map(form).collect();
    assert_eq!(sure_copies_of_the_third(forms), ["2.jpg"]);
}

#[test]
fn only_the_meme_that_was_copied_is_a_sure_copy() {
    let memes = CAPTIONS.map(meme).to_vec();
    assert_eq!(sure_copies_of_the_third(memes), ["2.jpg"]);
}

/// A page as a lamp beside it lights it.
fn lit(number: u32) -> RgbImage {
    let mut page = page(number);
    let (width, height) = page.dimensions();
    for (x, y, pixel) in page.enumerate_pixels_mut() {
        let far = x as f32 / width as f32 + y as f32 / height as f32;
        let grain = ((x * 31 + y * 57 + number) % 11) as f32 - 5.0;
        let lit = |value: u8| (f32::from(value) * (1.0 - 0.2 * far) + grain).clamp(0.0, 255.0);
        pixel.0 = pixel.0.map(|value| lit(value) as u8);
    }
    page
}

#[test]
fn only_the_page_that_was_copied_is_a_sure_copy_in_uneven_light() {
    assert_eq!(
        sure_copies_of_the_third((0..6).map(lit).collect()),
        ["2.jpg"]
    );
}

#[test]
fn compare_says_what_the_pixels_take_off() {
    let simdex = Simdex::new();
    for (name, caption) in ["a.jpg", "b.jpg"].iter().zip(CAPTIONS) {
        std::fs::write(simdex.path(name), jpeg(&meme(caption), 90).unwrap()).unwrap();
    }
    let answer = simdex.json(&["compare", "a.jpg", "b.jpg", "--mode", "copy"]);
    assert!(
        answer["evidence"]["pixels"].as_f64().unwrap() < 0.0,
        "{answer}"
    );
    assert!(answer["score"].as_f64().unwrap() <= 0.5, "{answer}");
}

/// A picture as its preview shows it.
fn preview(picture: &RgbImage) -> RgbImage {
    let small = image::load_from_memory(&thumbnail(picture)).unwrap();
    small.into_rgb8()
}

fn plane(picture: RgbImage) -> Plane {
    Plane::of(&image::DynamicImage::ImageRgb8(picture).into_luma8()).unwrap()
}

/// Whether an edited copy is taken for something else, in the view that undoes the edit.
fn is_other(original: &RgbImage, edit: Edit, seed: u64) -> bool {
    let copy = image::load_from_memory(&edit.jpeg(original, seed).unwrap()).unwrap();
    let copy = preview(&copy.into_rgb8());
    let copy = match edit {
        Edit::Rotate90 => rotate270(&copy),
        Edit::Mirror => flip_horizontal(&copy),
        _ => copy,
    };
    Registration::of(&plane(copy), &plane(preview(original))).differs()
}

#[test]
fn edited_copies_are_never_taken_for_something_else() {
    let originals = [
        ("flower", draw(Motif::Flower, 1, 480, 360)),
        ("tiles", draw(Motif::Tiles, 1, 480, 360)),
        ("form", form(3)),
        ("meme", meme(CAPTIONS[1])),
    ];
    thread::scope(|scope| {
        for (name, original) in &originals {
            scope.spawn(move || {
                for edit in Edit::ALL {
                    // A bar with other words over the bar of a meme is another meme.
                    let is_meme = *name == "meme" && edit == Edit::Caption;
                    assert_eq!(is_other(original, edit, 7), is_meme, "{name} {edit}");
                }
            });
        }
    });
}

#[test]
fn a_part_of_a_flower_on_plain_ground_is_a_copy() {
    let flower = draw(Motif::Flower, 2, 480, 360);
    for seed in 0..4 {
        for edit in [Edit::Crop60, Edit::Crop25] {
            assert!(!is_other(&flower, edit, seed), "{edit} {seed}");
        }
    }
}
