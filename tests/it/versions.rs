//! Pictures in several versions, guesses, and what servers call things wrongly.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::json;
use simdex::demo::drawing::Motif;
use testweb::reply::Reply;
use testweb::server::{Hit, Request};

use crate::common::{FAST, Simdex, crawl, jpeg, serve};

fn fish() -> Reply {
    Reply::bytes("image/jpeg", jpeg(Motif::Fish, 1))
}

fn svg() -> Reply {
    Reply::bytes(
        "image/svg+xml",
        &b"<svg xmlns='http://www.w3.org/2000/svg'/>"[..],
    )
}

/// What was asked for but rules and sitemaps, in order.
fn asked(log: &[Hit]) -> Vec<String> {
    let paths = log.iter().map(|hit| hit.request.target.clone());
    let is_rule = |path: &String| {
        path == "/robots.txt" || path.starts_with("/.well-known/") || path == "/sitemap.xml"
    };
    paths.filter(|path| !is_rule(path)).collect()
}

/// Crawls a page whose pictures `answer` gives; tells what was asked for, and the URLs and pages
/// of what is stored.
fn pictures_of(
    page: &'static str,
    config: &str,
    answer: impl Fn(&Request) -> Reply + Send + Sync + 'static,
) -> (Vec<String>, Vec<String>) {
    let simdex = Simdex::new();
    if !config.is_empty() {
        simdex.configure(config);
    }
    let server = serve(move |request| match request.path() {
        "/robots.txt" => Reply::text("User-agent: *\nDisallow: /closed/"),
        "/" => Reply::html(page),
        _ => answer(request),
    });
    crawl(&simdex, &server.url("/"), &[]);
    let stored = simdex.stored();
    for picture in &stored {
        assert_eq!(picture.pages.len(), picture.urls.len(), "{page}");
        assert_eq!(picture.pages[0].url, server.url("/"), "{page}");
    }
    let urls = stored.into_iter().flat_map(|picture| picture.urls);
    let urls = urls.map(|url| url.replace(&server.url(""), ""));
    (asked(&server.log()), urls.collect())
}

