//! The crawler against a server that keeps a log and misbehaves by order.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use crate::common::{FAST, SITE, Simdex, crawl, jpeg, serve};
use serde_json::{Value, json};
use simdex::demo::drawing::Motif;
use testweb::drawn_site::{CLOSED, MISSING, TWINS};
use testweb::reply::{Body, Reply};
use testweb::server::Server;

fn picture(motif: Motif, variation: u64) -> Reply {
    Reply::bytes("image/jpeg", jpeg(motif, variation))
}

fn page(body: &str) -> Reply {
    Reply::html(body)
}

#[test]
fn every_open_picture_is_found_and_no_closed_one_is_asked_for() {
    let simdex = Simdex::new();
    let server = Server::background(Arc::new(SITE.clone())).unwrap();
    let summary = crawl(&simdex, &server.url("/"), &["--host-concurrency", "4"]);
    let asked: HashSet<String> = server
        .log()
        .iter()
        .map(|hit| hit.request.path().to_owned())
        .collect();
    for closed in CLOSED {
        assert!(!asked.contains(closed), "{closed} is closed by robots.txt");
    }
    // Of a picture in several sizes only the largest is fetched.
    for picture in SITE.pictures() {
        assert!(asked.contains(picture), "{picture} was not found");
    }
    assert_eq!(summary["failed"], json!({"http_404": MISSING.len()}));
    assert_eq!(summary["duplicates"], TWINS.len());
    assert_eq!(summary["refused"], json!({"robots": CLOSED.len()}));
    let fish = simdex.path("fish.jpg");
    std::fs::write(&fish, jpeg(Motif::Fish, 3)).unwrap();
    let found = |host| {
        let answer = simdex.json(&["query", fish.to_str().unwrap(), "--host", host]);
        answer["results"].as_array().unwrap().len()
    };
    assert_eq!((found("127.0.0.1"), found("example.org")), (10, 0));
    assert_eq!(
        simdex
            .run(&["query", "fish.jpg", "--host", "http://127.0.0.1/"])
            .code,
        2
    );
    assert_eq!(simdex.run(&["verify"]).code, 0);
    // The twins are one picture with both URLs and the pages they stand on.
    let (a, b) = TWINS[0];
    let both = simdex.stored().into_iter().find(|it| {
        [a, b]
            .iter()
            .all(|path| it.urls.contains(&server.url(path)))
    });
    assert!(both.unwrap().pages.len() >= 2);
}

#[test]
fn robots_are_asked_first_and_the_agent_names_itself() {
    let simdex = Simdex::new();
    simdex.configure("[crawl]\ncontact = \"mailto:me@example.org\"\n");
    let server = serve(|request| match request.path() {
        "/robots.txt" => {
            Reply::text("User-agent: simdex\nDisallow: /no\n\nUser-agent: *\nAllow: /")
        }
        "/" => page("<a href=/no/page>x</a><img src=/no/a.jpg><img src=/yes.jpg>"),
        _ => picture(Motif::Fish, 1),
    });
    crawl(&simdex, &server.url("/"), &[]);
    let log = server.log();
    let paths: Vec<&str> = log.iter().map(|hit| hit.request.path()).collect();
    let expected = [
        "/robots.txt",
        "/.well-known/tdmrep.json",
        "/",
        "/yes.jpg",
        "/sitemap.xml",
    ];
    assert_eq!(paths, expected);
    let agent = format!(
        "simdex/{} (+mailto:me@example.org)",
        env!("CARGO_PKG_VERSION")
    );
    assert!(
        log.iter()
            .all(|hit| hit.request.header("user-agent") == Some(&agent))
    );
}

