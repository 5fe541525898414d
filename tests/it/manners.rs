//! What a crawl owes to hosts: dead origins, patience, later opt-outs, hosts that were removed.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crate::common::{FAST, Simdex, crawl, numbered, serve};
use serde_json::json;
use testweb::reply::Reply;
use testweb::server::Server;

fn asked(server: &Server) -> BTreeSet<String> {
    let log = server.log();
    let pictures = log
        .iter()
        .map(|hit| hit.request.path().to_owned())
        .filter(|path| path.ends_with(".jpg"));
    pictures.collect()
}

fn flags<'a>(args: &[&'a str]) -> Vec<&'a str> {
    [args, &FAST[..], &["--format", "json"]].concat()
}

#[test]
fn a_dead_origin_does_not_close_its_host() {
    let simdex = Simdex::new();
    simdex.configure("[crawl]\nmax_attempts = 2\nsitemaps = false\n");
    let server = serve(|request| match request.path() {
        // Nobody listens on the one, and nobody speaks TLS on the other.
        "/" => Reply::html(format!(
            "<a href=http://127.0.0.1:9/z>x</a><a href=https://{}/s>x</a>\
             <a href=a.html>a</a><img src=1.jpg>",
            request.host
        )),
        "/a.html" => Reply::html("<img src=2.jpg>"),
        _ => numbered(request),
    });
    let summary = crawl(&simdex, &server.url("/"), &[]);
    assert_eq!(summary["images_indexed"], 2, "{summary}");
    assert_eq!(summary["refused"], json!({"robots_unreachable": 2}));
    assert_eq!(summary["pending"], 2);
    // They are asked for again, and stand in nobody's way.
    let again = simdex.run(&flags(&["crawl", "--refresh", "all"]));
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert_eq!(again.json()["pages_fetched"], 2, "{}", again.stdout);
    assert_eq!(again.json()["refused"], json!({"robots_unreachable": 2}));
}

#[test]
fn a_host_that_asks_for_much_patience_is_left_and_told() {
    for (patient, pictures, code) in [("/robots.txt", 0, 3), ("/", 0, 3), ("/1.jpg", 0, 0)] {
        let simdex = Simdex::new();
        simdex.configure("[crawl]\nsitemaps = false\n");
        let server = serve(move |request| match request.path() {
            path if path == patient => Reply::new(503).header("Retry-After", "1800"),
            "/robots.txt" => Reply::not_found(),
            "/" => Reply::html("<img src=1.jpg><img src=2.jpg>"),
            _ => numbered(request),
        });
        let started = Instant::now();
        let run = simdex.run(&flags(&["crawl", &server.url("/")]));
        assert!(started.elapsed() < Duration::from_secs(30), "{patient}");
        assert_eq!(run.code, code, "{patient}: {}{}", run.stdout, run.stderr);
        let summary = run.json();
        assert_eq!(summary["refused"], json!({"held": 1}), "{patient}");
        assert_eq!(summary["images_indexed"], pictures, "{patient}");
        assert!(summary["pending"].as_u64().unwrap() > 0, "{patient}");
        let said = run.stderr.contains("asks for 1") && run.stderr.contains("s of patience");
        assert!(said, "{patient}: {}", run.stderr);
        let waits = simdex.json(&["failures"])["failures"]
            .as_array()
            .unwrap()
            .clone();
        let counts = waits
            .iter()
            .map(|it| it["count"].as_u64().unwrap())
            .sum::<u64>();
        assert_eq!(json!(counts), summary["pending"], "{patient}: {waits:?}");
        assert!(waits.iter().all(|it| it["waits"] == true), "{waits:?}");
        let is_held = waits.iter().any(|it| it["reason"] == "held");
        assert_eq!(is_held, patient != "/", "{waits:?}");
        let before = server.total();
        let again = simdex.run(&flags(&["crawl", &server.url("/")]));
        assert_eq!(again.json()["refused"], json!({"held": 1}), "{patient}");
        assert_eq!(server.total(), before, "{patient}: it is not yet time");
    }
}

#[test]
fn a_little_patience_is_had() {
    for patient in ["/robots.txt", "/", "/1.jpg"] {
        let simdex = Simdex::new();
        simdex.configure("[crawl]\nsitemaps = false\n");
        let first = AtomicBool::new(true);
        let server = serve(move |request| match request.path() {
            path if path == patient && first.swap(false, Ordering::Relaxed) => {
                Reply::new(503).header("Retry-After", "2")
            }
            "/robots.txt" => Reply::not_found(),
            "/" => Reply::html("<img src=1.jpg>"),
            _ => numbered(request),
        });
        let summary = crawl(&simdex, &server.url("/"), &[]);
        assert_eq!(summary["images_indexed"], 1, "{patient}: {summary}");
        assert_eq!(summary["refused"], json!({}), "{patient}");
    }
}

