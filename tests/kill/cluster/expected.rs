//! The web that is crawled, and what one machine with a store in a folder makes of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use serde_json::Value;
use simdex::demo::drawing::Motif;
use testweb::server::{Hit, Server, ServerOptions};
use testweb::web::{Truth, Web, WebPlan};

use super::contents::Contents;
use crate::common::{Simdex, jpeg};

/// Between two requests to a host.
pub const DELAY: Duration = Duration::from_millis(300);

/// What one machine makes of the web.
pub struct Expected {
    pub truth: Truth,
    /// Where the crawl begins: the homes of all hosts.
    pub seeds: Vec<String>,
    pub contents: Contents,
    /// The URLs that were asked for.
    pub asked: BTreeSet<String>,
    /// All URLs that may be known.
    pub urls: BTreeSet<String>,
    /// The score of each picture for a drawn one.
    pub answers: BTreeMap<String, f64>,
}

pub static EXPECTED: LazyLock<Expected> = LazyLock::new(Expected::by_one_machine);

/// The web, from its beginning, with a log of its own.
pub fn serve() -> (Arc<Web>, Server) {
    let plan = WebPlan {
        hosts: 9,
        addresses: 9,
        pages_per_host: 3,
        pictures_per_page: 2,
        ..WebPlan::default()
    };
    let web = Arc::new(Web::new(plan));
    let server = web.serve(&ServerOptions::default()).unwrap();
    (web, server)
}

/// The settings of all crawlers.
pub fn settings(server: &Server) -> String {
    format!(
        "[crawl]\nallow_private_addresses = true\nscope = \"any\"\nconcurrency = 8\ndelay_ms = {}\n\
         max_crawl_delay_s = 1\n{}",
        DELAY.as_millis(),
        Web::resolve_table(server)
    )
}

/// The URLs that were asked for.
pub fn asked(hits: &[Hit]) -> BTreeSet<String> {
    hits.iter().map(Hit::url).collect()
}

/// The score of each picture.
pub fn scores(answer: &Value) -> BTreeMap<String, f64> {
    let results = answer["results"].as_array().unwrap().iter();
    let scores = results.map(|result| {
        let id = result["id"].as_str().unwrap().to_owned();
        (id, result["score"].as_f64().unwrap())
    });
    scores.collect()
}

/// A picture to ask for, and how: all pictures are results.
pub fn question(simdex: &Simdex) -> [&'static str; 6] {
    std::fs::write(simdex.path("q.jpg"), jpeg(Motif::ALL[3], 77)).unwrap();
    ["query", "q.jpg", "-k", "1000", "--candidates", "1000"]
}

impl Expected {
    fn by_one_machine() -> Self {
        let (web, server) = serve();
        let truth = web.truth();
        let homes = truth.pages.iter().filter(|url| url.ends_with(".test/"));
        let seeds: Vec<String> = homes.cloned().collect();
        let simdex = Simdex::new();
        simdex.configure(&settings(&server));
        let words = seeds.iter().map(String::as_str);
        simdex.json(&["crawl", "-q"].into_iter().chain(words).collect::<Vec<_>>());
        let answers = scores(&simdex.json(&question(&simdex)));
        let asked = asked(&server.log());
        let known = truth.pages.iter().chain(truth.pictures.keys());
        let known = known.chain(&truth.closed).chain(truth.optional.keys());
        let urls: BTreeSet<String> = known.chain(&asked).cloned().collect();
        let contents = Contents::of(&simdex.open(), &urls);
        for id in truth.picture_ids() {
            assert!(
                contents.pictures.contains(&id.to_string()),
                "{id} is missing"
            );
        }
        assert_eq!((contents.pending, contents.waiting), (0, 0));
        Self {
            truth,
            seeds,
            contents,
            asked,
            urls,
            answers,
        }
    }
}
