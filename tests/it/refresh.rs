//! Later visits: what a site must say before something leaves the store, and what comes back.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::common::{FAST, Run, Simdex, crawl, jpeg, numbered, serve};
use serde_json::json;
use simdex::demo::drawing::Motif;
use simdex::store::{UrlRecord, UrlState, VisitRecord, now_ms};
use testweb::reply::Reply;
use testweb::server::{Request, Server};

/// How many pictures the site shows.
const PICTURES: usize = 20;

/// A site of one page with pictures, which may answer otherwise.
struct Site {
    server: Server,
    mood: Arc<AtomicU8>,
    simdex: Simdex,
}

/// How the site answers.
#[derive(Clone, Copy)]
enum Mood {
    /// As it should.
    Well,
    /// Every URL is this page.
    Maintenance,
    /// So says it, and that it is not to be indexed.
    Unindexed,
    /// As it should, but its page is not to be indexed.
    OptedOut,
    /// Nothing, under every URL.
    Empty,
    /// A picture of one pixel.
    Pixel,
    Garbage,
    /// One and the same picture, which is large enough.
    Placeholder,
    /// Every picture is gone.
    Gone,
}

const NOINDEX: &str = "<meta name=robots content='noindex, nofollow'>";
const MAINTENANCE: &str = "<!doctype html><title>Maintenance</title><p>Back soon.";

impl Mood {
    const ALL: [Self; 9] = [
        Self::Well,
        Self::Maintenance,
        Self::Unindexed,
        Self::OptedOut,
        Self::Empty,
        Self::Pixel,
        Self::Garbage,
        Self::Placeholder,
        Self::Gone,
    ];

    fn reply(self, request: &Request) -> Reply {
        let is_picture = request.path().ends_with(".jpg");
        match self {
            Self::Maintenance => Reply::html(MAINTENANCE),
            Self::Unindexed => Reply::html(format!("<!doctype html>{NOINDEX}{MAINTENANCE}")),
            Self::Empty => Reply::bytes("text/html", Vec::new()),
            Self::Pixel if is_picture => Reply::bytes("image/gif", pixel()),
            Self::Garbage if is_picture => Reply::bytes("image/jpeg", b"\x01garbage".repeat(99)),
            Self::Placeholder if is_picture => Reply::bytes("image/jpeg", jpeg(Motif::ALL[3], 999)),
            Self::Gone if is_picture => Reply::not_found(),
            _ if is_picture => numbered(request),
            _ if request.path() == "/" => {
                let pictures = (0..PICTURES).map(|n| format!("<img src={n}.jpg alt='no {n}'>"));
                let said = if matches!(self, Self::OptedOut) {
                    NOINDEX
                } else {
                    ""
                };
                let pictures = pictures.collect::<String>();
                Reply::html(format!("<title>Site</title>{said}{pictures}"))
            }
            _ => Reply::not_found(),
        }
    }
}

/// A GIF of one pixel.
fn pixel() -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::RgbImage::new(1, 1)
        .write_to(&mut bytes, image::ImageFormat::Gif)
        .unwrap();
    bytes.into_inner()
}

fn flags<'a>(args: &[&'a str]) -> Vec<&'a str> {
    [args, &FAST[..], &["--format", "json"]].concat()
}

impl Site {
    /// A site whose pictures are stored; `crawl` is of `[crawl]`.
    fn crawled(crawl: &str) -> Self {
        let mood = Arc::new(AtomicU8::new(Mood::Well as u8));
        let current = Arc::clone(&mood);
        let server = serve(move |request| {
            // robots.txt is read once a day; a page in its place would allow everything, too.
            let current = current.load(Ordering::Relaxed);
            Mood::ALL[usize::from(current)].reply(request)
        });
        let simdex = Simdex::new();
        simdex.configure(&format!("[crawl]\nsitemaps = false\n{crawl}"));
        let site = Self {
            server,
            mood,
            simdex,
        };
        let summary = self::crawl(&site.simdex, &site.server.url("/"), &[]);
        assert_eq!(summary["images_indexed"], PICTURES, "{summary}");
        site
    }

    fn is(&self, mood: Mood) -> &Self {
        self.mood.store(mood as u8, Ordering::Relaxed);
        self
    }

    fn refresh(&self) -> Run {
        self.simdex.run(&flags(&["crawl", "--refresh", "all"]))
    }

