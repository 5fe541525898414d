//! A text of a page, fit to be stored and printed.

/// Longest text kept, in characters.
const LONGEST: usize = 300;

/// White space folded to single spaces, no control characters, at most 300 characters.
#[derive(Debug, Clone, Default)]
pub(super) struct FoldedText {
    text: String,
    characters: usize,
    /// Whether white space came last.
    space: bool,
}

impl FoldedText {
    /// Folds a whole text.
    pub(super) fn of(text: &str) -> String {
        let mut folded = Self::default();
        folded.push(text);
        folded.into_string()
    }

    /// Adds a piece; a word may continue in the next piece.
    pub(super) fn push(&mut self, piece: &str) {
        for c in piece.chars() {
            if self.characters >= LONGEST {
                return;
            }
            if c.is_whitespace() {
                self.space = true;
            } else if !c.is_control() {
                // Control characters would act on the terminal that a title is printed to.
                if self.space && !self.text.is_empty() {
                    if self.characters + 2 > LONGEST {
                        return;
                    }
                    self.text.push(' ');
                    self.characters += 1;
                }
                self.space = false;
                self.text.push(c);
                self.characters += 1;
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    pub(super) fn into_string(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_fits_on_a_line() {
        assert_eq!(
            FoldedText::of("  a \u{1b}[31m red\n\t fish "),
            "a [31m red fish"
        );
        assert_eq!(
            FoldedText::of(&"é ".repeat(1_000)).chars().count(),
            LONGEST - 1
        );
        let mut pieces = FoldedText::default();
        for piece in ["gold", "fish", " ", "bowl"] {
            pieces.push(piece);
        }
        assert_eq!(pieces.into_string(), "goldfish bowl");
    }
}
