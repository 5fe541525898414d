//! The crawler against the synthetic web, which knows the truth and logs every request.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::common::Simdex;
use serde_json::Value;
use simdex::demo::drawing::draw;
use simdex::picture::PictureId;
use testweb::server::{Hit, Server, ServerOptions};
use testweb::web::{GapKey, TopicPlan, TopicWeb, Truth, Violation, Web, WebPlan, gaps, violations};

struct World {
    web: Arc<Web>,
    server: Server,
    simdex: Simdex,
}

impl World {
    /// A web, its server, and a simdex that is led there; `crawl` is more of `[crawl]`.
    fn new(plan: WebPlan, crawl: &str) -> Self {
        let web = Arc::new(Web::new(plan));
        let server = web.serve(&ServerOptions::default()).unwrap();
        let world = Self {
            web,
            server,
            simdex: Simdex::new(),
        };
        world.configure(crawl);
        world
    }

    fn configure(&self, crawl: &str) {
        let resolve = Web::resolve_table(&self.server);
        self.simdex.configure(&format!(
            "[crawl]\nallow_private_addresses = true\nscope = \"any\"\n{resolve}{crawl}"
        ));
    }

    fn crawl(&self, more: &[&str]) -> Value {
        let seeds = self.web.seeds();
        let seeds = seeds.iter().map(String::as_str);
        let args: Vec<&str> = ["crawl", "-q"]
            .into_iter()
            .chain(seeds)
            .chain(more.iter().copied())
            .collect();
        self.simdex.json(&args)
    }

    fn stored(&self) -> BTreeSet<PictureId> {
        self.simdex.stored().iter().map(|it| it.id).collect()
    }

    /// Asserts that all pictures of the truth are stored, and no other but optional ones.
    fn assert_complete(&self, truth: &Truth) {
        let stored = self.stored();
        for (url, id) in &truth.pictures {
            assert!(stored.contains(id), "{url} is missing");
        }
        for id in &truth.inline {
            assert!(stored.contains(id), "an inline picture is missing");
        }
        let mut known = truth.picture_ids();
        known.extend(truth.optional.values());
        let extra: Vec<_> = stored.difference(&known).collect();
        assert!(extra.is_empty(), "not to be stored: {extra:?}");
    }

    fn assert_no_violation(&self, truth: &Truth) {
        assert_eq!(
            violations(&self.server.log(), truth),
            Vec::<Violation>::new()
        );
    }
}

/// Fast, and in small steps.
const FAST: &str = "delay_ms = 0\nconcurrency = 16\nconnect_timeout_ms = 2000\n\
    first_byte_timeout_ms = 1000\nidle_timeout_ms = 700\ntotal_timeout_ms = 4000\n";

fn least_gap(hits: &[Hit], key: GapKey) -> (String, Duration) {
    let gaps = gaps(hits, key);
    let least = gaps.iter().min_by_key(|(_, gap)| gap.gap).unwrap();
    (least.0.clone(), least.1.gap)
}

#[test]
fn all_that_is_open_is_found_and_nothing_else_is_asked_for() {
    let plan = WebPlan {
        robots: true,
        opt_outs: true,
        hosts: 6,
        addresses: 3,
        ..WebPlan::default()
    };
    let world = World::new(plan, FAST);
    let summary = world.crawl(&[]);
    let truth = world.web.truth();
    world.assert_complete(&truth);
    world.assert_no_violation(&truth);
    let opted_out: u64 = [
        "noindex",
        "noimageindex",
        "noai",
        "noimageai",
        "nofollow",
        "tdm",
    ]
    .map(|reason| summary["refused"][reason].as_u64().unwrap_or(0))
    .iter()
    .sum();
    assert!(opted_out >= 6, "{}", summary["refused"]);
}