#[test]
fn the_second_best_is_asked_for_when_the_best_cannot_be_had() {
    let set = "<img src=/s.jpg srcset='/m.jpg 800w, /l.jpg 1600w'>";
    let closed = "<img src=/s.jpg srcset='/m.jpg 800w, /closed/l.jpg 1600w'>";
    let tiny = "[picture]\nmax_bytes = 20000\n";
    type Answer = fn(&Request) -> Reply;
    let cases: [(&'static str, &str, Answer, &[&str]); 12] = [
        (
            set,
            "",
            |_| Reply::not_found(),
            &["/l.jpg", "/m.jpg", "/s.jpg"],
        ),
        (
            set,
            "",
            |_| Reply::html("<p>no hotlinks"),
            &["/l.jpg", "/m.jpg", "/s.jpg"],
        ),
        (set, "", |_| svg(), &["/l.jpg", "/m.jpg", "/s.jpg"]),
        (
            set,
            "",
            |_| Reply::new(403),
            &["/l.jpg", "/m.jpg", "/s.jpg"],
        ),
        (closed, "", |_| Reply::not_found(), &["/m.jpg", "/s.jpg"]),
        (
            set,
            tiny,
            |_| Reply::bytes("image/jpeg", vec![0; 30_000]),
            &["/l.jpg", "/m.jpg", "/s.jpg"],
        ),
        (
            "<picture><source srcset=/l.webp><img src=/s.jpg></picture>",
            "",
            |_| Reply::not_found(),
            &["/l.webp", "/s.jpg"],
        ),
        (
            "<a href=/l.jpg><img src=/s.jpg></a>",
            "",
            |_| Reply::not_found(),
            &["/l.jpg", "/s.jpg"],
        ),
        (
            "<img src=/s.jpg data-src=/m.jpg data-zoom=/l.jpg>",
            "",
            |_| Reply::not_found(),
            &["/l.jpg", "/m.jpg", "/s.jpg"],
        ),
        (
            "<video poster=/s.jpg data-poster=/l.jpg></video>",
            "",
            |_| Reply::not_found(),
            &["/l.jpg", "/s.jpg"],
        ),
        (
            "<style>a{b:image-set('/s.jpg' 1x, '/l.jpg' 2x)}</style>",
            "",
            |_| Reply::not_found(),
            &["/l.jpg", "/s.jpg"],
        ),
        (
            "<img src=/l.jp2 data-src=/m.jpg srcset='/s.jpg .5x'>",
            "",
            |_| Reply::not_found(),
            &["/m.jpg", "/s.jpg"],
        ),
    ];
    for (page, config, answer, expected) in cases {
        let (asked, stored) = pictures_of(page, config, move |request| match request.path() {
            "/s.jpg" => fish(),
            _ => answer(request),
        });
        assert_eq!(asked[1..], *expected, "{page}");
        assert_eq!(stored, ["/s.jpg"], "{page}");
    }
}

#[test]
fn a_dead_host_does_not_keep_the_picture_away() {
    let simdex = Simdex::new();
    simdex.configure("[crawl]\nmax_attempts = 1\n");
    let server = serve(|request| match request.path() {
        "/" => Reply::html(
            "<img src=/s.jpg srcset='http://dead.invalid/l.jpg 1600w, http://127.0.0.1:1/m.jpg 800w'>",
        ),
        "/s.jpg" => fish(),
        _ => Reply::not_found(),
    });
    let args = ["crawl", &server.url("/"), "--format", "json"];
    let summary = simdex.run(&[&args[..], &FAST[..]].concat()).json();
    assert_eq!(summary["images_indexed"], 1, "{summary}");
}

#[test]
fn what_is_had_makes_the_others_unneeded_and_an_opt_out_forbids_them() {
    let page = "<img src=/s.jpg srcset='/m.jpg 800w, /l.jpg 1600w'><img src=/s.jpg>";
    let (asked, stored) = pictures_of(page, "", |_| fish());
    assert_eq!(
        (&asked[1..], &stored[..]),
        (&["/l.jpg".to_owned()][..], &["/l.jpg".to_owned()][..])
    );
    let (asked, stored) = pictures_of(page, "", |_| fish().header("X-Robots-Tag", "noimageindex"));
    assert_eq!((asked.len(), stored.len()), (2, 0));
}

#[test]
fn a_page_behind_a_link_to_a_picture_is_read_as_one() {
    let page = "<a href=/view/a.jpg><img src=/s.jpg></a><img src=/b.jpg>";
    let view = |request: &Request| match request.path() {
        "/robots.txt" => Reply::not_found(),
        "/view/a.jpg" => Reply::html("<title>View</title><img src=/full.jpg>"),
        "/b.jpg" => Reply::html("<html><img src=/never.jpg>"),
        "/full.jpg" => Reply::bytes("image/jpeg", jpeg(Motif::ALL[3], 2)),
        _ => fish(),
    };
    let simdex = Simdex::new();
    let server = serve(move |request| match request.path() {
        "/" => Reply::html(page),
        _ => view(request),
    });
    let summary = crawl(&simdex, &server.url("/"), &[]);
    let paths: BTreeSet<String> = asked(&server.log()).into_iter().collect();
    let expected = ["/", "/b.jpg", "/full.jpg", "/s.jpg", "/view/a.jpg"];
    assert_eq!(paths, expected.map(str::to_owned).into());
    assert_eq!(summary["pages_fetched"], 2);
    assert_eq!(summary["images_indexed"], 2);
    assert_eq!(summary["failed"], json!({"html_not_picture": 1}));
    // Out of depth it is no page, and the picture is had all the same.
    let simdex = Simdex::new();
    let summary = crawl(&simdex, &server.url("/"), &["--max-depth", "0"]);
    assert_eq!(
        (&summary["pages_fetched"], &summary["images_indexed"]),
        (&json!(1), &json!(1))
    );
}

#[test]
fn guesses_are_asked_for_last_and_counted() {
    let simdex = Simdex::new();
    let server = serve(|request| match request.path() {
        "/" => Reply::html(
            "<script type=application/json>{\"i\": [\"\\/g1.jpg\", \"/a2.jpg\", \"/g3.jpg\"]}</script>\
             <a href=/next>n</a><img src=/a4.jpg>",
        ),
        "/next" => Reply::html("<img src=/a2.jpg>"),
        "/g3.jpg" => Reply::not_found(),
        path if path.ends_with(".jpg") => {
            let number = path.as_bytes().get(2).copied().unwrap_or_default();
            Reply::bytes("image/jpeg", jpeg(Motif::ALL[usize::from(number % 8)], 1))
        }
        _ => Reply::not_found(),
    });
    let summary = crawl(&simdex, &server.url("/"), &[]);
    let expected = ["/", "/a4.jpg", "/next", "/g1.jpg", "/a2.jpg", "/g3.jpg"];
    assert_eq!(asked(&server.log()), expected);
    assert_eq!(summary["speculative"], 3);
    assert_eq!(
        (&summary["images_found"], &summary["images_indexed"]),
        (&json!(4), &json!(3))
    );
}

#[test]
fn each_request_asks_for_what_can_be_read() {
    let simdex = Simdex::new();
    let server = serve(|request| match request.path() {
        "/" => Reply::html("<img src='/x.heic?format=1500w'><link rel=stylesheet href=/a.css>"),
        "/x.heic" => {
            // As a server does that can choose.
            let accept = request.header("accept").unwrap_or_default();
            match accept.contains("image/png") && !accept.contains("text/html") {
                true => Reply::bytes("image/png", png()),
                false => Reply::html("<p>no"),
            }
        }
        _ => Reply::not_found(),
    });
    let summary = crawl(&simdex, &server.url("/"), &[]);
    assert_eq!(summary["images_indexed"], 1);
    for hit in server.log() {
        let accept = hit.request.header("accept").unwrap().to_owned();
        let is_page = hit.request.path() == "/";
        assert_eq!(
            accept.contains("text/html"),
            is_page,
            "{} {accept}",
            hit.request.target
        );
    }
    let simdex = Simdex::new();
    simdex.configure("[crawl.headers]\naccept = \"image/gif\"\n");
    let before = server.log().len();
    crawl(&simdex, &server.url("/"), &[]);
    let own = server.log().split_off(before);
    assert!(
        own.iter()
            .all(|hit| hit.request.header("accept") == Some("image/gif"))
    );
}

fn png() -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let picture = crate::common::picture(Motif::Fish, 2);
    picture
        .write_to(&mut bytes, image::ImageFormat::Png)
        .unwrap();
    bytes.into_inner()
}

