//! Fetched pictures that wait for their features.

use std::collections::{HashMap, HashSet};
use std::sync::PoisonError;

use sled::Batch;

use super::EmbeddedMetadata;
use super::commit_changes::CommitChanges;
use super::files::{BodyExtent, BodyFileRecord};
use super::trees::{TreeBatches, decode, encode};
use crate::picture::PictureId;
use crate::store::{Body, Listing, StoreError};

impl EmbeddedMetadata {
    pub(super) fn keep_bodies(&self, bodies: Vec<Body>) -> Result<Vec<bool>, StoreError> {
        self.reserve.check()?;
        let _guard = self.pictures.lock().unwrap_or_else(PoisonError::into_inner);
        let t = &self.trees;
        let mut changes = CommitChanges::new(t);
        let mut fresh: HashSet<PictureId> = HashSet::new();
        let mut files: HashMap<u32, BodyFileRecord> = HashMap::new();
        let mut kept = Vec::with_capacity(bodies.len());
        for Body {
            mut origin,
            id,
            bytes,
        } in bodies
        {
            if !origin.is_held() {
                kept.push(false);
                continue;
            }
            let is_new = !self.contains(id)? && !self.waits(id)? && fresh.insert(id);
            if is_new {
                let (extent, length) = self.bodies.append(id, &bytes)?;
                let known = match files.get(&extent.file) {
                    Some(known) => *known,
                    None => self.body_file(extent.file)?,
                };
                let waiting = known.waiting + 1;
                files.insert(extent.file, BodyFileRecord { length, waiting });
                let waiting = changes.batches.of(&t.waiting);
                waiting.insert(id.as_bytes(), encode(&extent));
            }
            changes.add_location(origin, id);
            kept.push(is_new);
        }
        self.bodies.sync()?;
        for (number, file) in &files {
            let body_files = changes.batches.of(&t.body_files);
            body_files.insert(&number.to_be_bytes(), encode(file));
        }
        changes.apply()?;
        t.db.flush()?;
        Ok(kept)
    }

    pub(super) fn waits(&self, id: PictureId) -> Result<bool, StoreError> {
        Ok(self.trees.waiting.contains_key(id.as_bytes())?)
    }

    pub(super) fn waiting(&self) -> Listing<'_, PictureId> {
        Box::new(self.trees.waiting.iter().keys().map(|key| {
            let unreadable = StoreError::Unreadable { tree: "waiting" };
            PictureId::from_slice(&key?).ok_or(unreadable)
        }))
    }

    pub(super) fn waiting_count(&self) -> u64 {
        self.trees.waiting.len() as u64
    }

    pub(super) fn waiting_body(&self, id: PictureId) -> Result<Vec<u8>, StoreError> {
        let value = self.trees.waiting.get(id.as_bytes())?;
        let value = value.ok_or(StoreError::Damaged { picture: id })?;
        self.bodies.read(id, decode("waiting", &value)?)
    }

    /// Deletes the bytes of a picture that has its features now, or can have none.
    pub(super) fn drop_body(&self, id: PictureId) -> Result<(), StoreError> {
        let Some(value) = self.trees.waiting.get(id.as_bytes())? else {
            return Ok(());
        };
        let extent: BodyExtent = decode("waiting", &value)?;
        let mut file = self.body_file(extent.file)?;
        file.waiting = file.waiting.saturating_sub(1);
        let t = &self.trees;
        let mut changes = TreeBatches::default();
        changes.of(&t.waiting).remove(id.as_bytes());
        let number = extent.file.to_be_bytes();
        changes.of(&t.body_files).insert(&number, encode(&file));
        changes.apply()?;
        if file.waiting == 0 && extent.file != self.bodies.current() {
            self.trees.body_files.remove(extent.file.to_be_bytes())?;
            self.trees.db.flush()?;
            self.bodies.delete(extent.file)?;
        }
        Ok(())
    }

    /// Deletes a picture that can have no features, and its locations.
    pub(super) fn drop_unusable(&self, id: PictureId) -> Result<(), StoreError> {
        let mut locations = Batch::default();
        for key in self.trees.places.scan_prefix(id.as_bytes()).keys() {
            locations.remove(key?);
        }
        self.trees.places.apply_batch(locations)?;
        self.drop_body(id)
    }

    fn body_file(&self, number: u32) -> Result<BodyFileRecord, StoreError> {
        match self.trees.body_files.get(number.to_be_bytes())? {
            Some(value) => decode("body_files", &value),
            None => Ok(BodyFileRecord::default()),
        }
    }
}
