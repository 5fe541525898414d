//! A contact sheet: queries and their results as small pictures with their scores, in one PNG.

mod letters;

use std::io::Cursor;

use image::imageops::{self, FilterType};
use image::{ImageFormat, Rgb, RgbImage};

use super::score_text::score_text;
use crate::search::QueryResult;
use letters::{COLUMNS, ROWS, rows};

/// A sheet has too many pictures.
#[derive(Debug, thiserror::Error)]
#[error(
    "a contact sheet has room for {most} pictures, and these lists have {0}: ask for fewer with -k, or write html",
    most = MOST
)]
pub struct SheetTooLarge(usize);

/// Most pictures of a sheet: some 70 MB of pixels.
const MOST: usize = 1_000;
/// Pictures side by side: the query and its results.
const ACROSS: u32 = 7;
/// The frame of a picture, and what is around it, in pixels.
const FRAME: u32 = 144;
const GAP: u32 = 12;
/// Pixels of a dot of a letter, and a line of text with the space below.
const DOT: u32 = 2;
const LINE: u32 = (ROWS + 3) * DOT;
/// Lines under a picture.
const LINES: u32 = 2;
const CELL: (u32, u32) = (FRAME + GAP, FRAME + LINE * LINES + GAP);
const PAPER: Rgb<u8> = Rgb([255, 255, 255]);
const INK: Rgb<u8> = Rgb([32, 32, 36]);
const PALE: Rgb<u8> = Rgb([238, 238, 240]);
const BLUE: Rgb<u8> = Rgb([42, 125, 225]);

/// Draws lists, one below the other: the query in front, its results in rows.
///
/// # Errors
/// If they have too many pictures.
pub fn contact_sheet(lists: &[QueryResult]) -> Result<Vec<u8>, SheetTooLarge> {
    ensure_room(lists.iter().map(|list| list.results.len() + 1).sum())?;
    let heights = lists.iter().map(height).sum::<u32>().max(CELL.1);
    let mut sheet = RgbImage::from_pixel(GAP + ACROSS * CELL.0, GAP + heights, PAPER);
    let mut top = GAP;
    for list in lists {
        draw(&mut sheet, list, top);
        top += height(list);
    }
    let mut png = Cursor::new(Vec::new());
    // Into memory, from pixels that are there: nothing can fail.
    let written = sheet.write_to(&mut png, ImageFormat::Png);
    debug_assert!(written.is_ok());
    Ok(png.into_inner())
}

/// Whether a sheet has room for so many pictures.
pub(super) fn ensure_room(pictures: usize) -> Result<(), SheetTooLarge> {
    match pictures > MOST {
        true => Err(SheetTooLarge(pictures)),
        false => Ok(()),
    }
}

/// Pixels that a list takes from top to bottom.
fn height(list: &QueryResult) -> u32 {
    let results = u32::try_from(list.results.len()).unwrap_or(u32::MAX);
    LINE + results.div_ceil(ACROSS - 1).max(1) * CELL.1
}

fn draw(sheet: &mut RgbImage, list: &QueryResult, top: u32) {
    let width = ACROSS * CELL.0 - GAP;
    write(sheet, &list.query, (GAP, top), width, INK);
    let top = top + LINE;
    frame(sheet, &list.thumbnail, list.size, (GAP, top));
    let below = top + FRAME + DOT;
    write(sheet, "query", (GAP, below), FRAME, INK);
    for (place, entry) in (0u32..).zip(&list.results) {
        let (column, row) = (1 + place % (ACROSS - 1), place / (ACROSS - 1));
        let (left, top) = (GAP + column * CELL.0, top + row * CELL.1);
        frame(
            sheet,
            &entry.thumbnail,
            (entry.width, entry.height),
            (left, top),
        );
        let below = top + FRAME + DOT;
        let words = format!("{}  {}", entry.rank, score_text(entry.score, 3));
        write(sheet, &words, (left, below), FRAME, INK);
        let bar = (entry.score.clamp(0.0, 1.0) * FRAME as f32) as u32;
        let line = below + LINE - DOT;
        fill(sheet, (left, line), (FRAME, 2 * DOT), PALE);
        fill(sheet, (left, line), (bar, 2 * DOT), BLUE);
    }
}

