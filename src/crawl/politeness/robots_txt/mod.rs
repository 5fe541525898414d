//! robots.txt files (RFC 9309): what one says to one crawler.

mod decision;
mod group;
mod line;
pub(in crate::crawl) mod pattern;
mod second_reading;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use decision::Decision;
use group::Group;
use line::{Field, counted, lines};
use pattern::Target;
use second_reading::{as_seen, is_no_text};

use crate::canonical_url::CanonicalUrl;

/// What a robots.txt file says to one crawler: the groups that name it, merged, or else
/// those for `*`. The rules for others are not kept. The default is an empty file, which
/// allows everything.
///
/// Beyond RFC 9309 this knows `Crawl-delay`, `Sitemap`, `Content-Usage` (Internet-Draft
/// draft-ietf-aipref-attach), and the misspellings that Google's parser forgives. Unlike
/// Google's parser it does not take `/index.html` for `/`, and a file that people read
/// otherwise than parsers do is read in both ways: what either forbids is forbidden.
#[derive(Debug, Clone, Default)]
pub struct RobotsTxt {
    /// What each reading says: one, seldom two.
    readings: Vec<Group>,
    sitemaps: Vec<String>,
}

/// A file is no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("robots.txt is no text")]
pub struct NotText;

/// Most sitemaps kept.
const SITEMAPS: usize = 64;
/// Longest sitemap URL kept, in bytes.
const SITEMAP: usize = 2_048;

impl RobotsTxt {
    /// Reads a file for the crawler with the product token `agent`. Whatever makes no sense
    /// is skipped.
    ///
    /// A user-agent line names the crawler if its leading letters, `-` and `_` are the
    /// token, in any case: `User-agent: simdex/1.0` names simdex.
    ///
    /// # Errors
    /// If it is no text.
    pub fn read(body: &[u8], agent: &str) -> Result<Self, NotText> {
        let seen = as_seen(counted(body));
        let says_nothing = |body: &[u8]| lines(body).next().is_none();
        let is_silent = says_nothing(body) && seen.as_deref().is_none_or(says_nothing);
        if is_no_text(counted(body), is_silent) {
            return Err(NotText);
        }
        let (group, mut sitemaps) = Self::parse(body, agent);
        let mut readings = vec![group];
        if let Some(seen) = seen {
            let (group, more) = Self::parse(&seen, agent);
            if !readings.contains(&group) {
                readings.push(group);
            }
            let more = more.into_iter().filter(|url| !sitemaps.contains(url));
            let more: Vec<_> = more.collect();
            sitemaps.extend(more);
            sitemaps.truncate(SITEMAPS);
        }
        Ok(Self { readings, sitemaps })
    }

    /// One reading: the group that counts, and the sitemaps.
    fn parse(body: &[u8], agent: &str) -> (Group, Vec<String>) {
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
        (group, sitemaps)
    }

    /// Whether `url` may be fetched.
    #[cfg(test)]
    pub fn allows(&self, url: &CanonicalUrl) -> bool {
        self.decision(url).allowed
    }

    /// Whether `url` may be fetched, and by which rule.
    pub fn decision(&self, url: &CanonicalUrl) -> Decision {
        let target = Target::new(url);
        // The file itself is always allowed (RFC 9309, section 2.2.2).
        if target.is_robots_txt() {
            return Decision::default();
        }
        let mut decisions = self.readings.iter().map(|group| group.decision(&target));
        let first = decisions.next().unwrap_or_default();
        match first.allowed {
            true => decisions.find(|it| !it.allowed).unwrap_or(first),
            false => first,
        }
    }

    /// The time that the file asks to leave between two requests; the longest if there are
    /// several.
    pub fn crawl_delay(&self) -> Option<Duration> {
        let delays = self.readings.iter().filter_map(Group::crawl_delay);
        delays.max()
    }

    /// The first 64 sitemaps, as written.
    pub fn sitemaps(&self) -> &[String] {
        &self.sitemaps
    }

    /// The usage preferences for what `url` leads to: those with the longest matching path.
    /// There may be several; the most restrictive counts.
    pub fn content_usage(&self, url: &CanonicalUrl) -> Vec<&str> {
        let target = Target::new(url);
        let readings = self.readings.iter();
        readings
            .flat_map(|group| group.content_usage(&target))
            .collect()
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
