//! Reading everything back, and mending what can be mended.

use serde::Serialize;

use super::{Collection, Error};
use crate::crawl::with_causes;
use crate::index::Index;
use crate::picture::PictureId;
use crate::shutdown::Shutdown;
use crate::store::{Sequence, Store, StoreError, Wasteful};

/// The JSON of `verify`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Findings {
    /// Pictures read.
    pub pictures: u64,
    /// Those that are not what was stored, or that the index does not find.
    pub damaged: Vec<Damage>,
    /// Those that cannot be read now, which says nothing about them.
    pub unreadable: Vec<Damage>,
    /// What of the store's log is damaged and of no known picture.
    pub log: Vec<String>,
    /// What was done about it; null unless it was asked for.
    pub mended: Option<Mended>,
}

/// A picture that is not right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Damage {
    /// Its id.
    pub id: String,
    /// What is wrong.
    pub problem: String,
}

/// What `verify --repair` has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Mended {
    /// Damaged pictures that were taken out. Their files count as never read, and ...
    pub taken_out: u64,
    /// ... so many of their URLs are queued again.
    pub queued: u64,
    /// Whether the index was deleted, to be built anew.
    pub index: bool,
}

impl Findings {
    /// Whether nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.damaged.is_empty() && self.unreadable.is_empty() && self.log.is_empty()
    }
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

impl Wrong {
    /// Whether it says nothing about the picture: the system could not read, this time.
    fn is_passing(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_passing())
    }
}

/// What is found wrong, with the pictures' identities.
#[derive(Default)]
struct Found {
    findings: Findings,
    damaged: Vec<PictureId>,
    index: bool,
}

impl Found {
    fn add(&mut self, id: PictureId, wrong: &Wrong) {
        let damage = Damage {
            id: id.to_string(),
            problem: with_causes(wrong),
        };
        match wrong {
            _ if wrong.is_passing() => return self.findings.unreadable.push(damage),
            Wrong::Index => self.index = true,
            _ => self.damaged.push(id),
        }
        self.findings.damaged.push(damage);
    }
}

impl Collection {
    /// Reads every record, block and body, compares the records with the log both ways, and asks
    /// the index for every picture. `progress` is told of pictures so far and in all. `None` if
    /// the user asked to stop.
    ///
    /// # Errors
    /// If the store cannot be read at all; damaged pictures are findings.
    pub fn verify(
        &self,
        mend: bool,
        shutdown: &Shutdown,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Option<Findings>, Error> {
        let store = self.store();
        if !store.check_counts()? {
            tracing::warn!("what `status` counts of URLs was not what is there, and is right now");
        }
        if !store.check_selection()? {
            tracing::warn!(
                "what is noted of where pictures were seen was not what is there, and is right now"
            );
        }
        let index = self.index()?;
        let mut found = Found::default();
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
            found.findings.pictures += 1;
            if let Err(wrong) = checked {
                found.add(id, &wrong);
            }
            progress(found.findings.pictures, index.len() as u64);
        }
        store.check_log(&mut |flaw| match flaw.picture {
            Some(id) if found.damaged.contains(&id) => {}
            Some(id) => {
                found.damaged.push(id);
                found.findings.damaged.push(Damage {
                    id: id.to_string(),
                    problem: flaw.problem,
                });
            }
            None => found.findings.log.push(flaw.problem),
        })?;
        if mend {
            found.findings.mended = Some(self.mend(&found)?);
        }
        Ok(Some(found.findings))
    }

    /// Takes damaged pictures out, to be stored anew, and has the index built anew.
    fn mend(&self, found: &Found) -> Result<Mended, Error> {
        let mut mended = Mended::default();
        for id in &found.damaged {
            mended.queued += self.store().ask_again_for(*id)?;
            mended.taken_out += 1;
        }
        self.store().flush()?;
        // The damaged bytes would lie in the way of backups.
        if mended.taken_out > 0 {
            match self.store().compact(Wasteful::Any) {
                Ok(compacted) => compacted
                    .unread
                    .iter()
                    .for_each(|text| tracing::warn!("{text}")),
                Err(error) => tracing::warn!(%error, "damaged bytes are still in the store"),
            }
        }
        if found.index
            && let Some(dir) = self.store().index_dir()
        {
            match std::fs::remove_dir_all(&dir) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    tracing::warn!(%error, path = %dir.display(), "the index cannot be deleted");
                }
                _ => mended.index = true,
            }
        }
        Ok(mended)
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
