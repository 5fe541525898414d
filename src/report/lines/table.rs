//! A table of text, which becomes a list where it has no room.

use super::super::markup::escape;
use super::super::printable;
use super::line::Line;
use crate::terminal::{Colour, text_width};

/// Columns between two cells, where nothing else is said.
const GAP: usize = 2;

/// How a column is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Cells are filled up to this width.
    width: usize,
    is_right: bool,
    /// Columns between it and the one before.
    gap: usize,
}

impl Column {
    /// A column of texts. The last one, if nothing stands behind it, has the width 0.
    pub fn left(width: usize) -> Self {
        Self {
            width,
            is_right: false,
            gap: GAP,
        }
    }

    /// A column of numbers.
    pub fn right(width: usize) -> Self {
        Self {
            is_right: true,
            ..Self::left(width)
        }
    }

    /// The same, so far from the one before.
    pub fn after(self, gap: usize) -> Self {
        Self { gap, ..self }
    }

    fn filled(self, cell: &str, blanks: usize) -> String {
        let blanks = " ".repeat(blanks);
        match self.is_right {
            true => blanks + cell,
            false => cell.to_owned() + &blanks,
        }
    }
}

/// A table: the first row names what is below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
    /// Whether lines end with their text.
    is_trimmed: bool,
}

/// How wide a cell is: on a terminal as it shows it; in text, which is read by programs, too, in letters.
type Measure = fn(&str) -> usize;

fn letters(cell: &str) -> usize {
    cell.chars().count()
}

impl Table {
    /// One without rows.
    pub fn new(columns: impl IntoIterator<Item = Column>) -> Self {
        Self {
            columns: columns.into_iter().collect(),
            rows: Vec::new(),
            is_trimmed: false,
        }
    }

    /// One of these rows, in which each column is as wide as its widest cell.
    pub fn of(rows: Vec<Vec<String>>) -> Self {
        let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
        let mut table = Self::new((0..columns).map(|_| Column::left(0)));
        rows.into_iter().for_each(|row| table.row(row));
        let widths = table.widths(letters);
        for (column, width) in table.columns.iter_mut().zip(widths) {
            column.width = width;
        }
        table.is_trimmed = true;
        table
    }

    /// Adds a row.
    pub fn row<S: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = S>) {
        let cells = cells.into_iter();
        let cells = cells.map(|cell| printable(cell.as_ref()).into_owned());
        self.rows.push(cells.collect());
    }

    /// How wide the columns must be.
    fn widths(&self, measure: Measure) -> Vec<usize> {
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| measure(cell)).max().unwrap_or_default()
        };
        (0..self.columns.len()).map(width).collect()
    }

    /// The table in HTML: its first row names the columns.
    pub(super) fn html(&self) -> String {
        let mut html = "<table>".to_owned();
        for (number, row) in self.rows.iter().enumerate() {
            let cell = if number == 0 { "th" } else { "td" };
            html += "<tr>";
            for text in row {
                html += &format!("<{cell}>{}", escape(text));
            }
        }
        html + "</table>\n"
    }

    /// The rows as they are.
    pub(super) fn whole(&self, colours: bool) -> Vec<String> {
        let widths: Vec<usize> = self.columns.iter().map(|column| column.width).collect();
        let lines = self.lines(&widths, letters, colours);
        match self.is_trimmed {
            true => trimmed(lines),
            false => lines,
        }
    }

    /// The rows as lines that are no wider: columns as wide as they must be, or else a list.
    pub(super) fn fitted(&self, width: usize, colours: bool) -> Vec<String> {
        let widths = self.widths(text_width);
        let gaps = self.columns.iter().skip(1).map(|column| column.gap);
        if widths.iter().sum::<usize>() + gaps.sum::<usize>() > width {
            return self.list(width, colours);
        }
        trimmed(self.lines(&widths, text_width, colours))
    }

    fn lines(&self, widths: &[usize], measure: Measure, colours: bool) -> Vec<String> {
        let line = |(number, row): (usize, &Vec<String>)| {
            let mut line = String::new();
            for (place, cell) in row.iter().enumerate() {
                let (column, width) = (self.columns[place], widths[place]);
                if place > 0 {
                    line.push_str(&" ".repeat(column.gap));
                }
                line.push_str(&column.filled(cell, width.saturating_sub(measure(cell))));
            }
            match colours && number == 0 {
                true => Colour::Strong.paint(line.trim_end()),
                false => line,
            }
        };
        self.rows.iter().enumerate().map(line).collect()
    }

    /// Each row as a few lines: its first cell, and below it the others with their names.
    fn list(&self, width: usize, colours: bool) -> Vec<String> {
        let Some((names, rows)) = self.rows.split_first() else {
            return Vec::new();
        };
        let mut lines = Vec::new();
        for row in rows {
            for (place, cell) in row.iter().enumerate() {
                let name = names.get(place).map_or("", String::as_str);
                let line = match (place, cell.trim()) {
                    (_, "") => continue,
                    (0, cell) => Line::hanging(2).strong(cell),
                    (_, cell) => Line::hanging(4).faint(format!("  {name}: ")).plain(cell),
                };
                lines.extend(line.fitted(width, colours));
            }
        }
        lines
    }
}

fn trimmed(lines: Vec<String>) -> Vec<String> {
    let lines = lines.into_iter();
    lines.map(|line| line.trim_end().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new([
            Column::left(12),
            Column::right(7).after(1),
            Column::left(30),
            Column::left(0),
        ]);
        table.row(["head", "pairs", "accuracy", "found"]);
        table.row(["fused", "66", "0.912 (0.900-0.930)", "0.5"]);
        table.row(["", "1200", "0.9", "-"]);
        table
    }

    #[test]
    fn as_text_columns_are_as_wide_as_was_said() {
        let rows = [
            ("head", "pairs", "accuracy", "found"),
            ("fused", "66", "0.912 (0.900-0.930)", "0.5"),
            ("", "1200", "0.9", "-"),
        ];
        let lines = rows.map(|(a, b, c, d)| format!("{a:<12} {b:>7}  {c:<30}  {d}"));
        assert_eq!(table().whole(false), lines);
    }

    #[test]
    fn on_a_terminal_they_are_as_wide_as_they_must_be() {
        assert_eq!(
            table().fitted(41, false),
            [
                "head  pairs  accuracy             found",
                "fused    66  0.912 (0.900-0.930)  0.5",
                "       1200  0.9                  -",
            ]
        );
    }

    #[test]
    fn a_table_without_room_is_a_list() {
        assert_eq!(
            table().fitted(36, false),
            [
                "fused",
                "  pairs: 66",
                "  accuracy: 0.912 (0.900-0.930)",
                "  found: 0.5",
                "  pairs: 1200",
                "  accuracy: 0.9",
                "  found: -",
            ]
        );
        assert!(Table::new([]).fitted(20, false).is_empty());
    }

    #[test]
    fn a_terminal_shows_wide_letters_wide() {
        let rows = [["猫", "a", ""], ["cats", "b", ""]];
        let rows = rows.map(|row| row.map(str::to_owned).to_vec()).to_vec();
        let table = Table::of(rows);
        assert_eq!(table.whole(false), ["猫     a", "cats  b"]);
        assert_eq!(table.fitted(20, false), ["猫    a", "cats  b"]);
    }
}
