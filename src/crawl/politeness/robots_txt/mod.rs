//! robots.txt files (RFC 9309): what one says to one crawler.

mod line;
pub(in crate::crawl) mod pattern;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::time::Duration;

use line::{Field, lines};
use pattern::{Target, compile, readable};

use crate::canonical_url::CanonicalUrl;

/// What a robots.txt file says to one crawler: the groups that name it, merged, or else
/// those for `*`. The rules for others are not kept. The default is an empty file, which
/// allows everything.
///
/// Beyond RFC 9309 this knows `Crawl-delay`, `Sitemap`, `Content-Usage` (Internet-Draft
/// draft-ietf-aipref-attach), and the misspellings that Google's parser forgives. Unlike
/// Google's parser it does not take `/index.html` for `/`.
#[derive(Debug, Clone, Default)]
pub struct RobotsTxt {
    group: Group,
    sitemaps: Vec<String>,
}

/// Whether a URL may be fetched, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Whether it may be fetched.
    pub allowed: bool,
    /// The rule that decided; `None` if none matches, which allows.
    pub rule: Option<DecidingRule>,
}

/// A rule of a robots.txt file, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecidingRule {
    /// Its line, counted from one.
    pub line: u32,
    /// The rule in its normal form, such as `Disallow: /private*`.
    pub text: String,
}

/// Most sitemaps kept.
const SITEMAPS: usize = 64;
/// Longest sitemap URL kept, in bytes.
const SITEMAP: usize = 2_048;

#[derive(Debug, Clone, Default)]
struct Group {
    /// All compiled patterns and usage preferences, one after the other.
    text: String,
    /// The longest pattern first; among equally long ones those that allow first. The first
    /// rule that matches decides.
    rules: Vec<Rule>,
    /// The longest pattern first.
    usages: Vec<Usage>,
    crawl_delay: Option<Duration>,
}

#[derive(Debug, Clone)]
struct Rule {
    pattern: Range<u32>,
    line: u32,
    allow: bool,
}

#[derive(Debug, Clone)]
struct Usage {
    pattern: Range<u32>,
    preference: Range<u32>,
}

impl RobotsTxt {
    /// Reads a file for the crawler with the product token `agent`. Whatever makes no sense
    /// is skipped.
    ///
    /// A user-agent line names the crawler if its leading letters, `-` and `_` are the
    /// token, in any case: `User-agent: simdex/1.0` names simdex.
    pub fn parse(body: &[u8], agent: &str) -> Self {
        let mut sitemaps = Vec::new();
        let mut named = None::<Group>;
        let mut general = Group::default();
        // Which of them the lines being read belong to, and whether agents may be added.
        let mut is_named = false;
        let mut is_general = false;
        let mut agents_open = false;
        for line in lines(body) {
            match line.field {
                Field::UserAgent => {
                    if !agents_open {
                        (is_named, is_general, agents_open) = (false, false, true);
                    }
                    is_named |= names(line.value, agent);
                    is_general |= is_everybody(line.value);
                    if is_named && named.is_none() {
                        named = Some(Group::default());
                    }
                    continue;
                }
                Field::Sitemap => {
                    if sitemaps.len() < SITEMAPS
                        && line.value.len() <= SITEMAP
                        && let Ok(url) = str::from_utf8(line.value)
                    {
                        sitemaps.push(url.to_owned());
                    }
                    continue;
                }
                // This is not a rule of RFC 9309, so it ends no list of agents (section 2.2.4).
                Field::CrawlDelay => {}
                Field::Allow | Field::Disallow | Field::ContentUsage => agents_open = false,
            }
            let group = match &mut named {
                Some(named) if is_named => named,
                // Once the crawler is named, the general group does not matter.
                None if is_general => &mut general,
                _ => continue,
            };
            match line.field {
                Field::Allow => group.add_rule(line.number, true, line.value),
                Field::Disallow => group.add_rule(line.number, false, line.value),
                Field::ContentUsage => group.add_usage(line.value),
                Field::CrawlDelay => group.add_crawl_delay(line.value),
                Field::UserAgent | Field::Sitemap => {}
            }
        }
        let mut group = named.unwrap_or(general);
        group.sort();
        Self { group, sitemaps }
    }

