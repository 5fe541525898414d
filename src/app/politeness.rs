//! How politely hosts were asked, by the log of requests.

use std::io::ErrorKind;

use super::{Error, has_store};
use crate::config::Config;
use crate::store::StoreError;
use crate::store::ledger::{self, Report};

/// Reads the store's log of requests; lists so many hosts and addresses, those with the most
/// requests first. Works while a crawl runs.
///
/// # Errors
/// If there is no store, nobody was asked for anything yet, or the log cannot be read.
pub fn politeness(config: &Config, limit: usize) -> Result<Report, Error> {
    let dir = config.data_dir()?;
    if !has_store(config)? {
        return Err(Error::NothingCrawled(dir));
    }
    match ledger::politeness(&dir, limit) {
        Err(StoreError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
            Err(Error::NothingAsked)
        }
        report => Ok(report?),
    }
}
