//! Where a crawl writes down what it fetches.

use std::path::PathBuf;

use crate::app::Error;
use crate::config::Config;
use crate::crawl::{FetchLog, Recorders, WarcOptions, WarcWriter, user_agent};

/// Where a crawl writes down what it fetches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordingOptions {
    /// A file that gets a JSON line for every fetch.
    pub fetch_log: Option<PathBuf>,
    /// A WARC file that gets what was fetched.
    pub warc: Option<PathBuf>,
}

impl RecordingOptions {
    /// Opens the files.
    ///
    /// # Errors
    /// If one cannot be made.
    pub fn open(&self, config: &Config) -> Result<Recorders, Error> {
        let fetch_log = self.fetch_log.as_deref().map(FetchLog::open).transpose()?;
        let options = WarcOptions {
            user_agent: user_agent(config.crawl.contact.as_deref()),
            contact: config.crawl.contact.clone(),
            max_bytes: WarcOptions::MAX_BYTES,
        };
        let warc = self.warc.as_deref();
        let warc = warc
            .map(|path| WarcWriter::create(path, options))
            .transpose()?;
        Ok(Recorders { fetch_log, warc })
    }
}
