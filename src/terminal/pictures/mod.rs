//! Small pictures on a terminal: in whatever way it shows them, with lines of text beside them.

mod blocks;
mod iterm;
mod kind;
mod kitty;
mod sixel;

use std::fmt::Write as _;
use std::io::Cursor;

use image::imageops::{self, FilterType};
use image::{ImageFormat, RgbImage};

pub use kind::PictureKind;

/// The size of one letter, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

/// Where a terminal does not say how large its letters are: small ones, so that no picture is larger than the
/// room that is left for it.
const SMALL: Cell = Cell {
    width: 8,
    height: 16,
};
/// Columns between a picture and what stands beside it.
const GAP: usize = 2;

/// A picture, made ready for a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawing {
    columns: usize,
    rows: usize,
    form: Form,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    /// A line a row, each so wide.
    Rows(Vec<String>),
    /// Pixels that the terminal puts where the cursor is.
    Pixels(String),
}

impl Drawing {
    /// A picture in its own shape, no larger than so many columns and rows.
    pub fn new(
        picture: &RgbImage,
        kind: PictureKind,
        (columns, rows): (usize, usize),
        cell: Option<Cell>,
    ) -> Self {
        // Of letters the one half is a pixel, and as wide as high, as good as.
        let cell = match kind {
            PictureKind::Blocks => Cell {
                width: 1,
                height: 2,
            },
            _ => cell.unwrap_or(SMALL),
        };
        let small = fitted(picture, (columns, rows), cell);
        let across = small.width().div_ceil(cell.width) as usize;
        let down = small.height().div_ceil(cell.height) as usize;
        let form = match kind {
            PictureKind::Blocks => Form::Rows(blocks::rows(&small)),
            PictureKind::Kitty => Form::Pixels(kitty::escape(&png(&small), across)),
            PictureKind::Iterm => Form::Pixels(iterm::escape(&png(&small), across, down)),
            PictureKind::Sixel => Form::Pixels(sixel::escape(&small)),
        };
        Self {
            columns: across,
            rows: down,
            form,
        }
    }

    /// The picture with lines of text on its right, which begin so far from the left; what is shown after it
    /// begins below both.
    pub fn beside(&self, lines: &[String], at: usize) -> String {
        let at = at.max(self.columns + GAP);
        let mut shown = String::new();
        if let Form::Pixels(escape) = &self.form {
            // The lines that it takes are there before it comes: nothing scrolls under it. One more, since
            // some terminals go to the line below a picture. What the cursor does is undone.
            let rows = self.rows + 1;
            let _ = write!(
                shown,
                "{}\u{1b}[{rows}A\u{1b}7{escape}\u{1b}8",
                "\n".repeat(rows)
            );
        }
        for row in 0..self.rows.max(lines.len()) {
            let line = lines.get(row).map_or("", String::as_str);
            let picture = match &self.form {
                Form::Rows(rows) => rows.get(row).map_or("", String::as_str),
                Form::Pixels(_) => "",
            };
            shown.push_str(picture);
            if !line.is_empty() {
                match &self.form {
                    Form::Rows(rows) => {
                        let taken = if row < rows.len() { self.columns } else { 0 };
                        shown.push_str(&" ".repeat(at - taken));
                    }
                    Form::Pixels(_) => {
                        let _ = write!(shown, "\u{1b}[{at}C");
                    }
                }
                shown.push_str(line);
            }
            shown.push('\n');
        }
        shown
    }
}

/// The picture as large as it may be, but no larger than it is where letters are known to be of more pixels.
fn fitted(picture: &RgbImage, (columns, rows): (usize, usize), cell: Cell) -> RgbImage {
    let most = |count: usize, side: u32| count.max(1) as f64 * f64::from(side);
    let (width, height) = picture.dimensions();
    let scale = (most(columns, cell.width) / f64::from(width))
        .min(most(rows, cell.height) / f64::from(height))
        .min(1.0);
    let side = |side: u32| ((f64::from(side) * scale).round() as u32).max(1);
    match (side(width), side(height)) {
        same if same == (width, height) => picture.clone(),
        (width, height) => imageops::resize(picture, width, height, FilterType::Triangle),
    }
}

fn png(picture: &RgbImage) -> Vec<u8> {
    let mut png = Cursor::new(Vec::new());
    picture
        .write_to(&mut png, ImageFormat::Png)
        .expect("an RGB picture always encodes into memory");
    png.into_inner()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(count: usize) -> Vec<String> {
        (0..count).map(|line| format!("line {line}")).collect()
    }

    #[test]
    fn a_picture_keeps_its_shape_within_its_room() {
        for (kind, size, room, expected) in [
            (PictureKind::Blocks, (320, 240), (20, 10), (20, 8)),
            (PictureKind::Blocks, (240, 320), (20, 10), (15, 10)),
            (PictureKind::Blocks, (4, 4), (20, 10), (4, 2)),
            (PictureKind::Blocks, (300, 1), (20, 10), (20, 1)),
            (PictureKind::Kitty, (320, 240), (20, 10), (20, 8)),
            (PictureKind::Sixel, (16, 16), (20, 10), (2, 1)),
            (PictureKind::Iterm, (240, 320), (20, 10), (15, 10)),
        ] {
            let picture = RgbImage::new(size.0, size.1);
            let drawing = Drawing::new(&picture, kind, room, None);
            assert_eq!(
                (drawing.columns, drawing.rows),
                expected,
                "{kind:?} {size:?}"
            );
        }
        let cell = Some(Cell {
            width: 16,
            height: 32,
        });
        let picture = RgbImage::new(160, 160);
        let drawing = Drawing::new(&picture, PictureKind::Kitty, (20, 10), cell);
        assert_eq!((drawing.columns, drawing.rows), (10, 5));
    }

    #[test]
    fn lines_stand_beside_blocks_and_below_each_other() {
        let picture = RgbImage::new(4, 4);
        let drawing = Drawing::new(&picture, PictureKind::Blocks, (4, 2), None);
        let shown = drawing.beside(&lines(3), 8);
        let rows: Vec<&str> = shown.lines().collect();
        assert_eq!(rows.len(), 3);
        assert!(rows[0].ends_with("\u{1b}[0m    line 0"), "{shown:?}");
        assert_eq!(rows[2], "        line 2");
        let alone = drawing.beside(&[], 8);
        assert_eq!(alone.lines().count(), 2);
    }

    #[test]
    fn pixels_take_their_lines_first_and_leave_the_cursor_where_it_was() {
        let picture = RgbImage::new(32, 32);
        for kind in [PictureKind::Kitty, PictureKind::Iterm, PictureKind::Sixel] {
            let drawing = Drawing::new(&picture, kind, (20, 10), None);
            let shown = drawing.beside(&lines(3), 0);
            assert!(shown.starts_with("\n\n\n\u{1b}[3A\u{1b}7"), "{shown:?}");
            assert!(
                shown.ends_with("\u{1b}8\u{1b}[6Cline 0\n\u{1b}[6Cline 1\n\u{1b}[6Cline 2\n"),
                "{shown:?}"
            );
        }
    }
}
