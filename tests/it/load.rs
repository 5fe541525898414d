//! Many who search at once, beside a crawl: nobody is turned away, and memory does not grow. How long they
//! wait is measured by `cargo bench --bench serve_load`, on a machine that does nothing else.

use std::time::Duration;

use crate::common::Simdex;
use crate::common::load::{Asked, CONFIG, Round, measure, site};
use crate::common::serving::Serving;

const ROUND: Round = Round {
    idle: Duration::from_secs(3),
    alone: Duration::from_secs(3),
    beside: Duration::from_secs(10),
};
/// Little, so that searches keep up also where nothing is optimised and other tests run beside.
const ASKED: Asked = Asked {
    head: "embedding",
    candidates: 5,
    rate: if cfg!(debug_assertions) { 1 } else { 3 },
};
/// More than can be stored meanwhile.
const PICTURES: usize = 20_000;
/// Bytes that may come on top while the crawl stores some hundred pictures and allocators settle.
const SLACK: u64 = 192 << 20;

#[test]
fn sessions_search_beside_a_crawl() {
    let site = site(PICTURES);
    let simdex = Simdex::filled(3, 4);
    simdex.configure(CONFIG);
    let serving = Serving::start(&simdex);
    let measured = measure(&serving, &site, &[ROUND], ASKED);
    println!("{measured}");
    for searches in [&measured.idle, &measured.beside] {
        assert!(searches.count() > 0);
        assert!(searches.wrong.is_empty(), "{:?}", searches.wrong);
    }
    assert!(measured.crawl_beside.pictures > 0, "{measured}");
    let [(before, _), (after, _)] = measured.memory[..] else {
        panic!("{measured}");
    };
    assert!(after < before + SLACK, "{measured}");
    let metrics = serving.get("/metrics").text();
    assert!(!metrics.contains("status=\"5xx\""), "{metrics}");
    assert_eq!(serving.stop(), 130);
}
