//! How pictures look: kept beside their descriptors, and told from the activations of those that
//! were stored before looks were, or in another way.

use std::path::Path;
use std::time::{Duration, Instant};

use rayon::prelude::*;

use crate::activation::Activations;
use crate::network::{LookDescriptor, Network};
use crate::picture::PictureId;
use crate::store::embedded::files::Header;
use crate::store::embedded::trees::{LOOKS_MISSING, LOOKS_OF};
use crate::store::embedded::{Embedded, EmbeddedMetadata};
use crate::store::{Blocks, Listing, Sequence, StoreError};

/// Most pictures told between two reports of progress.
const CHUNK: usize = 256;
const NOTE_EVERY: Duration = Duration::from_secs(5);

impl EmbeddedMetadata {
    /// How looks are told, if they are.
    pub(in crate::store::embedded) fn look_id(&self) -> Option<&str> {
        self.look.as_ref().map(|(id, _)| id.as_str())
    }

    pub(in crate::store::embedded) fn looks(
        &self,
        first: Sequence,
    ) -> Listing<'_, (Sequence, LookDescriptor)> {
        let Some((_, dimensions)) = self.look else {
            return Box::new(std::iter::empty());
        };
        let entries = self.trees.looks.range(first.key()..);
        Box::new(entries.filter_map(move |entry| {
            let told = entry.map_err(StoreError::from).and_then(|(key, value)| {
                let sequence = Sequence::from_key(&key);
                let sequence = sequence.ok_or(StoreError::Unreadable { tree: "looks" })?;
                Ok((sequence, LookDescriptor::from_bytes(&value, dimensions)))
            });
            match told {
                Ok((sequence, look)) => look.map(|look| Ok((sequence, look))),
                Err(error) => Some(Err(error)),
            }
        }))
    }

    pub(in crate::store::embedded) fn look(
        &self,
        sequence: Sequence,
    ) -> Result<Option<LookDescriptor>, StoreError> {
        let Some((_, dimensions)) = self.look else {
            return Ok(None);
        };
        let value = self.trees.looks.get(sequence.key())?;
        Ok(value.and_then(|value| LookDescriptor::from_bytes(&value, dimensions)))
    }

    /// Whether the picture that was stored last has no look: an earlier simdex has stored it.
    fn lacks_last_look(&self) -> Result<bool, StoreError> {
        let last = self.trees.sequences.last()?;
        let lacks = last.map(|(key, _)| Ok::<_, sled::Error>(!self.trees.looks.contains_key(key)?));
        Ok(lacks.transpose()?.unwrap_or(false))
    }
}

impl Embedded {
    /// Has every picture told how it looks, in the way of the network. What is told is not told
    /// again if this is cut short.
    ///
    /// # Errors
    /// If the records or the header cannot be written.
    pub(in crate::store::embedded) fn ensure_looks(
        &mut self,
        dir: &Path,
        header: &mut Header,
        network: &Network,
    ) -> Result<(), StoreError> {
        let Some(id) = self.metadata.look_id().map(str::to_owned) else {
            return Ok(());
        };
        let counters = &self.metadata.trees.counters;
        let is_other = header.look != id;
        let is_complete = !is_other
            && !counters.contains_key(LOOKS_MISSING)?
            && !self.metadata.lacks_last_look()?;
        if !is_complete {
            if is_other && !header.look.is_empty() {
                // Another simdex must not take what is made now for its own.
                header.look.clear();
                header.write(dir)?;
            }
            if counters.get(LOOKS_OF)?.is_none_or(|of| of != id.as_bytes()) {
                self.metadata.trees.looks.clear()?;
                counters.insert(LOOKS_OF, id.as_bytes())?;
                self.metadata.records.sync()?;
            }
            self.tell_looks(network)?;
            counters.remove(LOOKS_MISSING)?;
            self.metadata.records.sync()?;
            header.look.clone_from(&id);
            header.write(dir)?;
        }
        self.identity.look = Some(id);
        Ok(())
    }

