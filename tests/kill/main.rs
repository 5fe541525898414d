//! SIGKILL in mid-crawl, again and again: nothing acknowledged is missing, nothing is asked for
//! twice, and the end is that of a crawl that nobody has disturbed.
//!
//! A binary of its own: its kills are timed by the clock, and beside other tests too many of
//! them would hit a program that has not begun.
//!
//! The same of three workers of a cluster, and of its servers.
//!
//! `SIMDEX_KILLS=1000 cargo test --release --test kill` is the longer run.

#![allow(
    clippy::unwrap_used,
    reason = "a test that fails by unwrapping says where"
)]

#[cfg(all(unix, feature = "cluster"))]
mod cluster;
#[path = "../it/common/mod.rs"]
#[allow(dead_code, reason = "the other tests share it too")]
mod common;
mod drawn_site;
mod synthetic_web;

use std::collections::BTreeSet;
use std::time::Duration;

use common::{Run, Simdex};
use testweb::server::{Hit, Server};

/// A crawl that is killed and started again.
struct Killed<'a> {
    simdex: &'a Simdex,
    server: &'a Server,
    /// The crawl's arguments.
    crawl: &'a [&'a str],
    /// The URL that a request was for.
    url: fn(&Server, &Hit) -> String,
    /// URLs of pages: one that holds a picture itself, in a `data:` URL, is settled after it, so
    /// that none is lost, and may be asked for again.
    pages: BTreeSet<String>,
    /// The URLs that gave the pictures stored so far.
    acknowledged: BTreeSet<String>,
    /// How many kills hit a crawl that was still running.
    kills: u32,
}

impl<'a> Killed<'a> {
    fn new(
        simdex: &'a Simdex,
        server: &'a Server,
        crawl: &'a [&'a str],
        url: fn(&Server, &Hit) -> String,
    ) -> Self {
        Self {
            simdex,
            server,
            crawl,
            url,
            pages: BTreeSet::new(),
            acknowledged: BTreeSet::new(),
            kills: 0,
        }
    }

    /// Runs the crawl and kills it after a while; false if it had ended by itself. Nothing that
    /// was acknowledged may be asked for meanwhile.
    fn kill_after(&mut self, time: Duration) -> bool {
        // The log holds the newest hits; these tests stay far below its bound.
        let before = self.server.total() as usize;
        let mut child = self.simdex.start(self.crawl);
        std::thread::sleep(time);
        let running = child.try_wait().unwrap().is_none();
        if running {
            child.kill().unwrap();
            child.wait().unwrap();
            self.kills += 1;
        } else {
            let run = Run::of(child.wait_with_output().unwrap());
            assert_eq!(run.code, 0, "{}", run.stderr);
        }
        for hit in &self.server.log()[before..] {
            let url = (self.url)(self.server, hit);
            assert!(
                !self.acknowledged.contains(&url),
                "{url} was stored and asked for again"
            );
        }
        running
    }

    /// Looks into the store: what was acknowledged must still be there. False if there is no
    /// store yet.
    fn acknowledge(&mut self) -> bool {
        if !self.simdex.store().join("store.toml").exists() {
            return false;
        }
        let mut now = urls(self.simdex);
        now.retain(|url| !self.pages.contains(url));
        assert!(
            self.acknowledged.is_subset(&now),
            "stored pictures are missing"
        );
        self.acknowledged = now;
        true
    }
}

/// The URLs that gave the stored pictures.
fn urls(simdex: &Simdex) -> BTreeSet<String> {
    let stored = simdex.stored();
    stored.into_iter().flat_map(|it| it.urls).collect()
}

/// What must hold of a store when all is done.
fn assert_whole(simdex: &Simdex) {
    let status = simdex.json(&["status"]);
    assert_eq!(status["frontier"]["leased"], 0);
    assert_eq!(simdex.run(&["verify"]).code, 0);
}
