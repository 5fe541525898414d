//! Single features of HTML pages.

mod hostile;
mod places;
mod versions;

use std::fmt::Write;

use super::*;
use crate::canonical_url::CanonicalUrl;

const RULES: PageRules = PageRules {
    agent: "simdex",
    icons: false,
    min_side: 64,
};

fn page(html: &str) -> Page {
    let url = Url::parse("http://h/dir/page.html").unwrap();
    parse_page(html.as_bytes(), None, &url, &RULES)
}

/// The pictures, without what all URLs begin with.
fn pictures(html: &str) -> String {
    list(
        page(html)
            .pictures
            .iter()
            .map(|picture| picture.url.as_str()),
    )
}

fn links_of(html: &str) -> String {
    list(page(html).links.iter().map(|link| link.url.as_str()))
}

fn list<'a>(urls: impl Iterator<Item = &'a str>) -> String {
    urls.map(|url| url.strip_prefix("http://h").unwrap_or(url))
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn of_several_sizes_the_largest_is_taken() {
    for (html, expected) in [
        ("<img src=s.jpg srcset='m.jpg 2x, l.jpg 3x'>", "/dir/l.jpg"),
        (
            "<img src=s.jpg srcset='m.jpg 640w, l.jpg 1280w' sizes=9em>",
            "/dir/l.jpg",
        ),
        ("<img src=l.jpg srcset='s.jpg 0.5x'>", "/dir/l.jpg"),
        ("<img data-srcset='a.jpg 100w, b.jpg 200w'>", "/dir/b.jpg"),
        (
            "<div data-src='/doc.pdf?page=1&amp;format=png'></div><p data-src='/i?format=png'></p>",
            "/doc.pdf?page=1&format=png /i?format=png",
        ),
        (
            "<li data-src='/x.mp4?thumb=1'><li data-src='/i?width=9'><li data-x='/i?format=png'>",
            "/x.mp4?thumb=1 /i?width=9",
        ),
        (
            "<img srcset='p.jpg 70w' data-srcset='l.jpg 800w'>",
            "/dir/l.jpg",
        ),
        (
            "<picture><source srcset='l.webp 900w'><img src=f.jpg></picture>",
            "/dir/l.webp",
        ),
        (
            "<picture><source type=image/jp2 srcset='x 2000w'>\
             <source srcset='x.jp2 3000w, l.jpg 900w'><img src=f.jpg></picture>",
            "/dir/l.jpg",
        ),
        #[cfg(feature = "avif")]
        (
            "<picture><source type=image/avif srcset='x 2000w'><img src=f.jpg></picture>",
            "/dir/x",
        ),
        ("<picture><source srcset=l.webp></picture>", "/dir/l.webp"),
        ("<img src=spin.gif data-original=real.jpg>", "/dir/real.jpg"),
        (
            "<img src=spin.gif data-src=real.jpg srcset=spin.gif>",
            "/dir/real.jpg",
        ),
        (
            "<img src='data:image/gif;base64,R0lGODlh' data-src=/lazy.png>",
            "/lazy.png",
        ),
        (
            "<img src=s.jpg data-lazy=true data-url=/share/>",
            "/dir/s.jpg",
        ),
        ("<img src=s.gif data-url=/l.jpg>", "/l.jpg"),
        (
            "<img src=s.jpg srcset='m.jpg 800w' data-orig-file=l.jpg>",
            "/dir/l.jpg",
        ),
        ("<a href=l.jpg><img src=s.jpg></a>", "/dir/l.jpg"),
        (
            "<a href=l.jpg><picture><source srcset='s.webp 9w'><img src=s.jpg></picture></a>",
            "/dir/l.jpg",
        ),
        (
            "<a href=l.jpg><img data-src=s.jpg><noscript><img src=s.jpg></noscript></a>",
            "/dir/l.jpg",
        ),
        // What follows a link that was never closed is not its thumbnail.
        (
            "<p><a href=l.jpg><img src=s.jpg><p><img src=a.jpg>",
            "/dir/l.jpg /dir/a.jpg",
        ),
        (
            "<a href=l.jpg><img src=s.jpg><img src=a.jpg>",
            "/dir/a.jpg /dir/l.jpg",
        ),
        // A wiki's page about a picture is no picture.
        ("<a href=/wiki/File:l.jpg><img src=s.jpg></a>", "/dir/s.jpg"),
        (
            "<img data-src=a.jpg><noscript><img src=a.jpg></noscript>",
            "/dir/a.jpg",
        ),
    ] {
        assert_eq!(pictures(html), expected, "{html}");
    }
}

#[test]
fn pictures_declared_small_are_left_out() {
    for (html, expected) in [
        ("<img src=a.jpg width=63>", ""),
        ("<img src=a.jpg height=32px>", ""),
        ("<img src=a.jpg width=64 height=64>", "/dir/a.jpg"),
        ("<img src=a.jpg width='5%' height=auto>", "/dir/a.jpg"),
        ("<img srcset='a.jpg 2x' width=40>", "/dir/a.jpg"),
        // The file's width counts where it is known, not the layout's.
        ("<img srcset='a.jpg 640w' width=40>", "/dir/a.jpg"),
        ("<img srcset='a.jpg 48w'>", ""),
        ("<a href=l.jpg><img src=s.jpg width=40></a>", "/dir/l.jpg"),
    ] {
        assert_eq!(pictures(html), expected, "{html}");
    }
    let url = Url::parse("http://h/").unwrap();
    let anything = PageRules::default();
    let tracker = b"<img src=pixel.gif width=1 height=1>";
    assert!(
        parse_page(tracker, None, &url, &anything)
            .pictures
            .is_empty()
    );
}

#[test]
fn icons_are_taken_when_asked_for() {
    let html = b"<link rel='shortcut icon' href=a.png><link rel=icon sizes=16x16 href=b.png>\
        <link rel=apple-touch-icon sizes='16x16 180X180' href=c.png><link rel=icon href=d.ico>";
    let url = Url::parse("http://h/").unwrap();
    assert!(parse_page(html, None, &url, &RULES).pictures.is_empty());
    let rules = PageRules {
        agent: "simdex",
        icons: true,
        ..RULES
    };
    let page = parse_page(html, None, &url, &rules);
    let found = list(page.pictures.iter().map(|picture| picture.url.as_str()));
    assert_eq!(found, "/a.png /c.png");
}

#[test]
fn a_picture_comes_with_its_texts() {
    for (html, alt, title, caption) in [
        (
            "<img src=a.jpg alt='  a  red\n fish ' title=Fish>",
            "a red fish",
            "Fish",
            "",
        ),
        (
            "<a href=a.jpg>A red <script>x</script><b>fish</b></a>",
            "A red fish",
            "",
            "",
        ),
        (
            "<a href=a.jpg title=T><img src=s.jpg alt=Fish></a>",
            "Fish",
            "T",
            "",
        ),
        (
            "<figure><img src=a.jpg><figcaption>A <b>fish</b><br>in red</figcaption></figure>",
            "",
            "",
            "A fish in red",
        ),
        (
            "<figure><figcaption>Two</figcaption><figure><a href=a.jpg>x</a></figure></figure>",
            "x",
            "",
            "Two",
        ),
        // What is named twice keeps what either place says.
        (
            "<meta property=og:image content=a.jpg><figure><img src=a.jpg alt=A>\
             <figcaption>C</figcaption></figure><img src=a.jpg alt=B title=T>",
            "A",
            "T",
            "C",
        ),
    ] {
        let page = page(html);
        let picture = &page.pictures[0];
        let texts = (&*picture.alt, &*picture.title, &*picture.caption);
        assert_eq!(texts, (alt, title, caption), "{html}");
    }
}

#[test]
fn pictures_in_the_page_itself() {
    let data = format!("data:image/png;base64,{}", "QUFB".repeat(50));
    let page = page(&format!(
        "<figure><img src='{data}' alt=A><figcaption>C</figcaption></figure><img src='{data}'>\
         <div style='background:url({data}A)'></div><img src='data:image/svg+xml,{data}'>\
         <img src='{data}' data-src=a.jpg>"
    ));
    let inline: Vec<_> = page
        .inline
        .iter()
        .map(|picture| (picture.bytes.len(), &*picture.alt, &*picture.caption))
        .collect();
    assert_eq!(inline, [(150, "A", "C")]);
    assert_eq!(page.pictures.len(), 1);
}

#[test]
fn links_and_title() {
    let page = page(
        "<svg><title>Logo</title></svg><title> A\n title </title><title>Another</title>\
         <a href='/x#top'>x</a><a href=/x rel='nofollow'>again</a><a href=/y rel='ugc'>y</a>\
         <a href=/z rel='noopener NoFollow'>z</a>",
    );
    assert_eq!(page.title, "A title");
    let links: Vec<_> = page
        .links
        .iter()
        .map(|link| (link.url.as_str(), link.nofollow))
        .collect();
    assert_eq!(
        links,
        [
            ("http://h/x", false),
            ("http://h/y", false),
            ("http://h/z", true)
        ]
    );
    for (html, expected) in [
        ("<iframe src=a></iframe>", "/dir/a"),
        ("<iframe src=about:blank data-src=a></iframe>", "/dir/a"),
        ("<object data='/image?id=3'></object>", "/image?id=3"),
        ("<a href=/product data-image=/a.jpg>x</a>", "/product"),
        ("<frameset><frame src=a></frameset>", "/dir/a"),
        (
            "<link rel=alternate type=application/json href=/wp-json/>",
            "",
        ),
        ("<area href=a>", "/dir/a"),
        ("<meta http-equiv=Refresh content='0; url=a'>", "/dir/a"),
        (
            "<link rel=canonical href=a><link rel=next href=b>",
            "/dir/a /dir/b",
        ),
        ("<link rel=alternate hreflang=de href=/de/>", "/de/"),
        (
            "<a href='mailto:me@h'>m</a><a href=f.zip>z</a><a href=#top>t</a>",
            "",
        ),
        ("<template><a href=a>a</a></template>", ""),
    ] {
        assert_eq!(links_of(html), expected, "{html}");
    }
}

#[test]
fn the_first_base_counts_for_the_whole_page() {
    for (html, expected) in [
        ("<base href=/other/><img src=a.jpg>", "/other/a.jpg"),
        (
            "<img src=a.jpg><base target=x><base href=../up/><base href=/no/>",
            "/up/a.jpg",
        ),
        (
            "<template><base href=/no/></template><img src=a.jpg>",
            "/dir/a.jpg",
        ),
        (
            "<base href='//cdn.example/'><img src=a.jpg>",
            "http://cdn.example/a.jpg",
        ),
        ("<base href='javascript:'><img src=a.jpg>", "/dir/a.jpg"),
    ] {
        assert_eq!(pictures(html), expected, "{html}");
    }
}

#[test]
fn queries_are_in_the_encoding_of_the_page() {
    let url = Url::parse("http://h/").unwrap();
    for (html, charset, expected) in [
        (
            &b"<a href='/\xe9?q=\xe9'>"[..],
            Some("iso-8859-1"),
            "/%C3%A9?q=%E9",
        ),
        (
            b"<meta charset=windows-1251><a href=/?q=\xe9>",
            None,
            "/?q=%E9",
        ),
        (
            b"<meta charset=shift_jis><a href=/?q=\x82\xa0>",
            None,
            "/?q=%82%A0",
        ),
        (b"<a href='/?q=\xc3\xa9'>", None, "/?q=%C3%A9"),
        // What the encoding does not have.
        (
            b"<a href='/?q=&#9731;'>",
            Some("iso-8859-1"),
            "/?q=%26%239731%3B",
        ),
    ] {
        let page = parse_page(html, charset, &url, &RULES);
        assert_eq!(
            list(page.links.iter().map(|link| link.url.as_str())),
            expected
        );
    }
    let picture = parse_page(b"<img src='/a.jpg?n=\xe9'>", Some("latin1"), &url, &RULES);
    assert_eq!(picture.pictures[0].url.as_str(), "http://h/a.jpg?n=%E9");
}

#[test]
fn sheets_feeds_and_directives() {
    let page = page(
        "<link rel=stylesheet href=a.css><style>@import 'b.css';</style>\
         <link rel=alternate type=application/rss+xml href=feed.xml>\
         <link rel=alternate type=application/atom+xml href=/atom>\
         <meta name=ROBOTS content='noindex, nofollow'><meta name=Googlebot-Image content=none>\
         <meta name=simdex content=all><meta name=tdm-reservation content=1>\
         <meta name=description content=none><meta name=viewport content=x>",
    );
    let sheets = list(page.sheets.iter().map(CanonicalUrl::as_str));
    assert_eq!(sheets, "/dir/a.css /dir/b.css");
    let feeds = list(page.feeds.iter().map(CanonicalUrl::as_str));
    assert_eq!(feeds, "/dir/feed.xml /atom");
    let mut directives = String::new();
    for directive in &page.directives {
        write!(directives, "{}={}; ", directive.name, directive.content).unwrap();
    }
    assert_eq!(
        directives,
        "robots=noindex, nofollow; googlebot-image=none; simdex=all; tdm-reservation=1; "
    );
    assert!(page.pictures.is_empty() && page.links.is_empty());
}

#[test]
fn a_licence_is_of_the_page_of_a_figure_or_of_a_picture() {
    let said = |html: &str| {
        let page = page(html);
        let of_each = page.pictures.iter().map(|picture| picture.license.as_str());
        (page.license.clone(), list(of_each))
    };
    for (html, of_page, of_pictures) in [
        (
            "<a rel=license href=/l>free</a><img src=a.jpg>",
            "http://h/l",
            "",
        ),
        (
            "<link rel=license href=l.html><img src=a.jpg>",
            "http://h/dir/l.html",
            "",
        ),
        // Twice the same is one; of two nobody knows which is of what.
        (
            "<a rel='nofollow license' href=/l>1</a><a rel=license href=/l>2</a>",
            "http://h/l",
            "",
        ),
        (
            "<a rel=license href=/l>1</a><a rel=license href=/m>2</a>",
            "",
            "",
        ),
        (
            "<figure><img src=a.jpg><figcaption><a rel=license href=/l>x</a></figure><img src=b.jpg>",
            "",
            "/l ",
        ),
        (
            "<script type=application/ld+json>{\"@type\": \"ImageObject\", \"url\": \"a.jpg\", \
             \"license\": \"https://l.example/by\"}</script><img src=a.jpg><img src=b.jpg>",
            "",
            "https://l.example/by ",
        ),
        (
            "<script type=application/ld+json>{\"@type\": \"WebPage\", \"license\": \"CC BY 4.0\"}\
             </script><img src=a.jpg>",
            "CC BY 4.0",
            "",
        ),
        (
            "<iframe srcdoc='<a rel=license href=/l>x</a>'></iframe><img src=a.jpg>",
            "",
            "",
        ),
        ("<a rel=license href=\"javascript:l()\">x</a>", "", ""),
    ] {
        assert_eq!(
            said(html),
            (of_page.to_owned(), of_pictures.to_owned()),
            "{html}"
        );
    }
}
