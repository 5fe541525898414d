//! Pictures laid on each other, and what is found to differ.

use image::imageops::{self, FilterType};
use image::{GrayImage, Luma};

use super::{Plane, Registration};

/// Blots of several sizes, nowhere alike; each number has its own.
fn blots(width: u32, height: u32, number: u32) -> GrayImage {
    GrayImage::from_fn(width, height, |x, y| {
        let (u, v) = (x as f32, y as f32 + 1000.0 * number as f32);
        let waves = [
            (0.021, 0.034),
            (0.05, -0.027),
            (-0.013, 0.061),
            (0.11, 0.083),
        ];
        let sum: f32 = waves
            .iter()
            .map(|(a, b)| (u * a + v * b).sin() + (u * b).cos())
            .sum();
        Luma([(128.0 + 14.0 * sum) as u8])
    })
}

/// A number that depends on three, nowhere in rows.
fn mixed(column: u32, row: u32, number: u32) -> u32 {
    let mut mixed = column + 131 * row + 7919 * number;
    for _ in 0..3 {
        mixed = (mixed ^ (mixed >> 15)).wrapping_mul(0x2c1b_3c6d);
    }
    mixed >> 8
}

/// Words in rows on white, each number with its own.
fn page(number: u32) -> GrayImage {
    GrayImage::from_fn(226, 320, |x, y| {
        let is_line = y % 7 < 3 && (20..206).contains(&x) && (20..300).contains(&y);
        let is_ink = is_line && mixed(x / 5, y / 7, number) % 8 < 7;
        Luma([if is_ink { 20 } else { 255 }])
    })
}

fn registered(a: &GrayImage, b: &GrayImage) -> Registration {
    Registration::of(&Plane::of(a).unwrap(), &Plane::of(b).unwrap())
}

/// A dark bar with words at a picture's foot, each number with its own.
fn barred(picture: &GrayImage, number: u32) -> GrayImage {
    let mut copy = picture.clone();
    for (x, y, pixel) in copy.enumerate_pixels_mut() {
        if y >= 200 {
            let is_ink = (208..232).contains(&y) && mixed(x / 4, y / 4, number) % 3 < 1;
            *pixel = Luma([if is_ink { 240 } else { 15 }]);
        }
    }
    copy
}

#[test]
fn a_cut_out_is_found_to_the_pixel() {
    let whole = blots(320, 240, 1);
    let cut = imageops::crop_imm(&whole, 71, 43, 192, 144).to_image();
    let found = registered(
        &imageops::resize(&cut, 256, 192, FilterType::Triangle),
        &whole,
    );
    let (x, y) = found.fit.placement.apply((0.0, 0.0));
    assert!((x - 71.0).abs() < 1.0 && (y - 43.0).abs() < 1.0, "{x} {y}");
    let (x, y) = found.fit.placement.apply((256.0, 192.0));
    assert!(
        (x - 263.0).abs() < 1.0 && (y - 187.0).abs() < 1.0,
        "{x} {y}"
    );
    assert!(found.fit.correlation > 0.97 && !found.differs());
    // The other way round it is the same.
    assert!(!registered(&whole, &cut).differs());
}

#[test]
fn other_text_differs_and_the_same_in_other_tones_does_not() {
    assert!(registered(&page(1), &page(2)).differs());
    let mut pale = imageops::resize(&page(1), 150, 212, FilterType::Triangle);
    pale.iter_mut().for_each(|value| *value = 100 + *value / 2);
    assert!(!registered(&pale, &page(1)).differs());
    assert!(registered(&pale, &page(2)).differs());
    let blurred = imageops::blur(&page(1), 4.0);
    assert!(!registered(&blurred, &page(1)).differs());
}

#[test]
fn what_differs_on_the_same_ground_counts_and_what_is_laid_over_one_does_not() {
    let scene = blots(320, 240, 1);
    assert!(registered(&barred(&scene, 1), &barred(&scene, 2)).differs());
    assert!(!registered(&barred(&scene, 1), &barred(&scene, 1)).differs());
    assert!(!registered(&barred(&scene, 1), &scene).differs());
}

#[test]
fn where_nothing_fits_nothing_is_said() {
    assert!(!registered(&blots(320, 240, 1), &blots(320, 240, 9)).differs());
    let plain = GrayImage::from_pixel(320, 240, Luma([255]));
    assert!(!registered(&plain, &page(1)).differs());
    for (width, height) in [(1, 1), (1, 300), (7, 5)] {
        let small = GrayImage::from_pixel(width, height, Luma([9]));
        let small = Plane::of(&small).unwrap();
        let page = Plane::of(&page(1)).unwrap();
        assert!(!Registration::of(&small, &page).differs());
    }
    assert!(Plane::of(&GrayImage::new(0, 4)).is_none());
}
