//! Candidates as they are proposed. Activations are read when they are asked for: of the hundreds of
//! a neighbourhood only those that are scored need theirs.

use std::collections::BTreeSet;
use std::sync::{Mutex, OnceLock, PoisonError};

use rayon::prelude::*;

use super::rank::{Candidates, Known};
use super::view::View;
use crate::activation::Activations;
use crate::head::Features;
use crate::network::{Descriptor, LookDescriptor};
use crate::picture::{PerceptualHash, PictureId};
use crate::store::{Block, EntryLocation, NewPicture, Sequence, Store, StoreError};

/// Pictures that cannot be read, which an answer names.
#[derive(Debug, Default)]
pub(super) struct Unread(BTreeSet<PictureId>);

impl Unread {
    pub(super) fn add(&mut self, id: PictureId, error: &StoreError) {
        if self.0.insert(id) {
            tracing::warn!(picture = %id, %error, "a stored picture cannot be read");
        }
    }

    pub(super) fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    pub(super) fn ids(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }
}

/// Stored pictures with what is known of them. One that is damaged has no features and is noted,
/// unless it is the very picture that is asked for, whose features are at hand.
pub(super) struct Pool<'a> {
    store: &'a Store,
    /// What is asked for, each in one or more views.
    asked: &'a [Vec<NewPicture>],
    members: Vec<Member>,
    unread: Mutex<Unread>,
    /// What kept it from reading anything.
    failed: Mutex<Option<StoreError>>,
}

/// A stored picture.
struct Member {
    sequence: Sequence,
    descriptor: Descriptor,
    look: Option<LookDescriptor>,
    hash: PerceptualHash,
    /// Which picture it is, and where its entry lies, as far as that was read.
    place: Option<(PictureId, EntryLocation)>,
    /// What reading the rest gave, once that was tried.
    read: OnceLock<Option<Read>>,
}

/// Which picture it is, and its activations.
struct Read {
    id: PictureId,
    block: Block,
}

/// What is read of all of a pool.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// What knows their hashes, and has read some already.
    pub(super) view: &'a View,
    /// Whether their looks are compared.
    pub(super) looks: bool,
}

impl<'a> Pool<'a> {
    /// Reads all that is known of some pictures but their activations. Those that were removed
    /// meanwhile are left out.
    ///
    /// # Errors
    /// If the store fails.
    pub(super) fn read(
        store: &'a Store,
        wanted: Wanted<'_>,
        sequences: &[Sequence],
        asked: &'a [Vec<NewPicture>],
    ) -> Result<Self, StoreError> {
        let mut pool = Self {
            store,
            asked,
            members: Vec::new(),
            unread: Mutex::default(),
            failed: Mutex::default(),
        };
        let members = sequences.par_iter();
        let members = members.map(|sequence| pool.member(*sequence, wanted));
        let members = members.collect::<Result<Vec<_>, StoreError>>()?;
        pool.members = members.into_iter().flatten().collect();
        Ok(pool)
    }

    /// Says that the activations of the first `count` are read soon.
    pub(super) fn will_need(&self, count: usize) {
        let members = self.members.iter().take(count);
        let places: Vec<_> = members.filter_map(|member| member.place).collect();
        self.store.will_need(&places);
    }

    fn member(&self, sequence: Sequence, wanted: Wanted<'_>) -> Result<Option<Member>, StoreError> {
        let Some(hash) = wanted.view.index.near_duplicates().hash(sequence) else {
            return Ok(None);
        };
        // Of looks that not all pictures have, nothing is made.
        let has_look = wanted.looks && self.store.look_id().is_some();
        if let Some(picture) = wanted.view.gathered(sequence) {
            let row = &picture.row;
            return Ok(Some(Member {
                sequence,
                descriptor: row.descriptor.clone(),
                look: picture.look.clone().filter(|_| has_look),
                hash,
                place: row.location.map(|location| (row.id, location)),
                read: OnceLock::new(),
            }));
        }
        let (descriptor, place) = match self.store.row(sequence) {
            Ok(Some(row)) => (
                row.descriptor,
                row.location.map(|location| (row.id, location)),
            ),
            Ok(None) => return Ok(None),
            // What of it can be read is.
            Err(_) => match self.descriptor(sequence)? {
                Some(descriptor) => (descriptor, None),
                None => return Ok(None),
            },
        };
        Ok(Some(Member {
            sequence,
            descriptor,
            look: match has_look {
                true => self.store.look(sequence)?,
                false => None,
            },
            hash,
            place,
            read: OnceLock::new(),
        }))
    }

