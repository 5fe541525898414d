//! How politely hosts were asked, by the log of requests.

use super::Error;
use crate::config::Config;
use crate::store::Store;
use crate::store::ledger::{self, Report};

/// Reads the store's log of requests; lists so many hosts and addresses, those with the most
/// requests first. Works while a crawl runs.
///
/// # Errors
/// [`Error::NothingCrawled`] if there is no store or no log in it, and if it cannot be read.
pub fn politeness(config: &Config, limit: usize) -> Result<Report, Error> {
    let dir = config.data_dir()?;
    if !Store::exists(&dir) || !ledger::is_there(&dir) {
        return Err(Error::NothingCrawled(dir));
    }
    Ok(ledger::politeness(&dir, limit)?)
}
