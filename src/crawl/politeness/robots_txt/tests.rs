//! robots.txt as RFC 9309 and other crawlers read it.

use std::time::Instant;

use serde::Deserialize;

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

fn robots(text: &str) -> RobotsTxt {
    RobotsTxt::parse(text.as_bytes(), "simdex")
}

#[test]
fn every_case() {
    let cases = include_str!("../../../../tests/data/robots_cases.toml");
    let cases: Cases = toml::from_str(cases).unwrap();
    assert!(cases.case.len() >= 80);
    for case in cases.case {
        let robots = RobotsTxt::parse(case.robots.as_bytes(), &case.agent);
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
    let example = RobotsTxt::parse(text.as_bytes(), "examplebot");
    assert_eq!(example.content_usage(&url("/ai-ok/x")), ["train-ai=y"]);
    let none = RobotsTxt::parse(
        b"User-agent: *\nContent-Usage: /x\nContent-Usage:",
        "simdex",
    );
    assert!(none.content_usage(&url("/x")).is_empty());
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
        assert!(robots.group.text.len() <= 3 * body.len());
    }
    assert!(started.elapsed() < Duration::from_secs(20));
}