    fn descriptor(&self, sequence: Sequence) -> Result<Option<Descriptor>, StoreError> {
        let error = match self.store.descriptor(sequence) {
            Ok(descriptor) => return Ok(Some(descriptor)),
            Err(error) => error,
        };
        // Removed meanwhile.
        let Some(id) = self.store.picture_at(sequence)? else {
            return Ok(None);
        };
        self.note(id, &error);
        Ok(self.asked_for(id).map(|picture| picture.descriptor.clone()))
    }

    fn rest(&self, member: &Member) -> Result<Option<Read>, StoreError> {
        let (id, block) = match member.place {
            Some((id, location)) => (id, self.store.block_at(id, location)),
            None => match self.store.picture_at(member.sequence)? {
                Some(id) => (id, self.store.block(id)),
                None => return Ok(None),
            },
        };
        let block = match block {
            Ok(block) => Some(block),
            // Removed meanwhile.
            Err(_) if self.store.picture(id)?.is_none() => None,
            Err(error) => {
                self.note(id, &error);
                let asked = self.asked_for(id);
                asked.map(|picture| Block::of_bytes(picture.block.clone()))
            }
        };
        Ok(block.map(|block| Read { id, block }))
    }

    fn get(&self, candidate: usize) -> Option<&Read> {
        let member = &self.members[candidate];
        let read = member.read.get_or_init(|| {
            let rest = self.rest(member);
            rest.unwrap_or_else(|error| {
                let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
                failed.get_or_insert(error);
                None
            })
        });
        read.as_ref()
    }

    /// The picture that is asked for with these very bytes.
    fn asked_for(&self, id: PictureId) -> Option<&NewPicture> {
        let mut upright = self.asked.iter().filter_map(|views| views.first());
        upright.find(|picture| picture.id == id)
    }

    fn note(&self, id: PictureId, error: &StoreError) {
        let unread = self.unread.lock();
        unread
            .unwrap_or_else(PoisonError::into_inner)
            .add(id, error);
    }

    /// Which picture a candidate is; `None` if it cannot be read.
    pub(super) fn id(&self, candidate: usize) -> Option<PictureId> {
        self.get(candidate).map(|read| read.id)
    }

    /// Its place in the order of storing.
    pub(super) fn sequence(&self, candidate: usize) -> Sequence {
        self.members[candidate].sequence
    }

    /// What could not be read.
    ///
    /// # Errors
    /// If the store failed.
    pub(super) fn finish(self) -> Result<Unread, StoreError> {
        let failed = self.failed.into_inner();
        match failed.unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error),
            None => Ok(self
                .unread
                .into_inner()
                .unwrap_or_else(PoisonError::into_inner)),
        }
    }
}

impl Candidates for Pool<'_> {
    fn len(&self) -> usize {
        self.members.len()
    }

    fn known(&self, candidate: usize) -> Known<'_> {
        let member = &self.members[candidate];
        Known {
            descriptor: &member.descriptor,
            look: member.look.as_ref(),
            hash: member.hash,
        }
    }

    fn features(&self, candidate: usize) -> Option<Features<'_>> {
        let read = self.get(candidate)?;
        let activations = Activations::new(self.store.layout(), &read.block);
        Some(self.known(candidate).with(activations))
    }
}