#[test]
fn a_removed_host_stays_away_until_it_is_taken_back() {
    let simdex = Simdex::new();
    simdex.configure("[crawl]\nsitemaps = false\nscope = \"any\"\n");
    let server = serve(|request| {
        let elsewhere = request.host.replace("127.0.0.1", "localhost");
        match request.path() {
            "/robots.txt" => Reply::not_found(),
            "/" => Reply::html(format!("<a href=http://{elsewhere}/known>x</a>")),
            "/more" => Reply::html(format!(
                "<a href=http://{elsewhere}/new>x</a><img src=http://{elsewhere}/1.jpg>\
                 <a href=/away>y</a><img src=2.jpg>"
            )),
            "/away" => Reply::redirect(302, &format!("http://{elsewhere}/hidden")),
            "/known" | "/new" | "/hidden" => Reply::html("<p>here</p>"),
            _ => numbered(request),
        }
    });
    let there = |path: &str| server.url(path).replace("127.0.0.1", "localhost");
    let visits = || {
        let log = server.log();
        let there = log.iter().map(|hit| &hit.request.host);
        there.filter(|host| host.starts_with("localhost")).count()
    };
    assert_eq!(crawl(&simdex, &server.url("/"), &[])["pages_fetched"], 2);
    assert_eq!(simdex.run(&["remove", "--host", "localhost"]).code, 0);
    let before = visits();
    let summary = crawl(&simdex, &server.url("/more"), &[]);
    assert_eq!(summary["refused"], json!({"removed_host": 3}), "{summary}");
    assert_eq!(summary["images_indexed"], 1);
    for seed in ["/known", "/never-met"] {
        let run = simdex.run(&flags(&["crawl", &there(seed)]));
        assert_eq!(run.code, 3, "{}", run.stdout);
        assert_eq!(run.json()["refused"], json!({"removed_host": 1}));
        let advice = "simdex remove --take-back localhost";
        assert!(run.stderr.contains(advice), "{}", run.stderr);
    }
    assert_eq!(visits(), before, "a removed host is not asked");
    assert_eq!(simdex.run(&["remove", "--take-back", "localhost"]).code, 0);
    let summary = crawl(&simdex, &there("/known"), &[]);
    assert_eq!(summary["pages_fetched"], 1, "{summary}");
    let run = simdex.run(&["remove", "--take-back", "localhost"]);
    assert_eq!(run.code, 3, "{}", run.stderr);
}

#[test]
fn pictures_leave_with_the_last_page_that_may_be_used() {
    static OPTED_OUT: AtomicBool = AtomicBool::new(false);
    let simdex = Simdex::new();
    simdex.configure("[crawl]\nsitemaps = false\n");
    let server = serve(|request| match request.path() {
        "/" => {
            let head = match OPTED_OUT.load(Ordering::Relaxed) {
                true => "<meta name=robots content=noimageindex>",
                false => "",
            };
            let body = "<img src=1.jpg><img src=2.jpg><a href=/other>x</a>";
            Reply::html(format!("{head}{body}"))
        }
        "/other" => Reply::html("<img src=2.jpg>"),
        _ => numbered(request),
    });
    assert_eq!(crawl(&simdex, &server.url("/"), &[])["images_indexed"], 2);
    OPTED_OUT.store(true, Ordering::Relaxed);
    let run = simdex.run(&flags(&["crawl", "--refresh", "all"]));
    assert_eq!(run.json()["refused"], json!({"noimageindex": 1}));
    let stored = simdex.stored();
    let urls: Vec<&Vec<String>> = stored.iter().map(|it| &it.urls).collect();
    assert_eq!(urls, [&vec![server.url("/2.jpg")]]);
    // Nor does the next crawl bring it back.
    simdex.run(&flags(&["crawl", "--refresh", "all"]));
    assert_eq!(simdex.json(&["status"])["images"], 1);
}

#[test]
fn links_to_pictures_are_links() {
    let simdex = Simdex::new();
    simdex.configure("[crawl]\nsitemaps = false\n");
    let server = serve(|request| match request.path() {
        "/" => Reply::html(
            "<a rel=nofollow href=1.jpg>x</a><a href=2.jpg>x</a><a rel=nofollow href=3.jpg>x</a>\
             <img src=3.jpg><a rel=nofollow href=4.jpg><img src=5.jpg></a><a href=/n>x</a>",
        ),
        "/n" => Reply::html(
            "<meta name=robots content=nofollow><a href=6.jpg>x</a><a href=7.jpg><img src=8.jpg></a>",
        ),
        _ => numbered(request),
    });
    let summary = crawl(&simdex, &server.url("/"), &[]);
    let expected = ["/2.jpg", "/3.jpg", "/5.jpg", "/8.jpg"].map(str::to_owned);
    assert_eq!(asked(&server), BTreeSet::from(expected));
    // Two links of the first page; of the second the page itself and two links.
    assert_eq!(summary["refused"], json!({"nofollow": 5}));
}

#[test]
fn removing_a_host_covers_pages_that_other_hosts_redirect_to() {
    let simdex = Simdex::new();
    simdex.configure("[crawl]\nsitemaps = false\n");
    let port = Arc::new(OnceLock::new());
    let known = Arc::clone(&port);
    let server = serve(move |request| match request.path() {
        "/" => {
            let elsewhere = format!("http://localhost:{}/there", known.get().unwrap());
            Reply::new(302).header("Location", &elsewhere)
        }
        "/there" => Reply::html("<p>moved"),
        _ => Reply::new(404),
    });
    let url = server.url("/");
    port.set(
        url.rsplit(':')
            .next()
            .unwrap()
            .trim_end_matches('/')
            .to_owned(),
    )
    .unwrap();
    crawl(&simdex, &url, &["--scope", "any"]);
    assert_eq!(simdex.json(&["status"])["frontier"]["refused"], 0);
    let removed = simdex.run(&["remove", "--host", "localhost"]);
    assert_eq!(removed.code, 0, "{}", removed.stderr);
    assert_eq!(simdex.json(&["status"])["frontier"]["refused"], 1);
}
