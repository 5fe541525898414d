//! What stands on a page: its title, links and pictures.

use std::collections::HashSet;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use encoding_rs::{Encoding, UTF_8};
use html5ever::tendril::{StrTendril, TendrilSink};
use html5ever::{ParseOpts, driver};
use scraper::{ElementRef, Html, HtmlTreeSink, Selector};
use url::Url;

use super::srcset::largest_candidate;
use crate::canonical_url::CanonicalUrl;

/// A page's contents that matter to a crawl.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// The title; empty if it has none.
    pub title: String,
    /// Links to other pages, each once, in document order.
    pub links: Vec<CanonicalUrl>,
    /// Pictures with their alternative text, each URL once, in document order.
    pub pictures: Vec<(CanonicalUrl, String)>,
}

/// Most links and most pictures taken from one page.
const MOST: usize = 10_000;
/// Longest title and alternative text kept, in characters.
const TEXT: usize = 300;

/// Longest reference that is resolved, in bytes; longer than any URL that is kept.
const REFERENCE: usize = 4_096;
/// Most sources of one `<picture>` that are looked at.
const SOURCES: usize = 32;
/// Longest time spent on parsing; html5ever takes quadratic time on deep nesting.
const PARSING: Duration = Duration::from_secs(2);
/// Bytes parsed between two looks at the clock.
const CHUNK: usize = 4 << 10;

/// Where pages hide the URL of a picture that a script loads later, best first.
const LAZY: [&str; 6] = [
    "data-src",
    "data-original",
    "data-lazy-src",
    "data-lazy",
    "data-url",
    "data-hi-res-src",
];
const LAZY_SETS: [&str; 3] = ["srcset", "data-srcset", "data-lazy-srcset"];

static ELEMENTS: LazyLock<Selector> = LazyLock::new(|| {
    Selector::parse("title, base[href], a[href], area[href], img, meta[property], meta[name]")
        .expect("a constant selector")
});

/// Parses a page fetched from `url`. `charset` is the one of its Content-Type header.
///
/// This takes milliseconds for a large page: not for async threads.
pub fn parse_page(body: &[u8], charset: Option<&str>, url: &Url) -> Page {
    let html = parse(&decode(body, charset));
    let mut base = url.clone();
    let mut found = Found::default();
    // <base> counts for the whole page, wherever it stands; the first one counts.
    let first_base = html
        .select(&ELEMENTS)
        .find(|element| element.value().name() == "base")
        .and_then(|element| element.value().attr("href"))
        .filter(|href| href.len() <= REFERENCE)
        .and_then(|href| url.join(href.trim()).ok());
    if let Some(first_base) = first_base {
        base = first_base;
    }
    let mut title = String::new();
    for element in html.select(&ELEMENTS) {
        let attribute = |name: &str| element.value().attr(name).map(str::trim);
        match element.value().name() {
            "title" if title.is_empty() => title = text(element.text()),
            "a" | "area" => {
                if let Some(href) = attribute("href") {
                    found.link(&base, href, &element);
                }
            }
            "img" => {
                if let Some(reference) = image_reference(&element) {
                    found.picture(&base, &reference, attribute("alt").unwrap_or_default());
                }
            }
            "meta" => {
                let property = attribute("property")
                    .or(attribute("name"))
                    .unwrap_or_default();
                let is_picture = ["og:image", "og:image:url", "og:image:secure_url"]
                    .iter()
                    .any(|name| property.eq_ignore_ascii_case(name));
                if let (true, Some(content)) = (is_picture, attribute("content")) {
                    found.picture(&base, content, "");
                }
            }
            _ => {}
        }
    }
    Page {
        title,
        links: found.links,
        pictures: found.pictures,
    }
}

/// Parses as far as the time goes; what was read until then counts.
fn parse(html: &str) -> Html {
    let sink = HtmlTreeSink::new(Html::new_document());
    let mut parser = driver::parse_document(sink, ParseOpts::default());
    let deadline = Instant::now() + PARSING;
    let mut rest = html;
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(rest.floor_char_boundary(CHUNK));
        parser.process(StrTendril::from_slice(chunk));
        rest = after;
        if Instant::now() > deadline {
            tracing::info!(
                left = rest.len(),
                "a page takes too long to parse; its rest is left"
            );
            break;
        }
    }
    parser.finish()
}

#[derive(Default)]
struct Found {
    links: Vec<CanonicalUrl>,
    pictures: Vec<(CanonicalUrl, String)>,
    seen: HashSet<CanonicalUrl>,
}

