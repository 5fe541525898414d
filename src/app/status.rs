//! What is stored, counted.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::upkeep::kept;
use super::{Collection, Error};
use crate::index::snapshot_info;
use crate::store::{FrontierCounts, Sequence};

/// The JSON of `status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// Pictures with features.
    pub images: u64,
    /// Pages.
    pub pages: u64,
    /// Pictures kept without features.
    pub waiting: u64,
    /// URLs by their state.
    pub frontier: FrontierCounts,
    /// Hosts of which URLs were queued or asked for.
    pub hosts: u64,
    /// Bytes on disk, the index included.
    pub store_bytes: u64,
    /// How much is kept of a picture: `full`, `compact` or `recent SIZE`.
    pub keep: Cow<'static, str>,
    /// Pictures that are kept in another way, until `simdex compact --keep ...` has converted them.
    pub unconverted: u64,
    /// The saved index.
    pub index: IndexStatus,
    /// The default head's name.
    pub head: String,
    /// The network's id.
    pub network: String,
}

/// The index as far as it is known without loading it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IndexStatus {
    /// `exact` or `hnsw`.
    pub kind: Cow<'static, str>,
    /// Points in it.
    pub points: u64,
    /// Points of removed pictures.
    pub tombstones: u64,
    /// Seconds since it was saved; null without a snapshot.
    pub snapshot_age: Option<u64>,
}

impl Collection {
    /// Counts what is stored, which costs the same at any size.
    ///
    /// # Errors
    /// If the store fails.
    pub fn status(&self) -> Result<Status, Error> {
        let store = self.store();
        let (images, index) = self.index_status()?;
        Ok(Status {
            images,
            pages: store.page_count(),
            waiting: store.waiting_count(),
            frontier: store.frontier_counts()?,
            hosts: store.counts().hosts,
            store_bytes: store.disk_bytes()?,
            keep: kept(store).to_string().into(),
            unconverted: store.unconverted()?,
            index,
            head: self.heads().default_name().to_owned(),
            network: store.network().to_string(),
        })
    }

    /// Pictures, and the index's state as far as it is known without loading it.
    ///
    /// # Errors
    /// If the store fails.
    pub fn index_status(&self) -> Result<(u64, IndexStatus), Error> {
        let store = self.store();
        let snapshot = snapshot_info(store);
        let images = store.picture_count() as u64;
        let mut covered = 0;
        if let Some(snapshot) = snapshot {
            // Few have been stored since.
            let newer = store.pictures_from(Sequence(snapshot.last.0 + 1));
            let newer = newer.collect::<Result<Vec<_>, _>>()?.len() as u64;
            covered = images.saturating_sub(newer);
        }
        let is_exact = images < self.config().index.exact_below as u64;
        let index = match snapshot {
            Some(snapshot) if !is_exact => IndexStatus {
                kind: "hnsw".into(),
                points: snapshot.points as u64,
                tombstones: (snapshot.points as u64).saturating_sub(covered),
                snapshot_age: Some(snapshot.age_s),
            },
            _ => IndexStatus {
                kind: if is_exact { "exact" } else { "hnsw" }.into(),
                points: if is_exact { images } else { 0 },
                tombstones: 0,
                snapshot_age: None,
            },
        };
        Ok((images, index))
    }
}
