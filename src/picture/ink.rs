//! What is written or drawn on plain ground, finer than features and hashes see it.

use image::GrayImage;
use image::imageops::{self, FilterType};

/// A page: a picture that is mostly one plain ground, and what stands on it. Pages of one form look
/// alike to a network and to a hash of the whole; their lines differ.
#[derive(Debug, Clone)]
pub struct Ink {
    /// How far each pixel is from the ground.
    marks: GrayImage,
    is_page: bool,
}

/// Of 255: as near as this a pixel is the ground itself; and what JPEG leaves around marks.
const GROUND: u8 = 24;
const NOISE: u8 = 8;
/// The least share of a page that is ground.
const PAGE: f32 = 0.6;
/// How dark the darker marks are made, so that paler copies are as dark, and the least that they are
/// before.
const DARK: u32 = 160;
const PALE: u8 = 32;
/// Side of the squares that are compared, in pixels of a thumbnail, and from one to the next.
const SQUARE: u32 = 16;
const STEP: u32 = 8;
/// Marks of a square that count for more than dust, in sums of how far its pixels are from the ground.
const DUST: u32 = SQUARE * SQUARE * 6;
/// What two squares of one page may differ in, as a share of all that is in both. Measured on drawn
/// pages and their copies by JPEG 10 to 30, by half to a sixth of the size, paler and brighter: none
/// of a copy's squares differs by .3; of other text .35 to .43 do, of other invoices .045 to .12.
const APART: f32 = 0.3;
/// The share of squares that may differ more than that.
const ODD_SQUARES: f32 = 0.015;
/// Shapes that differ by more than this are no two sizes of one.
const SHAPE: f32 = 0.03;

impl Ink {
    /// Reads it from a thumbnail's JPEG; `None` if that is none.
    pub fn of_thumbnail(jpeg: &[u8]) -> Option<Self> {
        let picture = image::load_from_memory_with_format(jpeg, image::ImageFormat::Jpeg).ok()?;
        Some(Self::of(&picture.into_luma8()))
    }

    /// Reads it from a grey thumbnail.
    pub fn of(luma: &GrayImage) -> Self {
        let mut counts = [0u32; 256];
        luma.as_raw()
            .iter()
            .for_each(|value| counts[usize::from(*value)] += 1);
        let around = |value: usize, by: usize| -> u32 {
            counts[value.saturating_sub(by)..=(value + by).min(255)]
                .iter()
                .sum()
        };
        // The value with most others next to it, and of several the one that is there most.
        let ground = (0..256).max_by_key(|value| (around(*value, 2), counts[*value]));
        let ground = ground.unwrap_or(255);
        let of_ground = around(ground, GROUND.into());
        let share = of_ground as f32 / luma.as_raw().len().max(1) as f32;
        let mut marks = luma.clone();
        for value in marks.iter_mut() {
            // Below 256.
            *value = value.abs_diff(ground as u8).saturating_sub(NOISE);
        }
        let mut dark: Vec<u8> = marks
            .iter()
            .copied()
            .filter(|value| *value > 2 * NOISE)
            .collect();
        dark.sort_unstable();
        let most = dark
            .get(dark.len() * 9 / 10)
            .copied()
            .unwrap_or(0)
            .max(PALE);
        for value in marks.iter_mut() {
            let darker = u32::from(*value) * DARK / u32::from(most);
            *value = darker.min(255) as u8;
        }
        Self {
            marks,
            is_page: share >= PAGE,
        }
    }

    /// Whether it is a page.
    pub fn is_page(&self) -> bool {
        self.is_page
    }

    /// Whether both are pages, and surely of other lines; of anything else that is not said.
    pub fn has_other_lines(&self, other: &Self) -> bool {
        self.is_page && other.is_page && self.agrees(other) == Some(false)
    }