impl Found {
    fn link(&mut self, base: &Url, href: &str, element: &ElementRef<'_>) {
        let Some(url) = resolve(base, href) else {
            return;
        };
        match ending(&url) {
            Ending::Picture => {
                let alt = text(element.text());
                self.add_picture(url, &alt);
            }
            Ending::Other => {}
            Ending::Page => {
                if self.links.len() < MOST && self.seen.insert(url.clone()) {
                    self.links.push(url);
                }
            }
        }
    }

    fn picture(&mut self, base: &Url, reference: &str, alt: &str) {
        // Scripted vector pictures and inline data have nothing to fetch for the network.
        let Some(url) = resolve(base, reference) else {
            return;
        };
        if ending(&url) != Ending::Other {
            self.add_picture(url, alt);
        }
    }

    fn add_picture(&mut self, url: CanonicalUrl, alt: &str) {
        if self.pictures.len() < MOST && self.seen.insert(url.clone()) {
            self.pictures.push((url, text(std::iter::once(alt))));
        }
    }
}

fn resolve(base: &Url, reference: &str) -> Option<CanonicalUrl> {
    if reference.len() > REFERENCE {
        return None;
    }
    CanonicalUrl::join(base, reference).ok()
}

/// The largest version of a picture: of an enclosing `<picture>`'s sources and the
/// `<img>`'s own srcset, else what a script would load, else `src`.
fn image_reference(image: &ElementRef<'_>) -> Option<String> {
    let sources = image
        .parent()
        .and_then(ElementRef::wrap)
        .filter(|parent| parent.value().name() == "picture")
        .into_iter()
        .flat_map(|picture| {
            picture
                .children()
                .filter_map(ElementRef::wrap)
                .take(SOURCES)
                .collect::<Vec<_>>()
        })
        .filter(|child| child.value().name() == "source")
        .take(SOURCES);
    let sets: Vec<&str> = sources
        .chain([*image])
        .flat_map(|element| {
            let value = element.value();
            LAZY_SETS.iter().filter_map(move |name| value.attr(name))
        })
        .collect();
    let plain = LAZY
        .iter()
        .chain(&["src"])
        .filter_map(|name| image.value().attr(name))
        .find(|reference| !reference.trim().is_empty() && !reference.starts_with("data:"));
    largest_candidate(&sets.join(", "))
        .or(plain)
        .map(str::to_owned)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Picture,
    Page,
    Other,
}

/// What a URL's path promises, before any request is spent on it.
fn ending(url: &CanonicalUrl) -> Ending {
    const OTHERS: [&str; 38] = [
        "css", "js", "mjs", "json", "xml", "rss", "atom", "svg", "svgz", "ico", "avif", "heic",
        "pdf", "ps", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "zip", "gz", "tgz", "bz2", "xz",
        "7z", "rar", "tar", "mp3", "ogg", "wav", "mp4", "webm", "mov", "avi", "exe", "woff",
        "woff2",
    ];
    let file = url.as_url().path().rsplit('/').next().unwrap_or_default();
    let Some((_, ending)) = file.rsplit_once('.') else {
        return Ending::Page;
    };
    if crate::picture::is_picture_ending(ending) {
        Ending::Picture
    } else if OTHERS
        .iter()
        .any(|other| ending.eq_ignore_ascii_case(other))
    {
        Ending::Other
    } else {
        Ending::Page
    }
}

/// White space folded, at most [`TEXT`] characters.
fn text<'a>(parts: impl Iterator<Item = &'a str>) -> String {
    let mut text = String::new();
    for word in parts.flat_map(str::split_whitespace) {
        if text.len() >= TEXT {
            break;
        }
        if !text.is_empty() {
            text.push(' ');
        }
        // Control characters would act on the terminal that a title is printed to.
        text.extend(word.chars().filter(|c| !c.is_control()).take(TEXT));
    }
    text.chars().take(TEXT).collect()
}

/// A byte order mark decides, then the header, then the page's own declaration.
fn decode(body: &[u8], charset: Option<&str>) -> String {
    let declared = charset
        .and_then(|label| Encoding::for_label(label.as_bytes()))
        .or_else(|| declared_charset(body))
        .unwrap_or(UTF_8);
    declared.decode(body).0.into_owned()
}

