//! `/.well-known/tdmrep.json`, the TDM Reservation Protocol of the W3C's community group.

use serde_json::Value;

use crate::canonical_url::CanonicalUrl;
use crate::crawl::politeness::robots_txt::pattern::{Target, compile};

/// A site's statement on text and data mining.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TdmRep {
    rules: Vec<Rule>,
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

    /// A statement that nobody can read: it reserves everything.
    pub fn everything() -> Self {
        Self {
            rules: vec![Rule {
                pattern: compile(b"/"),
                reserved: true,
            }],
        }
    }

    /// Reads a file, also one in UTF-16 with a byte order mark. What is too large, no array, or no rule says nothing.
    pub fn parse(body: &[u8]) -> Self {
        if body.len() > Self::MAX_BYTES {
            return Self::default();
        }
        let (body, ..) = encoding_rs::UTF_8.decode(body);
        let rules = match serde_json::from_str(&body) {
            Ok(Value::Array(rules)) => rules,
            // A single rule without its array counts as an array of one.
            Ok(rule @ Value::Object(_)) => vec![rule],
            _ => Vec::new(),
        };
        let rules = rules.iter().filter_map(|rule| {
            let location = rule.get("location")?.as_str()?;
            let reservation = match rule.get("tdm-reservation")? {
                Value::String(text) => reservation(text),
                Value::Number(number) => reservation(&number.to_string()),
                _ => None,
            };
            Some(Rule {
                pattern: compile(location.as_bytes()),
                reserved: reservation?,
            })
        });
        Self {
            rules: rules.collect(),
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
        let deep = "[".repeat(TdmRep::MAX_BYTES);
        assert_eq!(reserves(&deep, "/a"), None);
        let spaces = " ".repeat(TdmRep::MAX_BYTES);
        let large = format!("{spaces}{}", r#"[{"location": "/", "tdm-reservation": 1}]"#);
        assert_eq!(reserves(&large, "/a"), None);
    }
}
