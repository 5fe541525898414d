//! The logs that record every request and its answer.

use super::exchange::Exchange;
use super::fetch_log::FetchLog;
use super::warc::WarcWriter;

/// The logs that record every request and its answer.
#[derive(Debug, Default)]
pub struct Recorders {
    /// The log of fetches.
    pub fetch_log: Option<FetchLog>,
    /// The archive of what was fetched.
    pub warc: Option<WarcWriter>,
}

impl Recorders {
    /// Whether there are no logs.
    pub(in crate::crawl) fn is_empty(&self) -> bool {
        self.fetch_log.is_none() && self.warc.is_none()
    }

    /// Writes what is left, and returns what could not be written.
    pub fn close(self) -> Vec<String> {
        let log = self.fetch_log.and_then(|log| log.close().err());
        let log = log.map(|error| format!("not every fetch is logged: {error}"));
        let warc = self.warc.and_then(|warc| warc.close().err());
        let warc = warc.map(|error| format!("not every fetch is archived: {error}"));
        log.into_iter().chain(warc).collect()
    }

    /// A log that cannot be written is reported once, and the crawl goes on.
    pub(in crate::crawl) fn record(&self, exchange: &Exchange<'_>) {
        if let Some(Err(error)) = self.fetch_log.as_ref().map(|log| log.record(exchange)) {
            tracing::error!(%error, "a fetch is not logged");
        }
        if let Some(Err(error)) = self.warc.as_ref().map(|warc| warc.record(exchange)) {
            tracing::error!(%error, "a fetch is not archived");
        }
    }
}