#[test]
fn the_delay_holds_between_any_two_requests() {
    let simdex = Simdex::new();
    let server = serve(|request| match request.path() {
        "/robots.txt" => {
            Reply::text("User-agent: *\nCrawl-delay: 1").after(Duration::from_millis(90))
        }
        "/" => page("<img src=a.jpg><img src=b.jpg>"),
        _ => picture(Motif::Fish, 1).after(Duration::from_millis(50)),
    });
    let args = [
        "crawl",
        &server.url("/"),
        "--allow-private-addresses",
        "--delay",
        "300",
    ];
    simdex.json(&args);
    let times: Vec<_> = server.log().iter().map(|hit| hit.at).collect();
    // robots.txt, tdmrep.json, the page, two pictures, sitemap.xml.
    assert_eq!(times.len(), 6);
    let gaps: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    // After robots.txt its Crawl-delay of one second counts, before it the flag.
    assert!(gaps[0] >= Duration::from_millis(300), "{gaps:?}");
    assert!(
        gaps[1..].iter().all(|gap| *gap >= Duration::from_secs(1)),
        "{gaps:?}"
    );
}

#[test]
fn robots_that_fail_close_the_host_and_absent_ones_open_it() {
    for (status, pictures) in [(404, 1), (403, 1), (500, 0), (429, 0)] {
        let simdex = Simdex::new();
        simdex.configure("[crawl]\nmax_attempts = 1\n");
        let server = serve(move |request| match request.path() {
            "/robots.txt" => Reply::new(status),
            "/" => page("<img src=a.jpg>"),
            _ => picture(Motif::Fish, 1),
        });
        let run =
            simdex.run(&[&["crawl", &server.url("/"), "--format", "json"], &FAST[..]].concat());
        assert_eq!(
            run.json()["images_indexed"],
            pictures,
            "robots.txt answers {status}"
        );
        assert_eq!(run.code, if pictures == 1 { 0 } else { 3 });
    }
}

#[test]
fn misbehaving_servers_cost_time_but_nothing_else() {
    let simdex = Simdex::new();
    simdex.configure(
        "[crawl]\nmax_attempts = 1\nfirst_byte_timeout_ms = 700\nidle_timeout_ms = 700\n\
         total_timeout_ms = 2500\nhost_concurrency = 8\n[picture]\nmax_bytes = 300000\n",
    );
    let server = serve(|request| {
        let jpeg = || jpeg(Motif::Fish, 2);
        match request.path() {
            "/robots.txt" => Reply::not_found(),
            "/" => page(
                "<img src=good.jpg><img src=endless.jpg><img src=short.jpg><img src=hang.jpg>\
                 <img src=silent.jpg><img src=drip.jpg><img src=chunks.jpg><img src=reset.jpg>\
                 <img src=page.jpg><img src=loop.jpg><a href=/endless.html>x</a><img src=gone.jpg>",
            ),
            "/good.jpg" => picture(Motif::Fish, 1),
            "/endless.jpg" | "/endless.html" => Reply::of(Body::Endless),
            "/short.jpg" => Reply::of(Body::WrongLength {
                bytes: jpeg().into(),
                claimed: 200_000,
            }),
            "/hang.jpg" => Reply::of(Body::HangAfterHeaders),
            "/silent.jpg" => Reply::of(Body::HangBeforeHeaders),
            "/drip.jpg" => Reply::of(Body::Drip {
                bytes: jpeg().into(),
                every: Duration::from_millis(300),
            }),
            "/chunks.jpg" => Reply::of(Body::BrokenChunks),
            "/reset.jpg" => Reply::of(Body::Reset),
            "/page.jpg" => page("<title>not here</title>"),
            "/loop.jpg" => Reply::redirect(302, "/loop.jpg"),
            _ => Reply::not_found(),
        }
    });
    let summary = crawl(&simdex, &server.url("/"), &[]);
    // A body cut short has all of the picture; its length was wrong.
    assert_eq!(summary["images_indexed"], 2, "{summary}");
    assert_eq!(summary["truncated"], 1, "{summary}");
    let failed = &summary["failed"];
    assert_eq!(failed["timeout"], 3, "{summary}");
    assert_eq!(failed["http_404"], 1, "{summary}");
    assert_eq!(failed["too_many_redirects"], 1, "{summary}");
    assert_eq!(failed["html_not_picture"], 1, "{summary}");
    // Broken chunks and a reset.
    assert_eq!(failed["transfer"], 2, "{summary}");
    let refused: u64 = summary["refused"]
        .as_object()
        .unwrap()
        .values()
        .filter_map(Value::as_u64)
        .sum();
    assert_eq!(refused, 2, "{summary}");
}