#[test]
fn bodies_are_what_their_bytes_say_where_the_type_says_nothing() {
    let typed = |content_type: &str, body: Vec<u8>| match content_type {
        "" => Reply::of(testweb::reply::Body::Bytes(Arc::from(body))),
        _ => Reply::bytes(content_type, body),
    };
    // Pictures: shown, linked with and without an ending.
    for content_type in [
        "application/octet-stream",
        "binary/octet-stream",
        "",
        "unknown/unknown",
        "text/plain",
    ] {
        let simdex = Simdex::new();
        let server = serve(move |request| match request.path() {
            "/" => Reply::html("<img src=/1><a href=/2.jpg>a</a><a href=/download?id=3>b</a>"),
            "/1" => typed(content_type, jpeg(Motif::Fish, 1)),
            "/2.jpg" => typed(content_type, jpeg(Motif::Fish, 2)),
            "/download" => typed(content_type, jpeg(Motif::Fish, 3)),
            _ => Reply::not_found(),
        });
        let summary = crawl(&simdex, &server.url("/"), &[]);
        assert_eq!(summary["images_indexed"], 3, "{content_type}");
    }
    // Pages, feeds and sitemaps, as seeds.
    let html = "<!doctype html><html><body><img src=/a.jpg></body></html>";
    let xhtml = "<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'><body>\
        <img src='/a.jpg'/></body></html>";
    let feed = "<?xml version='1.0'?><rss version='2.0'><channel><item><link>/p</link>\
        <enclosure url='/a.jpg' type='image/jpeg'/></item></channel></rss>";
    let map = "<?xml version='1.0'?><urlset><url><loc>/p</loc></url></urlset>";
    for (content_type, body) in [
        ("application/xhtml+xml", xhtml),
        ("text/xml", xhtml),
        ("unknown/unknown", html),
        ("", html),
        ("text/html, text/html", html),
        ("text/html", feed),
        ("text/xml", feed),
        ("application/xml", feed),
        ("text/html", map),
        ("text/xml", map),
        ("application/octet-stream", map),
    ] {
        let simdex = Simdex::new();
        let server = serve(move |request| match request.path() {
            "/seed" => typed(content_type, body.as_bytes().to_vec()),
            "/p" => Reply::html("<img src=/a.jpg>"),
            "/a.jpg" => fish(),
            _ => Reply::not_found(),
        });
        let summary = crawl(&simdex, &server.url("/seed"), &[]);
        assert_eq!(summary["images_indexed"], 1, "{content_type} {body}");
    }
}