    /// Tells the looks that are missing.
    fn tell_looks(&self, network: &Network) -> Result<(), StoreError> {
        let metadata = &self.metadata;
        let looks = &metadata.trees.looks;
        let of = metadata.picture_count();
        if of > 0 {
            tracing::info!(pictures = of, "telling how the pictures look, once");
        }
        let (mut done, mut noted) = (0, Instant::now());
        let mut pictures = metadata.pictures().peekable();
        while pictures.peek().is_some() {
            let chunk: Vec<_> = pictures.by_ref().take(CHUNK).collect::<Result<_, _>>()?;
            done += chunk.len();
            let mut missing = Vec::new();
            for (sequence, id) in chunk {
                if !looks.contains_key(sequence.key())? {
                    missing.push((sequence, id));
                }
            }
            let told: Vec<_> = missing
                .par_iter()
                .map(|(_, id)| self.look_by_block(network, *id))
                .collect();
            for ((sequence, _), look) in missing.into_iter().zip(told) {
                let look = look.unwrap_or_else(|error| {
                    tracing::warn!(%error, "how a picture looks is not told");
                    None
                });
                // Nothing stands for a picture without a look, so that it is not tried again.
                let bytes = look.as_ref().map_or(&[][..], LookDescriptor::bytes);
                looks.insert(sequence.key(), bytes)?;
            }
            if noted.elapsed() > NOTE_EVERY {
                noted = Instant::now();
                metadata.records.sync()?;
                tracing::info!(done, of, "looks told");
            }
        }
        Ok(())
    }

    fn look_by_block(
        &self,
        network: &Network,
        id: PictureId,
    ) -> Result<Option<LookDescriptor>, StoreError> {
        let damaged = || StoreError::Damaged { picture: id };
        let location = self.metadata.block_location(id)?.ok_or_else(damaged)?;
        let block = self.blocks.read(id, location)?;
        let layout = self.identity.layouts.of_block(block.len());
        let activations = Activations::new(layout.ok_or_else(damaged)?, &block);
        Ok(network.describe_look(activations))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::conformance::fixture::{file, options, picture_id, picture_with};
    use crate::store::{PictureOutcome, Store};

    const PICTURES: u8 = 3;

    /// A store of some pictures.
    fn filled(dir: &Path) {
        let store = Store::open(dir, &options()).unwrap();
        for n in 0..PICTURES {
            let block = vec![n + 1; store.layout().block_len()];
            let picture = picture_with(block, n);
            let outcome = PictureOutcome::Picture(file(&format!("{n}.png")), picture);
            store.commit(vec![outcome]).unwrap();
        }
    }

    /// Changes the records and, if asked to, takes out of the header what it says of looks.
    fn change(dir: &Path, forget: bool, records: impl FnOnce(&sled::Tree, &sled::Tree)) {
        let db = crate::store::embedded::records::open(&dir.join("records")).unwrap();
        let open = |name: &str| db.open_tree(name).unwrap();
        records(&open("looks"), &open("counters"));
        if forget {
            let header = dir.join("store.toml");
            let text = std::fs::read_to_string(&header).unwrap();
            let lines = text.lines().filter(|line| !line.starts_with("look = "));
            std::fs::write(&header, lines.collect::<Vec<_>>().join("\n")).unwrap();
        }
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
        change(dir.path(), true, |looks, counters| {
            looks.clear().unwrap();
            counters.remove(LOOKS_OF).unwrap();
        });
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
        let id = options().network.look().unwrap().id().to_owned();
        let other =
            LookDescriptor::quantised(&vec![1.0; options().network.look().unwrap().dimensions()]);
        let interrupted = |of: &str| {
            change(dir.path(), true, |looks, counters| {
                looks.clear().unwrap();
                looks.insert(Sequence(0).key(), other.bytes()).unwrap();
                counters.insert(LOOKS_OF, of.as_bytes()).unwrap();
            });
        };
        interrupted(&id);
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
    fn what_an_earlier_simdex_has_added_gets_its_look() {
        let dir = tempfile::tempdir().unwrap();
        filled(dir.path());
        let last = Sequence(u64::from(PICTURES - 1));
        change(dir.path(), false, |looks, _| {
            assert!(looks.remove(last.key()).unwrap().is_some());
        });
        let store = Store::open(dir.path(), &options()).unwrap();
        assert_told_by_activations(&store, PICTURES - 1..PICTURES);
    }

    #[test]
    fn records_made_anew_have_the_looks_of_the_log() {
        let dir = tempfile::tempdir().unwrap();
        filled(dir.path());
        let looks = || -> Vec<_> {
            let store = Store::open(dir.path(), &options()).unwrap();
            store.looks(Sequence(0)).collect::<Result<_, _>>().unwrap()
        };
        let before = looks();
        assert_eq!(before.len(), usize::from(PICTURES));
        std::fs::remove_dir_all(dir.path().join("records")).unwrap();
        Store::repair(dir.path(), &options()).unwrap();
        assert_eq!(looks(), before);
    }
}
