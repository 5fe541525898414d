//! `[crawl]`: what is followed, how politely, and where it ends.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::host::{HostConfig, HostPattern, ResolveTarget, most_exact};
use super::policy::{AdmissionConfig, Respect};
use super::secret::{ProxyUrl, Secret};

/// Which pages a crawl follows, seen from the seeds.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Pages on the seeds' hosts, with and without `www.`.
    Host,
    /// Pages on any host of the seeds' registrable domains (by the public suffix list).
    Domain,
    /// Every page.
    Any,
}

/// `[crawl]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CrawlConfig {
    /// A URL or mail address that the user agent names, so that webmasters can reach you.
    pub contact: Option<String>,
    /// Which pages are followed.
    pub scope: Scope,
    /// Least time between two requests to a host, in milliseconds.
    pub delay_ms: u64,
    /// Longest Crawl-delay of a robots.txt that is honoured in full, in seconds.
    pub max_crawl_delay_s: u64,
    /// Requests under way at once.
    pub concurrency: usize,
    /// Requests under way at once to one host.
    pub host_concurrency: usize,
    /// Links followed from a seed; `None`: no limit.
    pub max_depth: Option<u32>,
    /// Pages fetched by one crawl; `None`: no limit.
    pub max_pages: Option<u64>,
    /// Pictures indexed by one crawl; `None`: no limit.
    pub max_images: Option<u64>,
    /// Largest page, in bytes after decompression.
    pub max_page_bytes: u64,
    /// How long after a URL was first found to be gone (404, 410) what it gave leaves the store,
    /// in seconds; 0: at once.
    pub gone_after: u64,
    /// The most that one run removes of a host's pictures, as a share of them.
    pub max_removed_share: f64,
    /// Redirects followed from one URL.
    pub max_redirects: u32,
    /// Tries of a URL that fails in a way that may pass.
    pub max_attempts: u32,
    /// Deadline for connecting, in milliseconds.
    pub connect_timeout_ms: u64,
    /// Deadline for the response's headers, in milliseconds.
    pub first_byte_timeout_ms: u64,
    /// Longest silence within a body, in milliseconds.
    pub idle_timeout_ms: u64,
    /// Deadline for a whole response, in milliseconds.
    pub total_timeout_ms: u64,
    /// Whether loopback, private and other closed address ranges may be fetched.
    pub allow_private_addresses: bool,
    /// Closed addresses that may be fetched all the same, one by one. Link-local addresses and
    /// those at which clouds tell machines their secrets are open in no other way.
    pub allow_addresses: Vec<IpAddr>,
    /// The delay is at least this many times as long as the host took to answer.
    pub latency_factor: f64,
    /// Pages fetched from one host, over all crawls; `None`: no limit.
    pub max_host_pages: Option<u64>,
    /// Proxy for all requests (http, https, socks5); it resolves names itself.
    pub proxy: Option<ProxyUrl>,
    /// Header fields of every request.
    pub headers: BTreeMap<String, Secret>,
    /// Whether cookies are kept, for the time of one crawl.
    pub cookies: bool,
    /// Whether pictures are asked for with the page that shows them as Referer: in full within
    /// its origin, else its origin alone.
    pub send_referer: bool,
    /// Whether sitemaps are read.
    pub sitemaps: bool,
    /// Whether the icons that pages name are pictures, too.
    pub icons: bool,
    /// Which opt-outs are respected.
    pub respect: Respect,
    /// Which URLs are queued.
    pub admission: AdmissionConfig,
    /// Addresses of host names, instead of what the system says.
    pub resolve: BTreeMap<HostPattern, ResolveTarget>,
    /// What differs for some hosts; the most exact pattern counts.
    pub host: BTreeMap<HostPattern, HostConfig>,
}

impl Default for CrawlConfig {
    fn default() -> Self {
        Self {
            contact: None,
            scope: Scope::Host,
            delay_ms: 1_000,
            max_crawl_delay_s: 60,
            concurrency: 32,
            host_concurrency: 1,
            max_depth: None,
            max_pages: None,
            max_images: None,
            max_page_bytes: 10 << 20,
            gone_after: 24 * 3600,
            max_removed_share: 0.1,
            max_redirects: 5,
            max_attempts: 3,
            connect_timeout_ms: 10_000,
            first_byte_timeout_ms: 20_000,
            idle_timeout_ms: 10_000,
            total_timeout_ms: 120_000,
            allow_private_addresses: false,
            allow_addresses: Vec::new(),
            latency_factor: 1.0,
            max_host_pages: None,
            proxy: None,
            headers: BTreeMap::new(),
            cookies: false,
            send_referer: false,
            sitemaps: true,
            icons: false,
            respect: Respect::default(),
            admission: AdmissionConfig::default(),
            resolve: BTreeMap::new(),
            host: BTreeMap::new(),
        }
    }
}

impl CrawlConfig {
    /// Least time between two requests to a host that has no setting of its own.
    pub fn delay(&self) -> Duration {
        Duration::from_millis(self.delay_ms)
    }

    /// Least time between two requests to `host`.
    pub fn host_delay(&self, host: &str) -> Duration {
        let own = self.host_config(host).and_then(|host| host.delay_ms);
        Duration::from_millis(own.unwrap_or(self.delay_ms))
    }

    /// Whether `host` is told which page shows the picture that is asked for.
    pub fn sends_referer(&self, host: &str) -> bool {
        let own = self.host_config(host).and_then(|host| host.send_referer);
        own.unwrap_or(self.send_referer)
    }

    /// Pages that may be fetched from `host`, over all crawls.
    pub fn host_pages(&self, host: &str) -> Option<u64> {
        let own = self.host_config(host).and_then(|host| host.max_pages);
        own.or(self.max_host_pages)
    }

    /// The settings of the most exact pattern that names `host`.
    pub fn host_config(&self, host: &str) -> Option<&HostConfig> {
        most_exact(&self.host, host)
    }
}
