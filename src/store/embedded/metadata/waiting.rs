//! Fetched pictures that wait for their features.

use std::collections::HashSet;

use crate::picture::PictureId;
use crate::store::embedded::EmbeddedMetadata;
use crate::store::embedded::metadata::commit_changes::found;
use crate::store::embedded::metadata::leaving::Leaving;
use crate::store::embedded::trees::decode;
use crate::store::entry::{Entry, Section, SectionKind};
use crate::store::{Body, EntryLocation, Listing, StoreError};

impl EmbeddedMetadata {
    pub(in crate::store::embedded) fn keep_bodies(
        &self,
        bodies: Vec<Body>,
    ) -> Result<Vec<bool>, StoreError> {
        self.reserve.check()?;
        let replaced: Vec<_> = bodies.iter().filter_map(Body::replaced).collect();
        let mut totals = self.totals();
        let mut leaving = Leaving::new(self, *totals);
        leaving.changes().keeps_hints = true;
        let mut fresh: HashSet<PictureId> = HashSet::new();
        let mut new: Vec<(PictureId, Vec<u8>)> = Vec::new();
        let mut facts = Vec::new();
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
                new.push((id, bytes));
            }
            if let Some(place) = leaving.changes().add_location(origin, id)? {
                facts.push((id, found(&place)));
            }
            kept.push(is_new);
        }
        for (picture, url) in replaced {
            let is_found = facts.iter().any(|(id, _)| *id == picture);
            leaving.leave_url(picture, url, is_found)?;
        }
        let left = leaving.into_parts();
        let mut entries: Vec<Entry<'_>> = Vec::new();
        for (id, bytes) in &new {
            let own = facts.iter().filter(|(of, _)| of == id);
            let mut sections: Vec<_> = own.map(|(_, place)| place.clone()).collect();
            sections.push(Section::of_bytes(SectionKind::Body, bytes));
            entries.push(Entry {
                picture: *id,
                sections,
            });
        }
        let others = facts.iter().filter(|(id, _)| !fresh.contains(id));
        entries.extend(others.map(|(id, place)| Entry {
            picture: *id,
            sections: vec![place.clone()],
        }));
        entries.extend(
            left.facts
                .into_iter()
                .map(|(picture, sections)| Entry { picture, sections }),
        );
        let locations = self.log.append(&entries)?;
        self.logged(&mut totals, left.changes, |changes| {
            for ((id, _), location) in new.iter().zip(locations) {
                changes.add_waiting(*id, location)?;
            }
            Ok(())
        })?;
        self.note_removed(left.sequences);
        Ok(kept)
    }

    pub(in crate::store::embedded) fn waits(&self, id: PictureId) -> Result<bool, StoreError> {
        Ok(self.trees.waiting.contains_key(id.as_bytes())?)
    }

    pub(in crate::store::embedded) fn waiting(&self) -> Listing<'_, PictureId> {
        Box::new(self.trees.waiting.iter().keys().map(|key| {
            let unreadable = StoreError::Unreadable { tree: "waiting" };
            PictureId::from_slice(&key?).ok_or(unreadable)
        }))
    }

    pub(in crate::store::embedded) fn waiting_count(&self) -> u64 {
        self.totals().waiting
    }

    /// Where the body of a picture that waits lies.
    pub(in crate::store::embedded) fn waiting_location(
        &self,
        id: PictureId,
    ) -> Result<Option<EntryLocation>, StoreError> {
        let value = self.trees.waiting.get(id.as_bytes())?;
        value.map(|value| decode("waiting", &value)).transpose()
    }

    pub(in crate::store::embedded) fn waiting_body(
        &self,
        id: PictureId,
    ) -> Result<Vec<u8>, StoreError> {
        let damaged = || StoreError::DamagedBody { picture: id };
        let location = self.waiting_location(id)?.and_then(|at| at.payload);
        match self.log.read_checked(id, location.ok_or_else(damaged)?) {
            Err(StoreError::Damaged { .. }) => Err(damaged()),
            read => read,
        }
    }
}
