//! What a crawl says of what it could not take in.

use serde_json::json;
use simdex::demo::drawing::Motif;
use testweb::reply::Reply;

use crate::common::{FAST, Run, Simdex, crawl, jpeg, serve};

/// A crawl that tells all problems on stderr.
fn told(simdex: &Simdex, url: &str) -> Run {
    let args = ["crawl", url, "--format", "json", "-v"];
    simdex.run(&[&args[..], &FAST[..3]].concat())
}

#[test]
fn a_sitemap_that_somebody_names_is_told_when_it_is_missing_or_broken() {
    let robots = "User-agent: *\nSitemap: /missing.xml\nSitemap: /page.xml\nSitemap: /cut.xml\n\
        Sitemap: /whole.xml\nSitemap: /closed/map.xml\nDisallow: /closed/\n";
    let server = serve(move |request| match request.path() {
        "/robots.txt" => Reply::text(robots),
        "/" => Reply::html("<p>a page"),
        "/page.xml" => Reply::html("<title>Soft 404</title><p>not found"),
        "/cut.xml" => Reply::bytes(
            "text/xml",
            &b"<urlset><url><loc>/a</loc></url><url><loc>/b</loc>"[..],
        ),
        "/whole.xml" => Reply::bytes(
            "text/xml",
            &b"<urlset><url><loc>/c</loc></url></urlset>"[..],
        ),
        "/a" | "/c" => Reply::html("<p>another"),
        _ => Reply::not_found(),
    });
    let simdex = Simdex::new();
    let run = told(&simdex, &server.url("/"));
    let summary = run.json();
    assert_eq!(
        summary["failed"],
        json!({"broken_sitemap": 2, "http_404": 1})
    );
    assert_eq!(summary["refused"], json!({"robots": 1}));
    assert_eq!(summary["pages_fetched"], 3, "what could be read counts");
    for (path, why) in [
        ("/missing.xml", "404"),
        ("/page.xml", "neither a sitemap"),
        ("/cut.xml", "ends early"),
        ("/closed/map.xml", "robots.txt"),
    ] {
        let is_told = |line: &str| line.contains(path) && line.contains(why);
        assert!(run.stderr.lines().any(is_told), "{path}: {}", run.stderr);
    }
    // Nobody has named the one in the usual place.
    let is_usual = |line: &str| line.contains("/sitemap.xml") && line.contains("404");
    assert!(!run.stderr.lines().any(is_usual), "{}", run.stderr);
}

#[test]
fn what_limits_leave_out_is_counted_and_named() {
    let long = "x".repeat(3_000);
    let page = format!(
        "<a href=/{long}>a</a><img src='/{long}.jpg'>{}<img src=/deep.jpg>",
        "<div>".repeat(2_000)
    );
    let server = serve(move |request| match request.path() {
        "/" => Reply::html(&page),
        "/deep.jpg" => Reply::bytes("image/jpeg", jpeg(Motif::Fish, 1)),
        _ => Reply::not_found(),
    });
    let simdex = Simdex::new();
    let run = told(&simdex, &server.url("/"));
    let summary = run.json();
    assert_eq!(
        summary["images_indexed"], 1,
        "what is deep is read all the same"
    );
    assert_eq!(summary["left_out"]["url_length"], 2);
    assert!(summary["left_out"]["page_depth"].as_u64().unwrap() > 1_000);
    for words in ["2 URLs longer than", "nested deeper than 512"] {
        assert!(run.stderr.contains(words), "{words}: {}", run.stderr);
    }
    let text = simdex.run(&[&["crawl", &server.url("/"), "--refresh", "all"], &FAST[..]].concat());
    assert!(
        text.stdout.contains("left out by url_length: 2 URLs"),
        "{}",
        text.stdout
    );
}

#[test]
fn a_sitemap_may_be_larger_than_a_page() {
    let entries: String = (0..200)
        .map(|n| format!("<url><loc>/{n}</loc>{}</url>", " ".repeat(1_000)))
        .collect();
    let map = format!("<urlset>{entries}</urlset>");
    let server = serve(move |request| match request.path() {
        "/" => Reply::html("<p>a page"),
        "/sitemap.xml" => Reply::bytes("application/xml", map.as_bytes()),
        _ => Reply::not_found(),
    });
    let simdex = Simdex::new();
    simdex.configure("[crawl]\nmax_page_bytes = 100000\n");
    let summary = crawl(&simdex, &server.url("/"), &[]);
    assert_eq!(
        summary["failed"],
        json!({"http_404": 200}),
        "all its pages were asked for"
    );
    assert_eq!(summary["left_out"], json!({}));
}
