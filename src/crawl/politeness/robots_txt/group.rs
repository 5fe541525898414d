//! The rules of a robots.txt for one crawler.

use std::ops::Range;
use std::time::Duration;

use super::decision::{DecidingRule, Decision};
use super::pattern::{Target, compile, readable};

/// The rules for one crawler.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Group {
    /// All compiled patterns and usage preferences, one after the other.
    text: String,
    /// The longest pattern first; among equally long ones those that allow first. The first
    /// rule that matches decides.
    rules: Vec<Rule>,
    /// The longest pattern first.
    usages: Vec<Usage>,
    crawl_delay: Option<Duration>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    pattern: Range<u32>,
    line: u32,
    allow: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Usage {
    pattern: Range<u32>,
    preference: Range<u32>,
}

impl Group {
    pub(super) fn crawl_delay(&self) -> Option<Duration> {
        self.crawl_delay
    }

    /// Whether a path may be fetched, and by which rule.
    pub(super) fn decision(&self, target: &Target) -> Decision {
        let mut rules = self.rules.iter();
        let rule = rules.find(|rule| target.matches(self.at(&rule.pattern)));
        Decision {
            allowed: rule.is_none_or(|rule| rule.allow),
            rule: rule.map(|rule| DecidingRule {
                line: rule.line,
                text: format!(
                    "{}: {}",
                    if rule.allow { "Allow" } else { "Disallow" },
                    readable(self.at(&rule.pattern))
                ),
            }),
        }
    }

    /// The usage preferences with the longest path that matches.
    pub(super) fn content_usage(&self, target: &Target) -> Vec<&str> {
        let mut longest = None;
        let mut preferences = Vec::new();
        for usage in &self.usages {
            if longest.is_some_and(|longest| usage.pattern.len() < longest) {
                break;
            }
            if target.matches(self.at(&usage.pattern)) {
                longest = Some(usage.pattern.len());
                preferences.push(self.at(&usage.preference));
            }
        }
        preferences
    }

    /// Bytes of text that are kept.
    #[cfg(test)]
    pub(super) fn text_len(&self) -> usize {
        self.text.len()
    }

    fn at(&self, range: &Range<u32>) -> &str {
        &self.text[range.start as usize..range.end as usize]
    }

    fn store(&mut self, text: &str) -> Range<u32> {
        // At most three bytes for each of a file of 500 KiB.
        let start = self.text.len() as u32;
        self.text.push_str(text);
        start..self.text.len() as u32
    }

    pub(super) fn add_rule(&mut self, line: u32, allow: bool, path: &[u8]) {
        // An empty rule says nothing: all is allowed where nothing is disallowed. Paths
        // begin with a slash; anything else could match no URL.
        if matches!(path.first(), Some(b'/' | b'*' | b'$')) {
            let pattern = self.store(&compile(path));
            self.rules.push(Rule {
                pattern,
                line,
                allow,
            });
        }
    }

    /// `[path] preference`; earlier drafts had no path.
    pub(super) fn add_usage(&mut self, value: &[u8]) {
        let (path, preference) = match value.first() {
            Some(b'/' | b'*') => {
                let end = value.iter().position(u8::is_ascii_whitespace);
                value.split_at(end.unwrap_or(value.len()))
            }
            _ => (&b"/"[..], value),
        };
        let Ok(preference) = str::from_utf8(preference.trim_ascii()) else {
            return;
        };
        if !preference.is_empty() {
            let pattern = self.store(&compile(path));
            let preference = self.store(preference);
            self.usages.push(Usage {
                pattern,
                preference,
            });
        }
    }

    pub(super) fn add_crawl_delay(&mut self, value: &[u8]) {
        let seconds = str::from_utf8(value)
            .ok()
            .and_then(|text| text.parse().ok());
        let delay = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        self.crawl_delay = self.crawl_delay.max(delay);
    }

    pub(super) fn sort(&mut self) {
        self.rules
            .sort_by_key(|rule| (std::cmp::Reverse(rule.pattern.len()), !rule.allow));
        self.usages
            .sort_by_key(|usage| std::cmp::Reverse(usage.pattern.len()));
        self.text.shrink_to_fit();
        self.rules.shrink_to_fit();
        self.usages.shrink_to_fit();
    }
}
