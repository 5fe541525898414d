//! The `<meta>` elements that matter to a crawl.

use scraper::ElementRef;

use super::walk::attribute;
use crate::extract::PageRules;

/// What a `<meta>` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meta<'a> {
    /// A picture that stands for the page.
    Picture(&'a str),
    /// The page that replaces this one after a while.
    Refresh {
        reference: &'a str,
        /// Whether readers get there within seconds.
        soon: bool,
    },
    /// Any other name and its content.
    Named(&'a str, &'a str),
}

/// Properties and names whose content is a picture's reference (Open Graph, Twitter cards,
/// microdata).
const PICTURES: [&str; 8] = [
    "og:image",
    "og:image:url",
    "og:image:secure_url",
    "twitter:image",
    "twitter:image:src",
    "thumbnail",
    "image",
    "thumbnailUrl",
];
/// The same for icons.
const ICONS: [&str; 2] = ["msapplication-TileImage", "og:logo"];

pub(super) fn read<'a>(element: &ElementRef<'a>, rules: &PageRules) -> Option<Meta<'a>> {
    let content = attribute(element, "content")?;
    if let Some(directive) = attribute(element, "http-equiv") {
        return directive
            .eq_ignore_ascii_case("refresh")
            .then(|| refresh(content))
            .flatten()
            .map(|reference| Meta::Refresh {
                reference,
                soon: is_soon(content),
            });
    }
    let name = ["property", "name", "itemprop"]
        .iter()
        .find_map(|kind| attribute(element, kind))?;
    let is_in = |names: &[&str]| names.iter().any(|known| name.eq_ignore_ascii_case(known));
    if is_in(&ICONS) {
        rules.icons.then_some(Meta::Picture(content))
    } else if is_in(&PICTURES) {
        Some(Meta::Picture(content))
    } else {
        Some(Meta::Named(name, content))
    }
}

/// A refresh that comes this soon is a redirect, not news; in seconds.
const SOON: u32 = 10;

/// Whether a refresh comes soon.
fn is_soon(content: &str) -> bool {
    let content = content.trim_start();
    let end = content.find(|c: char| !c.is_ascii_digit());
    let seconds = &content[..end.unwrap_or(content.len())];
    // None is 0; too many are many.
    seconds.is_empty() || seconds.parse().is_ok_and(|seconds: u32| seconds <= SOON)
}

/// The URL in `5; url='page.html'` (HTML standard, "shared declarative refresh steps").
fn refresh(content: &str) -> Option<&str> {
    let after = content.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let target = after.trim_start();
    let target = target
        .strip_prefix([';', ','])
        .unwrap_or(target)
        .trim_start();
    let is_named = target
        .get(..3)
        .is_some_and(|name| name.eq_ignore_ascii_case("url"));
    let target = match target
        .get(3..)
        .unwrap_or_default()
        .trim_start()
        .strip_prefix('=')
    {
        Some(url) if is_named => url.trim_start(),
        _ => target,
    };
    let target = match target.chars().next() {
        Some(quote @ ('"' | '\'')) => target[1..].split(quote).next().unwrap_or_default(),
        _ => target,
    };
    (!target.is_empty()).then_some(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_soon() {
        for (content, expected) in [
            ("0; url=a", true),
            (" 5;url=a", true),
            ("10", true),
            ("2.5; url=a", true),
            ("; url=a", true),
            ("11; url=a", false),
            ("600;url=a", false),
            ("99999999999;url=a", false),
        ] {
            assert_eq!(is_soon(content), expected, "{content}");
        }
    }

    #[test]
    fn refreshes_lead_on() {
        for (content, expected) in [
            ("0; url=a.html", Some("a.html")),
            ("5;URL = 'a.html' x", Some("a.html")),
            ("3.5, a.html", Some("a.html")),
            ("0;url=\"a.html", Some("a.html")),
            ("; urls.html", Some("urls.html")),
            ("5", None),
            ("5; url=", None),
            ("", None),
            ("é", Some("é")),
        ] {
            assert_eq!(refresh(content), expected, "{content}");
        }
    }
}
