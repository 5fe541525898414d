//! A crawl of the drawn site, killed at instants spread over it.

use std::sync::Arc;
use std::time::Duration;

use testweb::reply::Reply;
use testweb::server::{Handler, Request, Server};

use crate::common::{FAST, SITE, Simdex};
use crate::{Killed, assert_whole, urls};

/// The drawn site, slowly, so that a kill falls into the middle.
struct Slow;

impl Handler for Slow {
    fn reply(&self, request: &Request) -> Reply {
        SITE.reply(request).after(Duration::from_millis(60))
    }
}

const KILLS: u32 = 8;

#[test]
fn killed_crawls_end_where_an_undisturbed_one_does() {
    let server = Server::background(Arc::new(Slow)).unwrap();
    let undisturbed = Simdex::new();
    let start = server.url("/");
    let crawl = [&["crawl", &start, "--host-concurrency", "2"], &FAST[..]].concat();
    undisturbed.json(&crawl);

    let simdex = Simdex::new();
    let url = |server: &Server, hit: &testweb::server::Hit| server.url(&hit.request.target);
    let mut killed = Killed::new(&simdex, &server, &crawl, url);
    for kill in 0..KILLS {
        // Early, while pages come, while pictures come.
        killed.kill_after(Duration::from_millis(u64::from(400 + kill * 137 % 500)));
        if killed.acknowledge() {
            assert_eq!(simdex.run(&["verify"]).code, 0);
        }
    }
    assert!(
        killed.kills >= KILLS / 2,
        "{} kills hit a running crawl",
        killed.kills
    );
    simdex.json(&crawl);
    assert_eq!(urls(&simdex), urls(&undisturbed));
    let (a, b) = (simdex.json(&["status"]), undisturbed.json(&["status"]));
    assert_eq!((&a["images"], &a["pages"]), (&b["images"], &b["pages"]));
    assert_whole(&simdex);
}
