//! Many who search at once, beside a crawl: nobody is turned away, and memory does not grow.

use std::time::{Duration, Instant};

use serde_json::json;
use testweb::reply::Reply;

use crate::common::serving::Serving;
use crate::common::{Simdex, numbered, serve};

const SESSIONS: u32 = 32;
/// Searches a second, of all sessions together.
const RATE: u32 = 3;
const FOR: Duration = Duration::from_secs(20);
/// Bytes that may come on top while the crawl stores some hundred pictures and allocators settle.
const SLACK: u64 = 192 << 20;

/// Bytes of a process that are in memory; `None` where the system does not tell.
fn resident(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib << 10)
}

#[test]
#[ignore = "it needs the machine for itself: cargo test --test it -- --ignored load"]
fn sessions_search_beside_a_crawl() {
    let site = serve(|request| match request.path() {
        "/" => {
            let pictures = (0..2_000).map(|number| format!("<img src='/{number}.jpg'>"));
            Reply::html(pictures.collect::<String>())
        }
        _ => numbered(request),
    });
    let simdex = Simdex::filled(3, 4);
    simdex.configure("[crawl]\nallow_private_addresses = true\ndelay_ms = 20");
    let ids: Vec<String> = simdex.stored().iter().map(|it| it.id.to_string()).collect();
    let serving = Serving::start(&simdex);
    let post = |path: &str, asked: serde_json::Value| {
        serving.post(path, "application/json", asked.to_string().as_bytes())
    };
    let search = |number: usize| {
        let positive = &ids[number % ids.len()];
        let answer = post(
            "/api/v1/search",
            json!({"positive": [positive], "limit": 5}),
        );
        assert_eq!(answer.status, 200, "{}", answer.text());
        let found = answer.json();
        assert_eq!(found["results"][0]["id"], positive.as_str(), "{found}");
    };
    search(0);
    let begun = post("/api/v1/crawls", json!({"seeds": [site.url("/")]}));
    assert_eq!(begun.status, 202, "{}", begun.text());
    let started = Instant::now();
    let after = |share: u32| {
        let until = started + FOR * share / 4;
        std::thread::sleep(until.saturating_duration_since(Instant::now()));
        resident(serving.id())
    };
    let (early, late) = std::thread::scope(|scope| {
        let search = &search;
        for session in 0..SESSIONS {
            scope.spawn(move || {
                // At fixed times, so that one who waits makes nobody ask less often.
                let mut next = started + Duration::from_secs(1) * session / RATE;
                while next < started + FOR {
                    std::thread::sleep(next.saturating_duration_since(Instant::now()));
                    search(session as usize);
                    next += Duration::from_secs(1) * SESSIONS / RATE;
                }
            });
        }
        (after(1), after(4))
    });
    if let (Some(early), Some(late)) = (early, late) {
        assert!(late < early + SLACK, "{early} bytes grew to {late}");
    }
    let crawl = serving.get("/api/v1/crawls/1").json();
    assert!(
        crawl["summary"]["images_fetched"].as_u64() > Some(10),
        "{crawl}"
    );
    let metrics = serving.get("/metrics").text();
    assert!(!metrics.contains("status=\"5xx\""), "{metrics}");
    assert_eq!(serving.stop(), 130);
}
