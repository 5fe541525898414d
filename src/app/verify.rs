//! Reading everything back.

use serde::Serialize;

use super::{Collection, Error};
use crate::crawl::with_causes;
use crate::index::Index;
use crate::picture::PictureId;
use crate::shutdown::Shutdown;
use crate::store::{Sequence, Store, StoreError};

/// The JSON of `verify`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Findings {
    /// Pictures read.
    pub pictures: u64,
    /// Those that are not what was stored, or that the index does not find.
    pub damaged: Vec<Damage>,
}

/// A picture that is not right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Damage {
    /// Its id.
    pub id: String,
    /// What is wrong.
    pub problem: String,
}

/// What is wrong with one picture.
#[derive(Debug, thiserror::Error)]
enum Wrong {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("its record is missing")]
    Record,
    #[error("its sequence number is another picture's")]
    Sequence,
    #[error("its thumbnail is missing")]
    Thumbnail,
    #[error("its descriptor is missing")]
    Descriptor,
    #[error("the index does not find it: delete the folder `index` of the store, it is rebuilt")]
    Index,
}

impl Collection {
    /// Reads every record and block, and asks the index for every picture. `progress` is told
    /// of pictures so far and in all. `None` if the user asked to stop.
    ///
    /// # Errors
    /// If the store cannot be read at all; damaged pictures are findings.
    pub fn verify(
        &self,
        shutdown: &Shutdown,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Option<Findings>, Error> {
        let store = self.store();
        store.frontier_counts()?;
        let index = self.index()?;
        let mut findings = Findings::default();
        for entry in store.pictures() {
            if shutdown.requested() {
                return Ok(None);
            }
            let (sequence, id) = entry?;
            // Stored since.
            if !index.contains(sequence) {
                continue;
            }
            let checked = check(store, &index, sequence, id);
            // Removed since.
            if checked.is_err() && store.picture_at(sequence)?.is_none() {
                continue;
            }
            findings.pictures += 1;
            if let Err(error) = checked {
                findings.damaged.push(Damage {
                    id: id.to_string(),
                    problem: with_causes(&error),
                });
            }
            progress(findings.pictures, index.len() as u64);
        }
        Ok(Some(findings))
    }
}

/// Reads all there is of a picture, and asks the index for it.
fn check(store: &Store, index: &Index, sequence: Sequence, id: PictureId) -> Result<(), Wrong> {
    let record = store.picture(id)?.ok_or(Wrong::Record)?;
    if record.sequence != sequence.0 {
        return Err(Wrong::Sequence);
    }
    store.verified_block(id)?;
    store.provenance(id)?;
    store.thumbnail(id)?.ok_or(Wrong::Thumbnail)?;
    let (found, descriptor) = store
        .descriptors(sequence)
        .next()
        .transpose()?
        .ok_or(Wrong::Descriptor)?;
    if found != sequence {
        return Err(Wrong::Descriptor);
    }
    match index.finds(sequence, &descriptor) {
        true => Ok(()),
        false => Err(Wrong::Index),
    }
}
