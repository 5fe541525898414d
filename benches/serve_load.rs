//! `cargo bench --bench serve_load`: 32 sessions, together 3 searches a second at fixed times, beside a
//! crawl with features, on a store of 2,000 pictures to begin with: how long searches take while the crawl
//! rests and while it runs, how quick the crawl is with them and without, and memory. The site is on the
//! same cores. Takes ten minutes; `SIMDEX_BENCH_SECONDS` sets another time, `SIMDEX_BENCH_PHOTOS=DIR`
//! fills the store with photos.

#![allow(
    clippy::unwrap_used,
    reason = "a benchmark that fails by unwrapping says where"
)]

#[allow(dead_code, reason = "tests need the rest")]
#[path = "../tests/it/common/mod.rs"]
mod common;

use std::path::PathBuf;
use std::time::Duration;

use common::Simdex;
use common::load::{Asked, CONFIG, Round, measure, site};
use common::serving::Serving;
use simdex::demo::drawing::Motif;

/// Seconds of it.
const SECONDS: u64 = 600;
/// A round; there are as many as there is time for.
const ROUND: Round = Round {
    idle: Duration::from_secs(20),
    alone: Duration::from_secs(15),
    beside: Duration::from_secs(20),
};
/// Pictures drawn where no photos are given.
const DRAWN: u64 = 2_000;
/// Pictures a second that no machine of today stores.
const MOST_A_SECOND: u64 = 500;
/// As many candidates as where nothing is said of them.
const ASKED: Asked = Asked {
    head: "fused",
    candidates: 200,
    rate: 3,
};

fn main() {
    let seconds = match std::env::var("SIMDEX_BENCH_SECONDS") {
        Ok(seconds) => seconds.parse().unwrap(),
        Err(_) => SECONDS,
    };
    let simdex = Simdex::new();
    let photos = match std::env::var_os("SIMDEX_BENCH_PHOTOS") {
        Some(dir) => PathBuf::from(dir).canonicalize().unwrap(),
        None => {
            let motifs = Motif::ALL.len();
            let dir = simdex.path("pictures");
            common::draw_folders(&dir, motifs, DRAWN.div_ceil(motifs as u64));
            dir
        }
    };
    eprintln!("filling the store ...");
    let filled = simdex.json(&["add", photos.to_str().unwrap()]);
    println!("{} pictures to begin with", filled["images_indexed"]);
    simdex.configure(CONFIG);
    let site = site((seconds * MOST_A_SECOND) as usize);
    let serving = Serving::start(&simdex);
    let round = (ROUND.idle + ROUND.alone + ROUND.beside).as_secs();
    let rounds = vec![ROUND; (seconds / round).max(1) as usize];
    println!("{}", measure(&serving, &site, &rounds, ASKED));
    serving.stop();
}