#[test]
fn what_may_pass_is_tried_again() {
    use std::sync::atomic::{AtomicU32, Ordering};
    let simdex = Simdex::new();
    let tries = AtomicU32::new(0);
    let server = serve(move |request| match request.path() {
        "/robots.txt" => Reply::not_found(),
        "/" => page("<img src=a.jpg>"),
        _ if tries.fetch_add(1, Ordering::Relaxed) < 2 => Reply::new(503),
        _ => picture(Motif::Fish, 1),
    });
    let summary = crawl(&simdex, &server.url("/"), &[]);
    assert_eq!(summary["images_indexed"], 1, "{summary}");
    assert_eq!(summary["failed"], json!({}));
}

#[test]
fn a_seed_that_failed_is_tried_when_it_is_named_again() {
    use std::sync::atomic::{AtomicBool, Ordering};
    static UP: AtomicBool = AtomicBool::new(false);
    let simdex = Simdex::new();
    simdex.configure("[crawl]\nmax_attempts = 1\n");
    let server = serve(|request| match request.path() {
        "/robots.txt" => Reply::not_found(),
        _ if !UP.load(Ordering::Relaxed) => Reply::new(500),
        "/" => page("<img src=a.jpg>"),
        _ => picture(Motif::Fish, 1),
    });
    let start = server.url("/");
    let args = [&["crawl", &start], &FAST[..]].concat();
    assert_eq!(simdex.run(&args).code, 3);
    UP.store(true, Ordering::Relaxed);
    assert_eq!(simdex.json(&args)["images_indexed"], 1);
}

#[test]
fn a_host_whose_robots_are_down_keeps_its_queue_for_the_next_crawl() {
    use std::sync::atomic::{AtomicBool, Ordering};
    static UP: AtomicBool = AtomicBool::new(false);
    let simdex = Simdex::new();
    simdex.configure("[crawl]\nmax_attempts = 2\n");
    let other = serve(|request| match request.path() {
        "/robots.txt" if UP.load(Ordering::Relaxed) => Reply::not_found(),
        "/robots.txt" => Reply::new(503),
        path => match path[1..2].parse() {
            Ok(variation) => picture(Motif::Fish, variation),
            Err(_) => Reply::not_found(),
        },
    });
    let port = other.address().port();
    let server = serve(move |request| match request.path() {
        "/" => page(
            &(0..9)
                .map(|i| format!("<img src=http://localhost:{port}/{i}.jpg>"))
                .collect::<String>(),
        ),
        _ => Reply::not_found(),
    });
    let summary = crawl(&simdex, &server.url("/"), &[]);
    assert_eq!(summary["images_indexed"], 0);
    assert_eq!(summary["refused"], json!({"robots_unreachable": 1}));
    UP.store(true, Ordering::Relaxed);
    let resumed = [&["crawl"], &FAST[..]].concat();
    assert_eq!(simdex.json(&resumed)["images_indexed"], 9);
}

#[test]
fn a_page_reached_by_redirect_is_one_page() {
    let simdex = Simdex::new();
    let server = serve(|request| match request.path() {
        "/robots.txt" => Reply::not_found(),
        "/" => page("<a href=/old>a</a><a href=/new>b</a><a href=/older>c</a>"),
        "/old" | "/older" => Reply::redirect(301, "/new"),
        "/new" => page("<title>New</title><img src=a.jpg>"),
        _ => picture(Motif::Fish, 1),
    });
    crawl(&simdex, &server.url("/"), &[]);
    assert_eq!(simdex.json(&["status"])["pages"], 2);
    let stored = simdex.stored();
    assert_eq!(stored[0].pages.len(), 1, "{stored:?}");
    assert_eq!(stored[0].pages[0].url, server.url("/new"));
}

