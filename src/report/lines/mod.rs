//! Text for people, line by line.

mod line;
mod table;

use std::fmt;

use crate::terminal::Screen;
pub use line::Line;
pub use table::{Column, Table};

/// Lines of text for people. Whatever a line is made of, it stays one line, and no part of it
/// steers the terminal that shows it: see [`printable`](super::printable).
///
/// As text they are as long as they are. On a terminal they are made to fit: see [`TextLines::shown_on`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TextLines(Vec<Block>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Block {
    Line(Line),
    Table(Table),
}

impl TextLines {
    /// Adds a line.
    pub fn push(&mut self, line: impl AsRef<str>) {
        self.push_line(Line::from(line.as_ref()));
    }

    /// Adds a line of parts.
    pub fn push_line(&mut self, line: Line) {
        self.0.push(Block::Line(line));
    }

    /// Adds the lines of a table.
    pub fn push_table(&mut self, table: Table) {
        self.0.push(Block::Table(table));
    }

    /// Adds other lines.
    pub fn append(&mut self, mut others: Self) {
        self.0.append(&mut others.0);
    }

    /// The lines in HTML.
    pub(super) fn html(&self) -> String {
        let blocks = self.0.iter().map(|block| match block {
            Block::Line(line) => line.html(),
            Block::Table(table) => table.html(),
        });
        blocks.collect()
    }

    /// The lines as they are shown: where there is a width, none is wider. Places are shortened in
    /// their middle, other texts go on in further lines, and tables without room become lists.
    pub fn shown_on(&self, screen: Screen) -> Vec<String> {
        let mut shown = Vec::new();
        for block in &self.0 {
            match (block, screen.width) {
                (Block::Line(line), Some(width)) => {
                    shown.extend(line.fitted(width, screen.colours));
                }
                (Block::Line(line), None) => shown.push(line.whole(screen.colours)),
                (Block::Table(table), Some(width)) => {
                    shown.extend(table.fitted(width, screen.colours));
                }
                (Block::Table(table), None) => shown.extend(table.whole(screen.colours)),
            }
        }
        shown
    }
}

impl<S: AsRef<str>> Extend<S> for TextLines {
    fn extend<I: IntoIterator<Item = S>>(&mut self, lines: I) {
        for line in lines {
            self.push(line);
        }
    }
}

impl<S: AsRef<str>> FromIterator<S> for TextLines {
    fn from_iter<I: IntoIterator<Item = S>>(lines: I) -> Self {
        let mut all = Self::default();
        all.extend(lines);
        all
    }
}

/// The lines as they are, each with its end.
impl fmt::Display for TextLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.shown_on(Screen::default());
        lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_begins_no_line() {
        let mut lines: TextLines = ["a\nb", "c\u{9b}2J"].into_iter().collect();
        lines.push_line(Line::default().place("d\u{1b}[2J").strong("\n"));
        let mut table = Table::new([Column::left(4), Column::left(0)]);
        table.row(["e\u{7}", "f\r"]);
        lines.push_table(table);
        let safe = "a\\nb\nc\\u{9b}2J\nd\\u{1b}[2J\\n\ne\\u{7}  f\\r\n";
        assert_eq!(lines.to_string(), safe);
        let screen = Screen {
            width: Some(60),
            colours: false,
        };
        assert_eq!(lines.shown_on(screen).join("\n") + "\n", safe);
    }
}