#[test]
fn no_two_requests_come_closer_than_the_delay() {
    let plan = WebPlan {
        robots: true,
        hosts: 8,
        addresses: 2,
        pages_per_host: 3,
        pictures_per_page: 2,
        ..WebPlan::default()
    };
    let delay = Duration::from_millis(60);
    let quick = FAST.replace("delay_ms = 0", "delay_ms = 60");
    let world = World::new(plan, &quick);
    world.crawl(&[]);
    let hits = world.server.log();
    for key in [GapKey::Host, GapKey::Address] {
        let (name, gap) = least_gap(&hits, key);
        assert!(gap >= delay, "{name}: {gap:?}");
    }
    let truth = world.web.truth();
    world.assert_complete(&truth);
    let by_host = gaps(&hits, GapKey::Host);
    for (host, seconds) in &truth.crawl_delays {
        assert!(by_host[host].gap >= Duration::from_secs(*seconds), "{host}");
    }
    // The proof that a webmaster may ask for says the same.
    let report = world.simdex.json(&["politeness", "--limit", "1000"]);
    assert_eq!(report["violations"], 0);
    assert_eq!(report["requests"], hits.len());
    assert_eq!(
        report["by_host"].as_array().unwrap().len(),
        by_host.len().max(1)
    );
    for row in report["by_host"].as_array().unwrap() {
        let name = row["name"].as_str().unwrap();
        let asked = hits.iter().filter(|hit| hit.host == name).count();
        assert_eq!(row["requests"], asked, "{name}");
    }
}

#[test]
fn nothing_hangs_and_the_rest_goes_on() {
    let plan = WebPlan {
        faults: true,
        ..WebPlan::default()
    };
    let world = World::new(plan, &format!("{FAST}max_attempts = 2\n"));
    let begun = Instant::now();
    let summary = world.crawl(&[]);
    assert!(begun.elapsed() < Duration::from_secs(180), "{summary}");
    let truth = world.web.truth();
    world.assert_complete(&truth);
    world.assert_no_violation(&truth);
}

#[test]
fn traps_end_with_the_budget_of_their_host() {
    let plan = WebPlan {
        traps: true,
        ..WebPlan::default()
    };
    let world = World::new(plan, &format!("{FAST}max_host_pages = 30\nmax_depth = 6\n"));
    let summary = world.crawl(&[]);
    let truth = world.web.truth();
    let stored = world.stored();
    for (url, id) in &truth.pictures {
        assert!(stored.contains(id), "{url} is missing");
    }
    let hits = world.server.log();
    let mut asked: BTreeMap<&str, u64> = BTreeMap::new();
    for hit in &hits {
        if truth.trap(&hit.url()).is_some() {
            *asked.entry(&hit.host).or_default() += 1;
        }
    }
    assert!(asked.len() > 4, "{asked:?}");
    for (host, count) in asked {
        assert!(count <= 40, "{count} requests to {host}: {summary}");
    }
}

#[test]
fn a_later_visit_takes_what_is_new_and_lets_go_of_what_is_gone() {
    let plan = WebPlan {
        hosts: 5,
        ..WebPlan::default()
    };
    // What is gone may leave at once, and all of it.
    let at_once = format!("{FAST}gone_after = 0\nmax_removed_share = 1.0\n");
    let world = World::new(plan, &at_once);
    world.crawl(&[]);
    let before = world.web.truth();
    world.assert_complete(&before);
    let asked = world.server.log().len();
    world.simdex.json(&["crawl", "-q", "--refresh"]);
    assert_eq!(world.server.log().len(), asked, "nothing is due yet");

    world.web.advance();
    let summary = world.simdex.json(&["crawl", "-q", "--refresh", "all"]);
    assert!(summary["unchanged"].as_u64().unwrap() > 0, "{summary}");
    let after = world.web.truth();
    let stored = world.stored();
    for (url, id) in &after.pictures {
        assert!(stored.contains(id), "{url} is missing: {summary}");
    }
    let mut kept = after.picture_ids();
    kept.extend(after.optional.values());
    let log = world.server.log();
    let gone = log[asked..]
        .iter()
        .filter(|hit| matches!(hit.status, Some(404 | 410)));
    let gone: BTreeSet<String> = gone.map(Hit::url).collect();
    let mut left = 0;
    for (url, id) in &before.pictures {
        let changed = after.pictures.get(url).is_some_and(|now| now != id);
        let out = gone.contains(url) || after.opted_out.contains_key(url) || changed;
        if out && !kept.contains(id) {
            assert!(!stored.contains(id), "{url} is still stored");
            left += 1;
        }
    }
    assert!(left > 0, "the web has lost nothing");
}

