//! A page before it is written out: what it names and how.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::opt_out::OptOut;
use super::picture::Picture;

/// How a page names a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Shown {
    /// `a href` to a page.
    Link,
    /// `a href` to a page with `rel=nofollow`.
    Nofollow,
    /// `link rel=stylesheet`.
    Stylesheet,
    /// `link rel=alternate` to an RSS or Atom feed.
    Feed,
    /// `img src` with the whole URL.
    Image,
    /// `img src` with a path from the page or from its `base`.
    Relative,
    /// `img data-src`, as scripts that load late read it.
    Lazy,
    /// The largest file of an `img srcset`.
    Srcset,
    /// The `source` of a `picture`.
    Source,
    /// An `og:image` of the page's head.
    OpenGraph,
    /// `url()` in a `style` attribute.
    InlineStyle,
    /// `url()` in a `style` element.
    StyleBlock,
    /// The `image` of a JSON-LD block.
    JsonLd,
    /// `img src` inside `noscript`.
    Noscript,
    /// `a href` straight to a picture.
    Anchor,
    /// Named by a feed, a sitemap or a style sheet.
    Listed,
}

/// A URL that something names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ref {
    /// The URL in canonical form.
    pub(super) url: String,
    pub(super) shown: Shown,
    /// A smaller version beside it, which need not be fetched.
    pub(super) small: Option<String>,
}

impl Ref {
    pub(super) fn new(shown: Shown, url: String) -> Self {
        Self {
            url,
            shown,
            small: None,
        }
    }
}

/// How a page's bytes spell its letters, and where it says so.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Charset {
    #[default]
    Utf8,
    /// windows-1252 by the Content-Type header.
    Header1252,
    /// windows-1252 by a `meta` element.
    Meta1252,
}

/// A page.
#[derive(Debug, Clone, Default)]
pub(super) struct Page {
    pub(super) title: String,
    pub(super) charset: Charset,
    /// The path of a `base href`.
    pub(super) base: Option<&'static str>,
    /// Names and contents of `meta` elements.
    pub(super) meta: Vec<(&'static str, &'static str)>,
    pub(super) refs: Vec<Ref>,
    /// A picture that stands on the page itself as a `data:` URL.
    pub(super) inline: Option<Picture>,
    /// What the page declares for its pictures.
    pub(super) opt_out: Option<OptOut>,
}

impl Page {
    pub(super) fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            ..Self::default()
        }
    }

    pub(super) fn show(mut self, shown: Shown, url: impl Into<String>) -> Self {
        self.refs.push(Ref::new(shown, url.into()));
        self
    }

    pub(super) fn content_type(&self) -> &'static str {
        match self.charset {
            Charset::Utf8 => "text/html; charset=utf-8",
            Charset::Header1252 => "text/html; charset=windows-1252",
            Charset::Meta1252 => "text/html",
        }
    }

    /// The page's bytes.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let html = self.html();
        if self.charset == Charset::Utf8 {
            return html.into_bytes();
        }
        // Escaped, the letter would read the same in any charset; bare, it must be decoded.
        let html = html.replace("%C3%A9", "é");
        // Of Latin-1's letters the pages use none where windows-1252 differs.
        html.chars()
            .map(|letter| u8::try_from(letter).unwrap_or(b'?'))
            .collect()
    }

    fn html(&self) -> String {
        let mut head = String::from("<!doctype html>\n<html lang=\"en\">\n<head>\n");
        if self.charset == Charset::Meta1252 {
            head += "<meta charset=\"windows-1252\">\n";
        }
        let mut body = String::new();
        for Ref { url, shown, small } in &self.refs {
            let file = url.rsplit('/').next().unwrap_or_default();
            let small = small.as_deref().unwrap_or(url);
            // Writing to a string cannot fail.
            let _ = match shown {
                Shown::Link | Shown::Listed => writeln!(body, "<a href=\"{url}\">{file} page</a>"),
                Shown::Nofollow => writeln!(body, "<a href=\"{url}\" rel=\"nofollow\">no</a>"),
                Shown::Stylesheet => writeln!(head, "<link rel=\"stylesheet\" href=\"{url}\">"),
                Shown::Feed => writeln!(
                    head,
                    "<link rel=\"alternate\" type=\"application/rss+xml\" href=\"{url}\">"
                ),
                Shown::Image => writeln!(body, "<img src=\"{url}\" alt=\"picture {file}\">"),
                Shown::Relative => writeln!(body, "<img src=\"{file}\" alt=\"beside the base\">"),
                Shown::Lazy => writeln!(
                    body,
                    "<img src=\"data:image/gif;base64,R0lGODlhAQABAAAAACw=\" data-src=\"{url}\">"
                ),
                Shown::Srcset => writeln!(
                    body,
                    "<img src=\"{small}\" srcset=\"{small} 32w, {url} 64w\" alt=\"two sizes\">"
                ),
                Shown::Source => writeln!(
                    body,
                    "<picture><source srcset=\"{url} 2x\"><img src=\"{small}\"></picture>"
                ),
                Shown::OpenGraph => {
                    writeln!(head, "<meta property=\"og:image\" content=\"{url}\">")
                }
                Shown::InlineStyle => writeln!(
                    body,
                    "<div style=\"background-image: url('{url}'); height: 64px\"></div>"
                ),
                Shown::StyleBlock => writeln!(
                    head,
                    "<style>.hero {{ background: #fff url({url}) no-repeat }}</style>"
                ),
                Shown::JsonLd => writeln!(
                    head,
                    "<script type=\"application/ld+json\">{{\"@context\":\"https://schema.org\",\
                     \"@type\":\"Article\",\"image\":[\"{url}\"]}}</script>"
                ),
                Shown::Noscript => {
                    writeln!(body, "<noscript><img src=\"{url}\" alt=\"\"></noscript>")
                }
                Shown::Anchor => writeln!(body, "<a href=\"{url}\">the picture in full</a>"),
            };
        }
        if let Some(picture) = self.inline {
            let (media_type, data) = (picture.content_type(), STANDARD.encode(picture.bytes()));
            let _ = writeln!(body, "<img src=\"data:{media_type};base64,{data}\">");
        }
        for (name, content) in &self.meta {
            let _ = writeln!(head, "<meta name=\"{name}\" content=\"{content}\">");
        }
        let base = self.base.map(|base| format!("<base href=\"{base}\">\n"));
        let (title, base) = (&self.title, base.unwrap_or_default());
        format!(
            "{head}{base}<title>{title}</title>\n</head>\n<body>\n<h1>{title}</h1>\n{body}</body>\n</html>\n"
        )
    }
}
