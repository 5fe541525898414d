//! What a body is: by the media type that the server names, and where that says nothing, by the
//! first bytes (WHATWG, MIME Sniffing).

use crate::picture::is_picture_type;

/// What a server says of a body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct MediaType {
    /// The type in lower case; empty if none is named.
    pub(super) essence: String,
    /// The charset, if one is named.
    pub(super) charset: Option<String>,
}

/// What a body is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A picture, or what its decoder will say is none.
    Picture,
    Html,
    Feed,
    Sitemap,
    /// Something else.
    Other,
}

/// Types by which servers say that they do not know.
const UNKNOWN: [&str; 4] = ["", "unknown/unknown", "application/unknown", "*/*"];
/// Types that say no more than that there are bytes.
const BYTES: [&str; 6] = [
    "application/octet-stream",
    "binary/octet-stream",
    "application/binary",
    "application/x-download",
    "application/force-download",
    "application/download",
];
/// How many of the first bytes are looked at.
const HEAD: usize = 1_445;
/// How many more may be comments and declarations of XML before the root.
const PROLOGUE: usize = 16 << 10;

impl MediaType {
    /// Reads the values of a response's `Content-Type` fields (Fetch standard, "extract a MIME
    /// type"): the last one that is a type counts, and keeps the charset of those before if it
    /// is the same type.
    pub(super) fn of<'a>(values: impl IntoIterator<Item = &'a str>) -> Self {
        let mut found = Self::default();
        for value in values.into_iter().flat_map(fields) {
            let mut parameters = value.split(';');
            let essence = parameters.next().unwrap_or_default().trim();
            let is_type = essence
                .split_once('/')
                .is_some_and(|(kind, sort)| is_token(kind) && is_token(sort));
            if !is_type || (essence == "*/*" && !found.essence.is_empty()) {
                continue;
            }
            let essence = essence.to_ascii_lowercase();
            let charset = parameters.find_map(|parameter| {
                let (name, value) = parameter.split_once('=')?;
                let value = value.trim().trim_matches('"').trim();
                (name.trim().eq_ignore_ascii_case("charset") && !value.is_empty())
                    .then(|| value.to_owned())
            });
            let kept = match essence == found.essence {
                true => found.charset.take(),
                false => None,
            };
            found = Self {
                essence,
                charset: charset.or(kept),
            };
        }
        found
    }

    /// What a body is that was asked for as a page.
    pub(super) fn of_page(&self, body: &[u8]) -> Kind {
        let essence = self.essence.as_str();
        let of_xml = |or: Kind| match sniff_xml(body) {
            Some(kind @ (Kind::Feed | Kind::Sitemap)) => kind,
            _ => or,
        };
        if essence == "image/svg+xml" {
            return of_xml(Kind::Picture);
        }
        if essence.starts_with("image/") {
            return Kind::Picture;
        }
        let says_nothing = UNKNOWN.contains(&essence);
        match essence {
            "text/html" | "application/xhtml+xml" => of_xml(Kind::Html),
            "application/rss+xml" | "application/atom+xml" | "application/rdf+xml" => {
                of_xml(Kind::Feed)
            }
            "text/xml" | "application/xml" => sniff_xml(body).unwrap_or(Kind::Other),
            _ if essence.ends_with("+xml") => sniff_xml(body).unwrap_or(Kind::Other),
            // Servers name these for whatever they do not know.
            _ if says_nothing || BYTES.contains(&essence) || essence == "text/plain" => {
                if is_picture(body) {
                    Kind::Picture
                } else if let Some(kind) = sniff_xml(body).filter(|kind| *kind != Kind::Html) {
                    kind
                } else if is_packed_sitemap(body) || is_url_list(body) {
                    Kind::Sitemap
                } else if says_nothing && (is_html(body) || is_text(body)) {
                    Kind::Html
                } else {
                    Kind::Other
                }
            }
            "application/gzip" | "application/x-gzip" => match is_packed_sitemap(body) {
                true => Kind::Sitemap,
                false => of_xml(Kind::Other),
            },
            _ => Kind::Other,
        }
    }

    /// Whether a page came where a link promised a picture. The bytes of a picture are one,
    /// whatever the server calls them.
    pub(super) fn is_page(&self, body: &[u8]) -> bool {
        if is_picture(body) || is_picture_type(&self.essence) {
            return false;
        }
        match self.essence.as_str() {
            "text/html" | "application/xhtml+xml" => true,
            essence => UNKNOWN.contains(&essence) && is_html(body),
        }
    }

    /// Whether the type alone says that what comes is a page.
    pub(super) fn names_page(&self) -> bool {
        matches!(self.essence.as_str(), "text/html" | "application/xhtml+xml")
    }

    /// Whether the type alone says that it is neither a page nor anything that is read, so that
    /// the body need not be asked for.
    pub(super) fn names_other(&self) -> bool {
        let essence = self.essence.as_str();
        let (kind, _) = essence.split_once('/').unwrap_or_default();
        matches!(kind, "video" | "audio" | "font")
            || matches!(
                essence,
                "application/pdf"
                    | "application/zip"
                    | "application/json"
                    | "application/javascript"
                    | "text/javascript"
                    | "text/css"
            )
    }
}

