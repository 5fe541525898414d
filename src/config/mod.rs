//! `config.toml`: the commented file at the top of the repository has every key with its
//! default and its unit; a test compares it with these defaults.

mod byte_size;
mod check;
mod crawl;
mod files;
mod harmless;
mod host;
#[cfg(feature = "cluster")]
mod index_place;
mod keep;
mod policy;
mod secret;

use std::path::PathBuf;

use serde::Deserialize;

pub use byte_size::{ByteSize, ParseByteSizeError};
pub use check::ConfigError;
pub use crawl::{CrawlConfig, Scope};
pub(crate) use host::most_exact;
pub use host::{HostConfig, HostPattern, ResolveTarget};
#[cfg(feature = "cluster")]
pub use index_place::IndexPlace;
pub use keep::{Keep, ParseKeepError};
pub use policy::{AdmissionConfig, Respect};
pub use secret::{ProxyUrl, REDACTED, Secret};

use crate::activation::Encoding;
use crate::network::Device;
use crate::picture::{Limits, Truncated};

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
    /// The files that it was read from; what the first says goes before.
    #[serde(skip)]
    pub files: Vec<PathBuf>,
}

/// `[network]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NetworkConfig {
    /// Manifest of another network; `None`: the one compiled in.
    pub manifest: Option<PathBuf>,
    /// A projection made by `simdex train --generic`; `None`: the one compiled in.
    pub projection: Option<PathBuf>,
    /// The ONNX Runtime library; `None`: search for it.
    pub runtime: Option<PathBuf>,
    /// Whether simdex may get ONNX Runtime through pip or npm.
    pub install_runtime: bool,
    /// What the network runs on.
    pub device: Device,
    /// Whether a library beside the program is taken as it is; no file may say so.
    #[serde(skip)]
    pub trust_library: bool,
}

impl Default for NetworkConfig {
    fn default() -> Self {
        Self {
            manifest: None,
            projection: None,
            runtime: None,
            install_runtime: true,
            device: Device::default(),
            trust_library: false,
        }
    }
}

/// `[store]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreConfig {
    /// How much a new store keeps of a picture; an existing one is changed by `simdex compact`.
    pub keep: Keep,
    /// How a new store that keeps all of them keeps activations; an existing store keeps its own.
    pub activations: Encoding,
    /// Free disk space below which nothing more is stored, in MiB.
    pub reserve_disk_mb: u64,
    /// The PostgreSQL server of a cluster's store, `postgres://USER:PASSWORD@HOST/DATABASE`; the
    /// environment's `SIMDEX_STORE_URL` comes first. Without either the store is in a folder.
    #[cfg(feature = "cluster")]
    pub url: Option<Secret>,
    /// Where a cluster's store keeps activations: `s3://BUCKET/FOLDER` or `file:///FOLDER`.
    #[cfg(feature = "cluster")]
    pub blocks: Option<String>,
    /// The most of a cluster's activations that this machine keeps once they were read, in MiB.
    #[cfg(feature = "cluster")]
    pub cache_mb: u64,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            keep: Keep::Full,
            activations: Encoding::Int8,
            reserve_disk_mb: 512,
            #[cfg(feature = "cluster")]
            url: None,
            #[cfg(feature = "cluster")]
            blocks: None,
            #[cfg(feature = "cluster")]
            cache_mb: 10_240,
        }
    }
}

impl StoreConfig {
    /// How a new store keeps activations.
    pub fn encoding(&self) -> Encoding {
        match self.keep {
            Keep::Full if !self.activations.is_compact() => self.activations,
            Keep::Full | Keep::Compact => Encoding::Compact,
            Keep::Recent(_) => Encoding::Int8,
        }
    }

    /// The bytes that those pictures of a new store may take that it keeps in full, if not all.
    pub fn recent_bytes(&self) -> Option<u64> {
        match self.keep {
            Keep::Recent(size) => Some(size.bytes()),
            Keep::Full | Keep::Compact => None,
        }
    }
}

