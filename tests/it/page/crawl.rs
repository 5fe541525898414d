//! A crawl that is begun, followed and stopped from a page.

use std::time::Duration;

use testweb::reply::Reply;

use super::Browser;
use crate::common::in_process::wait_for;
use crate::common::serving::Serving;
use crate::common::{Simdex, numbered, serve};

#[test]
fn a_crawl_is_begun_from_the_page() {
    let site = serve(|request| match request.path() {
        "/" => Reply::html("<img src='/1.jpg'><img src='/2.jpg'><img src='/missing.gif'>"),
        _ => numbered(request),
    });
    let simdex = Simdex::new();
    simdex.configure("[crawl]\nallow_private_addresses = true\ndelay_ms = 0");
    let serving = Serving::start(&simdex);
    let browser = Browser::of(&serving);
    assert!(browser.open("/crawl").text().contains("Pages to begin at"));
    let seeds = format!("{}\n\n", site.url("/"));
    let sent = browser.send("/crawl", &[("seeds", &seeds), ("max_images", "10")], &[]);
    assert_eq!(
        (sent.status, sent.header("location")),
        (303, Some("/crawl"))
    );
    let page = wait_for("the end", || {
        let page = browser.open("/crawl").text();
        page.contains("data-state>done").then_some(page)
    });
    assert!(page.contains("pictures stored"), "{page}");
    for (act, status) in [
        ("pause", 303),
        ("resume", 303),
        ("stop", 303),
        ("burn", 404),
    ] {
        assert_eq!(
            browser
                .send(&format!("/crawl/{act}"), &[("id", "1")], &[])
                .status,
            status,
            "{act}"
        );
    }
    assert_eq!(browser.send("/crawl/stop", &[("id", "7")], &[]).status, 404);
    assert!(browser.open("/crawl/hosts").text().contains("127.0.0.1"));
    assert_eq!(simdex.json(&["status"])["images"], 2);
    for seeds in ["file:///etc/passwd", "http://me:hunter2@127.0.0.1/"] {
        let sent = browser.send("/crawl", &[("seeds", seeds)], &[]);
        assert_eq!(sent.status, 422, "{seeds}");
        assert!(!sent.text().contains("hunter2"), "{}", sent.text());
    }
}

#[test]
fn what_a_page_tells_of_a_crawl_is_renewed_only_while_it_runs() {
    let site = serve(|request| match request.path() {
        "/" => Reply::html("<img src='/1.jpg'><img src='/missing.gif'>"),
        _ => {
            std::thread::sleep(Duration::from_millis(300));
            numbered(request)
        }
    });
    let simdex = Simdex::new();
    simdex.configure("[crawl]\nallow_private_addresses = true\ndelay_ms = 0");
    let serving = Serving::start(&simdex);
    let browser = Browser::of(&serving);
    let renews = |path: &str| browser.open(path).text().contains("data-renew");
    let pages = ["/crawl", "/crawl/hosts"];
    assert_eq!(pages.map(renews), [false, false]);
    let seeds = site.url("/");
    assert_eq!(
        browser.send("/crawl", &[("seeds", &seeds)], &[]).status,
        303
    );
    assert_eq!(pages.map(renews), [true, true]);
    wait_for("the end", || {
        let page = browser.open("/crawl").text();
        page.contains("data-state>done").then_some(())
    });
    assert_eq!(pages.map(renews), [false, false]);
    let page = browser.open("/crawl/hosts").text();
    assert!(page.contains("data-part=\"rows\""), "{page}");
}
