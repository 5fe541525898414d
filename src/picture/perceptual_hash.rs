//! The hash by which near copies are found.

use image::RgbImage;
use serde::{Deserialize, Serialize};

/// A 64-bit difference hash ("dHash"): the picture's brightness averaged into 9 x 8 cells,
/// one bit for each pair of neighbours in a row. Copies differ in few bits.
///
/// ```
/// use image::{Rgb, RgbImage};
/// use simdex::picture::PerceptualHash;
///
/// let wave = |x: u32, y: u32| ((x * 7 + y * 3) % 150) as u8;
/// let picture = RgbImage::from_fn(90, 80, |x, y| Rgb([wave(x, y); 3]));
/// let brighter = RgbImage::from_fn(90, 80, |x, y| Rgb([wave(x, y) + 50; 3]));
/// let hash = PerceptualHash::of(&picture);
/// assert!(hash.distance(PerceptualHash::of(&brighter)) <= 4);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PerceptualHash(pub u64);

const COLUMNS: usize = 9;
const ROWS: usize = 8;

impl PerceptualHash {
    /// Hashes a picture of at least 9 x 8 pixels.
    pub fn of(picture: &RgbImage) -> Self {
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        let mut sums = [[0u64; COLUMNS]; ROWS];
        let mut counts = [[0u64; COLUMNS]; ROWS];
        // A pixel belongs to the cell `x * COLUMNS / width`.
        let first = |cell: usize| (cell * width).div_ceil(COLUMNS);
        for (y, row) in picture.as_raw().chunks_exact(width * 3).enumerate() {
            let cell_row = y * ROWS / height;
            for cell in 0..COLUMNS {
                let pixels = &row[3 * first(cell)..3 * first(cell + 1)];
                let mut rgb = [0u32; 3];
                for pixel in pixels.as_chunks::<3>().0 {
                    for (sum, value) in rgb.iter_mut().zip(pixel) {
                        *sum += u32::from(*value);
                    }
                }
                // Rec. 601 luma, in thousandths.
                let [r, g, b] = rgb.map(u64::from);
                sums[cell_row][cell] += 299 * r + 587 * g + 114 * b;
                counts[cell_row][cell] += pixels.len() as u64 / 3;
            }
        }
        let mut bits = 0;
        for (sum, count) in sums.iter().zip(&counts) {
            let mean = |i: usize| sum[i] / count[i].max(1);
            for column in 0..COLUMNS - 1 {
                bits = bits << 1 | u64::from(mean(column) < mean(column + 1));
            }
        }
        Self(bits)
    }

    /// The number of bits in which two hashes differ, 0 to 64.
    pub fn distance(self, other: Self) -> u32 {
        (self.0 ^ other.0).count_ones()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    fn waves(phase: u32, brightness: u32) -> RgbImage {
        RgbImage::from_fn(224, 224, |x, y| {
            let v = ((x + phase) * 7 % 200 + y * (1 + phase) % 50) / 2 + brightness;
            Rgb([v as u8, (v / 2) as u8, (255 - v) as u8])
        })
    }

    #[test]
    fn copies_are_near_and_others_far() {
        let hash = PerceptualHash::of(&waves(0, 0));
        assert!(hash.distance(PerceptualHash::of(&waves(0, 9))) <= 4);
        assert!(hash.distance(PerceptualHash::of(&waves(60, 0))) >= 10);
    }
}
