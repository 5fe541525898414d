//! Markdown, as our pages are written, as text for a terminal.

/// Lines of running text are at most so long, where there is room.
pub(super) const WIDTH: usize = 80;

/// The page as text: headings, paragraphs, lists, tables and blocks of code, without marks and pictures.
pub(super) fn text(markdown: &str, width: usize) -> String {
    let mut page = Page {
        width,
        ..Page::default()
    };
    let mut is_code = false;
    let mut after_blank = true;
    for line in markdown.lines() {
        let is_indented = line.starts_with("    ") && (after_blank || page.is_code);
        if line.starts_with("```") {
            page.end_block();
            is_code = !is_code;
        } else if is_code {
            page.code(line);
        } else if is_indented {
            page.code(&line[4..]);
        } else {
            page.line(line.trim());
        }
        after_blank = line.trim().is_empty();
    }
    page.end_block();
    format!("{}\n", page.text.trim_end())
}

#[derive(Default)]
struct Page {
    /// Of running text.
    width: usize,
    text: String,
    /// The paragraph or item that is being read, on one line.
    paragraph: String,
    /// How far the further lines of it stand in.
    indent: usize,
    rows: Vec<Vec<String>>,
    is_code: bool,
}

impl Page {
    fn code(&mut self, line: &str) {
        if !self.is_code {
            self.end_block();
            self.is_code = true;
        }
        let line = format!("    {line}");
        self.push(line.trim_end());
    }

    fn line(&mut self, line: &str) {
        if self.is_code {
            self.end_block();
        }
        if line.is_empty() {
            self.end_block();
        } else if line.starts_with('#') {
            self.end_block();
            let heading = inline(line.trim_start_matches('#').trim());
            let rule = "-".repeat(heading.chars().count());
            self.push(&heading);
            self.push(&rule);
            self.push("");
        } else if line.starts_with("![") || line.starts_with("<!--") {
            self.end_block();
        } else if line.starts_with('|') {
            self.row(line);
        } else if let Some((mark, rest)) = item(line) {
            self.end_paragraph();
            self.indent = mark.len();
            self.paragraph = format!("{mark}{rest}");
        } else {
            if !self.paragraph.is_empty() {
                self.paragraph.push(' ');
            }
            self.paragraph.push_str(line);
        }
    }

    fn row(&mut self, line: &str) {
        self.end_paragraph();
        let cells = line.trim_matches('|').split(" |");
        let cells: Vec<String> = cells.map(|cell| inline(cell.trim())).collect();
        let is_rule = cells
            .iter()
            .all(|cell| cell.chars().all(|c| "-:|".contains(c)));
        if !is_rule || cells.iter().all(String::is_empty) {
            self.rows.push(cells);
        }
    }

    fn end_block(&mut self) {
        self.end_paragraph();
        self.end_table();
        self.is_code = false;
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    fn end_paragraph(&mut self) {
        let paragraph = inline(&std::mem::take(&mut self.paragraph));
        if !paragraph.is_empty() {
            for line in wrapped(&paragraph, self.width, 0, self.indent) {
                self.push(&line);
            }
        }
        self.indent = 0;
    }

    /// Columns side by side, the last one in the room that is left; where that is little, below each other.
    fn end_table(&mut self) {
        let rows = std::mem::take(&mut self.rows);
        let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
        let width = |column: usize| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns.saturating_sub(1)).map(width).collect();
        let before = 2 + widths.iter().map(|width| width + 2).sum::<usize>();
        if before > self.width / 2 {
            return self.list(&rows);
        }
        for row in rows.iter().filter(|row| has_text(row)) {
            let mut line = "  ".to_owned();
            for (cell, width) in row.iter().zip(&widths) {
                line.push_str(&format!("{cell:width$}  "));
            }
            if let Some(last) = row.get(widths.len()) {
                line.push_str(last);
            }
            for line in wrapped(&line, self.width, 0, before) {
                self.push(&line);
            }
        }
    }

