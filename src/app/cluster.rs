//! Which store of a cluster the configuration names.

use std::time::Duration;

use super::Error;
use crate::config::Config;
use crate::store::ClusterOptions;

/// The variable of the environment that names the server, before the configuration does.
const URL: &str = "SIMDEX_STORE_URL";
/// How long a host is left alone at least when it goes from one worker to another.
const SHORTEST_REST: Duration = Duration::from_secs(10);

/// How the cluster's store is reached; `None` if the store is in a folder.
pub(super) fn options(config: &Config) -> Result<Option<ClusterOptions>, Error> {
    reached_by(config, of_environment().or_else(|| configured(config)))
}

/// The same of a configuration that a command names: its own server goes before that of the environment,
/// since a command may name two.
pub(super) fn options_of(config: &Config) -> Result<Option<ClusterOptions>, Error> {
    reached_by(config, configured(config).or_else(of_environment))
}

fn of_environment() -> Option<String> {
    std::env::var(URL).ok().filter(|url| !url.is_empty())
}

fn configured(config: &Config) -> Option<String> {
    let url = config.store.url.as_ref();
    url.map(|url| url.expose().to_owned())
}

fn reached_by(config: &Config, url: Option<String>) -> Result<Option<ClusterOptions>, Error> {
    let Some(url) = url else {
        return Ok(None);
    };
    if config.store.recent_bytes().is_some() {
        return Err(Error::NewestOnServer);
    }
    let blocks = config.store.blocks.clone().ok_or(Error::NoBlocks)?;
    let usual = ClusterOptions::new(url, blocks);
    Ok(Some(ClusterOptions {
        cache_bytes: config.store.cache_mb.saturating_mul(1 << 20),
        quiet: longest_delay(config, usual.host_lease).max(SHORTEST_REST),
        ..usual
    }))
}

/// The longest time that a host may have to be left alone between two requests, as far as nobody knows
/// more: of a host that was asked, it is kept how it was paced.
fn longest_delay(config: &Config, host_lease: Duration) -> Duration {
    let crawl = &config.crawl;
    let of_rules = Duration::from_secs(crawl.max_crawl_delay_s);
    // Delays have a random part.
    let usual = of_rules.max(crawl.delay()).mul_f64(1.5);
    // Of single hosts, what a lease that nobody renews any more does not cover.
    let own = crawl.host.values().filter_map(|host| host.delay_ms).max();
    let own = Duration::from_millis(own.unwrap_or_default()).mul_f64(1.5);
    usual.max(own.saturating_sub(host_lease / 2))
}
