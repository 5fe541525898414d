//! A line of text, which goes on in further ones where it has no room.

use super::super::markup::escape;
use super::super::printable;
use crate::terminal::{Colour, shortened, text_width, width_of_start};

/// Columns that a text wants for itself behind what stands on its left.
const WANTED: usize = 36;
/// How far it stands in where that is not left.
const LITTLE: usize = 6;
/// A place with less room than this, and than three quarters of a line, begins a line of its own.
const LEAST_OF_PLACE: usize = 30;

/// A line of text: parts of different kinds, one behind the other.
///
/// ```
/// use simdex::report::{Line, TextLines};
///
/// let mut text = TextLines::default();
/// text.push_line(Line::at(4).plain("on ").place("https://h/a.jpg"));
/// assert_eq!(text.to_string(), "    on https://h/a.jpg\n");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line {
    parts: Vec<Part>,
    /// Whether the first line begins as far from the left as further ones.
    is_set_in: bool,
    /// Where further lines begin.
    further: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    /// Steers nothing.
    text: String,
    is_place: bool,
    colour: Option<Colour>,
}

impl Line {
    /// A line that begins so far from the left, as its further lines do.
    pub fn at(column: usize) -> Self {
        Self {
            is_set_in: true,
            further: column,
            ..Self::default()
        }
    }

    /// A line of which further ones begin so far from the left.
    pub fn hanging(column: usize) -> Self {
        Self {
            further: column,
            ..Self::default()
        }
    }

    /// Adds text.
    pub fn plain(self, text: impl AsRef<str>) -> Self {
        self.with(text.as_ref(), false, None)
    }

    /// Adds a URL or a path, of which the middle may be left out.
    pub fn place(self, text: impl AsRef<str>) -> Self {
        self.with(text.as_ref(), true, None)
    }

    /// Adds a heading or a score.
    pub fn strong(self, text: impl AsRef<str>) -> Self {
        self.with(text.as_ref(), false, Some(Colour::Strong))
    }

    /// Adds what is less important.
    pub fn faint(self, text: impl AsRef<str>) -> Self {
        self.with(text.as_ref(), false, Some(Colour::Faint))
    }

    /// Adds a URL or a path that is less important.
    pub fn faint_place(self, text: impl AsRef<str>) -> Self {
        self.with(text.as_ref(), true, Some(Colour::Faint))
    }

    /// Adds what has to be looked at.
    pub fn warning(self, text: impl AsRef<str>) -> Self {
        self.with(text.as_ref(), false, Some(Colour::Warning))
    }

    fn with(mut self, text: &str, is_place: bool, colour: Option<Colour>) -> Self {
        self.parts.push(Part {
            text: printable(text).into_owned(),
            is_place,
            colour,
        });
        self
    }

    /// The line in HTML: a heading if all of it is strong; nothing for an empty one.
    pub(super) fn html(&self) -> String {
        let is_strong = |part: &Part| part.colour == Some(Colour::Strong);
        let is_heading = !self.parts.is_empty() && self.parts.iter().all(is_strong);
        let mut text = String::new();
        for part in &self.parts {
            let escaped = escape(&part.text);
            match is_strong(part) && !is_heading {
                true => text += &format!("<b>{escaped}</b>"),
                false => text += &escaped,
            }
        }
        match (text.is_empty(), is_heading) {
            (true, _) => text,
            (false, true) => format!("<h2>{text}</h2>\n"),
            (false, false) => format!("<p>{text}</p>\n"),
        }
    }

    /// The line as it is.
    pub(super) fn whole(&self, colours: bool) -> String {
        let mut line = match self.is_set_in {
            true => " ".repeat(self.further),
            false => String::new(),
        };
        for part in &self.parts {
            line.push_str(&painted(&part.text, part.colour.filter(|_| colours)));
        }
        line
    }

