//! Pages that are made to cost much.

use super::*;
use crate::extract::{LeftOut, Limit};

#[test]
fn hostile_pages_cost_seconds_at_most() {
    let started = Instant::now();
    let attributes: String = (0..1_000_000).fold(String::new(), |mut all, i| {
        let _ = write!(all, " a{i}");
        all
    });
    for (html, expected) in [
        // Deep nesting.
        (
            format!("<img src=a.jpg>{}", "<div>".repeat(1_000_000)),
            "/dir/a.jpg",
        ),
        (
            format!("<img src=a.jpg>{}", "<figure><figcaption>x".repeat(300_000)),
            "/dir/a.jpg",
        ),
        (
            format!("<img src=a.jpg>{}", "<svg><title><style>".repeat(200_000)),
            "/dir/a.jpg",
        ),
        // A million attributes, and pictures with a million candidates.
        (format!("<img src=a.jpg><p{attributes}>"), "/dir/a.jpg"),
        (
            format!(
                "<picture>{}{}</picture>",
                "<source srcset='s.jpg 900w'>".repeat(50_000),
                "<img>".repeat(50_000)
            ),
            "/dir/s.jpg",
        ),
        (
            format!("<img srcset='{}'>", "a.jpg 64w,".repeat(500_000)),
            "/dir/a.jpg",
        ),
        (
            format!("<base href='/{}'><img src=a.jpg>", "A".repeat(5 << 20)),
            "/dir/a.jpg",
        ),
        // Deep JSON, deep and broken CSS, and a long data: URL.
        (
            format!(
                "<script type=application/ld+json>{}",
                "[{\"image\":".repeat(200_000)
            ),
            "",
        ),
        (format!("<p style='{}'>", "a(".repeat(1_000_000)), ""),
        (
            format!(
                "<img src='data:image/png;base64,{}'>",
                "AAAA".repeat(2_000_000)
            ),
            "",
        ),
    ] {
        assert_eq!(pictures(&html), expected, "{}", &html[..40]);
    }
    let joins = format!(
        "<base href='/{}'>{}",
        "A/".repeat(2_000),
        "<a href=%61>".repeat(500_000)
    );
    assert!(page(&joins).links.is_empty() || page(&joins).links.len() == 1);
    // Far above what it takes, far below what quadratic reading would.
    assert!(started.elapsed() < Duration::from_secs(90));
}

#[test]
fn deep_pages_are_read_to_their_ends() {
    for (open, close) in [
        ("<div>", "</div>"),
        ("<div>", ""),
        ("<span><b>", "</b></span>"),
        ("<ul><li>", "</ul>"),
        ("<table><tr><td>", "</table>"),
        ("<figure><figcaption>x", ""),
    ] {
        let html = format!(
            "<img src=a.jpg>{}<img src=b.jpg>{}<p><a href=/next>n</a><img src=c.jpg>",
            open.repeat(5_000),
            close.repeat(5_000)
        );
        let page = page(&html);
        let pictures = page.pictures.iter().map(|picture| picture.url.as_str());
        assert_eq!(list(pictures), "/dir/a.jpg /dir/b.jpg /dir/c.jpg", "{open}");
        assert_eq!(page.links.len(), 1, "{open}");
        assert!(page.left_out[&Limit::Depth] > 100, "{open}");
    }
    // What browsers take is taken as it is.
    let html = format!(
        "{}<a href=l.jpg><img src=s.jpg></a>{}",
        "<div>".repeat(500),
        "<p>x<td>y<li>z".repeat(2_000)
    );
    let page = page(&html);
    assert_eq!(page.pictures[0].others.len(), 1);
    assert_eq!(page.left_out, LeftOut::new());
}

#[test]
fn what_limits_leave_out_is_counted() {
    let long = "x".repeat(3_000);
    let each =
        |count: usize, form: &dyn Fn(usize) -> String| (0..count).map(form).collect::<String>();
    for (html, expected) in [
        (
            format!(
                "<img src='/{long}.jpg'><a href='/{long}{long}'>a</a>\
                 <a href='javascript:{long}{long}'>b</a>"
            ),
            (Limit::UrlLength, 2),
        ),
        (
            each(10_003, &|n| format!("<a href=/{n}>")),
            (Limit::Links, 3),
        ),
        (
            each(10_004, &|n| format!("<img src=/{n}.jpg>")),
            (Limit::Pictures, 4),
        ),
        (
            each(257, &|n| format!("<link rel=stylesheet href={n}.css>")),
            (Limit::Sheets, 1),
        ),
    ] {
        assert_eq!(page(&html).left_out, LeftOut::from([expected]));
    }
}
