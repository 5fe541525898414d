//! kill -9 in mid-crawl, again and again: nothing acknowledged is missing, nothing is
//! twice, and the end is the end of an undisturbed crawl.

mod common;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use common::{FAST, SITE, Simdex};
use simdex::demo::server::{Request, Server};
use simdex::demo::{reply::Reply, server::Handler};

/// The drawn site, slowly, so that a kill falls into the middle.
struct Slow;

impl Handler for Slow {
    fn reply(&self, request: &Request) -> Reply {
        SITE.reply(request).after(Duration::from_millis(60))
    }
}

const KILLS: u32 = 8;

fn urls(simdex: &Simdex) -> HashSet<String> {
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    simdex
        .stored()
        .iter()
        .flat_map(|result| {
            result["urls"]
                .as_array()
                .unwrap()
                .iter()
                .map(text)
                .collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn killed_crawls_end_where_an_undisturbed_one_does() {
    let server = Server::background(Arc::new(Slow)).unwrap();
    let undisturbed = Simdex::new();
    let start = server.url("/");
    let crawl = [&["crawl", &start, "--host-concurrency", "2"], &FAST[..]].concat();
    undisturbed.json(&crawl);

    let simdex = Simdex::new();
    let mut killed_while_running = 0;
    let mut acknowledged: HashSet<String> = HashSet::new();
    for kill in 0..KILLS {
        let before = server.total() as usize;
        let mut child = simdex.start(&crawl);
        // Instants spread over the crawl: early, while pages come, while pictures come.
        std::thread::sleep(Duration::from_millis(u64::from(400 + kill * 137 % 500)));
        child.kill().unwrap();
        killed_while_running += u32::from(!child.wait().unwrap().success());
        // The log holds the newest hits; this test stays far below its bound.
        for hit in &server.log()[before..] {
            let url = server.url(&hit.request.target);
            assert!(
                !acknowledged.contains(&url),
                "{url} was stored and fetched again"
            );
        }
        if simdex.store().join("store.toml").exists() {
            let now = urls(&simdex);
            assert!(acknowledged.is_subset(&now), "stored pictures are missing");
            acknowledged = now;
            assert_eq!(simdex.run(&["verify"]).code, 0);
        }
    }
    assert!(
        killed_while_running >= KILLS / 2,
        "{killed_while_running} kills hit a running crawl"
    );
    simdex.json(&crawl);
    assert_eq!(urls(&simdex), urls(&undisturbed));
    let (a, b) = (simdex.json(&["status"]), undisturbed.json(&["status"]));
    assert_eq!((&a["images"], &a["pages"]), (&b["images"], &b["pages"]));
    assert_eq!(a["frontier"]["leased"], 0);
    assert_eq!(simdex.run(&["verify"]).code, 0);
}
