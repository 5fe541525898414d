//! Path patterns with `*` and `$`, and the form in which paths are compared.

use crate::canonical_url::CanonicalUrl;

/// Stands for `*` in a compiled pattern; no comparable text has it.
const ANY: char = '\u{1}';
/// Stands for a closing `$`.
const END: char = '\u{2}';

/// A URL's path and query, ready for many patterns.
#[derive(Debug)]
pub(in crate::crawl) struct Target {
    text: String,
    /// The same with the slashes of the query still escaped, where that differs: after a
    /// `*` a pattern does not tell whether it speaks of the path or of the query.
    escaped: Option<String>,
}

impl Target {
    pub(in crate::crawl) fn new(url: &CanonicalUrl) -> Self {
        let url = url.as_url();
        let mut path = url.path().to_owned();
        if let Some(query) = url.query() {
            path.push('?');
            path.push_str(query);
        }
        let mut text = String::with_capacity(path.len());
        push_comparable(&mut text, path.as_bytes(), &mut Part::Path);
        let escaped = path.split_once('?').and_then(|(path, query)| {
            let mut escaped = String::with_capacity(text.len());
            push_comparable(&mut escaped, path.as_bytes(), &mut Part::Path);
            escaped.push('?');
            push_comparable(&mut escaped, query.as_bytes(), &mut Part::Unknown);
            (escaped != text).then_some(escaped)
        });
        Self { text, escaped }
    }

    pub(super) fn is_robots_txt(&self) -> bool {
        self.text == "/robots.txt"
    }

    /// Whether a compiled pattern matches from the start of the path.
    ///
    /// Takes time linear in the lengths of both.
    pub(in crate::crawl) fn matches(&self, pattern: &str) -> bool {
        matches(pattern, &self.text)
            || self
                .escaped
                .as_ref()
                .is_some_and(|escaped| matches(pattern, escaped))
    }
}

/// Compiles a path pattern. Its length is the number of octets that decides which of
/// several matching rules is the most specific (RFC 9309, section 2.2.2).
pub(in crate::crawl) fn compile(raw: &[u8]) -> String {
    let (raw, closed) = match raw.split_last() {
        Some((b'$', head)) => (head, true),
        _ => (raw, false),
    };
    let mut pattern = String::with_capacity(raw.len() + 1);
    let mut part = Part::Path;
    for (i, piece) in raw.split(|octet| *octet == b'*').enumerate() {
        if i > 0 {
            pattern.push(ANY);
        }
        push_comparable(&mut pattern, piece, &mut part);
    }
    if closed {
        pattern.push(END);
    }
    pattern
}

/// A compiled pattern as people write it.
pub(super) fn readable(pattern: &str) -> String {
    let mut text = String::with_capacity(pattern.len());
    for c in pattern.chars() {
        match c {
            '*' => text.push_str("%2A"),
            '$' => text.push_str("%24"),
            ANY => text.push('*'),
            END => text.push('$'),
            c => text.push(c),
        }
    }
    text
}

fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, closed) = match pattern.strip_suffix(END) {
        Some(pattern) => (pattern, true),
        None => (pattern, false),
    };
    let Some((head, tail)) = pattern.rsplit_once(ANY) else {
        return text.starts_with(pattern) && (!closed || text.len() == pattern.len());
    };
    let mut pieces = head.split(ANY);
    let Some(mut rest) = text.strip_prefix(pieces.next().unwrap_or_default()) else {
        return false;
    };
    // Taking the first place where a piece fits leaves the most room for the pieces after it.
    for piece in pieces {
        let Some(at) = rest.find(piece) else {
            return false;
        };
        rest = &rest[at + piece.len()..];
    }
    if closed {
        rest.ends_with(tail)
    } else {
        rest.contains(tail)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Path,
    Query,
    /// The query, but compared as if it could be the path.
    Unknown,
}

