//! `config.toml`: the commented file at the top of the repository has every key with its
//! default and its unit; a test compares it with these defaults.

mod check;
mod crawl;
mod host;
mod policy;

use std::path::{Path, PathBuf};

use serde::Deserialize;

pub use check::ConfigError;
pub use crawl::{CrawlConfig, Scope};
pub(crate) use host::most_exact;
pub use host::{HostConfig, HostPattern, ResolveTarget};
pub use policy::{AdmissionConfig, Respect};

use crate::activation::Encoding;
use crate::picture::Limits;

/// The whole configuration, checked.
#[derive(Debug, Clone, PartialEq, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where the store, the index and their lock are; `None`: the user's data folder.
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
    /// Memory that all pictures together may take while they are decoded, in MiB.
    pub decode_budget_mb: u64,
}

impl Default for PictureConfig {
    fn default() -> Self {
        Self {
            max_bytes: 20 << 20,
            max_pixels: 100_000_000,
            min_side: 32,
            decode_budget_mb: 1024,
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
            decode_bytes: self.decode_budget_mb.saturating_mul(1 << 20),
        }
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
    /// The ranking: `fused`, `mse18`, `embedding` or a head file.
    pub head: String,
}

impl Default for QueryConfig {
    fn default() -> Self {
        Self {
            k: 10,
            candidates: 200,
            head: "fused".to_owned(),
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
        let config: Self = toml::from_str(&text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start));
            let line = before.map(|before| before.matches('\n').count() + 1);
            let line = line.map_or(String::new(), |line| format!("line {line}: "));
            ConfigError::Parse {
                path: path.to_owned(),
                message: format!("{line}{}", error.message()),
            }
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
        // Optional keys are in it as comments `# key = value`; keys that are set have their
        // defaults.
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
        assert!(config.crawl.max_images.is_some() && config.crawl.max_host_pages.is_some());
        assert!(!config.crawl.resolve.is_empty() && !config.crawl.host.is_empty());
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
        for (text, key) in [
            ("[crawl]\ncontact = ''", "[crawl] contact"),
            ("[crawl.headers]\nuser-agent = 'x'", "[crawl.headers]"),
            ("[crawl.host.'h']\nheaders = { Host = 'x' }", "[crawl.host]"),
            (
                "[crawl.host.'h']\nheaders = { 'a b' = 'x' }",
                "[crawl.host]",
            ),
        ] {
            let config: Config = toml::from_str(text).unwrap();
            let error = config.check().unwrap_err().to_string();
            assert!(error.contains(key), "{error}");
        }
    }
}
