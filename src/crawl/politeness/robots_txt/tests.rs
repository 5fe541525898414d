//! robots.txt as RFC 9309 and other crawlers read it.

use std::time::Instant;

use serde::Deserialize;

use super::decision::DecidingRule;
use super::*;

/// `tests/data/robots_cases.toml`
#[derive(Deserialize)]
struct Cases {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    source: String,
    #[serde(default = "simdex")]
    agent: String,
    robots: String,
    #[serde(default)]
    allowed: Vec<String>,
    #[serde(default)]
    refused: Vec<String>,
}

fn simdex() -> String {
    "simdex".to_owned()
}

fn url(text: &str) -> CanonicalUrl {
    let base = url::Url::parse("http://h/").unwrap();
    CanonicalUrl::join(&base, text).unwrap()
}

fn read(body: &[u8]) -> Result<RobotsTxt, NotText> {
    RobotsTxt::read(body, "simdex")
}

fn robots(text: &str) -> RobotsTxt {
    RobotsTxt::read(text.as_bytes(), "simdex").unwrap()
}

#[test]
fn every_case() {
    let cases = include_str!("../../../../tests/data/robots_cases.toml");
    let cases: Cases = toml::from_str(cases).unwrap();
    assert!(cases.case.len() >= 80);
    for case in cases.case {
        let robots = RobotsTxt::read(case.robots.as_bytes(), &case.agent).unwrap();
        assert!(!(case.allowed.is_empty() && case.refused.is_empty()));
        for (urls, expected) in [(&case.allowed, true), (&case.refused, false)] {
            for text in urls {
                let decision = robots.decision(&url(text));
                let Case { name, source, .. } = &case;
                assert_eq!(
                    decision.allowed, expected,
                    "{name} ({source}): {text} {decision:?}"
                );
                assert_eq!(robots.allows(&url(text)), expected);
            }
        }
    }
}

#[test]
fn the_deciding_rule_is_shown() {
    let robots = robots("User-agent: *\r\n\r\nAllow: /a\r\nDisallow: /a/%7e*%2A$ # private");
    let decision = robots.decision(&url("/a/~x/*"));
    assert_eq!(
        decision,
        Decision {
            allowed: false,
            rule: Some(DecidingRule {
                line: 4,
                text: "Disallow: /a/~*%2A$".to_owned()
            })
        }
    );
    assert_eq!(robots.decision(&url("/a/b")).rule.unwrap().line, 3);
    assert_eq!(robots.decision(&url("/b")).rule, None);
}

#[test]
fn crawl_delays() {
    for (text, expected) in [
        ("User-agent: *\nCrawl-delay: 2.5", Some(2_500)),
        ("User-agent: *\nCrawl-delay: 3\nCrawl-delay: 1", Some(3_000)),
        (
            "User-agent: *\nCrawl-delay: 9\nUser-agent: simdex\nAllow: /",
            None,
        ),
        (
            "User-agent: *\nAllow: /\nCrawl-delay: 9\n\nUser-agent: simdex\nAllow: /",
            None,
        ),
        ("User-agent: other\nCrawl-delay: 9", None),
        ("Crawl-delay: 9", None),
        ("User-agent: *\nCrawl-delay: -1", None),
        ("User-agent: *\nCrawl-delay: soon", None),
        ("User-agent: *\nCrawl-delay: NaN", None),
        ("User-agent: *\nCrawl-delay: 1e300", None),
    ] {
        let delay = robots(text).crawl_delay();
        assert_eq!(delay, expected.map(Duration::from_millis), "{text}");
    }
}

#[test]
fn sitemaps_stand_anywhere_and_are_bounded() {
    let robots = robots(&format!(
        "Sitemap: https://h/a.xml\nUser-agent: other\nDisallow: /\nsite-map: /b.xml\n{}",
        "Sitemap: /c.xml\n".repeat(100)
    ));
    assert_eq!(robots.sitemaps()[..2], ["https://h/a.xml", "/b.xml"]);
    assert_eq!(robots.sitemaps().len(), SITEMAPS);
}

#[test]
fn the_longest_path_says_what_content_may_be_used_for() {
    // The example of draft-ietf-aipref-attach, with our agent.
    let text = "User-Agent: *\nAllow: /\nDisallow: /never/\nContent-Usage: / train-ai=n\n\
                Content-Usage: /ai-ok/ train-ai=y\nContent-Usage: /ai-ok/\tsearch=n # twice\n\
                \nUser-Agent: ExampleBot\nAllow: /\nContent-Usage: train-ai=y";
    let robots = robots(text);
    assert_eq!(robots.content_usage(&url("/test")), ["train-ai=n"]);
    assert_eq!(
        robots.content_usage(&url("/ai-ok/x")),
        ["train-ai=y", "search=n"]
    );
    let example = RobotsTxt::read(text.as_bytes(), "examplebot").unwrap();
    assert_eq!(example.content_usage(&url("/ai-ok/x")), ["train-ai=y"]);
    let none = read(b"User-agent: *\nContent-Usage: /x\nContent-Usage:");
    assert!(none.unwrap().content_usage(&url("/x")).is_empty());
}