/// `<meta charset=...>` or `<meta content="...; charset=...">` in the first 1024 bytes, as
/// the HTML standard's prescan looks.
fn declared_charset(body: &[u8]) -> Option<&'static Encoding> {
    let head = &body[..body.len().min(1024)];
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let (_, after) = head.split_once("charset=")?;
    let label = after.trim_start_matches(['"', '\'', ' ']);
    let end = label
        .find(|c: char| !(c.is_ascii_alphanumeric() || "-_:.".contains(c)))
        .unwrap_or(label.len());
    Encoding::for_label(&label.as_bytes()[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(html: &str) -> Page {
        parse_page(
            html.as_bytes(),
            None,
            &Url::parse("http://h/dir/page.html").unwrap(),
        )
    }

    fn pictures(html: &str) -> Vec<String> {
        page(html)
            .pictures
            .iter()
            .map(|(url, _)| url.to_string())
            .collect()
    }

    #[test]
    fn links_and_title() {
        let page = page(
            "<title> A\n title </title><a href='/x#top'>x</a><a href=/x>again</a>\
             <a href='y.html'>y</a><a href='mailto:me@h'>m</a><a href='f.zip'>z</a>",
        );
        assert_eq!(page.title, "A title");
        let links: Vec<_> = page.links.iter().map(CanonicalUrl::as_str).collect();
        assert_eq!(links, ["http://h/x", "http://h/dir/y.html"]);
    }

    #[test]
    fn pictures_in_every_place() {
        for (html, expected) in [
            ("<img src=a.jpg>", "http://h/dir/a.jpg"),
            (
                "<img src=s.jpg srcset='m.jpg 2x, l.jpg 3x'>",
                "http://h/dir/l.jpg",
            ),
            ("<img src=data:,x data-src=/lazy.png>", "http://h/lazy.png"),
            (
                "<img src=spin.gif data-original=real.jpg>",
                "http://h/dir/real.jpg",
            ),
            (
                "<img data-srcset='a.jpg 10w, b.jpg 20w'>",
                "http://h/dir/b.jpg",
            ),
            (
                "<picture><source srcset='s.webp 900w'><img src=f.jpg></picture>",
                "http://h/dir/s.webp",
            ),
            (
                "<meta property=og:image content=/og.jpg>",
                "http://h/og.jpg",
            ),
            ("<a href=full.JPG>big</a>", "http://h/dir/full.JPG"),
            ("<base href=/other/><img src=a.jpg>", "http://h/other/a.jpg"),
            (
                "<img src='//cdn.example/a?id=3'>",
                "http://cdn.example/a?id=3",
            ),
        ] {
            assert_eq!(pictures(html), [expected], "{html}");
        }
        assert!(pictures("<img src=logo.svg><img><img src=data:image/png;base64,AA>").is_empty());
    }

    #[test]
    fn alternative_text_is_kept() {
        let page = page("<img src=a.jpg alt='  a  red\n fish '>");
        assert_eq!(page.pictures[0].1, "a red fish");
    }

    #[test]
    fn hostile_pages_cost_seconds_at_most() {
        let started = Instant::now();
        // Deep nesting, a huge base, and many pictures with many sources.
        let deep = format!("<img src=a.jpg>{}", "<div>".repeat(1_000_000));
        assert_eq!(pictures(&deep), ["http://h/dir/a.jpg"]);
        let base = format!(
            "<base href='/{}'>{}",
            "A".repeat(5 << 20),
            "<a href=x>".repeat(10_000)
        );
        assert_eq!(page(&base).links.len(), 1);
        let sources = format!(
            "<picture>{}{}</picture>",
            "<source srcset='s.jpg 1w'>".repeat(20_000),
            "<img>".repeat(20_000)
        );
        assert_eq!(pictures(&sources), ["http://h/dir/s.jpg"]);
        // Far above what it takes, far below what it took: hours.
        assert!(started.elapsed() < Duration::from_secs(60));
    }

    #[test]
    fn charsets() {
        let url = Url::parse("http://h/").unwrap();
        let latin = b"<title>caf\xe9</title>";
        assert_eq!(
            parse_page(latin, Some("iso-8859-1"), &url).title,
            "caf\u{e9}"
        );
        let declared = b"<meta charset='windows-1252'><title>caf\xe9</title>";
        assert_eq!(parse_page(declared, None, &url).title, "caf\u{e9}");
        let marked = b"\xef\xbb\xbf<title>caf\xc3\xa9</title>";
        assert_eq!(
            parse_page(marked, Some("iso-8859-1"), &url).title,
            "caf\u{e9}"
        );
    }
}
