//! The directives of X-Robots-Tag headers and robots meta elements.

use std::time::SystemTime;

use super::date::parse_date;

/// What a directive forbids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Directive {
    NoIndex,
    NoImageIndex,
    NoAi,
    NoImageAi,
    NoFollow,
    /// `none`: neither index nor follow.
    None,
    UnavailableAfter(SystemTime),
}

/// Bytes of one value that are read.
const READ: usize = 4 << 10;
/// A date's commas: behind the weekday, the day and the year.
const DATE_COMMAS: usize = 3;

/// The directives of one value that speak to everybody or to `agent`.
///
/// A name with a colon before a directive gives all that follow to that crawler:
/// `noindex, otherbot: noarchive, nofollow` says `noindex` to everybody.
pub(super) fn directives(value: &str, agent: &str) -> Vec<Directive> {
    let value = &value[..value.floor_char_boundary(READ)];
    // In full width, too.
    let parts: Vec<&str> = value.split([',', ';', '\u{ff0c}', '\u{ff1b}']).collect();
    let mut found = Vec::new();
    let mut for_us = true;
    let mut next = 0;
    while let Some(part) = parts.get(next) {
        next += 1;
        let mut part = part.trim();
        if let Some((name, rest)) = agent_prefix(part) {
            for_us = is_everybody(name) || is_agent(name, agent);
            part = rest;
        }
        if let Some(date) = value_of(part, "unavailable_after") {
            // Dates have commas, too: the longest text that is a date is taken.
            let parts_left = &parts[next..];
            let most = parts_left.len().min(DATE_COMMAS);
            let read = (0..=most).rev().find_map(|more| {
                let text = [&[date][..], &parts_left[..more]].concat().join(",");
                Some((parse_date(&text)?, more))
            });
            if let Some((date, more)) = read {
                next += more;
                if for_us {
                    found.push(Directive::UnavailableAfter(date));
                }
            }
        } else if for_us {
            // What follows a colon is a value: `max-image-preview: none`.
            let words = part
                .split_whitespace()
                .take_while(|word| !word.contains(':'));
            found.extend(words.filter_map(simple));
        }
    }
    found
}

fn simple(word: &str) -> Option<Directive> {
    // Quotes, and marks that nobody sees.
    let is_around = |c: char| {
        matches!(
            c,
            '"' | '\'' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}'
        )
    };
    match word.trim_matches(is_around).to_ascii_lowercase().as_str() {
        "noindex" => Some(Directive::NoIndex),
        "noimageindex" => Some(Directive::NoImageIndex),
        "noai" => Some(Directive::NoAi),
        "noimageai" => Some(Directive::NoImageAi),
        "nofollow" => Some(Directive::NoFollow),
        "none" => Some(Directive::None),
        _ => None,
    }
}

/// Splits `name: directive`. A name before anything but a directive is a directive with a
/// value that is not known, and changes nothing.
fn agent_prefix(part: &str) -> Option<(&str, &str)> {
    let (name, rest) = part.split_once(':')?;
    let (name, rest) = (name.trim(), rest.trim());
    let is_name = !name.is_empty() && !name.contains(char::is_whitespace);
    let end = rest.find(|c: char| c == ':' || c.is_whitespace());
    let directive = &rest[..end.unwrap_or(rest.len())];
    (is_name && !is_directive(name) && is_directive(directive)).then_some((name, rest))
}

/// Whether a word is a directive of any crawler's documentation.
fn is_directive(word: &str) -> bool {
    const OTHERS: [&str; 14] = [
        "all",
        "index",
        "follow",
        "noarchive",
        "nocache",
        "nosnippet",
        "notranslate",
        "noodp",
        "noydir",
        "indexifembedded",
        "max-snippet",
        "max-image-preview",
        "max-video-preview",
        "unavailable_after",
    ];
    simple(word).is_some() || OTHERS.iter().any(|name| name.eq_ignore_ascii_case(word))
}

fn value_of<'a>(part: &'a str, name: &str) -> Option<&'a str> {
    let (found, value) = part.split_once(':')?;
    found.trim().eq_ignore_ascii_case(name).then_some(value)
}

fn is_everybody(name: &str) -> bool {
    name == "*" || name.eq_ignore_ascii_case("robots")
}

/// Whether a name means the crawler, with or without a version behind it.
pub(super) fn is_agent(name: &str, agent: &str) -> bool {
    let token = name.split('/').next().unwrap_or_default();
    token.eq_ignore_ascii_case(agent)
}

#[cfg(test)]
mod tests {
    use super::Directive::{NoAi, NoFollow, NoImageAi, NoImageIndex, NoIndex, UnavailableAfter};
    use super::*;

    fn read(value: &str) -> Vec<Directive> {
        directives(value, "simdex")
    }

    #[test]
    fn lists_in_any_case_and_spacing() {
        assert_eq!(read("NoIndex,nofollow"), [NoIndex, NoFollow]);
        assert_eq!(read(" noai ;noimageai, , "), [NoAi, NoImageAi]);
        assert_eq!(read("noindex nofollow"), [NoIndex, NoFollow]);
        assert_eq!(read("noarchive\u{ff0c}noindex"), [NoIndex]);
        assert_eq!(read("\u{200b}noindex, \"nofollow\""), [NoIndex, NoFollow]);
        assert_eq!(read("none"), [Directive::None]);
        assert_eq!(read("all, index, follow, max-snippet: 0, noarchive"), []);
    }

    #[test]
    fn names_give_directives_to_crawlers() {
        for (value, expected) in [
            ("simdex: noindex, nofollow", &[NoIndex, NoFollow][..]),
            ("SimDex/1.0: noindex", &[NoIndex]),
            ("otherbot: noindex, nofollow", &[]),
            ("noai, otherbot: noindex", &[NoAi]),
            ("otherbot: noindex, simdex: nofollow", &[NoFollow]),
            ("otherbot: noindex, *: nofollow", &[NoFollow]),
            (
                "simdex:noimageindex,otherbot:noarchive,noindex",
                &[NoImageIndex],
            ),
            ("max-image-preview: none, noindex", &[NoIndex]),
            ("max-pages: 3, noindex", &[NoIndex]),
            ("simdex-news: noindex", &[]),
        ] {
            assert_eq!(read(value), expected, "{value}");
        }
    }

    #[test]
    fn dates_keep_their_commas_and_colons() {
        let date = parse_date("25 Jun 2030 15:00:00 PST").unwrap();
        for (value, expected) in [
            (
                "simdex: noindex, otherbot: nofollow, unavailable_after: 25 Jun 2030 15:00:00 PST",
                &[NoIndex][..],
            ),
            (
                "noai, unavailable_after: Tuesday, 25-Jun-30 23:00:00 UTC, nofollow",
                &[NoAi, UnavailableAfter(date), NoFollow],
            ),
            (
                "simdex: unavailable_after: Tue, 25 Jun 2030 23:00:00 GMT",
                &[UnavailableAfter(date)],
            ),
            (
                "unavailable_after: June 25, 2030, 23:00, noindex",
                &[UnavailableAfter(date), NoIndex],
            ),
            ("unavailable_after: some day, noindex", &[NoIndex]),
            ("unavailable_after: , noindex", &[NoIndex]),
            ("otherbot: unavailable_after: 2030-06-25, noindex", &[]),
        ] {
            assert_eq!(read(value), expected, "{value}");
        }
    }
}