    /// A table without its heads: the first cell of a row, the others below it.
    fn list(&mut self, rows: &[Vec<String>]) {
        for row in rows.iter().skip(1) {
            for (column, cell) in row.iter().enumerate().filter(|it| !it.1.is_empty()) {
                let indent = if column == 0 { 2 } else { 6 };
                for line in wrapped(cell, self.width, indent, indent) {
                    self.push(&line);
                }
            }
        }
    }

    fn push(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }
}

/// The mark of an item of a list, and what stands behind it.
fn item(line: &str) -> Option<(&str, &str)> {
    let digits = line.find(|c: char| !c.is_ascii_digit())?;
    let is_numbered = digits > 0 && line[digits..].starts_with(". ");
    let length = match is_numbered {
        true => digits + 2,
        false if line.starts_with("- ") => 2,
        false => return None,
    };
    Some(line.split_at(length))
}

/// Whether a row of a table has a cell that is not empty.
fn has_text(row: &[String]) -> bool {
    row.iter().any(|cell| !cell.is_empty())
}

/// Text without the marks of code, bold print and links.
fn inline(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(middle) = rest.find("](") {
        let open = rest[..middle].rfind('[');
        let end = rest[middle..].find(')').map(|end| middle + end);
        let (Some(open), Some(end)) = (open, end) else {
            break;
        };
        plain.push_str(&rest[..open]);
        plain.push_str(&rest[open + 1..middle]);
        rest = &rest[end + 1..];
    }
    plain.push_str(rest);
    plain.replace("**", "").replace(['`', '\\'], "")
}

/// The text in lines: spaces between words stay as they are, but at ends of lines.
fn wrapped(text: &str, width: usize, first: usize, further: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = " ".repeat(first);
    let mut room = String::new();
    for word in text.split_inclusive(' ') {
        let spaceless = word.trim_end();
        let length = [&line, &room].map(|it| it.chars().count());
        let needed = length[0] + length[1] + spaceless.chars().count();
        if needed > width && !line.trim().is_empty() && !spaceless.is_empty() {
            lines.push(std::mem::replace(&mut line, " ".repeat(further)));
            room.clear();
        }
        line.push_str(&room);
        line.push_str(spaceless);
        word[spaceless.len()..].clone_into(&mut room);
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_read_without_its_marks() {
        let page = "# One `page`\n\nA [link](other.md#there), **bold**,\nand more.\n\n\
                    ![picture](a.png)\n\n```console\n$ simdex status\n\nout\n```\n\n\
                    - one\n- two\n  goes on\n\n    simdex add\n\n| flag | |\n|---|---|\n| `-k` | so many |\n";
        let expected = "One page\n--------\n\nA link, bold, and more.\n\n    $ simdex status\n\n    out\n\n\
                        - one\n- two goes on\n\n    simdex add\n\n  flag\n  -k    so many\n";
        assert_eq!(text(page, WIDTH), expected);
    }

    #[test]
    fn brackets_that_are_no_links_stay() {
        let line = inline("`[crawl]` and [a `link`](there.md#one), [crawl.host]");
        assert_eq!(line, "[crawl] and a link, [crawl.host]");
    }

    #[test]
    fn tables_without_room_are_lists() {
        let wide = "a cell that takes more than half of the line";
        let page = format!("| one | two | three |\n|---|---|---|\n| {wide} | b | c |\n");
        assert_eq!(text(&page, WIDTH), format!("  {wide}\n      b\n      c\n"));
    }

    #[test]
    fn long_lines_are_broken_between_words() {
        let long = text(&format!("- {}", "word ".repeat(40)), WIDTH);
        assert!(long.lines().all(|line| line.len() <= WIDTH), "{long}");
        assert!(long.lines().skip(1).all(|line| line.starts_with("  word")));
        assert_eq!(long.matches("word").count(), 40);
    }
}