#[test]
fn lines_are_cut_after_16664_bytes() {
    // google: GoogleOnly_LineTooLong. What is cut off makes no wildcard, for instance.
    let stars = "*".repeat(17_000);
    let robots = robots(&format!("User-agent: *\nDisallow: /a{stars}/b"));
    assert!(!robots.allows(&url("/a")), "the end is cut off");
}

#[test]
fn hostile_files_cost_little() {
    let started = Instant::now();
    for line in [
        "Disallow: /*a*b*c*d*e*\n",
        "Disallow: *\u{1}\n",
        "Allow: /\n",
        "\r",
        "Crawl-delay:1\n",
    ] {
        let body = format!("User-agent: *\n{}", line.repeat((500 << 10) / line.len()));
        let robots = robots(&body);
        let path = format!("/{}", "a".repeat(2_000));
        for _ in 0..10 {
            robots.decision(&url(&path));
        }
        let kept: usize = robots.readings.iter().map(Group::text_len).sum();
        assert!(kept <= 6 * body.len());
    }
    assert!(started.elapsed() < Duration::from_secs(60));
}

#[test]
fn what_either_reading_forbids_is_forbidden() {
    for (text, path, expected) in [
        // No-break spaces: white space for people, letters for parsers.
        ("User-agent: *\nDisallow:\u{a0}/a", "/a", false),
        ("User-agent: *\n\u{a0}Disallow: /a", "/a", false),
        ("User-agent: *\nDisallow\u{a0}: /a\u{a0}", "/a/b", false),
        ("User-agent: *\u{a0}\nDisallow: /a", "/a", false),
        ("User-agent:\u{a0}simdex\nDisallow: /a", "/a", false),
        ("User-agent: *\nDisallow: /a", "/b", true),
        ("User-agent: *\nDisallow:\u{a0}/a", "/b", true),
        // What opens must do so in both.
        ("User-agent: *\nDisallow: /\nAllow:\u{a0}/a", "/a", false),
        (
            "User-agent: *\nDisallow: /\n\nUser-agent:\u{a0}simdex\nAllow: /",
            "/a",
            false,
        ),
        ("User-agent: *\nDisallow: /\nAllow: /a # \u{a0}", "/a", true),
        // Line ends of Unicode.
        ("User-agent: *\u{2028}Disallow: /a", "/a", false),
        (
            "User-agent: *\nDisallow: /x\u{2028}Disallow: /a",
            "/a",
            false,
        ),
        (
            "User-agent: *\nDisallow: /x\u{2029}Disallow: /a",
            "/x/y",
            false,
        ),
        ("User-agent: *\nDisallow: /x\u{85}Disallow: /a", "/a", false),
        // The bytes as they stand count, too.
        ("User-agent: *\nDisallow: /a\u{a0}b", "/a%C2%A0b", false),
        // Carriage returns are line ends.
        ("User-agent: *\rDisallow: /a\rDisallow: /b", "/b", false),
        ("User-agent: *\n\rDisallow: /a", "/a", false),
    ] {
        assert_eq!(robots(text).allows(&url(path)), expected, "{text:?} {path}");
    }
    let both = robots("User-agent: *\nCrawl-delay:\u{a0}7\nContent-Usage:\u{a0}search=n");
    assert_eq!(both.crawl_delay(), Some(Duration::from_secs(7)));
    assert!(both.content_usage(&url("/")).contains(&"search=n"));
    let plain = robots("# \u{a0}\nUser-agent: *\nDisallow: /a");
    assert_eq!(plain.readings.len(), 1, "both readings say the same");
}

#[test]
fn utf_16_is_read_with_and_without_its_mark() {
    let text = "User-agent: *\r\nDisallow: /a\r\n";
    for mark in ["\u{feff}", ""] {
        let units: Vec<u16> = format!("{mark}{text}").encode_utf16().collect();
        let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
        for body in [little, big] {
            let robots = read(&body).unwrap();
            assert!(!robots.allows(&url("/a")), "{body:x?}");
            assert!(robots.allows(&url("/b")), "{body:x?}");
        }
    }
}

#[test]
fn what_is_no_text_says_nothing_that_could_be_obeyed() {
    let picture = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01";
    let zipped = b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x0b\x2d\x4e\x2d";
    // By chance a line of it says something.
    let chance = b"\x28\xb5\x2f\xfd\x04\x58\xfdUser-agent: *\nAllow: /\x88\x01";
    let letters = b"\x8b\x90\x80\xc1\xd2 \xe9\xa0\x80\xff";
    for body in [
        &picture[..],
        zipped,
        b"\0",
        b"\x01\x02 \xff",
        chance,
        letters,
    ] {
        assert_eq!(read(body).unwrap_err(), NotText, "{body:x?}");
    }
    // A page in place of the file is text without a rule; a slip of the keyboard is no harm.
    for body in [
        &b"<!doctype html><title>404</title>"[..],
        b"",
        b"\xff\xfe",
        b"\n\n",
    ] {
        assert!(read(body).unwrap().allows(&url("/a")), "{body:x?}");
    }
    let slip = read(b"User-agent: *\n\x03Disallow: /a\n\x01").unwrap();
    assert!(!slip.allows(&url("/a")));
    assert!(slip.allows(&url("/b")));
}
