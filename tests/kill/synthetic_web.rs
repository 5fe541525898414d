//! A crawl of the synthetic web, killed at random instants; no host has noticed anything but
//! the pauses.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use simdex::demo::random::SplitMix64;
use testweb::server::ServerOptions;
use testweb::web::{GapKey, Web, WebPlan, gaps, violations};

use crate::common::Simdex;
use crate::{Killed, assert_whole};

const DELAY: Duration = Duration::from_millis(50);

fn kills() -> u32 {
    let kills = std::env::var("SIMDEX_KILLS").ok();
    kills.map_or(200, |kills| {
        kills.parse().expect("SIMDEX_KILLS is a number")
    })
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
    let mut killed = Killed::new(&simdex, &server, &crawl, |_, hit| hit.url());
    killed.pages.clone_from(&truth.pages);
    for kill in 0..kills {
        if !killed.kill_after(Duration::from_millis(random.count(50, 700) as u64)) {
            break;
        }
        if kill % 25 == 24 {
            killed.acknowledge();
        }
    }
    let killed = killed.kills;
    assert!(killed >= kills / 3, "only {killed} kills hit the crawl");
    // Hosts whose rules could not be had are asked again by each run.
    let summary = simdex.json(&crawl[..3]);
    let stored: BTreeSet<_> = simdex.stored().iter().map(|it| it.id).collect();
    for (url, id) in &truth.pictures {
        assert!(stored.contains(id), "{url} is missing: {summary}");
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
    assert_whole(&simdex);
}
