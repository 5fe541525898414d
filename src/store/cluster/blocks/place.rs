//! The places where objects can be, by their URLs.

use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::local::LocalFileSystem;
use object_store::{BackoffConfig, ClientConfigKey, ObjectStore, ObjectStoreScheme, RetryConfig};
use url::Url;

use crate::store::StoreError;

/// How long one request may take: a segment is some tens of megabytes.
const TIMEOUT: &str = "120 seconds";

/// How long a request is tried again that nobody answers, or that the server could not serve: as long as
/// the database is waited for.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
/// The longest pause between two tries.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// The client's own pauses are over after ten tries in two seconds, in which no server starts again.
fn retries() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig {
            max_backoff: LONGEST_PAUSE,
            ..BackoffConfig::default()
        },
        max_retries: usize::MAX,
        retry_timeout: PATIENCE,
    }
}

pub(super) fn wrong(message: impl Into<String>) -> StoreError {
    StoreError::Objects {
        source: message.into().into(),
    }
}

/// Opens the place of a URL, and gives the folder in it. Keys, regions and endpoints are read from the
/// environment (`AWS_ACCESS_KEY_ID`, `GOOGLE_SERVICE_ACCOUNT`, `AZURE_STORAGE_ACCOUNT_NAME` and their
/// like), never from the URL.
///
/// `settings` are laid over those of the environment.
pub(super) fn open(
    url: &str,
    settings: &[(&str, &str)],
) -> Result<(Box<dyn ObjectStore>, String), StoreError> {
    const KNOWN: &str = "its URL begins with none of s3://, gs://, az:// and file://";
    let url = Url::parse(url).map_err(|error| wrong(format!("its URL: {error}")))?;
    let (scheme, folder) = ObjectStoreScheme::parse(&url).map_err(|_| wrong(KNOWN))?;
    // There may be one already, which is the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let store: Box<dyn ObjectStore> = match scheme {
        ObjectStoreScheme::Local => {
            let dir = url.to_file_path();
            let dir = dir.map_err(|()| wrong("its URL names no folder"))?;
            crate::private_folder::create(&dir).map_err(|e| StoreError::io(&dir, e))?;
            let store = LocalFileSystem::new_with_prefix(&dir)?.with_fsync(true);
            return Ok((Box::new(store), String::new()));
        }
        ObjectStoreScheme::AmazonS3 => {
            let timeout = AmazonS3ConfigKey::Client(ClientConfigKey::Timeout);
            let mut store = AmazonS3Builder::from_env().with_config(timeout, TIMEOUT);
            for (name, value) in settings {
                store = store.with_config(name.to_ascii_lowercase().parse()?, *value);
            }
            let store = store.with_retry(retries()).with_url(url.as_str());
            Box::new(store.build()?)
        }
        ObjectStoreScheme::GoogleCloudStorage => {
            let timeout = GoogleConfigKey::Client(ClientConfigKey::Timeout);
            let mut store = GoogleCloudStorageBuilder::from_env().with_config(timeout, TIMEOUT);
            for (name, value) in settings {
                store = store.with_config(name.to_ascii_lowercase().parse()?, *value);
            }
            let store = store.with_retry(retries()).with_url(url.as_str());
            Box::new(store.build()?)
        }
        ObjectStoreScheme::MicrosoftAzure => {
            let timeout = AzureConfigKey::Client(ClientConfigKey::Timeout);
            let mut store = MicrosoftAzureBuilder::from_env().with_config(timeout, TIMEOUT);
            for (name, value) in settings {
                store = store.with_config(name.to_ascii_lowercase().parse()?, *value);
            }
            let store = store.with_retry(retries()).with_url(url.as_str());
            Box::new(store.build()?)
        }
        _ => return Err(wrong(KNOWN)),
    };
    Ok((store, folder.to_string()))
}

/// Whether a client gave up on a request that it does not try again by itself.
pub(super) fn may_have_arrived(error: &object_store::Error) -> bool {
    matches!(error, object_store::Error::Generic { store, .. } if *store != LOCAL)
}

/// What a folder's client calls itself.
const LOCAL: &str = "LocalFileSystem";
