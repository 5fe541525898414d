//! What a crawl says of what it could not take in.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
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
    // They are named afterwards, too.
    let failures = simdex.json(&["failures", "--reason", "broken_sitemap"]);
    let failures = failures["failures"].as_array().unwrap();
    assert_eq!((failures.len(), &failures[0]["count"]), (1, &json!(2)));
    assert_eq!(failures[0]["urls"][0]["role"], "sitemap");
    let all = simdex.run(&["failures"]).stdout;
    for path in ["/missing.xml", "/page.xml", "/cut.xml", "/closed/map.xml"] {
        assert!(all.contains(path), "{path}: {all}");
    }
    assert!(!all.contains("/whole.xml"), "{all}");
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
    assert_eq!(run.code, 0, "a seed that was read is had: {}", run.stderr);
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
fn of_an_endless_robots_txt_whole_lines_count_and_its_end_is_missed_aloud() {
    // The cut falls within a path; half of it would open more than all of it.
    let head = "User-agent: *\nDisallow: /priv\n";
    let cut = "Allow: /private";
    let filling = "# filling\n".repeat(60_000);
    let filling = &filling[..(512 << 10) - head.len() - cut.len() - 1];
    let robots = format!("{head}{filling}\n{cut}/but-one.jpg\n");
    let server = serve(move |request| match request.path() {
        "/robots.txt" => Reply::text(&robots),
        "/" => Reply::html("<img src=/private/1.jpg><img src=/open.jpg>"),
        _ => Reply::bytes("image/jpeg", jpeg(Motif::Fish, 1)),
    });
    let simdex = Simdex::new();
    let run = told(&simdex, &server.url("/"));
    assert!(run.stderr.contains("512 KiB"), "{}", run.stderr);
    assert_eq!(run.json()["images_indexed"], 1);
    let log = server.log();
    let is_private = |path: &str| path.starts_with("/private");
    assert!(!log.iter().any(|hit| is_private(hit.request.path())));
}

#[test]
fn a_sitemap_may_be_larger_than_a_page() {
    let entries: String = (0..200)
        .map(|n| format!("<url><loc>/{n}</loc>{}</url>", " ".repeat(1_000)))
        .collect();
    let map = format!("<urlset>{entries}</urlset>");
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(map.as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    let links: String = (0..200).map(|n| format!("<a href=/{n}>{n}</a>")).collect();
    let page = format!("{links}{}", " ".repeat(100_000));
    let server = serve(move |request| match request.path() {
        "/" => Reply::html("<p>a page"),
        "/sitemap.xml" => Reply::bytes("application/xml", map.as_bytes()),
        "/coded.xml" => Reply::bytes("text/xml", packed.clone()).header("Content-Encoding", "gzip"),
        "/untyped" => Reply::bytes("unknown/unknown", map.as_bytes()),
        "/long" => Reply::html(&page),
        _ => Reply::not_found(),
    });
    for (seed, limit) in [
        ("/", None),
        ("/sitemap.xml", None),
        ("/coded.xml", None),
        ("/untyped", None),
        ("/long", Some("page_bytes")),
    ] {
        let simdex = Simdex::new();
        simdex.configure("[crawl]\nmax_page_bytes = 100000\nsitemaps = true\n");
        let summary = crawl(&simdex, &server.url(seed), &["--max-depth", "1"]);
        let left_out = limit.map_or(json!({}), |limit| json!({limit: 1}));
        assert_eq!(summary["left_out"], left_out, "{seed}");
        let expected = json!({"http_404": 200});
        assert_eq!(
            summary["failed"], expected,
            "{seed}: all its pages were asked for"
        );
    }
}

#[test]
fn failures_are_told_before_what_was_left_out() {
    let long = "x".repeat(3_000);
    let server = serve(move |request| match request.path() {
        "/" => Reply::html(
            (0..25)
                .map(|n| format!("<a href=/p{n}>p</a>"))
                .collect::<String>(),
        ),
        "/p24" => Reply::html(format!("<a href=/{long}>a</a><img src=/gone.jpg>")),
        path if path.starts_with("/p") => Reply::html(format!("<a href=/{long}>a</a>")),
        _ => Reply::not_found(),
    });
    let simdex = Simdex::new();
    let run = simdex.run(&[&["crawl", &server.url("/")], &FAST[..]].concat());
    assert_eq!(run.code, 0, "{}", run.stderr);
    let lines: Vec<&str> = run.stderr.lines().collect();
    assert!(lines[0].contains("/gone.jpg: HTTP status 404"), "{lines:?}");
    let of_limits = |line: &&&str| line.ends_with("left out: 1 URL longer than 2,048 bytes");
    assert_eq!(lines[1..].iter().filter(of_limits).count(), 20, "{lines:?}");
    assert_eq!(lines[21..], ["and 5 more (-v lists all)"]);
    assert_eq!(
        told(&Simdex::new(), &server.url("/")).stderr.lines().last(),
        Some("and 5 more (listed above)")
    );
}