/// The parts of a field between commas that stand in no quotes.
fn fields(value: &str) -> impl Iterator<Item = &str> {
    let mut in_quotes = false;
    value.split(move |c| {
        in_quotes ^= c == '"';
        c == ',' && !in_quotes
    })
}

fn is_token(text: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_token)
}

/// Whether the first bytes are those of a picture in a format that is known.
pub(super) fn is_picture(body: &[u8]) -> bool {
    image::guess_format(body).is_ok()
}

/// Whether the first bytes are those of HTML (MIME Sniffing, section 7.1).
pub(super) fn is_html(body: &[u8]) -> bool {
    let head = head(body);
    let tags: [&[u8]; 17] = [
        b"<!doctype html",
        b"<html",
        b"<head",
        b"<script",
        b"<iframe",
        b"<h1",
        b"<div",
        b"<font",
        b"<table",
        b"<a",
        b"<style",
        b"<title",
        b"<b",
        b"<body",
        b"<br",
        b"<p",
        b"<!--",
    ];
    tags.iter().any(|tag| {
        let Some(rest) = head
            .get(..tag.len())
            .filter(|start| start.eq_ignore_ascii_case(tag))
            .map(|_| &head[tag.len()..])
        else {
            return false;
        };
        // A tag ends with a space or a bracket.
        tag.starts_with(b"<!--")
            || matches!(rest.first(), Some(b' ' | b'>' | b'\n' | b'\t' | b'\r'))
    })
}

/// Whether no byte is one that texts do not have (MIME Sniffing, section 5).
fn is_text(body: &[u8]) -> bool {
    let is_binary = |byte: &u8| matches!(byte, 0x00..=0x08 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f);
    !body.is_empty() && !body.iter().take(HEAD).any(is_binary)
}

/// What the root element of XML says.
fn sniff_xml(body: &[u8]) -> Option<Kind> {
    let text = String::from_utf8_lossy(&body[..body.len().min(PROLOGUE)]);
    let mut rest = text.trim_start_matches('\u{feff}').trim_start();
    loop {
        let end = if rest.starts_with("<!--") {
            "-->"
        } else if rest.starts_with("<?") {
            "?>"
        } else if rest
            .get(..9)
            .is_some_and(|it| it.eq_ignore_ascii_case("<!doctype"))
        {
            ">"
        } else {
            break;
        };
        rest = rest.split_once(end)?.1.trim_start();
    }
    let root = rest.strip_prefix('<')?;
    let name = root
        .split(|c: char| c.is_whitespace() || c == '>' || c == '/')
        .next()?;
    // Prefixes vary.
    let local = name.rsplit(':').next().unwrap_or_default();
    Some(match local {
        "rss" | "feed" | "RDF" => Kind::Feed,
        "urlset" | "sitemapindex" => Kind::Sitemap,
        "html" => Kind::Html,
        _ => return None,
    })
}

/// Whether it is packed by gzip, and a sitemap inside.
fn is_packed_sitemap(body: &[u8]) -> bool {
    use std::io::Read;
    let mut start = Vec::new();
    if !body.starts_with(&[0x1f, 0x8b]) {
        return false;
    }
    // What is broken further on is the sitemap's reader's concern.
    let _ = flate2::read::GzDecoder::new(body)
        .take(PROLOGUE as u64)
        .read_to_end(&mut start);
    sniff_xml(&start) == Some(Kind::Sitemap)
}

/// Whether it is a sitemap in the form of a list: a URL on each line.
fn is_url_list(body: &[u8]) -> bool {
    let mut start = &body[..body.len().min(PROLOGUE)];
    if start.len() < body.len() {
        // Its last line is only begun.
        let end = start.iter().rposition(|byte| *byte == b'\n');
        start = &start[..end.unwrap_or(start.len())];
    }
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    let lines = start.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let mut lines = lines.filter(|line| !line.is_empty()).peekable();
    lines.peek().is_some()
        && lines.all(|line| {
            let is_url = line.starts_with(b"http://") || line.starts_with(b"https://");
            is_url && !line.iter().any(u8::is_ascii_whitespace)
        })
}

