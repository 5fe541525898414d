//! Pictures as half blocks: the upper pixel is the letter's colour, the lower one its background's.

use std::fmt::Write as _;

use image::{Rgb, RgbImage};

/// A row of letters for two rows of pixels.
pub(super) fn rows(picture: &RgbImage) -> Vec<String> {
    let upper = (0..picture.height()).step_by(2);
    upper.map(|y| row(picture, y)).collect()
}

fn row(picture: &RgbImage, y: u32) -> String {
    let mut line = String::new();
    let mut before: Option<(Rgb<u8>, Option<Rgb<u8>>)> = None;
    for x in 0..picture.width() {
        let pair = (
            *picture.get_pixel(x, y),
            picture.get_pixel_checked(x, y + 1).copied(),
        );
        let (upper, lower) = pair;
        if before.is_none_or(|(other, _)| other != upper) {
            let [r, g, b] = upper.0;
            let _ = write!(line, "\u{1b}[38;2;{r};{g};{b}m");
        }
        // The last row of an odd number has nothing below.
        if let Some(Rgb([r, g, b])) = lower
            && before.is_none_or(|(_, other)| other != lower)
        {
            let _ = write!(line, "\u{1b}[48;2;{r};{g};{b}m");
        }
        line.push('▀');
        before = Some(pair);
    }
    line + "\u{1b}[0m"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_rows_of_pixels_are_one_of_letters() {
        let picture = RgbImage::from_fn(2, 3, |x, y| Rgb([x as u8, y as u8, 9]));
        assert_eq!(
            rows(&picture),
            [
                "\u{1b}[38;2;0;0;9m\u{1b}[48;2;0;1;9m▀\u{1b}[38;2;1;0;9m\u{1b}[48;2;1;1;9m▀\u{1b}[0m",
                "\u{1b}[38;2;0;2;9m▀\u{1b}[38;2;1;2;9m▀\u{1b}[0m",
            ]
        );
    }

    #[test]
    fn a_colour_is_said_once() {
        let plain = RgbImage::from_pixel(9, 2, Rgb([1, 2, 3]));
        let [row] = &rows(&plain)[..] else {
            panic!("one row");
        };
        assert_eq!(row.matches("38;2;1;2;3").count(), 1);
        assert_eq!(row.matches("48;2;1;2;3").count(), 1);
        assert_eq!(row.matches('▀').count(), 9);
    }
}
