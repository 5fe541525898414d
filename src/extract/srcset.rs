//! The srcset attribute (HTML standard, "parse a srcset attribute").

/// One candidate of a srcset.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Candidate<'a> {
    /// The reference, not yet resolved.
    pub(super) url: &'a str,
    /// How large it is declared to be.
    pub(super) size: CandidateSize,
}

/// A candidate's declared size. A declared width is certain, so it ranks above any density.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub(super) enum CandidateSize {
    /// Pixels of the file for one of the layout (`2x`); 1 where nothing is declared.
    Density(f64),
    /// The file's width in pixels (`640w`).
    Width(u32),
}

/// The valid candidates of a srcset, in order. Layout (`sizes`) plays no part: simdex takes
/// the largest.
#[derive(Debug, Clone)]
pub(super) struct Candidates<'a> {
    rest: &'a str,
}

impl<'a> Candidates<'a> {
    /// Reads a srcset's value.
    pub(super) fn new(srcset: &'a str) -> Self {
        Self { rest: srcset }
    }
}

impl<'a> Iterator for Candidates<'a> {
    type Item = Candidate<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            self.rest = self
                .rest
                .trim_start_matches(|c: char| c.is_ascii_whitespace() || c == ',');
            if self.rest.is_empty() {
                return None;
            }
            let end = self
                .rest
                .find(|c: char| c.is_ascii_whitespace())
                .unwrap_or(self.rest.len());
            let (word, after) = self.rest.split_at(end);
            // A URL that ends in commas has no descriptors; commas inside it are its own.
            let url = word.trim_end_matches(',');
            let mut descriptors = Descriptors::default();
            self.rest = if url.len() < word.len() {
                after
            } else {
                descriptors.read(after)
            };
            if let Some(size) = descriptors.size() {
                return Some(Candidate { url, size });
            }
        }
    }
}

/// What is between a candidate's URL and the next comma.
#[derive(Debug, Default)]
struct Descriptors {
    width: Option<u32>,
    density: Option<f64>,
    height: bool,
    broken: bool,
}

impl Descriptors {
    /// Reads to the comma that ends the candidate; returns what follows it. A comma or a space
    /// in parentheses, which do not nest, ends nothing.
    fn read<'a>(&mut self, text: &'a str) -> &'a str {
        let mut start = 0;
        let mut in_parentheses = false;
        for (at, byte) in text.bytes().enumerate() {
            match byte {
                b')' => in_parentheses = false,
                _ if in_parentheses => {}
                b'(' => in_parentheses = true,
                b',' => {
                    self.descriptor(&text[start..at]);
                    return &text[at + 1..];
                }
                _ if byte.is_ascii_whitespace() => {
                    self.descriptor(&text[start..at]);
                    start = at + 1;
                }
                _ => {}
            }
        }
        self.descriptor(&text[start..]);
        ""
    }

    fn descriptor(&mut self, word: &str) {
        let Some(unit) = word.chars().next_back() else {
            return;
        };
        let number = &word[..word.len() - unit.len_utf8()];
        match unit {
            'w' if self.width.is_none() && self.density.is_none() => {
                self.width = positive(number);
                self.broken |= self.width.is_none();
            }
            'x' if self.width.is_none() && self.density.is_none() && !self.height => {
                self.density = density(number);
                self.broken |= self.density.is_none();
            }
            'h' if !self.height && self.density.is_none() => {
                self.height = true;
                self.broken |= positive(number).is_none();
            }
            _ => self.broken = true,
        }
    }

    /// `None` if the candidate does not count: because of a broken descriptor, or a height
    /// alone.
    fn size(&self) -> Option<CandidateSize> {
        if self.broken || (self.height && self.width.is_none()) {
            return None;
        }
        Some(match (self.width, self.density) {
            (Some(width), _) => CandidateSize::Width(width),
            (None, density) => CandidateSize::Density(density.unwrap_or(1.0)),
        })
    }
}

/// A valid non-negative integer, except zero.
fn positive(number: &str) -> Option<u32> {
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
    number.parse().ok().filter(|n| is_number && *n > 0)
}

/// A valid floating-point number that is not negative. Rust's parser takes more than that.
fn density(number: &str) -> Option<f64> {
    let is_number = number
        .bytes()
        .all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte))
        && !number.starts_with('+')
        && !number.ends_with('.');
    number
        .parse()
        .ok()
        .filter(|n: &f64| is_number && n.is_finite() && *n >= 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(srcset: &str) -> String {
        Candidates::new(srcset)
            .map(|candidate| match candidate.size {
                CandidateSize::Width(width) => format!("{} {width}w", candidate.url),
                CandidateSize::Density(density) => format!("{} {density}x", candidate.url),
            })
            .collect::<Vec<_>>()
            .join(" | ")
    }

    #[test]
    fn candidates_are_read_as_browsers_read_them() {
        for (srcset, expected) in [
            ("a.jpg 320w, b.jpg 1280w", "a.jpg 320w | b.jpg 1280w"),
            ("a.jpg, b.jpg 2x", "a.jpg 1x | b.jpg 2x"),
            ("a.jpg 1.5x,b.jpg 3e0x", "a.jpg 1.5x | b.jpg 3x"),
            (" \n a.jpg \t", "a.jpg 1x"),
            // Commas inside a URL are its own, at its end they are not.
            ("a,b.jpg 2x", "a,b.jpg 2x"),
            ("w_9,h_9/a.jpg 9w", "w_9,h_9/a.jpg 9w"),
            (
                "data:image/png;base64,AA 1x, b 2x",
                "data:image/png;base64,AA 1x | b 2x",
            ),
            ("a.jpg,, b.jpg 2x,", "a.jpg 1x | b.jpg 2x"),
            ("a.jpg,b.jpg", "a.jpg,b.jpg 1x"),
            // Heights are for the future and stand by a width only.
            ("a 100w 50h, b 20w", "a 100w | b 20w"),
            ("a 50h 100w", "a 100w"),
            ("a 50h, b 50h 2x, c 2x 50h", ""),
            // A broken descriptor takes its candidate with it, no other.
            (
                "a huge, b 0w, c -1x, d +1x, e 1.x, f infx, g 1w 2w, h 1w 2x, i 9x",
                "i 9x",
            ),
            (
                "a 1.5w, b 99999999999999999999w, c w, d x, e é, f 0x",
                "f 0x",
            ),
            // Parentheses keep commas and spaces together and do not nest.
            ("a (1, 2) 3x, b 2x", "b 2x"),
            ("a ((1), b 2x) 1x, c 3x", "c 3x"),
            ("a (", ""),
            ("", ""),
            (" , ", ""),
        ] {
            assert_eq!(list(srcset), expected, "{srcset:?}");
        }
    }

    #[test]
    fn a_width_ranks_above_a_density() {
        assert!(CandidateSize::Width(1) > CandidateSize::Density(9.0));
        assert!(CandidateSize::Width(2) > CandidateSize::Width(1));
        assert!(CandidateSize::Density(2.0) > CandidateSize::Density(1.5));
    }
}
