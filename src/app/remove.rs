//! Deleting pictures and hosts.

use serde::Serialize;

use super::{Collection, Error};
use crate::canonical_url::HostId;
use crate::picture::PictureId;
use crate::store::Wasteful;

/// What is to be deleted.
#[derive(Debug, Clone, Default)]
pub struct Removal {
    /// Pictures.
    pub pictures: Vec<PictureId>,
    /// A host with its pages, URLs, and the pictures seen nowhere else.
    pub host: Option<String>,
    /// A removed host that may be crawled again.
    pub take_back: Option<String>,
}

/// The JSON of `remove`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Removed {
    /// Pictures that went.
    pub removed: u64,
    /// Pictures and hosts that were not there.
    pub missing: u64,
    /// Bytes given back to the disk at once.
    pub bytes_freed: u64,
}

impl Collection {
    /// Deletes what is named; `missing` is told what of it is not there.
    ///
    /// # Errors
    /// If the store fails.
    pub fn remove(&self, what: &Removal, missing: &mut dyn FnMut(&str)) -> Result<Removed, Error> {
        let store = self.store();
        let mut result = Removed {
            removed: 0,
            missing: 0,
            bytes_freed: 0,
        };
        for id in &what.pictures {
            if store.remove_picture(*id)? {
                result.removed += 1;
            } else {
                result.missing += 1;
                missing(&format!("{id}: there is no such picture"));
            }
        }
        if let Some(host) = &what.host {
            result.removed += store.remove_host(host)?;
        }
        if let Some(host) = &what.take_back
            && !store.take_back_host(HostId::of(host))?
        {
            result.missing += 1;
            missing(&format!("{host}: no such host was removed"));
        }
        store.flush()?;
        result.bytes_freed = store.compact(Wasteful::Any)?;
        Ok(result)
    }
}