    /// What is stored, with the pages that show it.
    fn stored(&self) -> BTreeSet<(String, usize)> {
        let stored = self.simdex.stored();
        let stored = stored.iter().flat_map(|it| {
            let pages = it.pages.len();
            it.urls.iter().map(move |url| (url.clone(), pages))
        });
        stored.collect()
    }
}

#[test]
fn a_site_that_fails_loses_nothing_and_all_is_well_when_it_recovers() {
    for (mood, kind, reason) in [
        (Mood::Maintenance, "failed", "html_not_picture"),
        (Mood::Unindexed, "failed", "html_not_picture"),
        (Mood::Empty, "failed", "empty"),
        (Mood::Pixel, "refused", "too_small"),
        (Mood::Garbage, "failed", "unknown_format"),
    ] {
        let site = Site::crawled("");
        let before = site.stored();
        // However often it is asked.
        for _ in 0..2 {
            let run = site.is(mood).refresh();
            assert_eq!(run.code, 0, "{reason}: {}", run.stderr);
            let summary = run.json();
            assert_eq!(summary[kind], json!({reason: PICTURES}), "{summary}");
            assert_eq!(summary["removals_stopped"], json!({}), "{summary}");
            let status = site.simdex.json(&["status"]);
            assert_eq!(status["images"], PICTURES, "{reason}: {status}");
            assert_eq!(status["frontier"][kind], PICTURES, "{reason}: {status}");
        }
        let run = site.is(Mood::Well).refresh();
        let summary = run.json();
        assert_eq!(summary["unchanged"], PICTURES, "{reason}: {summary}");
        assert_eq!(summary["images_indexed"], 0, "{reason}: {summary}");
        assert_eq!(site.stored(), before, "{reason}");
        let status = site.simdex.json(&["status"]);
        assert_eq!(status["frontier"][kind], 0, "{reason}: {status}");
    }
}

#[test]
fn an_opt_out_that_is_taken_back_brings_the_pictures_back() {
    let site = Site::crawled("");
    let before = site.stored();
    let run = site.is(Mood::OptedOut).refresh();
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(
        site.stored(),
        BTreeSet::new(),
        "it was said in so many words"
    );
    let run = site.is(Mood::Well).refresh();
    assert_eq!(run.json()["images_indexed"], PICTURES, "{}", run.stdout);
    assert_eq!(site.stored(), before);
}

#[test]
fn what_is_gone_leaves_the_second_time_a_while_later() {
    // Two of twenty, a tenth.
    let gone = |path: &str| matches!(path, "/3.jpg" | "/4.jpg");
    let away = Arc::new(AtomicU8::new(0));
    let is_away = Arc::clone(&away);
    let server = serve(move |request| match request.path() {
        path if gone(path) && is_away.load(Ordering::Relaxed) > 0 => Reply::new(410),
        _ => Mood::Well.reply(request),
    });
    let simdex = Simdex::new();
    let configure = |more: &str| simdex.configure(&format!("[crawl]\nsitemaps = false\n{more}"));
    configure("");
    crawl(&simdex, &server.url("/"), &[]);
    away.store(1, Ordering::Relaxed);
    let refresh = |pictures: usize| {
        let run = simdex.run(&flags(&["crawl", "--refresh", "all"]));
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert_eq!(
            run.json()["failed"],
            json!({"http_410": 2}),
            "{}",
            run.stdout
        );
        let status = simdex.json(&["status"]);
        assert_eq!(status["images"], pictures, "{}", run.stdout);
    };
    refresh(PICTURES);
    // The second time is too soon after the first.
    refresh(PICTURES);
    configure("gone_after = 1\n");
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    refresh(PICTURES - 2);
    // What has left is not asked for again by itself, but when it is asked for by name.
    let run = simdex.run(&flags(&["crawl", "--refresh", "all"]));
    assert_eq!(run.json()["failed"], json!({}), "{}", run.stdout);
    away.store(0, Ordering::Relaxed);
    let again = simdex.run(&flags(&["crawl", "--retry-failed", "http_410"]));
    assert_eq!(again.json()["images_indexed"], 2, "{}", again.stdout);
}

