//! Pages that differ in their words alone.

use image::RgbImage;

/// A page of words without letters: the same lines and margins, other words.
pub fn page(text: u32) -> RgbImage {
    let mut page = RgbImage::from_pixel(620, 876, image::Rgb([255; 3]));
    for line in 0..40 {
        let (mut x, y) = (60, 60 + 19 * line);
        while x < 520 {
            // Between 12 and 70 wide.
            let mixed = (x * 7919 + line * 104_729 + text * 1_299_709) % 1_000_003;
            let width = 12 + mixed % 59;
            for (i, j) in (x..x + width).flat_map(|i| (y..y + 9).map(move |j| (i, j))) {
                if (i * 5 + j * 3) % 4 != 0 {
                    page.put_pixel(i.min(560), j, image::Rgb([20; 3]));
                }
            }
            x += width + 8;
        }
    }
    page
}