    /// Whether `url` may be fetched.
    #[cfg(test)]
    pub fn allows(&self, url: &CanonicalUrl) -> bool {
        self.deciding_rule(url).is_none_or(|rule| rule.allow)
    }

    /// Whether `url` may be fetched, and by which rule.
    pub fn decision(&self, url: &CanonicalUrl) -> Decision {
        let rule = self.deciding_rule(url);
        Decision {
            allowed: rule.is_none_or(|rule| rule.allow),
            rule: rule.map(|rule| DecidingRule {
                line: rule.line,
                text: format!(
                    "{}: {}",
                    if rule.allow { "Allow" } else { "Disallow" },
                    readable(self.group.at(&rule.pattern))
                ),
            }),
        }
    }

    /// The time that the file asks to leave between two requests; the longest if there are
    /// several.
    pub fn crawl_delay(&self) -> Option<Duration> {
        self.group.crawl_delay
    }

    /// The first 64 sitemaps, as written.
    pub fn sitemaps(&self) -> &[String] {
        &self.sitemaps
    }

    /// The usage preferences for what `url` leads to: those with the longest matching path.
    /// There may be several; the most restrictive counts.
    pub fn content_usage(&self, url: &CanonicalUrl) -> Vec<&str> {
        if self.group.usages.is_empty() {
            return Vec::new();
        }
        let target = Target::new(url);
        let mut longest = None;
        let mut preferences = Vec::new();
        for usage in &self.group.usages {
            if longest.is_some_and(|longest| usage.pattern.len() < longest) {
                break;
            }
            if target.matches(self.group.at(&usage.pattern)) {
                longest = Some(usage.pattern.len());
                preferences.push(self.group.at(&usage.preference));
            }
        }
        preferences
    }

    fn deciding_rule(&self, url: &CanonicalUrl) -> Option<&Rule> {
        if self.group.rules.is_empty() {
            return None;
        }
        let target = Target::new(url);
        // The file itself is always allowed (RFC 9309, section 2.2.2).
        if target.is_robots_txt() {
            return None;
        }
        let mut rules = self.group.rules.iter();
        rules.find(|rule| target.matches(self.group.at(&rule.pattern)))
    }
}

impl Group {
    fn at(&self, range: &Range<u32>) -> &str {
        &self.text[range.start as usize..range.end as usize]
    }

    fn store(&mut self, text: &str) -> Range<u32> {
        // At most three bytes for each of a file of 500 KiB.
        let start = self.text.len() as u32;
        self.text.push_str(text);
        start..self.text.len() as u32
    }

    fn add_rule(&mut self, line: u32, allow: bool, path: &[u8]) {
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
    fn add_usage(&mut self, value: &[u8]) {
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

    fn add_crawl_delay(&mut self, value: &[u8]) {
        let seconds = str::from_utf8(value)
            .ok()
            .and_then(|text| text.parse().ok());
        let delay = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        self.crawl_delay = self.crawl_delay.max(delay);
    }

    fn sort(&mut self) {
        self.rules
            .sort_by_key(|rule| (std::cmp::Reverse(rule.pattern.len()), !rule.allow));
        self.usages
            .sort_by_key(|usage| std::cmp::Reverse(usage.pattern.len()));
        self.text.shrink_to_fit();
        self.rules.shrink_to_fit();
        self.usages.shrink_to_fit();
    }
}

/// Whether a user-agent line names the crawler with this product token.
fn names(value: &[u8], agent: &str) -> bool {
    let is_token = |octet: &u8| octet.is_ascii_alphabetic() || matches!(octet, b'-' | b'_');
    let end = value.iter().position(|octet| !is_token(octet));
    let token = &value[..end.unwrap_or(value.len())];
    !token.is_empty() && token.eq_ignore_ascii_case(agent.as_bytes())
}

/// Whether a user-agent line means every crawler.
fn is_everybody(value: &[u8]) -> bool {
    matches!(value, [b'*'] | [b'*', b' ' | b'\t', ..])
}