#[test]
fn a_run_stops_removing_where_a_tenth_of_a_host_is_gone_and_says_so() {
    let site = Site::crawled("gone_after = 0\n");
    let run = site.is(Mood::Gone).refresh();
    assert_eq!(run.code, 0, "{}", run.stderr);
    let summary = run.json();
    assert_eq!(summary["removals_stopped"], json!({"127.0.0.1": 18}));
    assert_eq!(
        summary["failed"],
        json!({"http_404": PICTURES}),
        "{summary}"
    );
    let said = "127.0.0.1: no more of its pictures were removed in this run: 18 are kept";
    assert!(run.stderr.contains(said), "{}", run.stderr);
    assert_eq!(site.simdex.json(&["status"])["images"], 18);
    // Those come back that are still asked for.
    let run = site.is(Mood::Well).refresh();
    assert_eq!(run.json()["unchanged"], 18, "{}", run.stdout);
    // Who knows that it is meant lets them go.
    site.simdex
        .configure("[crawl]\nsitemaps = false\ngone_after = 0\nmax_removed_share = 1.0\n");
    let run = site.is(Mood::Gone).refresh();
    assert_eq!(run.json()["removals_stopped"], json!({}), "{}", run.stdout);
    assert_eq!(site.simdex.json(&["status"])["images"], 0);
}

#[test]
fn one_placeholder_for_all_pictures_takes_the_place_of_a_tenth() {
    let site = Site::crawled("");
    let run = site.is(Mood::Placeholder).refresh();
    assert_eq!(run.code, 0, "{}", run.stderr);
    let summary = run.json();
    assert_eq!(summary["removals_stopped"], json!({"127.0.0.1": 18}));
    assert_eq!(
        summary["failed"],
        json!({"removals_stopped": 18}),
        "{summary}"
    );
    let text = site
        .simdex
        .run(&[&["crawl", "--refresh", "all"], &FAST[..]].concat());
    let said = "removing stopped at 127.0.0.1: ";
    assert!(text.stdout.contains(said), "{}", text.stdout);
    let site = Site::crawled("");
    let before = site.stored();
    site.is(Mood::Placeholder).refresh();
    assert_eq!(site.simdex.json(&["status"])["images"], 19);
    let run = site.is(Mood::Well).refresh();
    // The two come back as new; one of them takes the place of the placeholder.
    assert_eq!(run.json()["unchanged"], 18, "{}", run.stdout);
    assert_eq!(run.json()["images_indexed"], 2, "{}", run.stdout);
    assert_eq!(site.stored(), before);
}

/// Ten years, in seconds.
const YEARS: u64 = 10 * 365 * 24 * 3600;

#[test]
fn a_clock_that_was_ahead_postpones_neither_visits_nor_retries() {
    let site = Site::crawled("");
    let nothing = site
        .simdex
        .run(&[&["crawl", "--refresh"], &FAST[..3]].concat());
    assert!(
        nothing.stderr.contains("the next visit is due in"),
        "{}",
        nothing.stderr
    );
    // As they would be had the clock been ahead; one picture waits for another try.
    let db = sled::open(site.simdex.store().join("records")).unwrap();
    let visits = db.open_tree("visits").unwrap();
    for entry in &visits {
        let (key, value) = entry.unwrap();
        let mut visit: VisitRecord = postcard::from_bytes(&value).unwrap();
        visit.due_s += YEARS;
        visits
            .insert(key, postcard::to_stdvec(&visit).unwrap())
            .unwrap();
    }
    let frontier = db.open_tree("frontier").unwrap();
    let of_picture = site.server.url("/7.jpg");
    let retry = frontier.scan_prefix([0]).find_map(|entry| {
        let (key, value) = entry.unwrap();
        let record: UrlRecord = postcard::from_bytes(&value).unwrap();
        (record.url == of_picture).then_some((key, record))
    });
    let (key, record) = retry.unwrap();
    let open = UrlRecord {
        state: UrlState::Open,
        ..record
    };
    frontier
        .insert(&key, postcard::to_stdvec(&open).unwrap())
        .unwrap();
    let at_ms = now_ms() + YEARS * 1_000;
    let retry = [&[3], &at_ms.to_be_bytes()[..], &key[1..]].concat();
    frontier.insert(retry, &[]).unwrap();
    drop((visits, frontier, db));
    let run = site.simdex.run(&flags(&["crawl"]));
    assert_eq!(run.json()["unchanged"], 1, "the retry: {}", run.stdout);
    let run = site.simdex.run(&flags(&["crawl", "--refresh"]));
    // The picture that was tried again is due when it should be.
    assert_eq!(run.json()["unchanged"], PICTURES - 1, "{}", run.stdout);
}
