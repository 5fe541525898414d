//! Checks that the types of the configuration cannot express.

use std::collections::BTreeMap;
use std::path::PathBuf;

use reqwest::header::{HOST, HeaderName, HeaderValue, USER_AGENT};

use super::Config;
use super::secret::{REDACTED, Secret};

/// The configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A key is unknown, missing or of the wrong type.
    #[error("{} is not a valid configuration: {message}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// The line, and what the parser said of it.
        message: String,
    },
    /// A value is out of its range.
    #[error("{key} must be {range}, not {value}")]
    Range {
        /// The key with its table.
        key: &'static str,
        /// What is allowed.
        range: &'static str,
        /// What was given.
        value: String,
    },
    /// A file that was found in the current folder sets what only the user's own may.
    #[error(
        "{} in the current folder sets {}, which a folder that came from elsewhere must not. If the file is yours, name it (--config {}), or move {} to {own}",
        path.display(),
        keys.join(" and "),
        path.display(),
        if keys.len() == 1 { "the key" } else { "the keys" }
    )]
    NotFromHere {
        /// The file.
        path: PathBuf,
        /// The keys with their tables.
        keys: Vec<&'static str>,
        /// The user's own configuration file.
        own: String,
    },
    /// The system names no home folder.
    #[error("there is no home folder to keep data in; name one with --data-dir")]
    NoHome,
}

impl Config {
    /// Checks the ranges that types cannot express; also called after flags were applied.
    ///
    /// # Errors
    /// Names the key that is out of range.
    pub fn check(&self) -> Result<(), ConfigError> {
        let positive: [(&'static str, u64); 11] = [
            ("[picture] max_bytes", self.picture.max_bytes),
            ("[picture] max_file_bytes", self.picture.max_file_bytes),
            ("[picture] max_pixels", self.picture.max_pixels),
            ("[picture] decode_budget_mb", self.picture.decode_budget_mb),
            ("[crawl] concurrency", self.crawl.concurrency as u64),
            (
                "[crawl] host_concurrency",
                self.crawl.host_concurrency as u64,
            ),
            ("[crawl] max_page_bytes", self.crawl.max_page_bytes),
            ("[crawl] max_attempts", self.crawl.max_attempts.into()),
            ("[crawl] total_timeout_ms", self.crawl.total_timeout_ms),
            ("[query] k", self.query.k as u64),
            ("[query] candidates", self.query.candidates as u64),
        ];
        for (key, value) in positive {
            if value == 0 {
                return Err(ConfigError::Range {
                    key,
                    range: "at least 1",
                    value: value.to_string(),
                });
            }
        }
        self.check_requests()?;
        let crawl = &self.crawl;
        let day_ms = 1..=86_400_000;
        let bounded: [(
            &'static str,
            u64,
            std::ops::RangeInclusive<u64>,
            &'static str,
        ); 13] = [
            (
                "[query] k",
                self.query.k as u64,
                1..=100_000,
                "at most 100000",
            ),
            (
                "[crawl] host_concurrency",
                crawl.host_concurrency as u64,
                1..=1_000,
                "at most 1000",
            ),
            (
                "[crawl] delay_ms",
                crawl.delay_ms,
                0..=86_400_000,
                "at most a day",
            ),
            (
                "[crawl] max_crawl_delay_s",
                crawl.max_crawl_delay_s,
                0..=86_400,
                "at most a day",
            ),
            (
                "[crawl] connect_timeout_ms",
                crawl.connect_timeout_ms,
                day_ms.clone(),
                "1 to a day",
            ),
            (
                "[crawl] first_byte_timeout_ms",
                crawl.first_byte_timeout_ms,
                day_ms.clone(),
                "1 to a day",
            ),
            (
                "[crawl] idle_timeout_ms",
                crawl.idle_timeout_ms,
                day_ms.clone(),
                "1 to a day",
            ),
            (
                "[crawl] total_timeout_ms",
                crawl.total_timeout_ms,
                day_ms,
                "1 to a day",
            ),
            (
                "[crawl] concurrency",
                crawl.concurrency as u64,
                1..=10_000,
                "at most 10000",
            ),
            (
                "[index] links",
                self.index.links as u64,
                2..=255,
                "2 to 255",
            ),
            (
                "[index] ef_construction",
                self.index.ef_construction as u64,
                2..=10_000,
                "2 to 10000",
            ),
            (
                "[index] ef_factor",
                self.index.ef_factor as u64,
                1..=1_000,
                "1 to 1000",
            ),
            (
                "[query] candidates",
                self.query.candidates as u64,
                1..=100_000,
                "at most 100000",
            ),
        ];
        for (key, value, allowed, range) in bounded {
            if !allowed.contains(&value) {
                return Err(ConfigError::Range {
                    key,
                    range,
                    value: value.to_string(),
                });
            }
        }
        Ok(())
    }

    /// What is sent with requests, and how often.
    fn check_requests(&self) -> Result<(), ConfigError> {
        let crawl = &self.crawl;
        let wrong = |key, range, value: String| Err(ConfigError::Range { key, range, value });
        if !(0.0..=100.0).contains(&crawl.latency_factor) {
            let value = crawl.latency_factor.to_string();
            return wrong("[crawl] latency_factor", "0 to 100", value);
        }
        if !(0.0..=1.0).contains(&crawl.max_removed_share) {
            let value = crawl.max_removed_share.to_string();
            return wrong("[crawl] max_removed_share", "0 to 1", value);
        }
        if crawl.max_host_pages == Some(0) {
            return wrong("[crawl] max_host_pages", "at least 1", "0".to_owned());
        }
        if let Some(contact) = &crawl.contact
            && (contact.trim().is_empty() || HeaderValue::from_str(contact).is_err())
        {
            let range = "a URL or mail address in plain letters";
            return wrong("[crawl] contact", range, format!("{contact:?}"));
        }
        // A proxy of a kind that the client does not know would be ignored, and hosts be asked
        // directly.
        if let Some(proxy) = &crawl.proxy
            && !matches!(
                proxy.expose().scheme(),
                "http" | "https" | "socks4" | "socks5" | "socks5h"
            )
        {
            let range = "a URL of a http, https, socks4 or socks5 proxy";
            return wrong("[crawl] proxy", range, proxy.to_string());
        }
        check_headers("[crawl.headers]", &crawl.headers)?;
        for host in crawl.host.values() {
            check_headers("headers under [crawl.host]", &host.headers)?;
        }
        Ok(())
    }
}

fn check_headers(key: &'static str, headers: &BTreeMap<String, Secret>) -> Result<(), ConfigError> {
    for (name, value) in headers {
        let sent = HeaderValue::from_str(value.expose());
        let range = match (HeaderName::try_from(name), sent) {
            (Ok(USER_AGENT | HOST), _) => {
                "fields other than User-Agent (set [crawl] contact) and Host"
            }
            (Ok(_), Ok(_)) => continue,
            _ => "names and values that HTTP allows",
        };
        let value = format!("{name}: {REDACTED}");
        return Err(ConfigError::Range { key, range, value });
    }
    Ok(())
}
