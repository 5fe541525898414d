//! Pictures as sixels: a palette, then bands of six rows, one colour of a band after the other.

use std::fmt::Write as _;

use color_quant::NeuQuant;
use image::RgbImage;

/// Colours of the palette; what shows sixels has that many.
const COLOURS: usize = 256;
/// Rows of a band.
const BAND: u32 = 6;
/// Every pixel is looked at for the palette: pictures are small.
const ALL: i32 = 1;

/// Shows a picture, pixel for pixel.
pub(super) fn escape(picture: &RgbImage) -> String {
    let rgba: Vec<u8> = picture
        .pixels()
        .flat_map(|pixel| [pixel.0[0], pixel.0[1], pixel.0[2], 255])
        .collect();
    let palette = NeuQuant::new(ALL, COLOURS, &rgba);
    let pixels: Vec<u8> = rgba
        .chunks_exact(4)
        // There are 256 colours.
        .map(|pixel| palette.index_of(pixel) as u8)
        .collect();
    let (width, height) = picture.dimensions();
    // Pixels are square, and the whole is so large.
    let mut shown = format!("\u{1b}P0;1;0q\"1;1;{width};{height}");
    let colours = palette.color_map_rgb();
    for (number, colour) in colours.chunks_exact(3).enumerate() {
        if pixels.contains(&(number as u8)) {
            let [r, g, b] = [colour[0], colour[1], colour[2]].map(percent);
            let _ = write!(shown, "#{number};2;{r};{g};{b}");
        }
    }
    for top in (0..height).step_by(BAND as usize) {
        band(&mut shown, &pixels, width as usize, top as usize);
    }
    shown + "\u{1b}\\"
}

/// 0 to 255 as 0 to 100.
fn percent(value: u8) -> u32 {
    (u32::from(value) * 100 + 127) / 255
}

fn band(shown: &mut String, pixels: &[u8], width: usize, top: usize) {
    let rows: Vec<&[u8]> = pixels
        .chunks_exact(width)
        .skip(top)
        .take(BAND as usize)
        .collect();
    let mut colours: Vec<u8> = rows.concat();
    colours.sort_unstable();
    colours.dedup();
    for colour in colours {
        let _ = write!(shown, "#{colour}");
        let sixels = (0..width).map(|x| {
            let bits = rows
                .iter()
                .enumerate()
                .map(|(y, row)| u8::from(row[x] == colour) << y);
            char::from(b'?' + bits.sum::<u8>())
        });
        runs(shown, sixels);
        // Back to the left, for the next colour.
        shown.push('$');
    }
    shown.push('-');
}

/// Writes what is the same several times as a number and what it is.
fn runs(shown: &mut String, sixels: impl Iterator<Item = char>) {
    let mut sixels = sixels.peekable();
    while let Some(sixel) = sixels.next() {
        let mut count = 1;
        while sixels.next_if_eq(&sixel).is_some() {
            count += 1;
        }
        match count {
            1..=3 => shown.extend(std::iter::repeat_n(sixel, count)),
            _ => {
                let _ = write!(shown, "!{count}{sixel}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    /// Reads back what was written: the colours in percent, row by row.
    fn read(shown: &str) -> Vec<Vec<[u32; 3]>> {
        let body = shown.strip_prefix("\u{1b}P0;1;0q\"1;1;").unwrap();
        let body = body.strip_suffix("\u{1b}\\").unwrap();
        let at = body.find('#').unwrap();
        let size: Vec<usize> = body[..at]
            .split(';')
            .map(|it| it.parse().unwrap())
            .collect();
        let mut rows = vec![vec![[0; 3]; size[0]]; size[1]];
        let (mut palette, mut colour) = (std::collections::HashMap::new(), 0);
        let (mut x, mut top, mut count) = (0, 0, 1);
        let mut letters = body[at..].chars().peekable();
        while let Some(letter) = letters.next() {
            let mut number = || {
                let mut text = String::new();
                while let Some(digit) = letters.next_if(char::is_ascii_digit) {
                    text.push(digit);
                }
                text.parse::<u32>().unwrap()
            };
            match letter {
                '#' => {
                    colour = number();
                    if letters.next_if_eq(&';').is_some() {
                        let mut values = Vec::new();
                        loop {
                            let mut text = String::new();
                            while let Some(digit) = letters.next_if(char::is_ascii_digit) {
                                text.push(digit);
                            }
                            values.push(text.parse::<u32>().unwrap());
                            if letters.next_if_eq(&';').is_none() {
                                break;
                            }
                        }
                        palette.insert(colour, [values[1], values[2], values[3]]);
                    }
                }
                '!' => count = number() as usize,
                '$' => x = 0,
                '-' => {
                    x = 0;
                    top += 6;
                }
                sixel => {
                    let bits = sixel as u8 - b'?';
                    for _ in 0..count {
                        for y in (0..6).filter(|y| bits >> y & 1 == 1) {
                            rows[top + y][x] = palette[&colour];
                        }
                        x += 1;
                    }
                    count = 1;
                }
            }
        }
        rows
    }

    #[test]
    fn what_is_written_is_read_back() {
        let picture = RgbImage::from_fn(20, 14, |x, y| match (x < 9, y < 8) {
            (true, _) => Rgb([255, 0, 0]),
            (false, true) => Rgb([0, 0, 255]),
            (false, false) => Rgb([250, 250, 250]),
        });
        let rows = read(&escape(&picture));
        assert_eq!((rows.len(), rows[0].len()), (14, 20));
        for (x, y, pixel) in picture.enumerate_pixels() {
            let seen = rows[y as usize][x as usize];
            for channel in 0..3 {
                let expected = percent(pixel.0[channel]);
                assert!(
                    seen[channel].abs_diff(expected) <= 4,
                    "{x},{y}: {seen:?} for {pixel:?}"
                );
            }
        }
    }

    #[test]
    fn the_smallest_picture_is_one_too() {
        let rows = read(&escape(&RgbImage::from_pixel(1, 1, Rgb([0, 255, 0]))));
        assert_eq!(rows.len(), 1);
        assert!(rows[0][0][1] >= 96, "{rows:?}");
    }

    #[test]
    fn runs_are_counted() {
        let mut shown = String::new();
        runs(&mut shown, "??@@@@@A".chars());
        assert_eq!(shown, "??!5@A");
    }
}