/// The first bytes without white space and a byte order mark.
fn head(body: &[u8]) -> &[u8] {
    let body = &body[..body.len().min(HEAD)];
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    body.trim_ascii_start()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_type_counts() {
        for (values, essence, charset) in [
            (
                &["Text/HTML; charset=\"UTF-8\""][..],
                "text/html",
                Some("UTF-8"),
            ),
            (&["image/png"], "image/png", None),
            (&[], "", None),
            (&[""], "", None),
            (&["html"], "", None),
            (&["text/html, text/html"], "text/html", None),
            (
                &["text/html; charset=koi8-r, text/html"],
                "text/html",
                Some("koi8-r"),
            ),
            (
                &["text/html;charset=koi8-r", "text/html"],
                "text/html",
                Some("koi8-r"),
            ),
            (&["text/plain;charset=koi8-r, text/html"], "text/html", None),
            (&["text/html, */*"], "text/html", None),
            (
                &["text/html;x=\"a,b/c\";charset=gbk"],
                "text/html",
                Some("gbk"),
            ),
            (&["text/html; charset="], "text/html", None),
        ] {
            let found = MediaType::of(values.iter().copied());
            assert_eq!(found.essence, essence, "{values:?}");
            assert_eq!(found.charset.as_deref(), charset, "{values:?}");
        }
    }

    #[test]
    fn bodies_are_told_apart_where_types_say_nothing() {
        let png = b"\x89PNG\r\n\x1a\n".as_slice();
        let html = b"\xef\xbb\xbf \n<!DOCTYPE HTML><p>".as_slice();
        let rss = b"<?xml version='1.0'?><!-- x --><rss version='2.0'>".as_slice();
        let atom = b"<feed xmlns='http://www.w3.org/2005/Atom'>".as_slice();
        let map = b"<?xml version='1.0'?>\n<?xml-stylesheet href='a'?><x:urlset>".as_slice();
        let xhtml = b"<?xml version='1.0'?><!DOCTYPE html PUBLIC 'x' 'y'><html>".as_slice();
        let text = b"just text".as_slice();
        let long_list = "https://h/a\n".repeat(PROLOGUE);
        let zip = b"PK\x03\x04".as_slice();
        use Kind::{Feed, Html, Other, Picture, Sitemap};
        for (essence, body, expected) in [
            ("text/html", html, Html),
            ("text/html", png, Html),
            ("text/html", rss, Feed),
            ("text/html", map, Sitemap),
            ("application/xhtml+xml", xhtml, Html),
            ("text/xml", xhtml, Html),
            ("application/xml", rss, Feed),
            ("text/xml", map, Sitemap),
            ("application/rss+xml", map, Sitemap),
            ("application/atom+xml", map, Sitemap),
            ("application/rdf+xml", map, Sitemap),
            ("application/xhtml+xml", map, Sitemap),
            ("application/xhtml+xml", atom, Feed),
            ("image/svg+xml", map, Sitemap),
            ("image/svg+xml", b"<svg>".as_slice(), Picture),
            ("application/x-gzip", map, Sitemap),
            (
                "text/plain",
                b"https://h/a\n\nhttp://h/b\n".as_slice(),
                Sitemap,
            ),
            // Where the part that is looked at ends, a line may have only begun.
            ("text/plain", long_list.as_bytes(), Sitemap),
            ("text/plain", b"https://h/a is a page".as_slice(), Other),
            ("text/xml", text, Other),
            ("image/svg+xml", text, Picture),
            ("application/rss+xml", text, Feed),
            ("", html, Html),
            ("", text, Html),
            ("", zip, Other),
            ("", png, Picture),
            ("unknown/unknown", html, Html),
            ("application/octet-stream", png, Picture),
            ("binary/octet-stream", png, Picture),
            ("application/octet-stream", html, Other),
            ("application/octet-stream", map, Sitemap),
            ("text/plain", png, Picture),
            ("text/plain", atom, Feed),
            ("text/plain", html, Other),
            ("video/mp4", png, Other),
        ] {
            let found = MediaType {
                essence: essence.to_owned(),
                charset: None,
            };
            assert_eq!(found.of_page(body), expected, "{essence} {body:?}");
        }
    }

    #[test]
    fn a_page_behind_a_link_to_a_picture_is_known() {
        let of = |essence: &str| MediaType {
            essence: essence.to_owned(),
            charset: None,
        };
        let png = b"\x89PNG\r\n\x1a\n".as_slice();
        assert!(of("text/html").is_page(b"<p>"));
        assert!(of("").is_page(b"<html>"));
        assert!(!of("text/html").is_page(png));
        assert!(!of("image/jpeg").is_page(b"<html>"));
        assert!(!of("application/octet-stream").is_page(b"<html>"));
    }
}