/// Appends octets so that what RFC 9309 compares as equal reads equal: escapes of visible
/// ASCII are decoded, all other octets are escaped. Only `%25`, and `%2F` and `%3F` within
/// the path, stay escaped: they mean something else than `%`, `/` and `?`.
fn push_comparable(out: &mut String, octets: &[u8], part: &mut Part) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut rest = octets;
    while let Some((&first, after)) = rest.split_first() {
        let unescaped = (first == b'%').then(|| unescape(after)).flatten();
        let octet = unescaped.unwrap_or(first);
        rest = &after[if unescaped.is_some() { 2 } else { 0 }..];
        if octet == b'?' && unescaped.is_none() && *part == Part::Path {
            *part = Part::Query;
        }
        let kept = match octet {
            b'%' => true,
            b'/' | b'?' => unescaped.is_some() && *part != Part::Query,
            octet => !octet.is_ascii_graphic(),
        };
        if kept {
            out.push('%');
            out.push(HEX[usize::from(octet >> 4)] as char);
            out.push(HEX[usize::from(octet & 15)] as char);
        } else {
            out.push(octet as char);
        }
    }
}

/// The octet that two hexadecimal digits at the start stand for.
fn unescape(digits: &[u8]) -> Option<u8> {
    let digit = |i: usize| {
        digits
            .get(i)
            .and_then(|octet| (*octet as char).to_digit(16))
    };
    // Two hexadecimal digits are below 256.
    Some((digit(0)? * 16 + digit(1)?) as u8)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn target(path: &str) -> Target {
        Target::new(&CanonicalUrl::parse(&format!("http://h{path}")).unwrap())
    }

    #[test]
    fn wildcards_find_the_first_fit() {
        for (pattern, path, expected) in [
            ("/a*b*c$", "/a-b-b-c", true),
            ("/a*b*c$", "/a-c-b", false),
            ("/*/x/*.jpg$", "/1/2/x/y.jpg", true),
            ("/a**b", "/aab", true),
            ("/ab*b$", "/ab", false),
            ("*", "/", true),
            ("$", "/", false),
            ("/a$b", "/a$b", true),
        ] {
            let compiled = compile(pattern.as_bytes());
            assert_eq!(
                target(path).matches(&compiled),
                expected,
                "{pattern} {path}"
            );
        }
    }

    #[test]
    fn patterns_match_as_the_regular_expressions_they_stand_for() {
        let alphabet = b"ab/*$";
        let text = |mut n: usize, letters: &[u8]| {
            let mut text = String::new();
            while n > 0 {
                text.push(letters[n % letters.len()] as char);
                n /= letters.len();
            }
            text
        };
        let targets: Vec<_> = (0..243)
            .map(|n| target(&format!("/{}", text(n, b"ab/"))))
            .collect();
        for n in 0..5_usize.pow(5) {
            let pattern = format!("/{}", text(n, alphabet));
            let (open, end) = match pattern.strip_suffix('$') {
                Some(open) => (open, "$"),
                None => (pattern.as_str(), ""),
            };
            let pieces: Vec<_> = open.split('*').map(regex::escape).collect();
            let regex = regex::Regex::new(&format!("^{}{end}", pieces.join(".*"))).unwrap();
            let compiled = compile(pattern.as_bytes());
            for target in &targets {
                let expected = regex.is_match(&target.text);
                assert_eq!(target.matches(&compiled), expected, "{pattern} {target:?}");
            }
        }
    }

    #[test]
    fn the_readable_form_compiles_to_the_same() {
        for pattern in [
            "/a*b$",
            "/%2A%24",
            "/a%2fb?c=%2f",
            "/ü ä",
            "/%zz%25",
            "**$$",
        ] {
            let compiled = compile(pattern.as_bytes());
            assert_eq!(
                compile(readable(&compiled).as_bytes()),
                compiled,
                "{pattern}"
            );
        }
    }

    #[test]
    fn hostile_patterns_take_linear_time() {
        let text = target(&format!("/{}", "a".repeat(2_000)));
        let started = Instant::now();
        for pattern in [
            format!("/{}b$", "a*".repeat(8_000)),
            format!("/{}b", "*a".repeat(8_000)),
            format!("/*{}b", "a".repeat(16_000)),
            format!("/*{}b*", "a".repeat(1_000)),
        ] {
            let compiled = compile(pattern.as_bytes());
            for _ in 0..20 {
                assert!(!text.matches(&compiled));
            }
        }
        assert!(started.elapsed() < Duration::from_secs(5));
    }
}
