//! SIGKILL at random instants of one crawl: in the end all is as if nothing had happened,
//! and no host has noticed anything but the pauses.
//!
//! `SIMDEX_KILLS=1000 cargo test --release --test kill` is the longer run.

mod common;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use common::{Run, Simdex};
use serde_json::Value;
use simdex::demo::random::SplitMix64;
use simdex::demo::server::ServerOptions;
use simdex::demo::web::{GapKey, Web, WebPlan, gaps, violations};

const DELAY: Duration = Duration::from_millis(50);

fn kills() -> u32 {
    let kills = std::env::var("SIMDEX_KILLS").ok();
    kills.map_or(200, |kills| {
        kills.parse().expect("SIMDEX_KILLS is a number")
    })
}

/// The URLs that gave the stored pictures. A page that holds a picture itself, in a `data:`
/// URL, is settled after it, so that none is lost, and may be asked for again.
fn urls(simdex: &Simdex, pages: &BTreeSet<String>) -> BTreeSet<String> {
    let stored = simdex.stored();
    let urls = stored
        .iter()
        .flat_map(|result| result["urls"].as_array().unwrap());
    let urls = urls.map(|url| url.as_str().unwrap().to_owned());
    urls.filter(|url| !pages.contains(url)).collect()
}

#[test]
fn no_kill_loses_or_repeats_anything() {
    let kills = kills();
    let plan = WebPlan {
        robots: true,
        hosts: 10 + kills / 6,
        addresses: 2,
        pages_per_host: 4,
        pictures_per_page: 3,
        ..WebPlan::default()
    };
    let web = Arc::new(Web::new(plan));
    let server = web.serve(&ServerOptions::default()).unwrap();
    let simdex = Simdex::new();
    simdex.configure(&format!(
        "[crawl]\nallow_private_addresses = true\nscope = \"any\"\nconcurrency = 8\n\
         delay_ms = {}\nfirst_byte_timeout_ms = 1000\nidle_timeout_ms = 500\nmax_attempts = 2\n{}",
        DELAY.as_millis(),
        Web::resolve_table(&server)
    ));
    let truth = web.truth();
    let seeds = web.seeds();
    let crawl = ["crawl", "-q", &seeds[0], "--format", "json"];
    let mut random = SplitMix64::new(7);
    let mut killed = 0;
    let mut acknowledged = BTreeSet::new();
    for kill in 0..kills {
        let before = server.total() as usize;
        let mut child = simdex.start(&crawl);
        std::thread::sleep(Duration::from_millis(random.count(50, 700) as u64));
        if child.try_wait().unwrap().is_some() {
            let run = Run::of(child.wait_with_output().unwrap());
            assert_eq!(run.code, 0, "{}", run.stderr);
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        killed += 1;
        for hit in &server.log()[before..] {
            let url = hit.url();
            assert!(
                !acknowledged.contains(&url),
                "{url} was stored and asked for again"
            );
        }
        if kill % 25 == 24 && simdex.store().join("store.toml").exists() {
            let now = urls(&simdex, &truth.pages);
            assert!(acknowledged.is_subset(&now), "stored pictures are missing");
            acknowledged = now;
        }
    }
    assert!(killed >= kills / 3, "only {killed} kills hit the crawl");
    // Hosts whose rules could not be had are asked again by each run.
    let summary = simdex.json(&crawl[..3]);
    let stored: BTreeSet<String> = simdex
        .stored()
        .iter()
        .map(|result: &Value| result["id"].as_str().unwrap().to_owned())
        .collect();
    for (url, id) in &truth.pictures {
        assert!(
            stored.contains(&id.to_string()),
            "{url} is missing: {summary}"
        );
    }
    let hits = server.log();
    assert_eq!(violations(&hits, &truth), []);
    for key in [GapKey::Host, GapKey::Address] {
        for (name, gap) in gaps(&hits, key) {
            assert!(
                gap.gap >= DELAY,
                "{name}: {:?} after {killed} kills",
                gap.gap
            );
        }
    }
    assert_eq!(simdex.json(&["politeness"])["violations"], 0);
    let status = simdex.json(&["status"]);
    assert_eq!(status["frontier"]["leased"], 0);
    assert_eq!(simdex.run(&["verify"]).code, 0);
}
