//! Fetched pictures that wait for their features.

use std::collections::HashMap;
use std::sync::PoisonError;

use sled::Batch;
use sled::transaction::{ConflictableTransactionResult, Transactional};

use super::bodies::{BodyExtent, BodyFileRecord};
use super::changes::Changes;
use super::frontier::transaction_error;
use super::record::{decode, encode};
use super::{Source, Store, StoreError};
use crate::picture::PictureId;

/// A fetched picture whose header was read.
#[derive(Debug)]
pub struct Body {
    /// Where it came from.
    pub origin: Source,
    /// Hash of its bytes.
    pub id: PictureId,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl Store {
    /// Keeps fetched pictures without features and returns once they would survive a power
    /// failure. The result says for each whether its bytes are new.
    ///
    /// # Errors
    /// If the disk is full or fails. Nothing of the batch counts then; its URLs are
    /// handed out again by the next crawl.
    pub fn keep_bodies(&self, bodies: Vec<Body>) -> Result<Vec<bool>, StoreError> {
        self.check_space()?;
        let _guard = self.pictures.lock().unwrap_or_else(PoisonError::into_inner);
        let mut changes = Changes::default();
        let mut extents: HashMap<PictureId, BodyExtent> = HashMap::new();
        let mut files: HashMap<u32, BodyFileRecord> = HashMap::new();
        let mut kept = Vec::with_capacity(bodies.len());
        for Body { origin, id, bytes } in bodies {
            let is_new = !self.contains(id)? && !self.waits(id)? && !extents.contains_key(&id);
            if is_new {
                let (extent, length) = self.bodies.append(id, &bytes)?;
                let known = match files.get(&extent.file) {
                    Some(known) => *known,
                    None => self.body_file(extent.file)?,
                };
                let waiting = known.waiting + 1;
                files.insert(extent.file, BodyFileRecord { length, waiting });
                extents.insert(id, extent);
            }
            changes.add_place(origin, id);
            kept.push(is_new);
        }
        self.bodies.sync()?;
        let t = &self.trees;
        (
            &t.waiting,
            &t.body_files,
            &t.places,
            &t.files,
            &t.frontier,
            &t.visits,
            &t.embeds,
        )
            .transaction(|trees| -> ConflictableTransactionResult<(), ()> {
                for (id, extent) in &extents {
                    trees.0.insert(id.as_bytes(), encode(extent))?;
                }
                for (number, file) in &files {
                    trees.1.insert(&number.to_be_bytes(), encode(file))?;
                }
                trees.2.apply_batch(&changes.places)?;
                trees.3.apply_batch(&changes.files)?;
                trees.4.apply_batch(&changes.frontier)?;
                trees.5.apply_batch(&changes.visits)?;
                trees.6.apply_batch(&changes.embeds)?;
                Ok(())
            })
            .map_err(transaction_error)?;
        self.db.flush()?;
        Ok(kept)
    }

    /// Whether a picture waits for its features.
    ///
    /// # Errors
    /// If sled fails.
    pub fn waits(&self, id: PictureId) -> Result<bool, StoreError> {
        Ok(self.trees.waiting.contains_key(id.as_bytes())?)
    }

    /// The pictures that wait for their features; those that begin to wait meanwhile may
    /// be among them.
    pub fn waiting(&self) -> impl Iterator<Item = Result<PictureId, StoreError>> + use<> {
        self.trees.waiting.iter().keys().map(|key| {
            let unreadable = StoreError::Unreadable { tree: "waiting" };
            PictureId::from_slice(&key?).ok_or(unreadable)
        })
    }

    /// How many pictures wait for their features; reads all of them.
    pub fn waiting_count(&self) -> u64 {
        self.trees.waiting.len() as u64
    }

    /// The bytes of a picture that waits for its features.
    ///
    /// # Errors
    /// If it does not wait, or its bytes are damaged.
    pub fn waiting_body(&self, id: PictureId) -> Result<Vec<u8>, StoreError> {
        let value = self.trees.waiting.get(id.as_bytes())?;
        let value = value.ok_or(StoreError::Damaged { picture: id })?;
        self.bodies.read(id, decode("waiting", &value)?)
    }

    /// Lets go of a picture's bytes, because it has got its features or can have none.
    pub(super) fn drop_body(&self, id: PictureId) -> Result<(), StoreError> {
        let Some(value) = self.trees.waiting.get(id.as_bytes())? else {
            return Ok(());
        };
        let extent: BodyExtent = decode("waiting", &value)?;
        let mut file = self.body_file(extent.file)?;
        file.waiting = file.waiting.saturating_sub(1);
        let t = &self.trees;
        (&t.waiting, &t.body_files)
            .transaction(
                |(waiting, files)| -> ConflictableTransactionResult<(), ()> {
                    waiting.remove(id.as_bytes())?;
                    files.insert(&extent.file.to_be_bytes(), encode(&file))?;
                    Ok(())
                },
            )
            .map_err(transaction_error)?;
        if file.waiting == 0 && extent.file != self.bodies.current() {
            self.trees.body_files.remove(extent.file.to_be_bytes())?;
            self.db.flush()?;
            self.bodies.delete(extent.file)?;
        }
        Ok(())
    }

    /// Lets go of a picture that can have no features, and of its places.
    pub(super) fn drop_unusable(&self, id: PictureId) -> Result<(), StoreError> {
        let mut places = Batch::default();
        for key in self.trees.places.scan_prefix(id.as_bytes()).keys() {
            places.remove(key?);
        }
        self.trees.places.apply_batch(places)?;
        self.drop_body(id)
    }

    fn body_file(&self, number: u32) -> Result<BodyFileRecord, StoreError> {
        match self.trees.body_files.get(number.to_be_bytes())? {
            Some(value) => decode("body_files", &value),
            None => Ok(BodyFileRecord::default()),
        }
    }
}