    /// Whether the same stands at the same places of both, for two pages that are not turned,
    /// mirrored or cropped; `None` where that cannot be told, since their shapes differ.
    pub fn agrees(&self, other: &Self) -> Option<bool> {
        let shape = |ink: &Self| ink.marks.width() as f32 / ink.marks.height().max(1) as f32;
        let (a, b) = (shape(self), shape(other));
        if (a / b - 1.0).abs() > SHAPE {
            return None;
        }
        // Both as large as the smaller, and as blurred as one.
        let width = self.marks.width().min(other.marks.width());
        let height = self.marks.height().min(other.marks.height());
        if width < 2 * SQUARE || height < 2 * SQUARE {
            return None;
        }
        let resized = |ink: &Self| {
            let small = imageops::resize(&ink.marks, width, height, FilterType::Triangle);
            imageops::blur(&small, 1.0)
        };
        let (a, b) = (resized(self), resized(other));
        let (mut counted, mut odd) = (0u32, 0u32);
        for y in (0..=height - SQUARE).step_by(STEP as usize) {
            for x in (0..=width - SQUARE).step_by(STEP as usize) {
                let (apart, all) = compared(&a, &b, x, y);
                if all >= DUST {
                    counted += 1;
                    odd += u32::from(apart as f32 > APART * all as f32);
                }
            }
        }
        Some(odd as f32 <= ODD_SQUARES * counted as f32)
    }
}

/// What two squares differ in at least, one moved a little over the other, and what is in both.
fn compared(a: &GrayImage, b: &GrayImage, x: u32, y: u32) -> (u32, u32) {
    let (width, height) = a.dimensions();
    let mut best = (u32::MAX, 0);
    for (across, down) in [(1, 1), (0, 1), (2, 1), (1, 0), (1, 2)] {
        let (mut apart, mut all) = (0, 0);
        for j in y..y + SQUARE {
            for i in x..x + SQUARE {
                let moved = (
                    (i + across).saturating_sub(1).min(width - 1),
                    (j + down).saturating_sub(1).min(height - 1),
                );
                let (p, q) = (a.get_pixel(i, j).0[0], b.get_pixel(moved.0, moved.1).0[0]);
                apart += u32::from(p.abs_diff(q));
                all += u32::from(p) + u32::from(q);
            }
        }
        if apart < best.0 {
            best = (apart, all);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Luma;

    /// Rows of words of four letters' width, by a number.
    fn page(text: u32, ground: u8, marks: u8) -> GrayImage {
        GrayImage::from_fn(226, 320, |x, y| {
            let (column, row) = (x / 9, y / 7);
            let word = (column * 31 + row * 57 + (column * row * (text + 3)) % 91) % 5;
            let is_line = y % 7 < 3 && (20..206).contains(&x) && (20..300).contains(&y);
            Luma([if is_line && word > 1 { marks } else { ground }])
        })
    }

    #[test]
    fn pages_of_other_text_are_others() {
        let first = Ink::of(&page(1, 255, 20));
        assert!(first.is_page());
        assert_eq!(first.agrees(&Ink::of(&page(2, 255, 20))), Some(false));
        // Paler, on grey, and smaller.
        assert_eq!(first.agrees(&Ink::of(&page(1, 240, 90))), Some(true));
        let small = imageops::resize(&page(1, 255, 20), 150, 212, FilterType::Triangle);
        assert_eq!(first.agrees(&Ink::of(&small)), Some(true));
        // White on black.
        let dark = Ink::of(&page(1, 10, 250));
        assert!(dark.is_page());
    }

    #[test]
    fn a_few_lines_of_a_form_are_enough() {
        let form = |number: u32| {
            let mut form = page(1, 255, 20);
            for (x, y, pixel) in form.enumerate_pixels_mut() {
                if (140..190).contains(&x) && (90..150).contains(&y) {
                    *pixel = *page(number, 255, 20).get_pixel(x, y);
                }
            }
            Ink::of(&form)
        };
        assert_eq!(form(5).agrees(&form(6)), Some(false));
        assert_eq!(form(5).agrees(&form(5)), Some(true));
    }

    #[test]
    fn photos_and_other_shapes_are_left_alone() {
        let photo = GrayImage::from_fn(200, 200, |x, y| Luma([((x * y) % 256) as u8]));
        assert!(!Ink::of(&photo).is_page());
        let wide = imageops::resize(&page(1, 255, 20), 320, 226, FilterType::Triangle);
        assert_eq!(Ink::of(&page(1, 255, 20)).agrees(&Ink::of(&wide)), None);
    }
}