    /// The line as lines that are no wider.
    pub(super) fn fitted(&self, width: usize, colours: bool) -> Vec<String> {
        let texts = self.parts.iter().map(|part| text_width(&part.text));
        let begins = if self.is_set_in { self.further } else { 0 };
        if begins + texts.sum::<usize>() <= width {
            return vec![self.whole(colours)];
        }
        let further = match self.further + WANTED <= width {
            true => self.further,
            false => self.further.min(LITTLE).min(width / 4),
        };
        let mut lines = Fitting {
            lines: Vec::new(),
            line: String::new(),
            column: 0,
            is_empty: true,
            width,
            further,
            colours,
        };
        if self.is_set_in {
            lines.space(further);
        }
        for part in &self.parts {
            match part.is_place {
                true => lines.place(part),
                false => lines.words(part),
            }
        }
        lines.end();
        lines.lines
    }
}

/// Text without parts. Further lines stand in a little more than the first.
impl From<&str> for Line {
    fn from(text: &str) -> Self {
        let blanks = text.len() - text.trim_start_matches(' ').len();
        Self::hanging(blanks + 2).plain(text)
    }
}

fn painted(text: &str, colour: Option<Colour>) -> String {
    match colour.filter(|_| !text.trim().is_empty()) {
        Some(colour) => colour.paint(text),
        None => text.to_owned(),
    }
}

/// Lines that are being filled.
struct Fitting {
    lines: Vec<String>,
    line: String,
    /// Where the line ends.
    column: usize,
    /// Whether it has nothing but blanks.
    is_empty: bool,
    width: usize,
    further: usize,
    colours: bool,
}

impl Fitting {
    fn left(&self) -> usize {
        self.width.saturating_sub(self.column)
    }

    fn space(&mut self, columns: usize) {
        self.line.push_str(&" ".repeat(columns));
        self.column += columns;
    }

    fn put(&mut self, text: &str, colour: Option<Colour>) {
        let colour = colour.filter(|_| self.colours);
        self.line.push_str(&painted(text, colour));
        self.column += text_width(text);
        self.is_empty = false;
    }

    fn end(&mut self) {
        let line = std::mem::take(&mut self.line);
        self.lines.push(line.trim_end_matches(' ').to_owned());
        self.column = 0;
        self.is_empty = true;
    }

    fn next_line(&mut self) {
        self.end();
        self.space(self.further);
    }

    fn place(&mut self, part: &Part) {
        let most = (self.width - self.further) * 3 / 4;
        let wanted = text_width(&part.text).min(LEAST_OF_PLACE).min(most);
        if self.left() < wanted && !self.is_empty {
            self.next_line();
        }
        let text = shortened(&part.text, self.left());
        self.put(&text, part.colour);
    }

    fn words(&mut self, part: &Part) {
        let mut rest = part.text.as_str();
        while !rest.is_empty() {
            let blanks = rest.len() - rest.trim_start_matches(' ').len();
            let word = &rest[blanks..];
            let word = &word[..word.find(' ').unwrap_or(word.len())];
            rest = &rest[blanks + word.len()..];
            if blanks + text_width(word) <= self.left() {
                self.space(blanks);
            } else if !self.is_empty {
                self.next_line();
            } else {
                self.space(blanks.min(self.left() / 4));
            }
            if !word.is_empty() {
                self.word(word, part.colour);
            }
        }
    }