/// Draws a preview in its frame, in the picture's own shape; an empty frame where there is none.
fn frame(sheet: &mut RgbImage, jpeg: &[u8], size: (u32, u32), (left, top): (u32, u32)) {
    fill(sheet, (left, top), (FRAME, FRAME), PALE);
    let Ok(preview) = image::load_from_memory_with_format(jpeg, ImageFormat::Jpeg) else {
        return;
    };
    let longest = size.0.max(size.1).max(1);
    let side = |side: u32| (u64::from(side) * u64::from(FRAME) / u64::from(longest)).max(1) as u32;
    let (width, height) = (side(size.0), side(size.1));
    let small = imageops::resize(&preview.into_rgb8(), width, height, FilterType::Triangle);
    let (left, top) = (left + (FRAME - width) / 2, top + (FRAME - height) / 2);
    imageops::replace(sheet, &small, left.into(), top.into());
}

fn fill(sheet: &mut RgbImage, (left, top): (u32, u32), (width, height): (u32, u32), ink: Rgb<u8>) {
    for y in top..(top + height).min(sheet.height()) {
        for x in left..(left + width).min(sheet.width()) {
            sheet.put_pixel(x, y, ink);
        }
    }
}

/// Writes a line of text; of one that is too long the end, which tells names of files apart.
fn write(sheet: &mut RgbImage, text: &str, (left, top): (u32, u32), width: u32, ink: Rgb<u8>) {
    let room = (width / ((COLUMNS + 1) * DOT)) as usize;
    let all: Vec<char> = text.chars().collect();
    let shown: Vec<char> = match all.len() > room {
        true => "..."
            .chars()
            .chain(all[all.len() + 3 - room.max(3)..].iter().copied())
            .collect(),
        false => all,
    };
    for (place, letter) in (0u32..).zip(shown) {
        let left = left + (COLUMNS + 1) * place * DOT;
        for (row, bits) in (0u32..).zip(rows(letter)) {
            for column in (0..COLUMNS).filter(|column| bits >> (COLUMNS - 1 - column) & 1 == 1) {
                fill(
                    sheet,
                    (left + column * DOT, top + row * DOT),
                    (DOT, DOT),
                    ink,
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::Timing;

    fn list(query: &str, results: usize) -> QueryResult {
        let entry = r#"{"rank": 1, "score": 0.5, "id": "", "urls": [], "pages": [], "path": null, "paths": [],
            "width": 4, "height": 3, "cosine": 1, "layers": {}, "copies": []}"#;
        let entry = || serde_json::from_str(entry).unwrap();
        QueryResult {
            query: query.to_owned(),
            results: (0..results).map(|_| entry()).collect(),
            unread: Vec::new(),
            timing_ms: Timing::default(),
            thumbnail: Vec::new(),
            size: (1, 1),
        }
    }

    #[test]
    fn a_sheet_has_a_row_for_six_results() {
        let sides = |lists: &[QueryResult]| {
            let png = contact_sheet(lists).unwrap();
            let sheet = image::load_from_memory(&png).unwrap();
            (sheet.width(), sheet.height())
        };
        let width = GAP + 7 * CELL.0;
        let long = "é".repeat(500);
        assert_eq!(sides(&[list(&long, 6)]), (width, GAP + LINE + CELL.1));
        assert_eq!(sides(&[list("a", 7)]), (width, GAP + LINE + 2 * CELL.1));
        assert_eq!(
            sides(&[list("a", 0), list("b", 13)]),
            (width, GAP + 2 * LINE + 4 * CELL.1)
        );
        assert_eq!(sides(&[]), (width, GAP + CELL.1));
        assert!(contact_sheet(&[list("a", MOST)]).is_err());
    }
}
