//! Pictures on their way into a store, in the order of their numbers whichever comes first: so
//! that the same pictures make the same store.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::store::{NewPicture, PictureOutcome, Source, Store, StoreError};

/// Pictures that are stored at once.
const BATCH: usize = 32;

/// Takes pictures from several threads.
pub(super) struct Shelf<'a> {
    store: &'a Store,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The number that comes next.
    next: usize,
    /// Those that came before their turn; `None` is a picture that cannot be used.
    early: BTreeMap<usize, Option<PictureOutcome>>,
    batch: Vec<PictureOutcome>,
    /// Nothing is stored after it.
    failed: Option<StoreError>,
}

impl<'a> Shelf<'a> {
    pub(super) fn new(store: &'a Store) -> Self {
        Self {
            store,
            state: Mutex::default(),
        }
    }

    /// Takes the picture of a number; each number must come once.
    pub(super) fn put(&self, number: usize, path: &Path, picture: Option<NewPicture>) {
        let outcome = picture.map(|picture| {
            let file = Source::File {
                path: std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
                bytes: picture.bytes,
                modified_ns: 0,
            };
            PictureOutcome::Picture(file, Box::new(picture))
        });
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.early.insert(number, outcome);
        while let Some(outcome) = state.in_turn() {
            state.next += 1;
            state.batch.extend(outcome);
        }
        if state.batch.len() >= BATCH {
            state.store(self.store);
        }
    }

    /// Stores the rest.
    pub(super) fn finish(self) -> Result<(), StoreError> {
        let mut state = self
            .state
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        state.store(self.store);
        state.failed.map_or(Ok(()), Err)
    }
}

impl State {
    /// The one whose turn it is, if it is here.
    fn in_turn(&mut self) -> Option<Option<PictureOutcome>> {
        self.early.remove(&self.next)
    }

    fn store(&mut self, store: &Store) {
        let batch = std::mem::take(&mut self.batch);
        if self.failed.is_none() {
            self.failed = store.commit(batch).err();
        }
    }
}
