//! Which store of a cluster the configuration names.

use std::time::Duration;

use super::collection::store_options;
use super::{Error, Extraction};
use crate::config::Config;
use crate::store::{self, ClusterOptions, PointsMade};

/// The variable of the environment that names the server, before the configuration does.
const URL: &str = "SIMDEX_STORE_URL";
/// How long a host is left alone at least when it goes from one worker to another.
const SHORTEST_REST: Duration = Duration::from_secs(10);

/// How the cluster's store is reached; `None` if the store is in a folder.
pub(super) fn options(config: &Config) -> Result<Option<ClusterOptions>, Error> {
    let url = std::env::var(URL).ok().filter(|url| !url.is_empty());
    let configured = config.store.url.as_ref();
    let Some(url) = url.or_else(|| configured.map(|url| url.expose().to_owned())) else {
        return Ok(None);
    };
    let blocks = config.store.blocks.clone().ok_or(Error::NoBlocks)?;
    let usual = ClusterOptions::new(url, blocks);
    Ok(Some(ClusterOptions {
        cache_bytes: config.store.cache_mb.saturating_mul(1 << 20),
        quiet: longest_delay(config).max(SHORTEST_REST),
        ..usual
    }))
}

/// The longest time that a host may have to be left alone between two requests.
fn longest_delay(config: &Config) -> Duration {
    let crawl = &config.crawl;
    let of_rules = Duration::from_secs(crawl.max_crawl_delay_s);
    // Delays have a random part.
    of_rules.max(crawl.delay()).mul_f64(1.5)
}

/// What [`migrate`] came to.
#[derive(Debug)]
pub struct Migrated {
    /// The version that the database has.
    pub version: u64,
    /// Whether it finds what is near.
    pub points: PointsMade,
}

/// Brings the database of the cluster's store up to this version, or makes it ready for one, and has
/// it find what is near, if it can. `progress` is told of pictures that have got what that needs, and
/// of all that have to, and says whether to go on.
///
/// # Errors
/// If the configuration names no server, or it cannot be reached or changed.
pub fn migrate(
    config: &Config,
    extraction: &Extraction,
    progress: &mut dyn FnMut(u64, u64) -> bool,
) -> Result<Migrated, Error> {
    let cluster = options(config)?.ok_or(Error::NoServer)?;
    let version = store::migrate(&cluster)?;
    let points = store::make_points(&cluster, &store_options(config, extraction), progress)?;
    Ok(Migrated { version, points })
}