#[test]
fn pictures_on_another_host_are_fetched_by_its_own_rules() {
    let simdex = Simdex::new();
    let other = serve(|request| match request.path() {
        "/robots.txt" => Reply::text("User-agent: *\nDisallow: /closed"),
        path => picture(Motif::Fish, path.len() as u64),
    });
    let port = other.address().port();
    let server = serve(move |request| match request.path() {
        "/robots.txt" => Reply::not_found(),
        "/" => page(&format!(
            "<img src=http://localhost:{port}/one.jpg><img src=http://localhost:{port}/closed/a.jpg>\
             <img src=/away.jpg><img src=/sneaky.jpg>"
        )),
        "/away.jpg" => Reply::redirect(302, &format!("http://localhost:{port}/three.jpg")),
        _ => Reply::redirect(302, &format!("http://localhost:{port}/closed/b.jpg")),
    });
    let summary = crawl(&simdex, &server.url("/"), &[]);
    assert_eq!(summary["images_indexed"], 2, "{summary}");
    assert_eq!(summary["refused"], json!({"robots": 2}));
    let asked: Vec<String> = other
        .log()
        .iter()
        .map(|h| h.request.target.clone())
        .collect();
    assert!(
        !asked.iter().any(|target| target.contains("closed")),
        "{asked:?}"
    );
}

#[test]
fn private_addresses_are_refused_at_every_hop() {
    let simdex = Simdex::new();
    let server = serve(|_| page("<img src=a.jpg>"));
    let run = simdex.run(&[
        "crawl",
        &server.url("/"),
        "--delay",
        "0",
        "--format",
        "json",
    ]);
    assert_eq!(run.code, 3);
    assert_eq!(run.json()["refused"], json!({"private_address": 1}));
    assert!(
        run.stderr.contains("--allow-private-addresses"),
        "{}",
        run.stderr
    );
    let port = server.address().port();
    let name = format!("http://localhost:{port}/");
    let run = simdex.run(&["crawl", &name, "--delay", "0", "--format", "json"]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert_eq!(server.total(), 0, "not one request may arrive");
}

#[test]
fn budgets_and_scope_hold() {
    let simdex = Simdex::new();
    let server = serve(|request| match request.path() {
        "/robots.txt" => Reply::not_found(),
        path if path.ends_with(".jpg") => {
            let n = path
                .trim_matches(|c: char| !c.is_ascii_digit())
                .parse()
                .unwrap_or(0);
            picture(Motif::ALL[n as usize % 16], n)
        }
        path => {
            let n: u64 = path.trim_start_matches("/p").parse().unwrap_or(0);
            page(&format!(
                "<a href=/p{}>next</a><a href=http://localhost:9/>out</a><img src=/{n}.jpg>",
                n + 1
            ))
        }
    });
    let summary = crawl(&simdex, &server.url("/"), &["--max-pages", "5"]);
    assert_eq!(
        (&summary["pages_fetched"], &summary["images_indexed"]),
        (&json!(5), &json!(5))
    );
    assert!(
        server
            .log()
            .iter()
            .all(|hit| hit.request.host.starts_with("127.0.0.1"))
    );
    // Without URLs the crawl goes on where it stopped.
    let more = simdex.json(&[&["crawl", "--max-images", "3"], &FAST[..]].concat());
    assert_eq!(more["images_indexed"], 3, "{more}");
    let deep = Simdex::new();
    let summary = crawl(&deep, &server.url("/"), &["--max-depth", "2"]);
    assert_eq!(summary["pages_fetched"], 3);
}
