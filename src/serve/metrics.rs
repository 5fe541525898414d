//! Counters in the words of Prometheus. None has a label that the web or a user could fill.

use std::sync::atomic::{AtomicI64, AtomicU64};
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// What is counted.
pub(super) struct Metrics {
    registry: Registry,
    requests: Family<[(&'static str, String); 1], Counter<u64, AtomicU64>>,
    searches: Histogram,
    pictures: Gauge<i64, AtomicI64>,
    waiting: Gauge<i64, AtomicI64>,
}

/// Seconds, from a scan of few pictures to a full queue.
const BUCKETS: [f64; 10] = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0];

impl Metrics {
    pub(super) fn new() -> Self {
        let mut registry = Registry::with_prefix("simdex");
        let requests = Family::default();
        let help = "Requests that were answered, by the class of their status";
        registry.register("http_requests", help, requests.clone());
        let searches = Histogram::new(BUCKETS);
        let help = "Seconds that searches took, with the time that they waited for a core";
        registry.register("search_duration_seconds", help, searches.clone());
        let pictures = Gauge::default();
        let help = "Pictures with features in the store";
        registry.register("pictures", help, pictures.clone());
        let waiting = Gauge::default();
        let help = "Searches that wait for a core";
        registry.register("searches_waiting", help, waiting.clone());
        Self {
            registry,
            requests,
            searches,
            pictures,
            waiting,
        }
    }

    pub(super) fn answered(&self, status: u16) {
        let class = [("status", format!("{}xx", status / 100))];
        self.requests.get_or_create(&class).inc();
    }

    pub(super) fn searched(&self, took: Duration) {
        self.searches.observe(took.as_secs_f64());
    }

    /// All of them as text, with what is counted elsewhere.
    pub(super) fn text(&self, pictures: usize, waiting: usize) -> String {
        self.pictures
            .set(i64::try_from(pictures).unwrap_or(i64::MAX));
        self.waiting.set(i64::try_from(waiting).unwrap_or(i64::MAX));
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}
