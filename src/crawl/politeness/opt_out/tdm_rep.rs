//! `/.well-known/tdmrep.json`, the TDM Reservation Protocol of the W3C's community group.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use serde_json::Value;

use crate::canonical_url::CanonicalUrl;
use crate::crawl::politeness::robots_txt::pattern::{Target, compile};

/// A site's statement on text and data mining.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TdmRep {
    rules: Vec<Rule>,
    is_unreadable: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    pattern: String,
    reserved: bool,
}

impl TdmRep {
    /// Largest file that is read, in bytes; JSON takes up to a hundred times its size while
    /// it is parsed.
    pub const MAX_BYTES: usize = 128 << 10;

    /// A statement that nobody can read: it may reserve everything.
    pub fn unreadable() -> Self {
        Self {
            rules: Vec::new(),
            is_unreadable: true,
        }
    }

    /// Whether it is there and cannot be read.
    pub fn is_unreadable(&self) -> bool {
        self.is_unreadable
    }

    /// Reads a file, or the beginning of a longer one, also in UTF-16. What is no rule says
    /// nothing, and what is no JSON is no such file; but JSON that is broken, or of which the end
    /// is missing, may have reserved anything, so nobody can read it.
    pub fn parse(body: &[u8]) -> Self {
        let body = &body[..body.len().min(Self::MAX_BYTES)];
        let (body, ..) = encoding(body).decode(body);
        let body = body.trim_start();
        let body = body.trim_end_matches(|c: char| c.is_whitespace() || c == '\0');
        let rules = match serde_json::from_str(body) {
            Ok(Value::Array(rules)) => rules,
            // A single rule without its array counts as an array of one.
            Ok(rule @ Value::Object(_)) => vec![rule],
            Err(_) if body.starts_with(['[', '{']) => return Self::unreadable(),
            _ => Vec::new(),
        };
        let rules = rules.iter().filter_map(|rule| {
            let location = rule.get("location")?.as_str()?;
            let reservation = match rule.get("tdm-reservation")? {
                Value::String(text) => reservation(text),
                Value::Number(number) => reservation(&number.as_f64()?.to_string()),
                Value::Bool(is_reserved) => Some(*is_reserved),
                _ => None,
            };
            Some(Rule {
                pattern: compile(path_of(location).as_bytes()),
                reserved: reservation?,
            })
        });
        Self {
            rules: rules.collect(),
            is_unreadable: false,
        }
    }

    /// Whether the rights to what `url` leads to are reserved; `None` if the file does not
    /// say. The first location that matches counts; locations are patterns as in
    /// robots.txt files.
    pub fn reserves(&self, url: &CanonicalUrl) -> Option<bool> {
        let target = Target::new(url);
        let mut rules = self.rules.iter();
        let rule = rules.find(|rule| target.matches(&rule.pattern))?;
        Some(rule.reserved)
    }
}

/// The path of a location: some name the whole address.
fn path_of(location: &str) -> &str {
    let rest = location.split_once("://").map(|(_, rest)| rest);
    match rest {
        Some(rest) => rest.find('/').map_or("/", |at| &rest[at..]),
        None => location,
    }
}

/// The encoding of a file that has no byte order mark, by its first bytes, which are ASCII.
fn encoding(body: &[u8]) -> &'static Encoding {
    match body.first_chunk() {
        Some([0, low]) if *low != 0 => UTF_16BE,
        Some([low, 0]) if *low != 0 => UTF_16LE,
        _ => UTF_8,
    }
}

/// A `tdm-reservation`: 1 reserves, 0 does not; 2, in early drafts, reserves and names a
/// policy. Anything else is as if it were not there.
pub(super) fn reservation(text: &str) -> Option<bool> {
    match text.trim() {
        "0" => Some(false),
        "1" | "2" => Some(true),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reserves(file: &str, path: &str) -> Option<bool> {
        let url = CanonicalUrl::parse(&format!("https://h{path}")).unwrap();
        TdmRep::parse(file.as_bytes()).reserves(&url)
    }

    #[test]
    fn the_first_matching_location_counts() {
        let file = r#"[
            {"location": "/open/*", "tdm-reservation": 0},
            {"location": "/pics/*.jpg$", "tdm-reservation": 1, "tdm-policy": "https://h/p"},
            {"location": "/pics/", "tdm-reservation": "0"},
            {"location": "/", "tdm-reservation": 1}
        ]"#;
        assert_eq!(reserves(file, "/open/a"), Some(false));
        assert_eq!(reserves(file, "/pics/a.jpg"), Some(true));
        assert_eq!(reserves(file, "/pics/a.jpg?x"), Some(false));
        assert_eq!(reserves(file, "/a"), Some(true));
    }

    #[test]
    fn what_is_no_rule_says_nothing() {
        for file in [
            "",
            "nonsense",
            "[]",
            "[1, null, {}]",
            r#"[{"location": "/"}]"#,
            r#"[{"location": "/", "tdm-reservation": 7}]"#,
            r#"[{"location": 1, "tdm-reservation": 1}]"#,
            r#"[{"location": "/b", "tdm-reservation": 1}]"#,
        ] {
            assert_eq!(reserves(file, "/a"), None, "{file}");
        }
        assert_eq!(
            reserves(r#"{"location": "/", "tdm-reservation": 1}"#, "/a"),
            Some(true)
        );
        for file in [
            "<!doctype html>[1",
            "\u{89}PNG\r\n\u{1a}\n[",
            "\0\0[{",
            "404",
        ] {
            assert_eq!(reserves(file, "/a"), None, "{file}");
        }
    }

    #[test]
    fn what_is_cut_or_broken_cannot_be_read() {
        let rule = r#"{"location": "/b", "tdm-reservation": 0}"#;
        let spaces = " ".repeat(TdmRep::MAX_BYTES);
        for file in [
            "[",
            " {",
            &format!("\u{feff}[{rule}, "),
            &format!("[{rule},]"),
            &format!("[{spaces}{rule}]"),
            &"[".repeat(TdmRep::MAX_BYTES),
        ] {
            assert!(TdmRep::parse(file.as_bytes()).is_unreadable(), "{file:.40}");
        }
    }

    #[test]
    fn what_is_written_another_way_counts() {
        for rule in [
            r#"{"location": "/a", "tdm-reservation": 1.0}"#,
            r#"{"location": "/a", "tdm-reservation": true}"#,
            r#"{"location": "https://h/a", "tdm-reservation": 1}"#,
            r#"{"location": "https://h", "tdm-reservation": 1}"#,
        ] {
            assert_eq!(reserves(rule, "/a"), Some(true), "{rule}");
        }
        let absolute = r#"{"location": "https://h/b", "tdm-reservation": 1}"#;
        assert_eq!(reserves(absolute, "/a"), None);
    }

    #[test]
    fn utf_16_is_known_without_a_mark() {
        let file = r#"[{"location": "/a", "tdm-reservation": 1}]"#;
        let url = CanonicalUrl::parse("https://h/a").unwrap();
        let [le, be] = [u16::to_le_bytes, u16::to_be_bytes]
            .map(|bytes| file.encode_utf16().flat_map(bytes).collect::<Vec<u8>>());
        for bytes in [&le, &be] {
            assert_eq!(TdmRep::parse(bytes).reserves(&url), Some(true));
            assert!(TdmRep::parse(&bytes[..40]).is_unreadable(), "cut");
        }
    }
}
