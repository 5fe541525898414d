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

/// The light falls off to a corner.
fn dimmed(picture: &GrayImage, by: f32) -> GrayImage {
    GrayImage::from_fn(picture.width(), picture.height(), |x, y| {
        let far = x as f32 / picture.width() as f32 + y as f32 / picture.height() as f32;
        let value = f32::from(picture.get_pixel(x, y).0[0]) * (1.0 - by * far / 2.0);
        // Grain, too.
        Luma([(value + (mixed(x, y, 3) % 9) as f32 - 4.0).clamp(0.0, 255.0) as u8])
    })
}

#[test]
fn only_the_same_page_shows_the_same_in_uneven_light() {
    for by in [0.0, 0.3, 0.6] {
        let stored = dimmed(&page(1), by);
        let small = imageops::resize(&stored, 150, 212, FilterType::Triangle);
        assert!(registered(&small, &stored).shows_the_same(), "{by}");
        let other = registered(&dimmed(&page(2), by), &stored);
        assert!(!other.shows_the_same(), "{by}");
    }
}

/// A dial with two hands at a time, the rest as on any other.
fn clock(hour: f32, minute: f32) -> GrayImage {
    GrayImage::from_fn(320, 320, |x, y| {
        let (u, v) = (x as f32 - 160.0, y as f32 - 160.0);
        let hand = |turn: f32, length: f32| {
            let (sin, cos) = (turn * std::f32::consts::TAU).sin_cos();
            let (along, aside) = (u * sin - v * cos, u * cos + v * sin);
            (0.0..length).contains(&along) && aside.abs() < 4.0
        };
        let far = u.hypot(v);
        let turn = u.atan2(-v) / std::f32::consts::TAU * 12.0;
        let is_mark = (120.0..140.0).contains(&far) && (turn - turn.round()).abs() * far < 8.0;
        let is_ink =
            (146.0..152.0).contains(&far) || is_mark || hand(hour, 70.0) || hand(minute, 110.0);
        Luma([if is_ink { 20 } else { 250 }])
    })
}

#[test]
fn what_each_has_alone_is_something_else_and_what_one_has_is_laid_over_it() {
    let half_past_two = clock(0.21, 0.5);
    assert!(!registered(&clock(0.71, 0.9), &half_past_two).shows_the_same());
    let mut small = imageops::resize(&half_past_two, 160, 160, FilterType::Triangle);
    small.iter_mut().for_each(|value| *value = 60 + *value / 2);
    assert!(registered(&small, &half_past_two).shows_the_same());
    let scene = blots(320, 240, 1);
    let captions = Registration::of_wholes(
        &Plane::of(&barred(&scene, 1)).unwrap(),
        &Plane::of(&barred(&scene, 2)).unwrap(),
    );
    assert!(!captions.shows_the_same());
    assert!(registered(&marked(&scene), &scene).shows_the_same());
}

/// A dark square in a corner.
fn marked(picture: &GrayImage) -> GrayImage {
    let mut marked = picture.clone();
    for (x, y) in (0..60).flat_map(|x| (0..60).map(move |y| (x, y))) {
        marked.put_pixel(250 + x, 10 + y, Luma([20]));
    }
    marked
}

/// Bars of other heights on one ground, as charts have them.
fn chart(number: u32) -> GrayImage {
    GrayImage::from_fn(320, 200, |x, y| {
        let height = 20 + mixed(x / 32, 5, number) % 140;
        let is_bar = (4..24).contains(&(x % 32)) && (180 - height..180).contains(&y);
        let is_line = y % 36 == 0 || (y / 3 == 62 && mixed(x / 3, 1, 9).is_multiple_of(2));
        Luma([if is_bar {
            90
        } else if is_line {
            200
        } else {
            255
        }])
    })
}

#[test]
fn what_differs_in_many_pieces_was_not_laid_over_it() {
    for (a, b) in [(1, 2), (3, 4), (5, 6)] {
        assert!(
            !registered(&chart(a), &chart(b)).shows_the_same(),
            "{a} {b}"
        );
    }
    assert!(registered(&marked(&chart(1)), &chart(1)).shows_the_same());
}

#[test]
fn a_bar_over_a_page_does_not_move_the_page() {
    let mut barred = page(1);
    for (_, y, pixel) in barred.enumerate_pixels_mut() {
        if y >= 270 {
            *pixel = Luma([15]);
        }
    }
    let laid = registered(&barred, &page(1));
    assert!(laid.shows_the_same() && laid.offset < 0.01);
    assert!(!registered(&barred, &page(2)).shows_the_same());
}

#[test]
fn plain_pictures_show_the_same() {
    let plain = |value| GrayImage::from_pixel(320, 240, Luma([value]));
    assert!(registered(&plain(255), &plain(40)).shows_the_same());
    assert!(!registered(&plain(255), &blots(320, 240, 1)).shows_the_same());
}

#[test]
fn a_little_of_a_picture_tells_nothing_of_the_rest() {
    let dots = |places: &[(u32, u32)]| {
        let mut dots = GrayImage::from_pixel(320, 240, Luma([255]));
        for (x, y) in places {
            let square = (0..8).flat_map(|i| (0..8).map(move |j| (x + i, y + j)));
            square.for_each(|(x, y)| dots.put_pixel(x, y, Luma([0])));
        }
        dots
    };
    let two = dots(&[(60, 60), (200, 150)]);
    assert!(registered(&two, &two).shows_the_same());
    // One of them in a part that is cut out of something else.
    let one = imageops::crop_imm(&dots(&[(60, 60)]), 20, 20, 160, 120).to_image();
    assert!(!registered(&one, &two).shows_the_same());
}