/// `[picture]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PictureConfig {
    /// Largest picture from the web, in bytes.
    pub max_bytes: u64,
    /// Largest local file, in bytes; at least `max_bytes`.
    pub max_file_bytes: u64,
    /// Largest width times height, in pixels.
    pub max_pixels: u64,
    /// Smallest width and height, in pixels.
    pub min_side: u32,
    /// Memory that all pictures together may take while they are decoded, in MiB.
    pub decode_budget_mb: u64,
    /// What becomes of a JPEG whose last rows are missing.
    pub truncated: Truncated,
}

impl Default for PictureConfig {
    fn default() -> Self {
        Self {
            max_bytes: 20 << 20,
            // Room for what phones write of 200 megapixels.
            max_file_bytes: 128 << 20,
            max_pixels: 210_000_000,
            min_side: 32,
            decode_budget_mb: 1280,
            truncated: Truncated::Refuse,
        }
    }
}

impl PictureConfig {
    /// The limits that the decoder enforces.
    pub fn limits(&self) -> Limits {
        Limits {
            max_bytes: self.max_file_bytes.max(self.max_bytes),
            max_pixels: self.max_pixels,
            min_side: self.min_side,
            decode_bytes: self.decode_budget_mb.saturating_mul(1 << 20),
            truncated: self.truncated,
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
    /// Where a cluster's store is searched.
    #[cfg(feature = "cluster")]
    pub on: IndexPlace,
}

impl Default for IndexConfig {
    fn default() -> Self {
        Self {
            exact_below: 10_000,
            links: 16,
            ef_construction: 200,
            ef_factor: 2,
            #[cfg(feature = "cluster")]
            on: IndexPlace::default(),
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
        assert!(config.crawl.proxy.is_some() && !config.crawl.headers.is_empty());
        assert!(!config.crawl.allow_addresses.is_empty());
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
            ("[crawl]\nmax_removed_share = 1.5", "max_removed_share"),
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

    #[test]
    fn no_error_and_no_debug_text_tells_a_secret() {
        let said = |text: &str| match toml::from_str::<Config>(text) {
            Ok(config) => {
                let error = config.check().err().map(|error| error.to_string());
                format!("{config:?} {}", error.unwrap_or_default())
            }
            Err(error) => error.message().to_owned(),
        };
        for text in [
            "[crawl.headers]\nAuthorization = 'hunter2'",
            "[crawl.headers]\nAuthorization = 'hunter2\\u0000'",
            "[crawl.headers]\nAuthorization = \"hunter2\\u0007\"",
            "[crawl.headers]\nHost = 'hunter2'",
            "[crawl.headers]\nX-Key = ['hunter2']",
            "[crawl.host.'h']\nheaders = { Cookie = 'hunter2' }",
            "[crawl]\nproxy = 'http://me:hunter2@proxy:1'",
            "[crawl]\nproxy = 'ftp://me:hunter2@proxy:1'",
            "[crawl]\nproxy = 'http://me:hunter2@'",
            "[crawl]\nproxy = ['http://me:hunter2@proxy:1']",
        ] {
            let said = said(text);
            assert!(!said.contains("hunter2"), "{text}: {said}");
        }
    }

    #[cfg(feature = "cluster")]
    #[test]
    fn the_password_of_a_server_is_not_told() {
        let url = "[store]\nurl = 'postgres://me:hunter2@db/simdex'";
        let config: Config = toml::from_str(url).unwrap();
        let told = format!("{config:?}");
        assert!(told.contains("url") && !told.contains("hunter2"), "{told}");
        let wrong = "[store]\nurl = ['postgres://me:hunter2@db/simdex']";
        let error = toml::from_str::<Config>(wrong).unwrap_err();
        assert!(!error.message().contains("hunter2"), "{error}");
    }
}
