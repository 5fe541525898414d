//! How politely hosts were asked, for people.

use super::{Column, Line, Table, TextLines};
use crate::store::ledger::{Report, Told};

/// The log of requests, as lines of text.
pub fn politeness_text(report: &Report) -> TextLines {
    let mut text = TextLines::default();
    for told in report.told() {
        match told {
            Told::Line(line) => text.push(line),
            Told::Early(line) => text.push_line(Line::hanging(2).warning(line)),
            Told::Table(rows) => text.push_table(table(rows)),
        }
    }
    text
}

/// Names, numbers, and robots.txt's answers in words.
fn table(rows: Vec<Vec<String>>) -> Table {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let last = rows.first().map_or(0, Vec::len).saturating_sub(1);
    let columns = (0..=last).map(|column| match column {
        0 => Column::left(width(0)),
        _ if column == last => Column::left(0),
        _ => Column::right(width(column)),
    });
    let mut table = Table::new(columns.collect::<Vec<_>>());
    rows.into_iter().for_each(|row| table.row(row));
    table
}