#[test]
fn pictures_can_be_fetched_first_and_get_their_features_later() {
    let world = World::new(WebPlan::default(), FAST);
    let summary = world.crawl(&["--fetch-only"]);
    let truth = world.web.truth();
    let expected = truth.picture_ids().len() as u64;
    assert!(
        summary["images_fetched"].as_u64().unwrap() >= expected,
        "{summary}"
    );
    assert_eq!(summary["images_indexed"], 0);
    let waiting = world.simdex.json(&["status"])["waiting"].clone();
    assert_eq!(waiting, summary["images_fetched"]);
    let asked = world.server.log().len();
    let features = world.simdex.json(&["crawl", "-q", "--features-only"]);
    assert_eq!(features["images_indexed"], waiting);
    assert_eq!(world.simdex.json(&["status"])["waiting"], 0);
    assert_eq!(world.server.log().len(), asked);
    world.assert_complete(&truth);
    // Where they were found is known as if they had been stored at once.
    let stored = world.simdex.stored();
    assert!(stored.iter().all(|it| !it.urls.is_empty()));
}

#[test]
fn a_dry_run_tells_what_would_be_fetched_and_asks_nobody() {
    let world = World::new(WebPlan::default(), FAST);
    let seed = &world.web.seeds()[0];
    let run = world
        .simdex
        .run(&["crawl", seed, "--dry-run", "--format", "json"]);
    let verdict: Value = serde_json::from_str(run.stdout.lines().next().unwrap()).unwrap();
    assert_eq!(verdict["reason"], "ask_robots");
    assert_eq!(world.server.log().len(), 0);
    world.crawl(&["--max-pages", "1"]);
    let asked = world.server.log().len();
    let run = world.simdex.run(&["crawl", "--dry-run"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.lines().count() > 1, "{}", run.stdout);
    assert_eq!(world.server.log().len(), asked);
}

/// The topic that is looked for.
const TOPIC: usize = 3;

/// How many of the first fifth of all requests were for pictures of each topic.
fn early_matches(more: &dyn Fn(&str) -> Vec<String>) -> Vec<usize> {
    let plan = TopicPlan {
        topics: 10,
        pages_per_topic: 24,
        pictures_per_page: 3,
        hosts: 4,
        ..TopicPlan::default()
    };
    let web = Arc::new(TopicWeb::new(plan));
    let server = web.serve(&ServerOptions::default()).unwrap();
    let simdex = Simdex::new();
    let resolve = Web::resolve_table(&server);
    let quick = FAST.replace("concurrency = 16", "concurrency = 2");
    simdex.configure(&format!(
        "[crawl]\nallow_private_addresses = true\nscope = \"any\"\nsitemaps = false\n{resolve}{quick}\
         respect = {{ tdm = false }}\n[query]\nhead = \"embedding\"\n"
    ));
    let topics = web.topics();
    let query = simdex.path("query.jpg");
    draw(topics[TOPIC], 999, 128, 96).save(&query).unwrap();
    let seeds = web.seeds();
    let more = more(query.to_str().unwrap());
    let args: Vec<&str> = ["crawl", "-q", &seeds[0]]
        .into_iter()
        .chain(more.iter().map(String::as_str))
        .collect();
    simdex.json(&args);
    let hits = server.log();
    let early = &hits[..hits.len() / 5];
    let pictures = early
        .iter()
        .filter(|hit| hit.request.path().ends_with(".jpg"));
    let found: Vec<_> = pictures.map(|hit| web.topic_of(&hit.url())).collect();
    let count = |topic| found.iter().filter(|found| **found == Some(topic)).count();
    topics.iter().map(|topic| count(*topic)).collect()
}

#[test]
fn a_focused_crawl_comes_to_matches_three_times_sooner() {
    // One topic's share of it is up to chance, what all of them have is not.
    let breadth_first = early_matches(&|_| Vec::new());
    let of_any_topic = breadth_first.iter().sum::<usize>() as f64 / breadth_first.len() as f64;
    let focused = early_matches(&|query| {
        ["--like", query, "--min-score", "0.8"]
            .map(str::to_owned)
            .to_vec()
    })[TOPIC];
    assert!(
        focused as f64 >= 3.0 * of_any_topic.max(1.0),
        "{focused} matches against {of_any_topic} in the first fifth"
    );
}
