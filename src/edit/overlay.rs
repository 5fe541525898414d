//! What is laid over a picture or around it.

use image::imageops::{self, FilterType};
use image::{Rgb, RgbImage};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::letter::{COLUMNS, ROWS, rows};

const INK: Rgb<u8> = Rgb([245, 245, 240]);
const COLORS: [Rgb<u8>; 4] = [
    Rgb([255, 255, 255]),
    Rgb([0, 0, 0]),
    Rgb([190, 40, 45]),
    Rgb([30, 90, 170]),
];

/// Fills a rectangle, as far as it lies within the picture.
fn fill(
    picture: &mut RgbImage,
    (left, top): (u32, u32),
    (width, height): (u32, u32),
    color: Rgb<u8>,
) {
    let right = left.saturating_add(width).min(picture.width());
    let bottom = top.saturating_add(height).min(picture.height());
    for y in top..bottom {
        for x in left..right {
            picture.put_pixel(x, y, color);
        }
    }
}

/// Fills a circle, as far as it lies within the picture.
fn disc(picture: &mut RgbImage, (x, y): (u32, u32), radius: u32, color: Rgb<u8>) {
    for (column, row) in (y.saturating_sub(radius)..=y + radius)
        .flat_map(|row| (x.saturating_sub(radius)..=x + radius).map(move |column| (column, row)))
    {
        let inside = column.abs_diff(x).pow(2) + row.abs_diff(y).pow(2) <= radius.pow(2);
        if inside && let Some(pixel) = picture.get_pixel_mut_checked(column, row) {
            *pixel = color;
        }
    }
}

/// Writes capitals, each dot of a letter a square of `dot` pixels; what does not fit is lost.
fn write(picture: &mut RgbImage, words: &str, (left, top): (u32, u32), dot: u32) {
    for (place, letter) in words.bytes().enumerate() {
        let left = left + (COLUMNS + 1) * place as u32 * dot;
        for (row, bits) in rows(letter).into_iter().enumerate() {
            for column in (0..COLUMNS).filter(|column| bits >> (COLUMNS - 1 - column) & 1 == 1) {
                let corner = (left + column * dot, top + row as u32 * dot);
                fill(picture, corner, (dot, dot), INK);
            }
        }
    }
}

/// Lays a dark bar with white capitals over the picture's foot.
pub fn caption(picture: &mut RgbImage, words: &str) {
    let (width, height) = picture.dimensions();
    let bar = height / 7;
    for y in height - bar..height {
        for x in 0..width {
            let pixel = picture.get_pixel_mut(x, y);
            pixel.0 = pixel.0.map(|value| value / 5 + 8);
        }
    }
    // The bar is eleven dots high, and there is a gap at both ends.
    let columns = (COLUMNS + 1) * words.len() as u32;
    let dot = (bar / 11).min(width / (columns + 2)).max(1);
    let left = width.saturating_sub(columns * dot) / 2;
    let top = height - bar + bar.saturating_sub(ROWS * dot) / 2;
    write(picture, words, (left, top), dot);
}

pub(super) fn border(picture: &RgbImage, rng: &mut ChaCha8Rng) -> RgbImage {
    let (width, height) = picture.dimensions();
    let wide = (width.min(height) as f32 * 0.08).round().max(1.0) as u32;
    let color = COLORS[rng.random_range(0..COLORS.len())];
    let mut copy = RgbImage::from_pixel(width + 2 * wide, height + 2 * wide, color);
    imageops::replace(&mut copy, picture, wide.into(), wide.into());
    copy
}

pub(super) fn logo(picture: &RgbImage, rng: &mut ChaCha8Rng) -> RgbImage {
    let (width, height) = picture.dimensions();
    let radius = (width.min(height) / 8).max(1);
    // A little inside the corner.
    let inset = radius + radius / 3;
    let place = |side: u32, far: bool| match far {
        true => side.saturating_sub(inset + 1),
        false => inset.min(side - 1),
    };
    let center = (place(width, rng.random()), place(height, rng.random()));
    let mut copy = picture.clone();
    disc(
        &mut copy,
        center,
        radius,
        COLORS[rng.random_range(1..COLORS.len())],
    );
    let dot = (radius / 6).max(1);
    let corner = (
        center.0.saturating_sub(COLUMNS * dot / 2),
        center.1.saturating_sub(ROWS * dot / 2),
    );
    write(&mut copy, "W", corner, dot);
    copy
}

pub(super) fn screenshot(picture: &RgbImage, rng: &mut ChaCha8Rng) -> RgbImage {
    let (width, height) = picture.dimensions();
    let mut screen = RgbImage::from_pixel(width, height, Rgb([250, 250, 250]));
    // The window's bar with three buttons and an address.
    let bar = (height / 10).max(1);
    fill(&mut screen, (0, 0), (width, bar), Rgb([222, 225, 230]));
    let button = (bar / 5).max(1);
    for (place, color) in [[237, 106, 94], [245, 191, 79], [98, 197, 84]]
        .into_iter()
        .enumerate()
    {
        let x = bar / 2 + 3 * button * place as u32;
        disc(&mut screen, (x, bar / 2), button, Rgb(color));
    }
    let address = (bar / 2 + 10 * button, bar / 4);
    fill(
        &mut screen,
        address,
        (width * 2 / 3, bar / 2),
        Rgb([255; 3]),
    );
    // Lines of text beside and below the picture, some shorter than others.
    let line = (height / 60).max(1);
    for y in (bar + 2 * line..height).step_by(3 * line as usize) {
        let length = (width as f32 * rng.random_range(0.5..0.95)) as u32;
        fill(
            &mut screen,
            (width / 20, y),
            (length, line),
            Rgb([150, 153, 158]),
        );
    }
    let part = |side: u32| (side * 3 / 4).max(1);
    let small = imageops::resize(picture, part(width), part(height), FilterType::Triangle);
    let (left, top) = (width.saturating_sub(small.width()) / 2, bar + bar / 3);
    imageops::replace(&mut screen, &small, left.into(), top.into());
    screen
}