    /// A word, in pieces if it is wider than a line.
    fn word(&mut self, word: &str, colour: Option<Colour>) {
        let mut rest = word;
        while text_width(rest) > self.left() {
            let end = width_of_start(rest, self.left().max(1));
            self.put(&rest[..end], colour);
            rest = &rest[end..];
            if rest.is_empty() {
                return;
            }
            self.next_line();
        }
        self.put(rest, colour);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://example.org/2026/11/27/albums/boats/regatta.jpg";

    fn row() -> Line {
        Line::hanging(36)
            .plain("   1  ")
            .strong("0.183")
            .plain("  0.883   800x600    ")
            .place(URL)
    }

    fn fit(line: &Line, width: usize) -> Vec<String> {
        let lines = line.fitted(width, false);
        for line in &lines {
            assert!(text_width(line) <= width, "{width}: {line:?}");
        }
        lines
    }

    #[test]
    fn what_has_room_stays_as_it_is() {
        let whole = format!("   1  0.183  0.883   800x600    {URL}");
        assert_eq!(row().whole(false), whole);
        assert_eq!(fit(&row(), whole.len()), [whole]);
        assert_eq!(Line::from("").fitted(20, true), [""]);
    }

    #[test]
    fn a_place_is_shortened_or_goes_below() {
        let lines = fit(&row(), 80);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].ends_with("/regatta.jpg"), "{lines:?}");
        let lines = fit(&row(), 60);
        assert_eq!(lines[0], "   1  0.183  0.883   800x600");
        assert_eq!(lines[1].len(), 6 + "…".len() + 53, "{lines:?}");
        assert!(
            lines[1].starts_with("      https://example.org/"),
            "{lines:?}"
        );
    }

    #[test]
    fn a_narrow_place_stays_behind_its_word() {
        let line = Line::at(36).plain("on ").place(URL).plain(" A boat");
        let lines = fit(&line, 38);
        assert!(lines[0].starts_with("      on https://"), "{lines:?}");
        assert!(lines[0].ends_with("/regatta.jpg"), "{lines:?}");
        assert_eq!(lines[1], "      A boat");
    }

    #[test]
    fn sentences_go_on_where_they_began() {
        let line = Line::at(36).plain("same kind of object, same colours, textures and shapes");
        assert_eq!(
            fit(&line, 78),
            [
                "                                    same kind of object, same colours,",
                "                                    textures and shapes"
            ]
        );
        // Where little is left, they begin farther left.
        assert_eq!(
            fit(&line, 40),
            [
                "      same kind of object, same colours,",
                "      textures and shapes"
            ]
        );
        let advice =
            Line::from("  refused robots: 3 - the sites' robots.txt asks crawlers to stay out");
        assert_eq!(
            fit(&advice, 44),
            [
                "  refused robots: 3 - the sites' robots.txt",
                "    asks crawlers to stay out"
            ]
        );
    }

    #[test]
    fn whatever_there_is_fits() {
        let odd = Line::hanging(11)
            .plain("store      ")
            .place("/写真/".repeat(30))
            .plain(format!(" {} {}", "x".repeat(90), "猫".repeat(50)));
        for line in [odd, row(), Line::at(36).plain("a b"), Line::from("   ")] {
            for width in 20..130 {
                fit(&line, width);
            }
        }
    }

    #[test]
    fn nothing_of_a_text_is_lost() {
        let text =
            "  12,345 pictures, abcdefghijklmnopqrstuvwxyzabcdefghijkl and e\u{301}te\u{301}";
        let shown = fit(&Line::from(text), 22).concat();
        let letters = |text: &str| text.replace(' ', "");
        assert_eq!(letters(&shown), letters(text));
    }

    #[test]
    fn colours_take_no_room_and_end_with_their_line() {
        let line = Line::hanging(2).warning("seven words that are all of them yellow");
        let plain = line.fitted(20, false);
        let coloured = line.fitted(20, true);
        assert_eq!(plain.len(), coloured.len());
        for (plain, coloured) in plain.iter().zip(&coloured) {
            assert_eq!(
                coloured.matches("\u{1b}[33m").count(),
                coloured.matches("\u{1b}[0m").count()
            );
            let bare = coloured.replace("\u{1b}[33m", "").replace("\u{1b}[0m", "");
            assert_eq!(*plain, bare);
        }
        assert!(!row().whole(false).contains('\u{1b}'));
        assert!(row().whole(true).contains("\u{1b}[1m0.183\u{1b}[0m"));
    }
}
