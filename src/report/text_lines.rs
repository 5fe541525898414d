//! Text for people, line by line.

use std::fmt;

use super::printable;

/// Lines of text for people. Whatever a line is made of, it stays one line, and no part of it
/// steers the terminal that shows it: see [`printable`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TextLines(String);

impl TextLines {
    /// Adds a line.
    pub fn push(&mut self, line: impl AsRef<str>) {
        self.0 += &printable(line.as_ref());
        self.0.push('\n');
    }

    /// The lines, each with its end.
    pub fn as_str(&self) -> &str {
        &self.0
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

impl fmt::Display for TextLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_begins_no_line() {
        let lines: TextLines = ["a\nb", "c\u{9b}2J"].into_iter().collect();
        assert_eq!(lines.as_str(), "a\\nb\nc\\u{9b}2J\n");
    }
}
