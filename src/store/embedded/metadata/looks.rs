//! How pictures look: kept in rows beside their descriptors, and told from the activations of those that
//! were stored before looks were, or in another way.

use crate::network::LookDescriptor;
use crate::picture::PictureId;
use crate::store::embedded::EmbeddedMetadata;
use crate::store::embedded::metadata::describe::{numbers_to_read, told, told_in};
use crate::store::entry::SectionKind;
use crate::store::{Listing, Sequence, StoreError};

impl EmbeddedMetadata {
    /// How looks are told, if they are.
    pub(in crate::store::embedded) fn look_id(&self) -> Option<&str> {
        self.look.as_ref().map(|(id, _)| id.as_str())
    }

    pub(in crate::store::embedded) fn looks(
        &self,
        first: Sequence,
    ) -> Listing<'_, (Sequence, LookDescriptor)> {
        Box::new(self.told_looks(first).filter_map(|told| match told {
            Ok((sequence, look)) => look.map(|look| Ok((sequence, look))),
            Err(error) => Some(Err(error)),
        }))
    }

    /// The same with those that have no look.
    pub(in crate::store::embedded) fn told_looks(
        &self,
        first: Sequence,
    ) -> Listing<'_, (Sequence, Option<LookDescriptor>)> {
        if self.look.is_none() {
            return Box::new(std::iter::empty());
        }
        self.listing(first, |pictures| {
            let rows = self.looks.read(pictures[0].0, numbers_to_read(pictures));
            let by_row = |sequence, id| {
                let row = self.looks.get_of(&rows, sequence, id);
                row.or_else(|| self.looks.get(sequence, id))
            };
            told(pictures, by_row, |sequence, id| {
                self.look_by_log(sequence, id)
            })
        })
    }

    pub(in crate::store::embedded) fn look(
        &self,
        sequence: Sequence,
    ) -> Result<Option<LookDescriptor>, StoreError> {
        let id = match self.look {
            Some(_) => self.picture_at(sequence)?,
            None => None,
        };
        let Some(id) = id else {
            return Ok(None);
        };
        match self.looks.get(sequence, id) {
            Some(look) => Ok(look),
            None => Ok(self.look_by_log(sequence, id)?.flatten()),
        }
    }

    /// How a picture looks by its entry in the log, which is kept as its row; `None` if it has left.
    fn look_by_log(
        &self,
        sequence: Sequence,
        id: PictureId,
    ) -> Result<Option<Option<LookDescriptor>>, StoreError> {
        let Some((way, dimensions)) = &self.look else {
            return Ok(None);
        };
        let look = self.by_entry(id, |at, entry| {
            let look = told_in(entry, SectionKind::Look, Some(way))?;
            let look = look.and_then(|look| LookDescriptor::from_bytes(&look, *dimensions));
            match look {
                Some(look) => Ok(Some(look)),
                None => self.describer.describe_look(id, &self.block_of(id, at)?),
            }
        });
        let made = self.made(sequence, id, look, |_, look| {
            let look = look.as_ref().map(LookDescriptor::bytes);
            self.looks.put(sequence, id, look);
        })?;
        Ok(made.map(Option::flatten))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::activation::Activations;
    use crate::store::conformance::fixture::{file, options, picture_id, picture_with};
    use crate::store::embedded::Embedded;
    use crate::store::embedded::disk::SystemDisk;
    use crate::store::embedded::rows::{self, LookRows};
    use crate::store::{LEASE_TIME, PictureOutcome, Store};

    const PICTURES: u8 = 3;

    /// A store of some pictures, of whose looks the log says nothing of use.
    fn filled(dir: &Path) {
        let mut store = Embedded::open(dir, &options(), LEASE_TIME).unwrap();
        let dimensions = store.metadata.look.as_ref().unwrap().1;
        store.metadata.look = Some(("another way".to_owned(), dimensions));
        for n in 0..PICTURES {
            let block = vec![n + 1; store.identity.layouts.now().block_len()];
            let picture = picture_with(block, n);
            let outcome = PictureOutcome::Picture(file(&format!("{n}.png")), picture);
            store.metadata.commit(vec![outcome], &store.blocks).unwrap();
        }
        drop(store);
        rows::forget(dir).unwrap();
    }

    /// Takes out of the header what it says of looks.
    fn forget(dir: &Path) {
        let header = dir.join("store.toml");
        let text = std::fs::read_to_string(&header).unwrap();
        let lines = text.lines().filter(|line| !line.starts_with("look = "));
        std::fs::write(&header, lines.collect::<Vec<_>>().join("\n")).unwrap();
    }

    /// What the activations of a picture say of its look.
    fn by_activations(store: &Store, n: u8) -> Option<LookDescriptor> {
        let block = store.block(picture_id(n)).unwrap();
        let activations = Activations::new(store.layout(), &block);
        options().network.describe_look(activations)
    }

    fn assert_told_by_activations(store: &Store, pictures: std::ops::Range<u8>) {
        assert!(store.look_id().is_some());
        for n in pictures {
            let look = store.look(Sequence(u64::from(n))).unwrap();
            assert!(look.is_some() && look == by_activations(store, n), "{n}");
        }
    }

    #[test]
    fn a_store_of_before_gets_its_looks_once() {
        let dir = tempfile::tempdir().unwrap();
        filled(dir.path());
        forget(dir.path());
        // Without writing, it is of use as it is.
        let store = Store::open_read_only(dir.path(), &options()).unwrap();
        assert_eq!(store.look_id(), None);
        drop(store);
        let store = Store::open(dir.path(), &options()).unwrap();
        assert_told_by_activations(&store, 0..PICTURES);
        drop(store);
        let store = Store::open_read_only(dir.path(), &options()).unwrap();
        assert_told_by_activations(&store, 0..PICTURES);
    }

    #[test]
    fn what_was_told_before_an_interruption_is_not_told_again() {
        let dir = tempfile::tempdir().unwrap();
        filled(dir.path());
        let network = options().network.look().unwrap();
        let dimensions = network.dimensions();
        let other = LookDescriptor::quantised(&vec![1.0; dimensions]);
        let id = crate::store::embedded::files::Header::read(dir.path())
            .unwrap()
            .unwrap()
            .id;
        let interrupted = |way: &str| {
            forget(dir.path());
            rows::forget(dir.path()).unwrap();
            let of = (&*id, way);
            let rows = LookRows::open(&SystemDisk, dir.path(), of, dimensions).unwrap();
            rows.put(Sequence(0), picture_id(0), Some(other.bytes()));
        };
        interrupted(network.id());
        let store = Store::open(dir.path(), &options()).unwrap();
        assert_eq!(store.look(Sequence(0)).unwrap().as_ref(), Some(&other));
        assert_told_by_activations(&store, 1..PICTURES);
        drop(store);
        // But what was told in another way is.
        interrupted("another way");
        let store = Store::open(dir.path(), &options()).unwrap();
        assert_told_by_activations(&store, 0..PICTURES);
    }

    #[test]
    fn a_look_that_is_not_there_is_told_when_it_is_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        filled(dir.path());
        let store = Store::open(dir.path(), &options()).unwrap();
        let looks = store.looks(Sequence(0)).collect::<Result<Vec<_>, _>>();
        assert_eq!(looks.unwrap().len(), usize::from(PICTURES));
        assert_told_by_activations(&store, 0..PICTURES);
    }
}
