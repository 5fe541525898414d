//! `config.toml`: every key, its default and its unit stand in the commented file at the
//! top of the repository, which a test holds against these defaults.

mod check;

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use check::ConfigError;

use crate::activation::Encoding;
use crate::picture::Limits;

/// The whole configuration, checked.
#[derive(Debug, Clone, PartialEq, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where the store, the index and their lock live; `None`: the user's data folder.
    pub data_dir: Option<PathBuf>,
    /// The network and its runtime.
    pub network: NetworkConfig,
    /// The store.
    pub store: StoreConfig,
    /// What counts as a picture.
    pub picture: PictureConfig,
    /// The crawler.
    pub crawl: CrawlConfig,
    /// The index.
    pub index: IndexConfig,
    /// Queries.
    pub query: QueryConfig,
}

/// `[network]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NetworkConfig {
    /// Manifest of another network; `None`: the one compiled in.
    pub manifest: Option<PathBuf>,
    /// The ONNX Runtime library; `None`: search for it.
    pub runtime: Option<PathBuf>,
    /// Whether simdex may get ONNX Runtime through pip or npm.
    pub install_runtime: bool,
}

impl Default for NetworkConfig {
    fn default() -> Self {
        Self {
            manifest: None,
            runtime: None,
            install_runtime: true,
        }
    }
}

/// `[store]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreConfig {
    /// How a new store keeps activations; an existing store keeps its own.
    pub activations: Encoding,
    /// Free disk space below which nothing more is stored, in MiB.
    pub reserve_disk_mb: u64,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            activations: Encoding::Int8,
            reserve_disk_mb: 512,
        }
    }
}

/// `[picture]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PictureConfig {
    /// Largest file, in bytes.
    pub max_bytes: u64,
    /// Largest width times height, in pixels.
    pub max_pixels: u64,
    /// Smallest width and height, in pixels.
    pub min_side: u32,
}

impl Default for PictureConfig {
    fn default() -> Self {
        Self {
            max_bytes: 20 << 20,
            max_pixels: 100_000_000,
            min_side: 32,
        }
    }
}

impl PictureConfig {
    /// The limits that the decoder enforces.
    pub fn limits(&self) -> Limits {
        Limits {
            max_bytes: self.max_bytes,
            max_pixels: self.max_pixels,
            min_side: self.min_side,
        }
    }
}

/// Which pages a crawl follows, seen from the seeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Pages on the seeds' hosts.
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
            max_redirects: 5,
            max_attempts: 3,
            connect_timeout_ms: 10_000,
            first_byte_timeout_ms: 20_000,
            idle_timeout_ms: 10_000,
            total_timeout_ms: 120_000,
            allow_private_addresses: false,
        }
    }
}

impl CrawlConfig {
    /// Least time between two requests to a host.
    pub fn delay(&self) -> Duration {
        Duration::from_millis(self.delay_ms)
    }
}

/// `[index]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IndexConfig {
    /// Below this many pictures every embedding is compared; from it on, HNSW is used.
    pub exact_below: usize,
    /// HNSW: links per point and layer ("M").
    pub links: usize,
    /// HNSW: candidates considered when a point is inserted ("ef_construction").
    pub ef_construction: usize,
    /// HNSW: candidates considered by a search, as a multiple of those asked for.
    pub ef_factor: usize,
}

impl Default for IndexConfig {
    fn default() -> Self {
        Self {
            exact_below: 10_000,
            links: 16,
            ef_construction: 200,
            ef_factor: 2,
        }
    }
}

/// `[query]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QueryConfig {
    /// Results per query.
    pub k: usize,
    /// Candidates that the index gives to the head.
    pub candidates: usize,
    /// The ranking: `mse18`, `embedding` or a head file.
    pub head: String,
}

impl Default for QueryConfig {
    fn default() -> Self {
        Self {
            k: 10,
            candidates: 200,
            head: "mse18".to_owned(),
        }
    }
}

impl Config {
    /// Reads `explicit`, else `config.toml` here, else the user's, else the defaults.
    ///
    /// # Errors
    /// If the file that counts cannot be read or is not valid.
    pub fn load(explicit: Option<&Path>) -> Result<Self, ConfigError> {
        if let Some(path) = explicit {
            return Self::read(path);
        }
        let users = folders().map(|folders| folders.config_dir().join("config.toml"));
        [Some(PathBuf::from("config.toml")), users]
            .into_iter()
            .flatten()
            .find(|path| path.is_file())
            .map_or_else(|| Ok(Self::default()), |path| Self::read(&path))
    }

    fn read(path: &Path) -> Result<Self, ConfigError> {
        tracing::info!(path = %path.display(), "configuration");
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        let config: Self = toml::from_str(&text).map_err(|error| ConfigError::Parse {
            path: path.to_owned(),
            message: error.to_string(),
        })?;
        config.check()?;
        Ok(config)
    }

    /// Where the store lives.
    ///
    /// # Errors
    /// If neither the configuration nor the system names a folder.
    pub fn data_dir(&self) -> Result<PathBuf, ConfigError> {
        match &self.data_dir {
            Some(dir) => Ok(dir.clone()),
            None => Ok(folders().ok_or(ConfigError::NoHome)?.data_dir().to_owned()),
        }
    }

    /// How to find the network's runtime.
    pub fn runtime(&self) -> crate::network::runtime::Options {
        let cache_dir = folders().map_or_else(
            || std::env::temp_dir().join("simdex-cache"),
            |folders| folders.cache_dir().to_owned(),
        );
        crate::network::runtime::Options {
            library: self.network.runtime.clone(),
            install: self.network.install_runtime,
            cache_dir,
        }
    }
}

fn folders() -> Option<directories::ProjectDirs> {
    directories::ProjectDirs::from("", "", "simdex")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The commented config.toml at the top of the repository.
    const COMMENTED: &str = include_str!("../../config.toml");

    #[test]
    fn the_commented_file_states_the_defaults() {
        // Optional keys stand in it as comments `# key = value`; set keys are defaults.
        assert_eq!(
            toml::from_str::<Config>(COMMENTED).unwrap(),
            Config::default()
        );
    }

    #[test]
    fn the_commented_file_names_every_key_that_it_leaves_out() {
        let uncommented: String = COMMENTED
            .lines()
            .map(|line| line.strip_prefix("#= ").unwrap_or(line))
            .map(|line| format!("{line}\n"))
            .collect();
        let config: Config = toml::from_str(&uncommented).unwrap();
        assert!(config.data_dir.is_some() && config.network.manifest.is_some());
        assert!(config.network.runtime.is_some() && config.crawl.contact.is_some());
        assert!(config.crawl.max_depth.is_some() && config.crawl.max_pages.is_some());
        assert!(config.crawl.max_images.is_some());
    }

    #[test]
    fn unknown_keys_are_refused() {
        let error = toml::from_str::<Config>("[crawl]\ndelay = 3").unwrap_err();
        assert!(error.to_string().contains("delay"), "{error}");
    }

    #[test]
    fn nonsense_is_refused() {
        let mut config = Config::default();
        config.query.candidates = 0;
        assert!(
            config
                .check()
                .unwrap_err()
                .to_string()
                .contains("candidates")
        );
    }
}
